"""The subjects' matrix: subjects down, their visits across, one word for how each visit stands."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Case, Count, DateField, Exists, F, OuterRef, QuerySet, Subquery, When
from django.http import QueryDict

from apps.core.action import Action
from apps.core.actor import Actor
from apps.dashboard.work import NO_MORE_VISITS
from apps.review import selectors as queries
from apps.review.models import QueryState
from apps.subjects import selectors as subject_selectors
from apps.subjects.models import Status, Subject
from apps.visits import overlays
from apps.visits import selectors as visit_selectors
from apps.visits.models import EntryState, FormRecord, Visit, VisitStatus
from apps.visits.overlays import StatusWord

PAGE_ROWS = 25
SORTS: dict[str, str] = {"number": "number", "dose": "dose_level", "due": "due"}
"""What the address calls a sort, and the column of it."""
SHOWN_OF_A_FORM = ("site", "subject", "visit", "protocol_version", "form", "state", "is_frozen", "is_locked")


@dataclass(frozen=True)
class MatrixFilter:
    """Filters and order of the matrix, as they stand in its address."""

    find: str = ""
    status: str = ""
    cohort: str = ""
    site: str = ""
    show: str = ""
    sort: str = "number"

    @classmethod
    def of(cls, asked: QueryDict) -> "MatrixFilter":
        given = {name: asked.get(name, "").strip() for name in cls.__dataclass_fields__ if name in asked}
        if given.get("sort", "").removeprefix("-") not in SORTS:
            given.pop("sort", None)
        return cls(**given)

    @property
    def in_use(self) -> bool:
        """Whether anything is left out."""
        return replace(self, sort="number") != MatrixFilter()

    def address(self, **changes: str) -> str:
        """The address of the same matrix with some of it changed; what is as usual is left out of it."""
        asked, usual = {**asdict(self), **changes}, asdict(MatrixFilter())
        return "?" + urlencode({name: value for name, value in asked.items() if value != usual[name]})

    @property
    def sorting(self) -> dict[str, tuple[str, str]]:
        """For each sortable column: how it is sorted now (as `aria-sort` says it) and the address that turns it."""
        now, down = self.sort.removeprefix("-"), self.sort.startswith("-")
        return {
            name: (
                ("descending" if down else "ascending") if name == now else "none",
                self.address(sort=f"-{name}" if name == now and not down else name),
            )
            for name in SORTS
        }


@dataclass(frozen=True)
class Column:
    """One visit across: a planned one by its code, those that nobody planned by their number after a neighbour."""

    label: str
    name: str
    number: Decimal


@dataclass(frozen=True)
class Cell:
    """How one visit of one subject stands, when it was or is to be, and how many queries wait for the site."""

    visit: Visit
    word: StatusWord
    open_queries: int

    @property
    def day(self) -> str:
        """When it took place as entered, or its planned day; nothing while that is not known."""
        if self.visit.took_place is not None:
            return str(self.visit.took_place)
        return "" if self.visit.planned_date is None else f"planned {self.visit.planned_date:%d-%b-%Y}"


@dataclass(frozen=True)
class SubjectRow:
    """One subject of the matrix, with what waits, what comes next, and a cell (or nothing) for each column."""

    subject: Subject
    open_forms: int
    open_queries: int
    next_visit: Visit | None
    is_late: bool
    cells: list[Cell | None]


def subjects(asked: QueryDict, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """The Subjects page as its address asks for it: a constant number of queries, never more than a page of work."""
    filters = MatrixFilter.of(asked)
    found = _ordered(_narrowed(subject_selectors.listing(actor=actor), filters, actor=actor), filters.sort)
    page = Paginator(found, PAGE_ROWS).get_page(asked.get("page"))
    columns, rows = _across_and_down(list(page), actor=actor, today=now.date())
    words = {cell.word for row in rows for cell in row.cells if cell is not None}
    everyone: QuerySet[Any] = subject_selectors.listing(actor=actor)
    return {
        "filters": filters,
        "page": page,
        "columns": columns,
        "rows": rows,
        "legend": [word for word in overlays.ALL_WORDS if word in words],
        "address": filters.address().removeprefix("?"),
        "statuses": Status.choices,
        "cohorts": _each(everyone.exclude(cohort=None), "cohort"),
        "sites": _each(everyone, "site__number"),
        "may_create": actor.may(Action.CREATE_SUBJECT),
    }


def _each(found: QuerySet[Any], column: str) -> list[str]:
    """Each value of a column once, in order."""
    return list(found.order_by(column).values_list(column, flat=True).distinct())


def _narrowed(found: QuerySet[Subject], filters: MatrixFilter, *, actor: Actor) -> QuerySet[Subject]:
    """The subjects that pass the filters."""
    columns = {"find": "number__icontains", "status": "status", "cohort": "cohort", "site": "site__number"}
    for name, column in columns.items():
        if wanted := getattr(filters, name):
            found = found.filter(**{column: wanted})
    if filters.show == "queries":
        waiting = queries.queries(actor=actor).filter(subject=OuterRef("pk"), state=QueryState.OPEN)
        found = found.filter(Exists(waiting))
    return found


def _ordered(found: QuerySet[Subject], sort: str) -> QuerySet[Subject]:
    """In the order asked for, each with its next visit; a subject for whom no visit will come has none."""
    ahead = Visit.objects.filter(subject=OuterRef("pk"), status=VisitStatus.PLANNED, planned_date__isnull=False)
    ahead = ahead.order_by("planned_date", "number")
    found = found.annotate(
        next_visit=Case(When(status__in=NO_MORE_VISITS, then=None), default=Subquery(ahead.values("pk")[:1])),
        due=Case(
            When(status__in=NO_MORE_VISITS, then=None),
            default=Subquery(ahead.values("planned_date")[:1]),
            output_field=DateField(),
        ),
    )
    column = F(SORTS[sort.removeprefix("-")])
    order = column.desc(nulls_last=True) if sort.startswith("-") else column.asc(nulls_last=True)
    return found.order_by(order, "number", "pk")


def _across_and_down(subjects: list[Subject], *, actor: Actor, today: date) -> tuple[list[Column], list[SubjectRow]]:
    """The visits across and the subjects down."""
    visits = list(Visit.objects.filter(subject__in=subjects).order_by("number"))
    words = _words_of_forms(subjects)
    waiting = _open_queries(subjects, actor=actor)
    forms = visit_selectors.open_counts(subjects)
    columns = _columns(visits)
    by_key = {visit.pk: visit for visit in visits}
    lines: dict[int, dict[Column, Cell]] = {subject.pk: {} for subject in subjects}
    awaited = {subject.pk for subject in subjects if subject.status not in NO_MORE_VISITS}
    for visit in visits:
        lines[visit.subject_id][columns[_key(visit)]] = Cell(
            visit=visit,
            word=_word(visit, words.get(visit.pk, []), is_awaited=visit.subject_id in awaited, today=today),
            open_queries=waiting.get((visit.subject_id, visit.pk), 0),
        )
    across = sorted(columns.values(), key=lambda column: column.number)
    rows = [
        SubjectRow(
            subject=subject,
            open_forms=forms.get(subject.pk, 0),
            open_queries=sum(count for (key, _), count in waiting.items() if key == subject.pk),
            next_visit=(following := by_key.get(subject.next_visit)),  # type: ignore[attr-defined]  # annotated
            is_late=following is not None and _is_late(following, today),
            cells=[lines[subject.pk].get(column) for column in across],
        )
        for subject in subjects
    ]
    return across, rows


def _key(visit: Visit) -> str:
    """What visits of one column have in common."""
    return f"+{visit.number}" if visit.is_unscheduled else visit.code


def _columns(visits: Iterable[Visit]) -> dict[str, Column]:
    """The columns of these visits by key; where protocol versions number a visit differently, by the first number."""
    found: dict[str, Column] = {}
    for visit in visits:
        label = f"+{visit.number.normalize():f}" if visit.is_unscheduled else visit.code
        found.setdefault(_key(visit), Column(label=label, name=visit.name, number=visit.number))
    return found


def _word(visit: Visit, forms: list[StatusWord], *, is_awaited: bool, today: date) -> StatusWord:
    """The word of a visit; one that nobody will hold any more is neither planned nor late."""
    if visit.status == VisitStatus.PLANNED and not is_awaited:
        return overlays.NOT_ASKED
    is_late = visit.status == VisitStatus.PLANNED and _is_late(visit, today)
    return overlays.word_of_visit(visit, forms, is_late=is_late)


def _is_late(visit: Visit, today: date) -> bool:
    return visit.window_to is not None and visit.window_to < today


def _words_of_forms(subjects: list[Subject]) -> dict[int, list[StatusWord]]:
    """The words of the forms of each visit; open queries stand beside them as a number."""
    records = list(
        FormRecord.objects.filter(subject__in=subjects, visit__isnull=False)
        .exclude(state=EntryState.REMOVED)
        .only(*SHOWN_OF_A_FORM)
    )
    words = overlays.status_words(records, leaving_out=(overlays.QUERY,))
    found: dict[int, list[StatusWord]] = {}
    for record in records:
        found.setdefault(record.visit_id or 0, []).append(words[record.pk])
    return found


def _open_queries(subjects: list[Subject], *, actor: Actor) -> dict[tuple[int, int | None], int]:
    """How many queries wait for the site, by subject and visit; those about a log have no visit."""
    counted: Any = (
        queries.queries(actor=actor)
        .filter(subject__in=subjects, state=QueryState.OPEN)
        .values("subject_id", "record__visit_id")
        .annotate(queries=Count("pk"))
        .order_by()
    )
    return {(row["subject_id"], row["record__visit_id"]): row["queries"] for row in counted}
