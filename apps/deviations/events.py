"""What the floors above hear about deviations."""

from dataclasses import dataclass

from apps.core.events import Fact


@dataclass(frozen=True, kw_only=True)
class DeviationOpened(Fact):
    """A deviation was opened, or one that had been withdrawn is a fact again."""

    deviation: int
    subject: int
    category: str


@dataclass(frozen=True, kw_only=True)
class DeviationWithdrawn(Fact):
    """The fact behind a deviation was corrected."""

    deviation: int
    subject: int
    category: str
