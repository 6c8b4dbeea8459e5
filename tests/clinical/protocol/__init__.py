"""A trial as data."""
