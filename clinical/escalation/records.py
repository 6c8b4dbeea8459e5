"""Trial states and event logs from rows of text, with every problem named by its row."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import isfinite

from clinical.escalation.cohort import Event, Happening
from clinical.escalation.trial import DoseLevel

TextRow = Mapping[str, str | None]

COUNTS = ("treated", "evaluable", "dlts", "pending", "undecided", "backfill_evaluable", "backfill_pending")
NEEDED_COUNTS = ("treated", "evaluable", "dlts")
TRUTHS = {"": False, "0": False, "no": False, "false": False, "1": True, "yes": True, "true": True}


class BadRecords(ValueError):
    """Rows that cannot be read; the message has a line per problem."""


@dataclass
class _Reader:
    """The cells of one row, and what was wrong with any of them."""

    row: TextRow
    place: str
    faults: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not any(map(self.text, self.row))

    def text(self, column: str) -> str:
        return (self.row.get(column) or "").strip()

    def whole(self, column: str, *, otherwise: int | None = None) -> int:
        text = self.text(column)
        if not text and otherwise is not None:
            return otherwise
        try:
            return int(text)
        except ValueError:
            shown = f"“{text}” is not a whole number" if text else "is empty"
            self.faults.append(f"{self.place}: {column} {shown}.")
            return 0

    def numbers(self, column: str) -> tuple[float, ...]:
        text = self.text(column)
        try:
            return tuple(float(word) for word in text.replace(";", " ").split())
        except ValueError:
            self.faults.append(f"{self.place}: {column} “{text}” is not a list of numbers.")
            return ()

    def grades(self, column: str) -> tuple[int, ...]:
        numbers = self.numbers(column)
        if all(number in range(6) for number in numbers):
            return tuple(int(number) for number in numbers)
        self.faults.append(f"{self.place}: {column} “{self.text(column)}” holds something else than grades 0 to 5.")
        return ()

    def truth(self, column: str) -> bool:
        text = self.text(column).lower()
        if text not in TRUTHS:
            self.faults.append(f"{self.place}: {column} “{text}” is neither yes nor no.")
        return TRUTHS.get(text, False)


def missing_columns(given: Iterable[str], needed: Iterable[str], *, of: str) -> list[str]:
    """A sentence per column that a table cannot do without."""
    present = set(given)
    return [f"{of}: the column {column} is missing." for column in needed if column not in present]


def levels_from(rows: Iterable[TextRow], *, of: str) -> tuple[DoseLevel, ...]:
    """The dose levels of a trial, a row each from the lowest up; the pending count may be left out.

    >>> levels_from([{"treated": "3", "evaluable": "2", "dlts": "x"}], of="state.csv")
    Traceback (most recent call last):
    clinical.escalation.records.BadRecords: state.csv row 2: dlts “x” is not a whole number.
    """
    levels: list[DoseLevel] = []
    faults: list[str] = []
    for number, row in enumerate(rows, start=2):
        reader = _Reader(row, f"{of} row {number}")
        if number == 2:
            faults += missing_columns(row, NEEDED_COUNTS, of=of)
        if faults and number == 2:
            break
        if reader.is_empty:
            continue
        counts = {name: reader.whole(name, otherwise=None if name in NEEDED_COUNTS else 0) for name in COUNTS}
        grades = reader.grades("worst_grades")
        follow_up = reader.numbers("follow_up")
        if reader.faults:
            faults += reader.faults
            continue
        try:
            levels.append(
                DoseLevel(
                    label=reader.text("label"),
                    steps=tuple(reader.text("steps").split(";")) if reader.text("steps") else (),
                    follow_up=follow_up,
                    worst_grades=grades,
                    **counts,
                )
            )
        except ValueError as fault:
            faults.append(f"{reader.place}: {fault}")
    if not levels and not faults:
        faults.append(f"{of}: there are no dose levels.")
    if faults:
        raise BadRecords("\n".join(faults))
    return tuple(levels)


def events_from(rows: Iterable[TextRow], *, levels: float, of: str) -> tuple[Event, ...]:
    """An event log in the order of its days; `levels` is how many dose levels there are, infinity where unknown."""
    events: list[Event] = []
    faults: list[str] = []
    known = {happening.value for happening in Happening}
    dosed: set[str] = set()
    last_day = 0
    for number, row in enumerate(rows, start=2):
        if number == 2 and (absent := missing_columns(row, ("day", "event"), of=of)):
            faults += absent
            break
        reader = _Reader(row, f"{of} row {number}")
        if reader.is_empty:
            continue
        day, level = reader.whole("day"), reader.whole("level", otherwise=0)
        onset_day = reader.whole("onset_day") if reader.text("onset_day") else None
        is_backfill = reader.truth("backfill")
        grade = reader.whole("grade", otherwise=0)
        if not 0 <= grade <= 5:
            reader.faults.append(f"{reader.place}: grade {grade} is none of 0 to 5.")
        name, subject = reader.text("event").lower().replace(" ", "_"), reader.text("subject")
        if name not in known:
            reader.faults.append(
                f"{reader.place}: the event “{reader.text('event')}” is none of {', '.join(sorted(known))}."
            )
        else:
            reader.faults += _contradictions(
                Happening(name), subject, level, place=reader.place, dosed=dosed, levels=levels
            )
        if day < last_day:
            reader.faults.append(f"{reader.place}: day {day} comes after day {last_day}; events must be in order.")
        last_day = max(last_day, day)
        if name == Happening.FIRST_DOSE:
            dosed.add(subject)
        if reader.faults:
            faults += reader.faults
        else:
            events.append(Event(day, Happening(name), subject, level, onset_day, is_backfill, grade))
    if not events and not faults:
        faults.append(f"{of} holds no events.")
    if faults:
        raise BadRecords("\n".join(faults))
    return tuple(events)


def _contradictions(
    happening: Happening, subject: str, level: int, *, place: str, dosed: set[str], levels: float
) -> list[str]:
    """What an event claims that cannot be, given the doses before it."""
    faults = []
    if happening in (Happening.FIRST_DOSE, Happening.COMMITTEE_DECISION) and not 1 <= level <= levels:
        known = f"1 to {levels}" if isfinite(levels) else "from 1 on"
        faults.append(f"{place}: level {level} is none of the levels {known}.")
    if happening in (Happening.TIME_PASSES, Happening.COMMITTEE_DECISION):
        return faults
    if not subject:
        faults.append(f"{place}: a {happening} needs a subject.")
    elif happening is Happening.FIRST_DOSE and subject in dosed:
        faults.append(f"{place}: subject {subject} already had a first dose.")
    elif happening is not Happening.FIRST_DOSE and subject not in dosed:
        faults.append(f"{place}: subject {subject} has a {happening} before any dose.")
    return faults
