"""Dose-escalation designs: the state of a trial in, advice with its numbers and its reason out; one design a file.

The committee decides and the web layer records it; nothing here moves a dose, reads a clock or knows a user.
"""
