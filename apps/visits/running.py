"""What runs on between visits: the ongoing entries of a subject's logs, and that a visit asked about each of them.

The floors that keep a log say which of its entries run on and in which words. An answer never touches the entry.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db import transaction
from django.db.models import Max

from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.refusal import Refusal
from apps.subjects.models import Subject
from apps.visits import schedule
from apps.visits.models import FormRecord, PathVersion, RunningAnswer, RunningCheck, Visit, VisitStatus
from clinical.partial_date import Order, PartialDate
from clinical.protocol.pages import Form, Page


class NotHeld(Refusal):
    """The visit did not take place (yet)."""


class NotRunning(Refusal):
    """The entry is not, or no longer, one to ask about at this visit."""


@dataclass(frozen=True)
class LogEntry:
    """An entry of a log as it stands now: what it is called, its grade or dose in words, since when it runs."""

    record: FormRecord
    name: str
    now: str
    since: PartialDate | None
    is_running: bool


Entries = Callable[[Subject], Iterable[LogEntry]]
_logs: dict[str, Entries] = {}


def provide(page: Page, entries: Entries) -> None:
    """Register a log whose entries run on, by its page; removed ones left out. Call it from the app's `ready()`."""
    _logs[page.value] = entries


@dataclass(frozen=True)
class RunningRow:
    """A running entry at a visit, and what was heard of it there."""

    entry: LogEntry
    check: RunningCheck | None
    was_edited_after: bool

    @property
    def is_open(self) -> bool:
        """Whether the entry still takes an answer."""
        return not self.entry.record.is_locked

    @property
    def waits(self) -> bool:
        """Whether nobody has said anything of it at this visit."""
        return self.is_open and self.check is None

    @property
    def may_be_unchanged(self) -> bool:
        """Whether to offer that it has not changed: not where that was just said."""
        return self.is_open and (self.check is None or self.check.answer != RunningAnswer.NO_CHANGE)

    @property
    def may_have_changed(self) -> bool:
        return self.is_open and (self.check is None or self.check.answer != RunningAnswer.CHANGED)


@dataclass(frozen=True)
class SinceLastVisit:
    """What to ask about at a visit, log by log, and the last visit before it."""

    last: Visit | None
    logs: list[tuple[Form, list[RunningRow]]]
    may_answer: bool

    @cached_property
    def waiting(self) -> list[int]:
        """The entries nobody has said anything of yet."""
        return [row.entry.record.pk for _, rows in self.logs for row in rows if row.waits]


def since_last_visit(visit: Visit, *, actor: Actor) -> SinceLastVisit | None:
    """What runs on and is to be asked about at a visit that takes place; None where there is nothing to ask.

    The protocol names the logs of each visit; a visit that nobody planned has them all. An entry that began after the
    visit is none of its business; one that ended because of what was heard at it stays to be seen.
    """
    logs = _logs_of(visit) if visit.status == VisitStatus.STARTED else []
    if not logs:
        return None
    before = Visit.objects.filter(subject=visit.subject, status=VisitStatus.STARTED, number__lt=visit.number)
    return SinceLastVisit(
        last=before.order_by("-number").first(),
        logs=logs,
        may_answer=actor.may(Action.ENTER_DATA, at=visit.site_id),
    )


@transaction.atomic
def answer_about_running(
    *, actor: Actor, visit: Visit, records: Collection[int], answer: RunningAnswer, at: datetime
) -> list[RunningCheck]:
    """Keep what was heard at a visit of running entries (by the keys of their records): all of them, or nothing.

    The same answer twice is kept once, unless the entry was edited in between.
    """
    actor.require(Action.ENTER_DATA, at=visit.site_id)
    visit = Visit.objects.select_for_update(of=("self",)).select_related("subject__protocol_version").get(pk=visit.pk)
    if visit.status != VisitStatus.STARTED:
        raise NotHeld(f"{visit.name} has not taken place. Start the visit first, then say what has changed.")
    rows = {row.entry.record.pk: row for _, rows in _logs_of(visit) for row in rows if row.is_open}
    if not records or any(key not in rows for key in records):
        raise NotRunning("An entry chosen here does not run on any more, or is locked. Look through the list again.")
    said_before = {
        key for key, row in rows.items() if row.check and row.check.answer == answer and not row.was_edited_after
    }
    return RunningCheck.objects.bulk_create(
        RunningCheck(
            site_id=visit.site_id,
            visit=visit,
            record_id=key,
            answer=answer,
            answered_by_id=actor.user_id,
            answered_by_name=actor.name,
            answered_at=at,
        )
        for key in dict.fromkeys(records)
        if key not in said_before
    )


def _logs_of(visit: Visit) -> list[tuple[Form, list[RunningRow]]]:
    """The logs to look through at the visit that have anything to ask about."""
    definition, planned = visit.subject.protocol_version.definition, schedule.planned_visit(visit)
    codes = [form.code for form in definition.forms if form.is_log] if planned is None else planned.logs
    checks = {
        check.record_id: check for check in RunningCheck.objects.filter(visit=visit).order_by("pk")
    }  # the newest of each entry, being the last
    found = []
    for form in (definition.form(code) for code in codes):
        entries = [
            entry
            for entry in _logs.get(form.page.value, _no_entries)(visit.subject)
            if entry.record.form == form.code and (entry.record.pk in checks or _runs_at(entry, visit))
        ]
        if entries:
            found.append((form, _rows(entries, checks)))
    return found


def _no_entries(subject: Subject) -> Iterable[LogEntry]:
    return ()


def _runs_at(entry: LogEntry, visit: Visit) -> bool:
    """Whether the entry runs on and had begun by the day of the visit, as far as its date says."""
    return entry.is_running and (entry.since is None or entry.since.compare(visit.took_place) is not Order.AFTER)


def _rows(entries: list[LogEntry], checks: dict[int, RunningCheck]) -> list[RunningRow]:
    keys = [entry.record.pk for entry in entries if entry.record.pk in checks]
    edited = dict(
        PathVersion.objects.filter(record__in=keys).values_list("record_id").annotate(last=Max("changed_at")).order_by()
    )
    return [
        RunningRow(
            entry=entry,
            check=(check := checks.get(entry.record.pk)),
            was_edited_after=check is not None
            and entry.record.pk in edited
            and edited[entry.record.pk] > check.answered_at,
        )
        for entry in entries
    ]
