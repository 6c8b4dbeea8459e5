"""What the floors above hear about enrolment."""

from dataclasses import dataclass

from apps.core.events import Fact


@dataclass(frozen=True, kw_only=True)
class GateSigned(Fact):
    """An investigator signed the criteria of a gate."""

    subject: int
    gate: str


@dataclass(frozen=True, kw_only=True)
class SlotMoved(Fact):
    """A subject's place was asked for, reserved, confirmed, dosed or ended."""

    subject: int
    slot: int
    cohort: int
    state: str


@dataclass(frozen=True, kw_only=True)
class SlotReleased(Fact):
    """The medical monitor released a slot for dosing, or refused to."""

    subject: int
    slot: int
    is_released: bool
