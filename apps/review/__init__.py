"""Review of form records: queries, source data verification, review marks, freeze and lock, signatures."""
