"""The pages of review, one module a subject."""
