"""From eligible to enrolled: eligibility sign-off, cohorts, slots, dose-level assignment, stagger."""
