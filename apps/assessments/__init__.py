"""Visit procedures that are not laboratory tests: vital signs, performance status, ECG, concomitant medication."""
