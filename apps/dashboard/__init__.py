"""Each role's start page, the trial's plots and tables, and the pages made of many rooms.

Nothing is stored here: a page asks the rooms below and the rules of `clinical`.
"""
