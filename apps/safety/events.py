"""What the floors above hear about harm."""

from dataclasses import dataclass

from apps.core.events import Fact


@dataclass(frozen=True, kw_only=True)
class ToxicityChanged(Fact):
    """Something that toxicity is judged by changed: an event, a dose, a laboratory value, an answer on a DLT."""

    subject: int
    record: int | None


@dataclass(frozen=True, kw_only=True)
class DltJudged(Fact):
    """The sponsor signed a decision on a possible DLT; `reverses` when it takes an earlier one back."""

    subject: int
    record: int | None
    adjudication: int
    judgement: str
    reverses: bool


@dataclass(frozen=True, kw_only=True)
class SeriousEventNoted(Fact):
    """A site answered that an event is serious: the clock of its report runs."""

    subject: int
    record: int


@dataclass(frozen=True, kw_only=True)
class SeriousEventReported(Fact):
    """A site sent the report of a serious event to the sponsor."""

    subject: int
    record: int


@dataclass(frozen=True, kw_only=True)
class SeriousEventTriaged(Fact):
    """The sponsor said how it sees a serious event: what is due at the authority may have changed."""

    subject: int
    record: int


@dataclass(frozen=True, kw_only=True)
class AuthorityReportRecorded(Fact):
    """A report on a serious event went to the authority, or what was recorded of one was corrected."""

    subject: int
    record: int
