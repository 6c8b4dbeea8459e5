"""CTCAE as published by the NCI: the terms of each version, and the grades that a laboratory value makes by itself.

Here: what a version of CTCAE says (`terms`, `criteria`), what a value becomes under it (`grading`) and which analyte
opens which term (`panel`). Not here: what a protocol makes of a grade (`dlt`), ASTCT grades of CRS and ICANS (`astct`).
"""
