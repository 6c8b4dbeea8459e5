"""The tables of a small trial from its subject-level data: disposition, safety, response, time to event.

Here: reading the data, deriving each subject's outcome, counting, and the tables as rows ready to print.
Not here: rules on single lesions (`clinical.recist`) and the curve itself (`clinical.survival`).
"""
