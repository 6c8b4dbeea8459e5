"""What the floors above hear about laboratory results."""

from dataclasses import dataclass

from apps.core.events import Fact


@dataclass(frozen=True, kw_only=True)
class LabGradesChanged(Fact):
    """Flags or grades of a subject's results are no longer what they were, whatever made them change."""

    subject: int
    results: tuple[int, ...]
