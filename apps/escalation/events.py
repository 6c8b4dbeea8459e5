"""What the floors above hear about dose decisions. They concern the study; the site is only where the row is kept."""

from dataclasses import dataclass

from apps.core.events import Fact


@dataclass(frozen=True, kw_only=True)
class DoseDecisionSigned(Fact):
    """The committee signed a decision on a cohort."""

    decision: int
    cohort: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class DoseDecisionQuestioned(Fact):
    """A judgement on a DLT that a signed decision rested on was taken back. Everybody who signed is to be told."""

    decision: int
    adjudication: int
    subject: int


@dataclass(frozen=True, kw_only=True)
class CohortHeld(Fact):
    """The outcomes so far close a cohort's places, whatever is still to come; no signature is waited for."""

    cohort: int
    advice: str


@dataclass(frozen=True, kw_only=True)
class CohortReleased(Fact):
    """What had closed a cohort's places is settled."""

    cohort: int
