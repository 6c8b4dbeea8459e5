"""The published SDTM tables as data, written by `scripts/sdtm_metadata.py`; nothing is edited here by hand."""
