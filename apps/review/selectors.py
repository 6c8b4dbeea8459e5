"""Questions about queries, for pages here and on the floors above."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Count, DurationField, ExpressionWrapper, F, Q, QuerySet, Value, When
from django.http import Http404

from apps.core.action import Action
from apps.core.actor import Actor
from apps.review import transitions
from apps.review.models import UNRESOLVED, Act, Group, Query, QueryMessage, QueryState
from apps.visits.models import FormRecord


@dataclass(frozen=True)
class AgeBand:
    """Queries that have been open for between so many days."""

    code: str
    title: str
    least: int
    below: int | None

    def condition(self) -> Q:
        within = Q(age__gte=timedelta(days=self.least))
        return within if self.below is None else within & Q(age__lt=timedelta(days=self.below))


AGE_BANDS = (
    AgeBand("week", "up to 6 days", 0, 7),
    AgeBand("fortnight", "7–13 days", 7, 14),
    AgeBand("month", "14–29 days", 14, 30),
    AgeBand("older", "30 days or more", 30, None),
)
SHOWN_STATES = (
    QueryState.DRAFT,
    QueryState.OPEN,
    QueryState.ANSWERED,
    QueryState.CLOSED,
    QueryState.AUTO_CLOSED,
    QueryState.CANCELLED,
)
STATES_OF_FILTER: dict[str, tuple[str, ...]] = {
    "unresolved": tuple(UNRESOLVED),
    "unsettled": (QueryState.DRAFT, *UNRESOLVED),
    **{state.value: (state.value,) for state in SHOWN_STATES},
}


def queries(*, actor: Actor) -> QuerySet[Query]:
    """The queries that the person may see. Drafts are the sponsor side's own until they are released."""
    found: QuerySet[Query] = Query.objects.visible_to(actor).filter(study_id=actor.study_id)
    if not actor.may(Action.RAISE_QUERY):
        found = found.exclude(state=QueryState.DRAFT)
    return found


def with_age(found: QuerySet[Query], *, now: datetime) -> QuerySet[Query]:
    """Each query with `age`: how long it was open in all its rounds. The clock stands while it is not open."""
    this_round = ExpressionWrapper(Value(now) - F("opened_at"), output_field=DurationField())
    return found.annotate(
        age=Case(
            When(state=QueryState.OPEN, then=ExpressionWrapper(this_round + F("open_before"), DurationField())),
            default=F("open_before"),
            output_field=DurationField(),
        )
    )


@dataclass(frozen=True)
class QueryFilter:
    """The filters of the query list, as they stand in the address."""

    state: str = ""
    age: str = ""
    site: str = ""
    subject: str = ""
    visit: str = ""
    form: str = ""
    group: str = ""
    search: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> "QueryFilter":
        return cls(**{name: parameters.get(name, "").strip() for name in cls.__dataclass_fields__})

    def narrow(self, found: QuerySet[Query], *, leaving_out: Sequence[str] = ()) -> QuerySet[Query]:
        """The queries that pass; a filter value that does not exist lets nothing through."""
        conditions: dict[str, Q] = {
            "state": Q(state__in=STATES_OF_FILTER.get(self.state, ())),
            "age": next((band.condition() for band in AGE_BANDS if band.code == self.age), Q(pk=None)),
            "site": Q(site__number=self.site),
            "subject": Q(subject__number=self.subject),
            "visit": Q(record__visit__code=self.visit),
            "form": Q(record__form=self.form),
            "group": Q(group=self.group),
            "search": Q(text__icontains=self.search)
            | Q(label__icontains=self.search)
            | (Q(number=int(self.search)) if self.search.isdigit() and len(self.search) < 9 else Q(pk=None)),
        }
        for name, condition in conditions.items():
            if getattr(self, name) and name not in leaving_out:
                found = found.filter(condition)
        return found


@dataclass(frozen=True)
class AgeRow:
    """One line of the table on top of the query list: a state, the counts by age, and all together."""

    state: QueryState
    counts: tuple[tuple[AgeBand, int], ...]
    total: int


def by_state_and_age(*, actor: Actor, filters: QueryFilter, now: datetime) -> list[AgeRow]:
    """How many queries stand where and how old they are, under the other filters; one query."""
    narrowed: Any = filters.narrow(with_age(queries(actor=actor), now=now), leaving_out=("state", "age"))
    rows = {
        row["state"]: row
        for row in narrowed.values("state")
        .annotate(all=Count("pk"), **{band.code: Count("pk", filter=band.condition()) for band in AGE_BANDS})
        .order_by()
    }
    return [
        AgeRow(
            state=state,
            counts=tuple((band, rows[state.value][band.code]) for band in AGE_BANDS),
            total=rows[state.value]["all"],
        )
        for state in SHOWN_STATES
        if state.value in rows
    ]


def query_list(*, actor: Actor, filters: QueryFilter, now: datetime) -> QuerySet[Query]:
    """The list under the table: what waits longest first."""
    narrowed: Any = filters.narrow(with_age(queries(actor=actor), now=now))
    listed: QuerySet[Query] = (
        narrowed.select_related("subject", "record__visit", "site")
        .prefetch_related("record__protocol_version")
        .order_by("-age", "number")
    )
    return listed


def query_or_404(*, actor: Actor, number: int) -> Query:
    found = (
        queries(actor=actor)
        .select_related("record__visit", "record__site", "record__protocol_version", "subject__site", "site")
        .filter(number=number)
        .first()
    )
    if found is None:
        raise Http404
    return found


@dataclass(frozen=True)
class Choice:
    """A button under a thread: the act, its words, and whether words go with it."""

    act: Act
    words: str
    takes_text: bool


_BUTTONS = (
    Choice(Act.ANSWER, "Answer", True),
    Choice(Act.CLOSE, "Close", True),
    Choice(Act.REQUERY, "Ask again", True),
    Choice(Act.RELEASE, "Release", False),
    Choice(Act.REOPEN, "Reopen", True),
    Choice(Act.CANCEL, "Cancel query", True),
)


@dataclass(frozen=True)
class Thread:
    """A query with its messages and what the person can do to it now."""

    query: Query
    messages: tuple[QueryMessage, ...]
    choices: tuple[Choice, ...]
    days: int

    @property
    def takes_text(self) -> bool:
        return any(choice.takes_text for choice in self.choices)


def threads(found: Sequence[Query], *, actor: Actor, is_locked: bool, now: datetime) -> list[Thread]:
    """The threads of some queries, with the buttons of this person; one query for all messages."""
    messages: dict[int, list[QueryMessage]] = {}
    for message in QueryMessage.objects.filter(query__in=[query.pk for query in found]).order_by("pk"):
        messages.setdefault(message.query_id, []).append(message)
    return [
        Thread(
            query=query,
            messages=tuple(messages.get(query.pk, ())),
            choices=() if is_locked else tuple(_choices(query, actor)),
            days=open_for(query, now=now).days,
        )
        for query in found
    ]


def _choices(query: Query, actor: Actor) -> list[Choice]:
    return [
        choice
        for choice in _BUTTONS
        if transitions.may(
            act=choice.act,
            state=QueryState(query.state),
            group=Group(query.group),
            actor=actor,
            at=query.site_id,
            is_own_draft=query.raised_by_id == actor.user_id,
        )
    ]


def open_for(query: Query, *, now: datetime) -> timedelta:
    """How long the query has been open in all its rounds."""
    if query.state != QueryState.OPEN or query.opened_at is None:
        return query.open_before
    return query.open_before + max(now - query.opened_at, timedelta(0))


def queries_of(record: FormRecord, *, actor: Actor) -> list[Query]:
    """The queries on a form, unsettled ones first."""
    order = {QueryState.OPEN: 0, QueryState.ANSWERED: 1, QueryState.DRAFT: 2}
    found = list(queries(actor=actor).filter(record=record).order_by("number"))
    return sorted(found, key=lambda query: order.get(QueryState(query.state), 3))


def unresolved_counts(records: Sequence[FormRecord]) -> dict[int, int]:
    """How many open or answered queries each of many forms has: the badge of listings."""
    rows: Any = (
        Query.objects.filter(record__in=[record.pk for record in records], state__in=UNRESOLVED)
        .values("record_id")
        .annotate(queries=Count("pk"))
        .order_by()
    )
    return {row["record_id"]: row["queries"] for row in rows}
