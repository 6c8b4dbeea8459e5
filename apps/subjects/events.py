"""What the floors above hear about subjects."""

from dataclasses import dataclass

from apps.core.events import Fact


@dataclass(frozen=True, kw_only=True)
class SubjectEntered(Fact):
    """A new subject has a screening number."""

    subject: int


@dataclass(frozen=True, kw_only=True)
class StatusChanged(Fact):
    """A subject moved along the trial."""

    subject: int
    status: str
