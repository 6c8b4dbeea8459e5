"""Entering one subject's casebook as the site does: visits held, pages typed, completed or declared not done."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from apps.access.roles import Role
from apps.demo.stage import Stage
from apps.study.models import Site
from apps.subjects.models import Subject
from apps.visits import schedule
from apps.visits import services as entry
from apps.visits.models import EntryState, FormRecord, Visit
from clinical.partial_date import PartialDate


@dataclass
class Casebook:
    """One subject's pages, and who the subject is, as far as the story needs it."""

    stage: Stage
    subject: Subject
    site: Site
    chance: Random
    sex: str
    weight: int
    product: str
    """The product whose dose is escalated."""
    visits: dict[str, Visit] = field(default_factory=dict)

    def day(self, day: int) -> str:
        """The date so many days from the demo's today, as typed."""
        return (self.stage.today + timedelta(days=day)).isoformat()

    def refresh(self) -> Subject:
        """The subject as stored now."""
        with self.stage.acting(Role.COORDINATOR, self.site):
            self.subject = Subject.objects.select_related("site", "study", "protocol_version").get(pk=self.subject.pk)
            return self.subject

    def hold_visit(self, code: str, day: int, at: datetime) -> Visit:
        """Record that a visit took place and open its pages."""
        with self.stage.acting(Role.COORDINATOR, self.site) as actor:
            planned = Visit.objects.select_related("subject__protocol_version", "site").get(
                subject=self.subject, code=code
            )
            took_place = PartialDate.of(self.stage.today + timedelta(days=day))
            self.visits[code] = schedule.start_visit(actor=actor, visit=planned, took_place=took_place, at=at)
            return self.visits[code]

    def miss_visit(self, code: str, why: str, at: datetime) -> None:
        with self.stage.acting(Role.COORDINATOR, self.site) as actor:
            planned = Visit.objects.select_related("subject__protocol_version", "site").get(
                subject=self.subject, code=code
            )
            schedule.miss_visit(actor=actor, visit=planned, why=why, skipped=False, at=at)

    def records(self, code: str) -> list[FormRecord]:
        """The pages of a visit, the visit's own before those of its time points."""
        found = FormRecord.objects.select_related(
            "site", "visit", "subject", "protocol_version", "administration"
        ).filter(subject=self.subject, visit__code=code)
        with self.stage.acting(Role.COORDINATOR, self.site):
            return list(found.order_by("pk"))

    def record(self, code: str, form: str, repeat: int = 1) -> FormRecord:
        return next(each for each in self.records(code) if (each.form, each.repeat) == (form, repeat))

    def fill(
        self,
        record: FormRecord,
        texts: dict[str, str],
        at: datetime,
        *,
        complete: bool = True,
        by: Role = Role.COORDINATOR,
        reason: str = "",
    ) -> FormRecord:
        """Type values into a page and complete it."""
        with self.stage.acting(by, self.site) as actor:
            record = entry.save_values(actor=actor, record=record, texts=texts, at=at, reason=reason)
            if complete:
                record = entry.complete_record(actor=actor, record=record, at=at)
            return record

    def not_done(self, record: FormRecord, why: str, at: datetime) -> None:
        if record.state == EntryState.EXPECTED:
            with self.stage.acting(Role.COORDINATOR, self.site) as actor:
                entry.mark_not_done(actor=actor, record=record, why=why, at=at)

    def log(self, form: str, texts: dict[str, str], at: datetime, *, complete: bool = True) -> FormRecord:
        """A new entry of a log."""
        with self.stage.acting(Role.COORDINATOR, self.site) as actor:
            record = entry.open_record(
                actor=actor,
                subject=self.subject,
                form=form,
                visit=None,
                protocol_version=self.subject.protocol_version,
                at=at,
            )
        return self.fill(record, texts, at, complete=complete)
