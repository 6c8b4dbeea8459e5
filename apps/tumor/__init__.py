"""Lesions, their measurements and the responses they make, by evaluator; RECIST is computed in `clinical.recist`.

Adverse events, administrations and the decisions drawn from responses belong to other floors.
"""
