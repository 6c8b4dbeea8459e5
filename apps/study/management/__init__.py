"""Commands of the study floor."""
