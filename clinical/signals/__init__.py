"""Safety signals: rules that turn facts of a running trial into a warning that names who must look, and why.

Here: one pure function a rule, the values they return, and the registry that protocol files are checked against.
Not here: who is told, by what channel and when a rule runs; that is the business of the `alerts` room.
"""
