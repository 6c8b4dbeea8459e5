"""Screening: consent pages, criteria, demographics, histories, biomarkers, screen failure and screening again."""
