"""Bringing a running study over: SDTM-shaped files in, casebooks out, through the same services as entry by hand.

`source` reads files, `mapping` says which page and field each row belongs to, `bringing` enters them.
"""
