"""Visits planned from the protocol's schedule, and the form record: one row per CRF page.

Higher floors register the typed pages (`pages.register`) and hear of changes through `events`; entry, autosave,
completion, versions and the page's address are all here, once, for every page.
"""
