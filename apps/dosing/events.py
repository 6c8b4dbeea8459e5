"""What the floors above hear about doses."""

from dataclasses import dataclass

from apps.core.events import Fact


@dataclass(frozen=True, kw_only=True)
class DoseRecorded(Fact):
    """A dose was recorded, corrected or found not to have been given; recompute from the data."""

    subject: int
    record: int
    product: str
