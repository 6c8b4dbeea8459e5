"""Adverse events, serious ones and their clocks, DLT assessment, CRS and ICANS: what an investigator reports of harm.

What makes a grade or a DLT is said in `clinical.ctcae`, `clinical.astct` and `clinical.dlt`; signals are `alerts`.
"""
