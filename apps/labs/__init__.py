"""Laboratories, their normal ranges, results as reported and the grades they make.

How a value is graded and converted is said in `clinical.ctcae` and `clinical.units`; adverse events are `safety`.
"""
