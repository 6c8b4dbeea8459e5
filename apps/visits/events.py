"""What the form records tell the floors above."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Self

from apps.core.events import Fact
from apps.subjects.models import Subject
from apps.visits.models import FormRecord


@dataclass(frozen=True, kw_only=True)
class RecordFact(Fact):
    """Something happened to a form record."""

    record: int
    subject: int
    page: str
    form: str

    @classmethod
    def of(cls, record: FormRecord, *, at: datetime, **more: Any) -> Self:
        """The fact about a record at hand, which those who follow in the same transaction then find loaded."""
        fact = cls(
            study_id=record.study_id,
            site_id=record.site_id,
            at=at,
            record=record.pk,
            subject=record.subject_id,
            page=record.page,
            form=record.form,
            **more,
        )
        fact.__dict__["loaded_record"] = record
        return fact

    @cached_property
    def loaded_record(self) -> FormRecord:
        """The record with its site, visit and protocol version: one read for all who follow the fact at once."""
        return FormRecord.objects.select_related("site", "visit", "protocol_version").get(pk=self.record)

    @cached_property
    def loaded_subject(self) -> Subject:
        """The subject with its site and protocol version, read once likewise. Its status is asked anew where it counts:
        one who follows may have moved it."""
        return Subject.objects.select_related("site", "protocol_version").get(pk=self.subject)


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
