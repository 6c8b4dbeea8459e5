"""What the response figures show: which subject becomes which mark, in which order, and who is left out and why.

Here: subjects' courses in, marks in percent and days out. Not here: how a mark is drawn, where the courses are stored.
"""
