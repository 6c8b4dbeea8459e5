"""The search box: subjects, queries, adverse events and forms by a few letters, at most ten hits together.

There is no text index to keep: behind row-level security PostgreSQL asks it only what cannot leak, which LIKE is not.
The rows of the actor's sites are read instead; `bench/listings.py` says what that costs.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import starmap
from operator import or_
from typing import Any

from django.db.models import Case, F, IntegerField, Q, QuerySet, When
from django.urls import reverse

from apps.core.actor import Actor
from apps.core.in_print import in_print
from apps.review import selectors as queries
from apps.safety.models import AdverseEvent
from apps.study.models import ProtocolVersion, Study
from apps.subjects.models import Subject
from apps.visits import overlays
from apps.visits.models import EntryState, FormRecord
from clinical.protocol.pages import Page

MOST_HITS = 10
FEWEST_LETTERS = 2
MOST_LETTERS = 100
MOST_WORDS = 6
_QUERY_NUMBER = re.compile(r"(?:q(?:uery)?\s*)?#?\s*([1-9]\d{0,7})", re.ASCII | re.IGNORECASE)
_UNFINISHED_FIRST = Case(
    When(state=EntryState.IN_PROGRESS, then=0),
    When(state=EntryState.EXPECTED, then=1),
    default=2,
    output_field=IntegerField(),
)


@dataclass(frozen=True)
class Hit:
    """One thing that was found: the subject it is of, what it is, how it stands, and where it is opened."""

    about: str
    what: str
    standing: str
    url: str


@dataclass(frozen=True)
class Kind:
    """The hits of one kind."""

    title: str
    hits: list[Hit]


@dataclass(frozen=True)
class Found:
    """The answer to what was typed. `has_more` when some of it did not fit."""

    text: str
    kinds: list[Kind]
    has_more: bool

    @property
    def total(self) -> int:
        return sum(len(kind.hits) for kind in self.kinds)

    @property
    def is_too_short(self) -> bool:
        return not self.kinds and len(self.text) < FEWEST_LETTERS


@dataclass(frozen=True)
class _Desk:
    """What is asked for, and by whom."""

    study: Study
    actor: Actor
    text: str
    words: tuple[str, ...]

    def url(self, name: str, **kwargs: Any) -> str:
        return reverse(name, kwargs={"study": self.study.code, **kwargs})


def search(text: str, *, study: Study, actor: Actor) -> Found:
    """What the text may mean, among the rows that the actor sees; a constant number of queries whatever the data.

    All words must be found. A subject's number narrows the other kinds ("004 neutropenia"), and so does the code of a
    visit the forms ("004 C1D8 chemistry"); alone, a number is the subject, and the query of that number.
    """
    typed = " ".join(text.replace("\0", "").split())[:MOST_LETTERS]
    desk = _Desk(study, actor, typed, tuple(typed.split()[:MOST_WORDS]))
    spelled = len(typed) >= FEWEST_LETTERS
    asked = [
        ("Subjects", _subjects(desk) if spelled else []),
        ("Queries", _queries(desk)),
        ("Adverse events", _events(desk) if spelled else []),
        ("Forms", _forms(desk) if spelled else []),
    ]
    shares = _shares([len(hits) for _, hits in asked], MOST_HITS)
    return Found(
        text=typed,
        kinds=[Kind(title, hits[:share]) for (title, hits), share in zip(asked, shares, strict=True) if share],
        has_more=any(len(hits) > share for (_, hits), share in zip(asked, shares, strict=True)),
    )


def _shares(wanted: Sequence[int], places: int) -> list[int]:
    """How many places each kind gets: what it wants, as far as the others leave it, one after the other.

    >>> _shares([1, 0, 11, 11], 10)
    [1, 0, 5, 4]
    """
    shares = [0] * len(wanted)
    while places and any(share < most for share, most in zip(shares, wanted, strict=True)):
        for kind, most in enumerate(wanted):
            if places and shares[kind] < most:
                shares[kind] += 1
                places -= 1
    return shares


def _within(word: str, *columns: str) -> Q:
    """The word stands in one of the columns."""
    return reduce(or_, (Q(**{f"{column}__icontains": word}) for column in columns))


def _all_within(found: QuerySet[Any], words: Iterable[str], *columns: str) -> QuerySet[Any]:
    for word in words:
        found = found.filter(_within(word, *columns))
    return found


def _subjects(desk: _Desk) -> list[Hit]:
    """By any number that the subject ever had: the screening number stays on the papers of the site."""
    found: QuerySet[Subject] = _all_within(
        Subject.objects.visible_to(desk.actor).filter(study_id=desk.study.pk),
        desk.words,
        "number",
        "screening_number",
        "enrolment_number",
    ).order_by("number")
    return [
        Hit(
            subject.number,
            "",
            subject.get_status_display(),
            desk.url("subject", number=subject.number),
        )
        for subject in found[: MOST_HITS + 1]
    ]


def _queries(desk: _Desk) -> list[Hit]:
    number = _QUERY_NUMBER.fullmatch(desk.text)
    if number is None:
        return []
    found = queries.queries(actor=desk.actor).filter(number=int(number[1])).select_related("subject")
    return [
        Hit(
            query.subject.number,
            in_print(f"Query {query.number}, {query.label}: {query.text}"),
            query.get_state_display(),
            desk.url("query", number=query.number),
        )
        for query in found
    ]


def _events(desk: _Desk) -> list[Hit]:
    """By the reported term or that of the dictionary, the latest first; removed entries are left out."""
    terms = ("term", "ctcae_term")
    found: QuerySet[AdverseEvent] = (
        _all_within(
            AdverseEvent.objects.visible_to(desk.actor).filter(
                record__study_id=desk.study.pk, record__page=Page.ADVERSE_EVENT.value
            ),
            desk.words,
            *terms,
            "record__subject__number",
        )
        .filter(reduce(or_, (_within(word, *terms) for word in desk.words)))
        .exclude(record__state=EntryState.REMOVED)
        .select_related("record__subject")
        .order_by(F("onset_earliest").desc(nulls_last=True), "-pk")
    )
    return [
        Hit(
            event.record.subject.number,
            event.term or event.ctcae_term or "",
            ", ".join(_of_event(event)),
            desk.url("record", record=event.pk),
        )
        for event in found[: MOST_HITS + 1]
    ]


def _of_event(event: AdverseEvent) -> Iterable[str]:
    if event.maximum_grade is not None:
        yield f"grade {event.maximum_grade}"
    if event.onset is not None:
        yield f"began {event.onset}"


def _forms(desk: _Desk) -> list[Hit]:
    """By the form's title, unfinished ones first; words that the title lacks are the subject's number or the visit."""
    versions = {version.pk: version.definition for version in ProtocolVersion.objects.filter(study=desk.study)}
    titles = {(version, form.code): form.title for version, each in versions.items() for form in each.forms}
    named: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for (version, code), title in titles.items():
        elsewhere = tuple(word for word in desk.words if word.casefold() not in title.casefold())
        if len(elsewhere) < len(desk.words):
            named.setdefault((version, elsewhere), []).append(code)
    if not named:
        return []
    found: QuerySet[FormRecord] = (
        FormRecord.objects.visible_to(desk.actor)
        .filter(reduce(or_, starmap(_forms_named, named.items())), study_id=desk.study.pk)
        .exclude(state=EntryState.REMOVED)
        .select_related("subject", "visit")
        .order_by(_UNFINISHED_FIRST, "-opened_at", "-pk")
    )
    shown = list(found[: MOST_HITS + 1])
    words = overlays.status_words(shown)
    return [
        Hit(
            record.subject.number,
            f"{titles[record.protocol_version_id, record.form]}, "
            + (record.visit.name if record.visit else f"entry {record.repeat}"),
            words[record.pk].word,
            desk.url("record", record=record.pk),
        )
        for record in shown
    ]


def _forms_named(kind: tuple[int, tuple[str, ...]], codes: list[str]) -> Q:
    """The forms of a protocol version with these codes, of a subject and visit that the other words name."""
    version, elsewhere = kind
    wanted = Q(protocol_version_id=version, form__in=codes)
    for word in elsewhere:
        wanted &= Q(subject__number__icontains=word) | Q(visit__code__iexact=word)
    return wanted
