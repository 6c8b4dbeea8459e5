"""Tumor response by RECIST 1.1 and iRECIST: lesions and scans in, responses and endpoints with their reasons out.

What a trial may choose is in `settings`; who may see or sign a response belongs to the web rooms.
"""
