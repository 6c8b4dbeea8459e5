"""Dose-limiting toxicity: a protocol's criteria as data, the DLT window, and whether a subject can be counted.

What an event's grade is belongs to `clinical.ctcae` and `clinical.astct`; what the counts mean for the next
dose to `clinical.escalation`.
"""
