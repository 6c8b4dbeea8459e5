"""What the form records tell the floors above."""

from dataclasses import dataclass

from apps.core.events import Fact


@dataclass(frozen=True, kw_only=True)
class RecordFact(Fact):
    """Something happened to a form record."""

    record: int
    subject: int
    page: str
    form: str


@dataclass(frozen=True, kw_only=True)
class RecordOpened(RecordFact):
    """An expected page or a log entry came into being."""


@dataclass(frozen=True, kw_only=True)
class ValuesChanged(RecordFact):
    """Captured values changed at these paths."""

    paths: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ValueConfirmed(RecordFact):
    """Somebody said why the value that a check asks about is right."""

    path: str
    check: str
    why: str


@dataclass(frozen=True, kw_only=True)
class RecordCompleted(RecordFact):
    """The page was completed; `unanswered` names the confirm checks nobody answered: (path, check, sentence)."""

    unanswered: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class RecordNotDone(RecordFact):
    """The page was declared not done."""


@dataclass(frozen=True, kw_only=True)
class RecordRemoved(RecordFact):
    """A log entry was removed with a reason."""


@dataclass(frozen=True, kw_only=True)
class VisitStarted(Fact):
    """A visit took place."""

    visit: int
    subject: int


@dataclass(frozen=True, kw_only=True)
class VisitMissed(Fact):
    """A visit did not take place."""

    visit: int
    subject: int


@dataclass(frozen=True, kw_only=True)
class AnchorMoved(Fact):
    """A named moment of a subject (first dose, infusion) became known or changed."""

    subject: int
    name: str
