"""My work: what waits for this person, as blocks of at most eight rows that lead to the very thing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from apps.alerts import selectors as alerts
from apps.core.action import Action
from apps.core.actor import Actor
from apps.enrollment import selectors as enrollment
from apps.review import selectors as queries
from apps.review import worklists
from apps.review.models import QueryState
from apps.study.models import Study
from apps.visits.models import EntryState, FormRecord, Visit, VisitStatus

BLOCK_ROWS = 8


@dataclass(frozen=True)
class WorkRow:
    """One line: what it is about, where it leads, and how urgent it is in words."""

    about: str
    what: str
    url: str
    when: str = ""
    tone: str = "muted"


@dataclass(frozen=True)
class Block:
    """A table of the start page. `total` is the number behind `more_url`."""

    title: str
    rows: list[WorkRow]
    total: int
    more_url: str = ""
    empty: str = "Nothing waits here."


@dataclass(frozen=True)
class _Desk:
    """What the blocks are made from."""

    study: Study
    actor: Actor
    now: datetime

    def url(self, name: str, *, query: str = "", **kwargs: Any) -> str:
        address = reverse(name, kwargs={"study": self.study.code, **kwargs})
        return f"{address}?{query}" if query else address


def blocks(*, study: Study, actor: Actor, now: datetime) -> list[Block]:
    """The blocks that the person's roles can act on, most urgent first."""
    desk = _Desk(study, actor, now)
    offered: tuple[tuple[Action, Callable[[_Desk], Block]], ...] = (
        (Action.READ_ALERTS, _alerts),
        (Action.RELEASE_SLOT, _slots),
        (Action.ENTER_DATA, _visits),
        (Action.ANSWER_QUERY, _queries_to_answer),
        (Action.ENTER_DATA, _forms),
        (Action.SIGN_RECORDS, _unsigned),
        (Action.CLOSE_QUERY, _queries_to_close),
        (Action.VERIFY_SOURCE, _to_verify),
    )
    return [make(desk) for action, make in offered if actor.may(action)]


def _of(
    title: str, found: QuerySet[Any], row: Callable[[Any], WorkRow], *, more_url: str = "", empty: str = ""
) -> Block:
    """A block of a queryset: its first rows and its count, two queries."""
    return Block(
        title, [row(each) for each in found[:BLOCK_ROWS]], found.count(), more_url, empty or "Nothing waits here."
    )


def _alerts(desk: _Desk) -> Block:
    def row(alert: Any) -> WorkRow:
        return WorkRow(
            about=alert.subject.number if alert.subject else desk.study.code,
            what=alert.sentence,
            url=desk.url("alert", alert=alert.pk),
            when=f"{alert.get_severity_display()}, {alert.raised_at:%d-%b-%Y %H:%M} UTC",
            tone="error",
        )

    found = alerts.open_alerts(desk.actor).select_related("subject")
    return _of("Safety alerts", found, row, more_url=desk.url("alerts"), empty="No safety signal waits.")


def _slots(desk: _Desk) -> Block:
    def row(slot: Any) -> WorkRow:
        return WorkRow(slot.subject.number, f"place in {slot.cohort.code}", desk.url("enrolment"), tone="warn")

    found = enrollment.to_release(actor=desk.actor)
    return _of("Places to release", found, row, more_url=desk.url("enrolment"))


def _visits(desk: _Desk) -> Block:
    def row(visit: Visit) -> WorkRow:
        late = visit.window_to is not None and visit.window_to < desk.now.date()
        return WorkRow(
            visit.subject.number,
            visit.name,
            desk.url("visit", number=visit.subject.number, code=visit.code),
            when="overdue, window ended " + f"{visit.window_to:%d-%b-%Y}" if late else _window(visit),
            tone="error" if late else "muted",
        )

    due: QuerySet[Visit] = (
        Visit.objects.visible_to(desk.actor)
        .filter(study_id=desk.study.pk, status=VisitStatus.PLANNED, planned_date__isnull=False)
        .select_related("subject")
        .order_by("window_to", "planned_date", "subject__number")
    )
    return _of("Visits due", due, row, more_url=desk.url("subjects"), empty="No visit is planned yet.")


def _window(visit: Visit) -> str:
    if visit.window_from is None or visit.window_to is None:
        return f"planned {visit.planned_date:%d-%b-%Y}"
    if visit.window_from == visit.window_to:
        return f"on {visit.window_to:%d-%b-%Y}"
    return f"{visit.window_from:%d-%b-%Y} to {visit.window_to:%d-%b-%Y}"


def _queries_to_answer(desk: _Desk) -> Block:
    return _queries(desk, "Open queries", QueryState.OPEN)


def _queries_to_close(desk: _Desk) -> Block:
    return _queries(desk, "Answered queries", QueryState.ANSWERED)


def _queries(desk: _Desk, title: str, state: QueryState) -> Block:
    def row(query: Any) -> WorkRow:
        days = (desk.now - (query.opened_at or query.raised_at)).days
        return WorkRow(
            query.subject.number,
            f"{query.label}: {query.text}",
            desk.url("query", number=query.number),
            when="today" if days < 1 else f"{days} day{'s' * (days != 1)}",
            tone="query",
        )

    found = queries.queries(actor=desk.actor).filter(state=state).select_related("subject").order_by("opened_at")
    return _of(title, found, row, more_url=desk.url("queries", query=f"state={state.value}"))


def _forms(desk: _Desk) -> Block:
    begun: QuerySet[FormRecord] = (
        FormRecord.objects.visible_to(desk.actor)
        .filter(study_id=desk.study.pk, state=EntryState.IN_PROGRESS)
        .select_related("subject", "visit")
        .prefetch_related("protocol_version")
        .order_by("opened_at", "pk")
    )
    return _of("Forms to finish", begun, lambda record: _form_row(desk, record))


def _form_row(desk: _Desk, record: FormRecord) -> WorkRow:
    title = record.protocol_version.definition.form(record.form).title
    where = record.visit.name if record.visit else f"entry {record.repeat}"
    return WorkRow(record.subject.number, f"{title}, {where}", desk.url("record", record=record.pk))


def _unsigned(desk: _Desk) -> Block:
    ready = worklists.signature_queue(actor=desk.actor, filters=worklists.RecordFilter())
    return _listed(desk, "To sign", [each.record for each in ready], desk.url("signature_queue"))


def _to_verify(desk: _Desk) -> Block:
    waiting, _ = worklists.verification_worklist(actor=desk.actor, filters=worklists.RecordFilter())
    return _listed(desk, "To verify", [each.record for each in waiting], desk.url("verification"))


def _listed(desk: _Desk, title: str, records: Iterable[FormRecord], more_url: str) -> Block:
    found = list(records)
    return Block(title, [_form_row(desk, record) for record in found[:BLOCK_ROWS]], len(found), more_url)
