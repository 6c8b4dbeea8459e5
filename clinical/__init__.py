"""Rules an oncologist or statistician would check: pure functions over frozen values, each citing its source.

No Django, no database, no clock, no network here; whatever a rule needs is handed to it.
"""
