"""The Django apps, stacked in floors; imports and foreign keys point down only (`docs/architecture.md`)."""
