"""Safety signals: the rules of the protocol evaluated in the background, and the people they reach.

The rules themselves are `clinical/signals`.
"""
