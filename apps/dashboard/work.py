"""My work: what waits for this person, as blocks of at most eight rows that lead to the very thing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from apps.alerts import selectors as alerts
from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.in_print import in_print
from apps.enrollment import selectors as enrollment
from apps.review import selectors as queries
from apps.review import worklists
from apps.review.models import QueryState
from apps.study.models import Study
from apps.subjects.models import Status
from apps.visits.models import EntryState, FormRecord, Visit, VisitStatus

BLOCK_ROWS = 8
WHOLE_ROWS = 500
DUE_AHEAD = timedelta(days=14)
"""How long before its window opens a visit is on the start page."""
NO_MORE_VISITS = (Status.SCREEN_FAILED, Status.COMPLETED, Status.DIED)
"""Where a subject stands when no planned visit will be held any more."""


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
    more_url: str
    empty: str


@dataclass(frozen=True)
class _Desk:
    """What the blocks are made from."""

    study: Study
    actor: Actor
    now: datetime
    whole: str
    """The one block that the address asks for in full."""

    def whole_url(self, block: str) -> str:
        return self.url("my_work", query=f"all={block}")

    def shown(self, found: QuerySet[Any], block: str) -> QuerySet[Any]:
        return found[:WHOLE_ROWS] if self.whole == block else found[:BLOCK_ROWS]

    def url(self, name: str, *, query: str = "", **kwargs: Any) -> str:
        address = reverse(name, kwargs={"study": self.study.code, **kwargs})
        return f"{address}?{query}" if query else address


def blocks(*, study: Study, actor: Actor, now: datetime, whole: str = "") -> list[Block]:
    """The blocks that the person's roles can act on, most urgent first; one of them in full if asked for."""
    desk = _Desk(study, actor, now, whole)
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


def _of(title: str, found: QuerySet[Any], row: Callable[[Any], WorkRow], *, more_url: str, empty: str) -> Block:
    """A block of a queryset: its first rows and its count, two queries."""
    return Block(title, [row(each) for each in found[:BLOCK_ROWS]], found.count(), more_url, empty)


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
        address = desk.url("subject_enrolment", number=slot.subject.number)
        until = f"reserved until {slot.expires_at.astimezone(slot.site.zone_info):%d-%b-%Y %H:%M}"
        return WorkRow(slot.subject.number, f"Place in {slot.cohort.title}", f"{address}#release", until, tone="warn")

    found = enrollment.to_release(actor=desk.actor)
    empty = "No slot waits for your release. One appears here when a site has reserved it."
    return _of("Slots to release", found, row, more_url=desk.url("slots"), empty=empty)


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

    planned: QuerySet[Visit] = (
        Visit.objects.visible_to(desk.actor)
        .filter(study_id=desk.study.pk, status=VisitStatus.PLANNED, planned_date__isnull=False)
        .exclude(subject__status__in=NO_MORE_VISITS)
        .select_related("subject")
        .order_by("window_to", "planned_date", "subject__number", "pk")
    )
    due = planned.filter(window_from__lte=desk.now.date() + DUE_AHEAD)
    following = planned.first()
    empty = "No visit is due in the next two weeks. "
    empty += (
        f"The next one: {following.subject.number}, {following.name}, {_window(following)}."
        if following is not None
        else "Visits are planned from a subject's consent and doses."
    )
    found = [row(visit) for visit in desk.shown(due, "visits")]
    return Block("Visits due", found, due.count(), desk.whole_url("visits"), empty)


def _window(visit: Visit) -> str:
    if visit.window_from is None or visit.window_to is None:
        return f"planned {visit.planned_date:%d-%b-%Y}"
    if visit.window_from == visit.window_to:
        return f"on {visit.window_to:%d-%b-%Y}"
    return f"{visit.window_from:%d-%b-%Y} to {visit.window_to:%d-%b-%Y}"


def _queries_to_answer(desk: _Desk) -> Block:
    return _queries(desk, "Open queries", QueryState.OPEN, "No query waits for your answer.")


def _queries_to_close(desk: _Desk) -> Block:
    empty = "No answer waits to be read. A query comes here when the site has answered it."
    return _queries(desk, "Answered queries", QueryState.ANSWERED, empty)


def _queries(desk: _Desk, title: str, state: QueryState, empty: str) -> Block:
    def row(query: Any) -> WorkRow:
        return WorkRow(
            query.subject.number,
            in_print(f"{query.label}: {query.text}"),
            desk.url("query", number=query.number),
            when=_since(query, desk.now),
            tone="query",
        )

    found = queries.with_age(queries.queries(actor=desk.actor), now=desk.now).filter(state=state)
    order = ("answered_at", "number") if state is QueryState.ANSWERED else ("-age", "number")
    return _of(
        title,
        found.select_related("subject").order_by(*order),
        row,
        more_url=desk.url("queries", query=f"state={state.value}"),
        empty=empty,
    )


def _since(query: Any, now: datetime) -> str:
    """How long it waits for who is next: the site while it is open, whoever asked once it is answered."""
    waits = now - query.answered_at if query.state == QueryState.ANSWERED and query.answered_at else query.age
    verb = "answered" if query.state == QueryState.ANSWERED else "open"
    if waits.days < 1:
        return f"{verb} today" if verb == "answered" else "open since today"
    days = f"{waits.days} day{'s' * (waits.days != 1)}"
    return f"answered {days} ago" if verb == "answered" else f"open for {days}"


def _forms(desk: _Desk) -> Block:
    begun: QuerySet[FormRecord] = (
        FormRecord.objects.visible_to(desk.actor)
        .filter(study_id=desk.study.pk, state=EntryState.IN_PROGRESS)
        .select_related("subject", "visit")
        .prefetch_related("protocol_version")
        .order_by("opened_at", "pk")
    )
    found = [_form_row(desk, record) for record in desk.shown(begun, "forms")]
    empty = "No form is half filled. Forms not begun yet are at their visits."
    return Block("Forms begun", found, begun.count(), desk.whole_url("forms"), empty)


def _form_row(desk: _Desk, record: FormRecord) -> WorkRow:
    title = record.protocol_version.definition.form(record.form).title
    where = record.visit.name if record.visit else f"entry {record.repeat}"
    return WorkRow(record.subject.number, f"{title}, {where}", desk.url("record", record=record.pk))


def _unsigned(desk: _Desk) -> Block:
    ready = worklists.to_sign(actor=desk.actor, filters=worklists.RecordFilter())
    empty = "Nothing waits for your signature. Forms come here when they are complete and their queries answered."
    return _listed(desk, "To sign", ready[:BLOCK_ROWS], ready.count(), desk.url("signature_queue"), empty)


def _to_verify(desk: _Desk) -> Block:
    waiting = worklists.verification_worklist(actor=desk.actor, filters=worklists.RecordFilter())
    first = [each.record for each in waiting.rows(waiting.keys[:BLOCK_ROWS], actor=desk.actor)]
    empty = "Nothing waits for verification. Forms that the plan asks for come here when they are complete."
    return _listed(desk, "To verify", first, len(waiting.keys), desk.url("verification"), empty)


def _listed(desk: _Desk, title: str, first: Iterable[FormRecord], count: int, more_url: str, empty: str) -> Block:
    return Block(title, [_form_row(desk, record) for record in first], count, more_url, empty)
