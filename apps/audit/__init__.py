"""The audit trail: who changed what, when, where and why; its chain and the reading of it.

Rows are written by database triggers in the transaction of the change. Nothing here writes them.
"""
