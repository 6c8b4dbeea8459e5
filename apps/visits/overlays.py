"""What floors above say about form records: status words that outrank entry, and notes in the margin of a field."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from apps.core.actor import Actor
from apps.visits.models import EntryState, FormRecord, Visit, VisitStatus


@dataclass(frozen=True)
class StatusWord:
    """One way a page can stand: the smaller its precedence, the sooner it is the one shown."""

    precedence: int
    word: str
    icon: str
    tone: str


LOCKED = StatusWord(1, "Locked", "lock", "muted")
SIGNED = StatusWord(2, "Signed", "pen", "ok")
FROZEN = StatusWord(3, "Frozen", "snow", "info")
QUERY = StatusWord(4, "Query", "question", "query")
STALE = StatusWord(5, "Verification stale", "again", "warn")
VERIFIED = StatusWord(6, "Verified", "double-check", "ok")
COMPLETE = StatusWord(7, "Complete", "check", "ok")
NOT_DONE = StatusWord(7, "Not done", "dash", "muted")
REMOVED = StatusWord(0, "Removed", "cross", "muted")
IN_PROGRESS = StatusWord(8, "In progress", "half", "info")
OVERDUE = StatusWord(9, "Overdue", "clock", "error")
NOT_STARTED = StatusWord(10, "Not started", "circle", "muted")
HELD = StatusWord(7, "Took place", "dot", "muted")
MISSED = StatusWord(7, "Missed", "cross", "warn")
SKIPPED = StatusWord(7, "Skipped per protocol", "skip", "muted")
PLANNED = StatusWord(10, "Planned", "planned", "muted")
NOT_ASKED = StatusWord(10, "No longer planned", "crossed-out", "muted")
ALL_WORDS = (
    REMOVED, LOCKED, SIGNED, FROZEN, QUERY, STALE, VERIFIED, COMPLETE, NOT_DONE, IN_PROGRESS, OVERDUE, NOT_STARTED,
    HELD, MISSED, SKIPPED, PLANNED, NOT_ASKED,
)  # fmt: skip
"""The one table of states: word, icon, tone, precedence. The last five are said of visits only."""

_ENTRY_WORDS = {
    EntryState.EXPECTED: NOT_STARTED,
    EntryState.IN_PROGRESS: IN_PROGRESS,
    EntryState.COMPLETE: COMPLETE,
    EntryState.NOT_DONE: NOT_DONE,
    EntryState.REMOVED: REMOVED,
}


@dataclass(frozen=True)
class MarginNote:
    """Something beside a field: a query's thread, a verification mark. `template` renders it with `context`."""

    path: str
    template: str
    context: dict[str, object]


StatusProvider = Callable[[list[FormRecord]], dict[int, list[StatusWord]]]
MarginProvider = Callable[[FormRecord, Actor], Iterable[MarginNote]]
ActionsProvider = Callable[[FormRecord, Actor], Iterable[str]]

_status: list[StatusProvider] = []
_margins: list[MarginProvider] = []
_panels: list[tuple[str, Callable[[FormRecord, Actor], dict[str, object] | None]]] = []


def add_status(provider: StatusProvider) -> None:
    """Register what a floor above says of many records at once (one query for all of them)."""
    _status.append(provider)


def add_margin(provider: MarginProvider) -> None:
    """Register what a floor above shows beside the fields of one record."""
    _margins.append(provider)


def add_panel(template: str, provider: Callable[[FormRecord, Actor], dict[str, object] | None]) -> None:
    """Register a panel below the form: `template` is included with what the provider returns; None shows nothing."""
    _panels.append((template, provider))


def status_words(records: list[FormRecord], *, leaving_out: Collection[StatusWord] = ()) -> dict[int, StatusWord]:
    """The one word to show for each record, by fixed precedence; `leaving_out` what is shown beside it anyway."""
    candidates: dict[int, list[StatusWord]] = {
        record.pk: [
            _ENTRY_WORDS[EntryState(record.state)],
            *([LOCKED] if record.is_locked else []),
            *([FROZEN] if record.is_frozen else []),
        ]
        for record in records
    }
    for provider in _status:
        for pk, words in provider(records).items():
            candidates[pk].extend(word for word in words if word not in leaving_out)
    return {pk: min(words, key=lambda word: word.precedence) for pk, words in candidates.items()}


_UNHELD_WORDS = {
    VisitStatus.PLANNED: PLANNED,
    VisitStatus.MISSED: MISSED,
    VisitStatus.SKIPPED: SKIPPED,
    VisitStatus.NOT_ASKED: NOT_ASKED,
}


def word_of_visit(visit: Visit, forms: Collection[StatusWord], *, is_late: bool) -> StatusWord:
    """The one word for a visit, from those of its forms (queries apart): it stands where its last form stands.

    A visit of which one form is begun or complete and another is not started is in progress; one form whose
    verification is stale makes the visit stale. Forms that were not done hold it back from nothing.
    """
    if visit.status != VisitStatus.STARTED:
        return OVERDUE if is_late else _UNHELD_WORDS[VisitStatus(visit.status)]
    if not forms:
        return HELD
    if set(forms) == {NOT_STARTED}:
        return NOT_STARTED
    if IN_PROGRESS in forms or NOT_STARTED in forms:
        return IN_PROGRESS
    if STALE in forms:
        return STALE
    return max((word for word in forms if word is not NOT_DONE), key=lambda word: word.precedence, default=NOT_DONE)


def margin(record: FormRecord, actor: Actor) -> dict[str, list[MarginNote]]:
    """The notes of a record by path."""
    notes: dict[str, list[MarginNote]] = {}
    for provider in _margins:
        for note in provider(record, actor):
            notes.setdefault(note.path, []).append(note)
    return notes


def panels(record: FormRecord, actor: Actor) -> list[dict[str, object]]:
    """The panels of floors above for a record, the highest floor's first: safety is read before review."""
    found = []
    for template, provider in reversed(_panels):
        context = provider(record, actor)
        if context is not None:
            found.append({"template": template, **context})
    return found
