"""SDTM datasets as pure rules: facts of a trial in, submission datasets out, and the check that they conform.

Here belong the implementation guide's tables, the mapping of facts to rows, and the transport format. Where the facts
come from (database, cut, user) belongs to `apps.exports`.
"""
