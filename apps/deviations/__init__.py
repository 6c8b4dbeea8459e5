"""Protocol deviations: a log of their own, opened by the system or by hand."""
