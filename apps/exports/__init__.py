"""Data out: datasets, data cuts, listings, the bringing over of running studies.

The mapping of facts to datasets is `clinical/sdtm`; this floor reads the facts and runs the jobs.
"""
