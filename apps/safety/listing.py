"""The adverse-event listing across sites: filters and sorting from the address, 50 rows a page, or all as CSV."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import BooleanField, Count, F, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from apps.core.actor import Actor
from apps.review import marks
from apps.safety.models import AdverseEvent, DltStanding, GradePeriod
from apps.study.models import Site
from apps.subjects.models import Subject
from apps.visits.models import EntryState
from clinical.protocol.pages import Page

PAGE_SIZE = 50
YES, NO, UNKNOWN = "yes", "no", "unknown"
SORTS: Mapping[str, tuple[str, ...]] = {
    "onset": ("onset_earliest",),
    "subject": ("record__subject__number", "record__repeat"),
    "site": ("record__site__number", "record__subject__number", "record__repeat"),
    "term": ("shown_term",),
    "grade": ("maximum_grade",),
    "ended": ("ended_earliest",),
    "cohort": ("record__subject__cohort",),
}
DEFAULT_SORT = "-onset"


@dataclass(frozen=True)
class Filters:
    """What the address of the listing asks for. Words it does not know are left out, never an error."""

    site: str = ""
    cohort: str = ""
    grade: str = ""
    serious: str = ""
    related: str = ""
    dlt: str = ""
    ongoing: str = ""
    term: str = ""
    review: str = ""
    sort: str = DEFAULT_SORT

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Filters":
        known = {name: str(query.get(name, "")).strip()[:100] for name in cls.__dataclass_fields__}
        if known["sort"].removeprefix("-") not in SORTS:
            known["sort"] = DEFAULT_SORT
        if not known["grade"].isascii() or not known["grade"].isdigit() or not 1 <= int(known["grade"]) <= 5:
            known["grade"] = ""
        return cls(**known)

    @property
    def in_use(self) -> dict[str, str]:
        """The filters that are set, for the address and for the words above the table."""
        asked = {name: getattr(self, name) for name in self.__dataclass_fields__ if getattr(self, name)}
        return asked if self.sort != DEFAULT_SORT else {name: asked[name] for name in asked if name != "sort"}

    def address(self, **other: str | int) -> str:
        """The query part of an address with some of the filters changed."""
        merged = {**self.in_use, **{name: str(value) for name, value in other.items()}}
        return "?" + urlencode({name: value for name, value in merged.items() if value})


@dataclass
class Row:
    """One event of the listing."""

    event: AdverseEvent
    steps: list[GradePeriod]
    standing: DltStanding
    review: marks.Review | None = None

    @property
    def record(self) -> Any:
        return self.event.record


@dataclass
class Listing:
    """One page of the listing, with the totals of everything that the filters let through."""

    filters: Filters
    page: int
    total: int
    serious: int
    grade_3_up: int
    ongoing: int
    subjects: int
    rows: list[Row] = field(default_factory=list)

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE_SIZE))

    @property
    def first(self) -> int:
        return 0 if self.total == 0 else (self.page - 1) * PAGE_SIZE + 1

    @property
    def last(self) -> int:
        return min(self.page * PAGE_SIZE, self.total)

    @property
    def earlier(self) -> str:
        return self.filters.address(page=self.page - 1) if self.page > 1 else ""

    @property
    def later(self) -> str:
        return self.filters.address(page=self.page + 1) if self.page < self.pages else ""

    @property
    def sorting(self) -> dict[str, tuple[str, str]]:
        """For each sortable column: how it is sorted now (as `aria-sort` says it) and the address that turns it."""
        now, down = self.filters.sort.removeprefix("-"), self.filters.sort.startswith("-")
        found = {}
        for name in SORTS:
            turned = name if name == now and down else f"-{name}" if name == now else name
            state = ("descending" if down else "ascending") if name == now else "none"
            found[name] = (state, self.filters.address(sort=turned))
        return found


def events(*, actor: Actor, filters: Filters, at: datetime) -> QuerySet[AdverseEvent]:
    """The events that the filters let through, in their order; rows of other sites are not among them."""
    found: QuerySet[AdverseEvent] = (
        AdverseEvent.objects.visible_to(actor)
        .filter(record__study_id=actor.study_id, record__page=Page.ADVERSE_EVENT.value)
        .exclude(record__state=EntryState.REMOVED)
        .annotate(shown_term=Coalesce("ctcae_term", "term"))
    )
    if filters.site:
        found = found.filter(record__site__number=filters.site)
    if filters.cohort:
        found = found.filter(record__subject__cohort=filters.cohort)
    if filters.grade:
        found = found.filter(maximum_grade__gte=int(filters.grade))
    found = _three_valued(found, "is_serious", filters.serious)
    found = _three_valued(found, "is_related", filters.related)
    if filters.ongoing in (YES, NO):
        is_over = Q(ended__isnull=False) | Q(is_ongoing=False)
        found = found.filter(is_over) if filters.ongoing == NO else found.exclude(is_over)
    if filters.dlt:
        found = found.filter(_standing(filters.dlt, at))
    if filters.term:
        found = found.filter(Q(term__icontains=filters.term) | Q(ctcae_term__icontains=filters.term))
    if filters.review:
        found = _reviewed(found, filters.review, actor)
    return found


def _three_valued(found: QuerySet[AdverseEvent], name: str, asked: str) -> QuerySet[AdverseEvent]:
    values = {YES: True, NO: False, UNKNOWN: None}
    return found.filter(**{name: values[asked]}) if asked in values else found


def _standing(asked: str, at: datetime) -> Q:
    """Standing at a moment: an undecided event is a candidate from the moment at which time alone makes it one."""
    due = Q(dlt=DltStanding.UNDECIDED, dlt_due_at__lte=at)
    match asked:
        case "confirmed" | "rejected" | "site_reported" | "not_met":
            return Q(dlt=asked)
        case "suggested":
            return Q(dlt=DltStanding.SUGGESTED) | due
        case "undecided":
            return Q(dlt=DltStanding.UNDECIDED) & ~Q(dlt_due_at__lte=at)
        case "open":
            return Q(dlt__in=[DltStanding.SUGGESTED, DltStanding.SITE_REPORTED]) | due
        case _:
            return Q()


_NEWEST_MARK = (
    "select mark.versions from review_reviewmark mark "
    "where mark.record_id = safety_adverseevent.record_id and mark.track = %s order by mark.id desc limit 1"
)
_CHANGED_SINCE = (
    f"exists (select from ({_NEWEST_MARK}) newest, visits_pathversion version "
    "where version.record_id = safety_adverseevent.record_id "
    "and (newest.versions ->> version.path)::int is distinct from version.version)"
)


def _reviewed(found: QuerySet[AdverseEvent], asked: str, actor: Actor) -> QuerySet[AdverseEvent]:
    """How the rows stand for the actor's own review track; without one every row is as it is."""
    track = marks.track_of(actor)
    if track is None or asked not in {"new", "changed", "reviewed"}:
        return found
    found = found.annotate(
        was_reviewed=RawSQL(f"exists ({_NEWEST_MARK})", [track.value], output_field=BooleanField()),
        has_changed=RawSQL(_CHANGED_SINCE, [track.value], output_field=BooleanField()),
    )
    match asked:
        case "new":
            return found.filter(was_reviewed=False)
        case "changed":
            return found.filter(was_reviewed=True, has_changed=True)
    return found.filter(was_reviewed=True, has_changed=False)


def _sorted(found: QuerySet[AdverseEvent], sort: str) -> QuerySet[AdverseEvent]:
    down = sort.startswith("-")
    columns = [F(name) for name in SORTS[sort.removeprefix("-")]]
    order = [column.desc(nulls_last=True) if down else column.asc(nulls_last=True) for column in columns]
    return found.order_by(*order, "-pk" if down else "pk")


def page(*, actor: Actor, filters: Filters, number: int, at: datetime) -> Listing:
    """One page of the listing. The number of queries does not grow with the rows."""
    found = events(actor=actor, filters=filters, at=at)
    totals = found.aggregate(
        total=Count("pk"),
        serious=Count("pk", filter=Q(is_serious=True)),
        grade_3_up=Count("pk", filter=Q(maximum_grade__gte=3)),
        ongoing=Count("pk", filter=Q(ended=None) & ~Q(is_ongoing=False)),
        subjects=Count("record__subject", distinct=True),
    )
    number = max(1, min(number, -(-totals["total"] // PAGE_SIZE) or 1))
    chosen = _sorted(found, filters.sort).select_related("record__subject", "record__site", "record__protocol_version")
    heads = list(chosen[(number - 1) * PAGE_SIZE : number * PAGE_SIZE])
    return Listing(filters=filters, page=number, rows=_rows(heads, actor, at), **totals)


def _rows(heads: list[AdverseEvent], actor: Actor, at: datetime) -> list[Row]:
    steps: dict[int, list[GradePeriod]] = {head.pk: [] for head in heads}
    for period in GradePeriod.objects.filter(record__in=steps, is_removed=False).exclude(grade=None).order_by("pk"):
        steps[period.record_id].append(period)
    track = marks.track_of(actor)
    states = {} if track is None else marks.reviews([head.record for head in heads], track=track)
    return [
        Row(event=head, steps=steps[head.pk], standing=standing_at(head, at), review=states.get(head.pk))
        for head in heads
    ]


def choices(*, actor: Actor) -> dict[str, list[str]]:
    """What the filters offer: the sites and cohorts that the actor sees."""
    sites = Site.objects.filter(pk__in=actor.site_ids).order_by("number").values_list("number", flat=True)
    cohorts = (
        Subject.objects.visible_to(actor)
        .filter(study_id=actor.study_id, cohort__isnull=False)
        .order_by("cohort")
        .values_list("cohort", flat=True)
        .distinct()
    )
    return {"sites": list(sites), "cohorts": [cohort for cohort in cohorts if cohort]}


COLUMNS = (
    "Site",
    "Subject",
    "Cohort",
    "Dose level",
    "No.",
    "Reported term",
    "CTCAE term",
    "System organ class",
    "Highest grade",
    "Grade now",
    "Severity",
    "Began",
    "Ended",
    "Ongoing",
    "Outcome",
    "Serious",
    "Related",
    "Dose limiting",
    "Entry",
)


def csv_rows(*, actor: Actor, filters: Filters, at: datetime) -> Iterator[list[str]]:
    """Every row that the filters let through, heading first, fetched in portions."""
    yield list(COLUMNS)
    found = _sorted(events(actor=actor, filters=filters, at=at), filters.sort)
    for event in found.select_related("record__subject", "record__site").iterator(chunk_size=1000):
        subject = event.record.subject
        yield [
            plain(value)
            for value in (
                event.record.site.number,
                subject.number,
                subject.cohort,
                subject.dose_level,
                event.record.repeat,
                event.term,
                event.ctcae_term,
                event.soc,
                event.maximum_grade,
                event.current_grade,
                event.get_severity_display() if event.severity else None,
                event.onset,
                event.ended,
                _yes_no(event.is_ongoing),
                event.outcome,
                _yes_no(event.is_serious),
                _yes_no(event.is_related),
                standing_at(event, at).label,
                event.record.get_state_display(),
            )
        ]


def standing_at(event: AdverseEvent, at: datetime) -> DltStanding:
    """The standing as the filters see it."""
    if event.dlt == DltStanding.UNDECIDED and event.dlt_due_at is not None and event.dlt_due_at <= at:
        return DltStanding.SUGGESTED
    return DltStanding(event.dlt)


def _yes_no(value: bool | None) -> str | None:
    return None if value is None else "Yes" if value else "No"


def plain(value: object) -> str:
    """A cell as text that no spreadsheet takes for a formula: one that begins like one gets an apostrophe in front.

    >>> plain("=1+1"), plain("-3"), plain(None), plain("headache")
    ("'=1+1", "'-3", '', 'headache')
    """
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
