"""Studies, sites and protocol versions."""
