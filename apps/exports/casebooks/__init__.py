"""From the rooms' tables to the facts of the datasets: one file a group of facts, nothing decided about datasets.

Where each captured field goes is the table in `apps/exports/targets.py`; how facts become datasets is `clinical/sdtm`.
"""
