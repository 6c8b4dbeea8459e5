"""What a design says to the dose-escalation committee, in one form for every design."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from clinical.escalation.trial import Trial


class Action(StrEnum):
    """What a design may advise. *Wait* needs time or subjects, *suspend* closes enrolment until outcomes are known."""

    ESCALATE = "escalate"
    STAY = "stay"
    EXPAND = "expand"
    DE_ESCALATE = "de-escalate"
    STOP = "stop"
    WAIT = "wait"
    SUSPEND = "suspend"


@dataclass(frozen=True)
class Advice:
    """Advice on the next subjects: what to do, at which level, on which numbers, and why.

    `level` is where the next subjects would be treated (with *stop*, *wait* and *suspend*: the level just judged).
    `places` is how many subjects the advice asks for there now; none are asked for while slots are closed.
    `is_for_safety` marks a move toward less dose, which acts at once whoever is still in the DLT period.
    `eliminates` are the levels that the data now rule out, over and above those already eliminated.
    `mtd` is set when the design ends the trial with an estimate: an ended trial without one found no tolerable level.

    >>> str(Advice(Action.DE_ESCALATE, level=1, reason="2 of 3 subjects at level 2 had a DLT."))
    'de-escalate to 1'
    """

    action: Action
    level: int
    reason: str
    places: int = 0
    is_for_safety: bool = False
    eliminates: frozenset[int] = frozenset()
    mtd: int | None = None
    numbers: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))

    def __str__(self) -> str:
        match self.action:
            case Action.ESCALATE | Action.DE_ESCALATE:
                return f"{self.action} to {self.level}"
            case Action.STAY:
                return f"stay at {self.level}"
            case Action.EXPAND:
                return f"expand {self.level}"
            case _:
                return str(self.action)


class Design(Protocol):
    """A dose-escalation design with its parameters chosen."""

    def advise(self, trial: Trial) -> Advice:
        """The advice for the trial as it stands."""
