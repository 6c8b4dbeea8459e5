"""What floors above say about form records: status words that outrank entry, and notes in the margin of a field."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from apps.core.actor import Actor
from apps.visits.models import EntryState, FormRecord


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
ALL_WORDS = (
    REMOVED, LOCKED, SIGNED, FROZEN, QUERY, STALE, VERIFIED, COMPLETE, NOT_DONE, IN_PROGRESS, OVERDUE, NOT_STARTED
)  # fmt: skip
"""The one table of states: word, icon, tone, precedence."""

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


def status_words(records: list[FormRecord]) -> dict[int, StatusWord]:
    """The one word to show for each record, by fixed precedence."""
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
            candidates[pk].extend(words)
    return {pk: min(words, key=lambda word: word.precedence) for pk, words in candidates.items()}


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
