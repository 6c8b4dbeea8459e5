"""Tests of the DLT rules."""
