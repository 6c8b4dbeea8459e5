"""A trial as data: a protocol file read into one frozen definition, its faults in words, what an amendment changes.

No trial is known here by name: what is true of one trial only stands in its file under `protocols/`.
"""
