"""Cohort review: the counts of a dose level, the design's advice on them, and the committee's signed decision.

The rules are in `clinical/escalation`; who is in which cohort belongs to enrollment, what a DLT is to safety.
"""
