"""A table of laboratory results graded row by row as a data set wants it: one grade a result, and what is left open."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation

from clinical.ctcae import grading
from clinical.ctcae.criteria import VERSIONS, BaselineFlag, Direction, Facts, UnitSystem
from clinical.ctcae.grading import Outcome

REQUIRED = ("term", "value", "unit", "lln", "uln")
"""Columns without which no row could be graded; `direction` and the columns below may be left out."""

OPTIONAL = (
    "direction",
    "ctcae_version",
    "unit_system",
    "baseline",
    "baseline_indicator",
    "high_indicator",
    "low_indicator",
    "pct_change",
)
ADDED = ("GRADE", "ALSO", "WHY")

_DIRECTIONS = {"": None, "h": Direction.HIGH, "high": Direction.HIGH, "l": Direction.LOW, "low": Direction.LOW}
_SYSTEMS = {"si": UnitSystem.SI, "us": UnitSystem.US}
_NUMBERS = ("value", "lln", "uln", "baseline", "pct_change")


def header_problem(header: Sequence[str]) -> str | None:
    """What is wrong with a header, as a sentence; None where every column is there, and once."""
    lacking = [name for name in REQUIRED if name not in header]
    if lacking:
        return f"The table has no column: {', '.join(lacking)}."
    twice = sorted({name for name in header if header.count(name) > 1})
    return f"The table has a column twice: {', '.join(twice)}." if twice else None


def _number(text: str) -> Decimal | None:
    """An empty cell is a missing value; anything else must be a plain number (2e+05 is one, <5 and 3,5 are not)."""
    if not text:
        return None
    number = Decimal(text)
    if not number.is_finite() or "_" in text:
        raise InvalidOperation
    return number


def _flag(baseline: str, high: str, low: str) -> BaselineFlag | None:
    """Where the baseline lay, in the laboratory's own words for high and low; unflagged stays open."""
    if not baseline:
        return None
    if baseline.casefold() == (high or "HIGH").casefold():
        return BaselineFlag.HIGH
    return BaselineFlag.LOW if baseline.casefold() == (low or "LOW").casefold() else BaselineFlag.NORMAL


class LabTable:
    """Grades rows of one table; a row's own version and unit system win, the table's fill the blanks.

    What cannot be understood is kept in `problems`, a sentence with its row each; such a row gets no outcome.
    """

    def __init__(self, header: Sequence[str], *, version: str, system: UnitSystem) -> None:
        if (problem := header_problem(header)) is not None:
            raise ValueError(problem)
        self.header = list(header)
        self.version, self.system = version, system
        self.problems: list[str] = []
        self._kept = [place for place, name in enumerate(header) if name not in ADDED]
        self._keeps_all = len(self._kept) == len(self.header)
        places = {name: place for place, name in enumerate(header)}
        self._places = [places.get(name) for name in (*REQUIRED, *OPTIONAL)]

    @property
    def graded_header(self) -> list[str]:
        """The columns of the graded table: those that came, then GRADE, ALSO and WHY."""
        return [*(self.header[place] for place in self._kept), *ADDED]

    def outcome(self, cells: Sequence[str], *, row: int) -> Outcome | None:
        """The outcome of one row; None where the row is a problem."""
        if len(cells) != len(self.header):
            self.problems.append(f"Row {row} has {len(cells)} cells, the header has {len(self.header)}.")
            return None
        found = ["" if place is None else cells[place].strip() for place in self._places]
        term, value, unit, lln, uln, towards, version, system, baseline, indicator, high, low, change = found
        before = len(self.problems)
        direction = _DIRECTIONS.get(towards.casefold())
        if direction is None and towards:
            self.problems.append(f"Row {row}: direction '{towards}' is neither H nor L.")
        version = version or self.version
        if version not in VERSIONS:
            self.problems.append(f"Row {row}: CTCAE {version} is not among the versions here: {', '.join(VERSIONS)}.")
        units = _SYSTEMS.get(system.casefold()) if system else self.system
        if units is None:
            self.problems.append(f"Row {row}: unit system '{system}' is neither SI nor US.")
        numbers: dict[str, Decimal | None] = {}
        for name, text in zip(_NUMBERS, (value, lln, uln, baseline, change), strict=True):
            try:
                numbers[name] = _number(text)
            except InvalidOperation:
                self.problems.append(f"Row {row}: {name} '{text}' is not a number.")
        if len(self.problems) > before or units is None:
            return None
        criterion = grading.find(version=version, system=units, term=term, direction=direction, unit=unit)
        if isinstance(criterion, str):
            return grading.refused(criterion)
        return grading.assess(
            criterion,
            Facts(
                numbers["value"],
                numbers["lln"],
                numbers["uln"],
                numbers["baseline"],
                numbers["pct_change"],
                _flag(indicator, high, low),
            ),
        )

    def graded(self, rows: Iterable[Sequence[str]]) -> Iterator[list[str]]:
        """The rows with their three columns, in the order they came; empty lines and problem rows are left out."""
        for row, cells in enumerate(rows, start=2):
            if not cells:
                continue
            outcome = self.outcome(cells, row=row)
            if outcome is not None:
                grade = "" if outcome.grade is None else str(outcome.grade)
                also = ";".join(map(str, outcome.also)) if outcome.also else ""
                kept = cells if self._keeps_all else [cells[place] for place in self._kept]
                yield [*kept, grade, also, outcome.why]
