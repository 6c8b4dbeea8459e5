"""One file per SDTM domain: what of a subject's casebook goes where.

Derivations that several domains share (study day, sequence number, epoch) are in `clinical.sdtm.derivations`.
"""
