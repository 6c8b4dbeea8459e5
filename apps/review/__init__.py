"""Review of form records: queries, source data verification, review marks, freeze and lock, electronic signatures.

Values themselves are `visits`; what a finding means clinically is the room that owns the page.
"""
