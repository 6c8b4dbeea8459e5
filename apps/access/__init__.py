"""Who may do what, where: roles, memberships, and the wall between sites.

The matrix of role and action is `roles.py`; the Actor of a request is built here from memberships.
"""
