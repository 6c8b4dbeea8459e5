"""A table of laboratory results graded row by row as a data set wants it: one grade a result, and what is left open."""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter

from clinical.ctcae import grading
from clinical.ctcae.criteria import VERSIONS, BaselineFlag, Criterion, Direction, Facts, UnitSystem
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

KEPT_RESULTS = 131_072
"""Some 75 MB at the most; every result kept is one not worked out again."""

_DIRECTIONS = {"": None, "h": Direction.HIGH, "high": Direction.HIGH, "l": Direction.LOW, "low": Direction.LOW}
_SYSTEMS = {"si": UnitSystem.SI, "us": UnitSystem.US, "uscv": UnitSystem.US}
_NUMBERS = ("value", "lln", "uln", "baseline", "pct_change")


def header_problem(header: Sequence[str]) -> str | None:
    """What is wrong with a header, as a sentence; None where every column is there, and once."""
    names = [name.casefold() for name in header]
    lacking = [name for name in REQUIRED if name not in names]
    if lacking:
        return f"The table has no column: {', '.join(lacking)}."
    twice = sorted({name for name in header if names.count(name.casefold()) > 1})
    return f"The table has a column twice: {', '.join(twice)}." if twice else None


_PLAIN_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)


@lru_cache(maxsize=65_536)
def _number(text: str) -> Decimal | None:
    """An empty cell is a missing value; anything else must be a plain number (2e+05 is one, <5 and 3,5 are not)."""
    if not text:
        return None
    plain = text.replace("−", "-")
    if not _PLAIN_NUMBER.fullmatch(plain):
        raise ValueError(text)
    return Decimal(plain)


def _flag(baseline: str, high: str, low: str) -> BaselineFlag | None:
    """Where the baseline lay, in the laboratory's own words for high and low; unflagged stays open."""
    if not baseline:
        return None
    said = baseline.casefold()
    if said in ((high.casefold(),) if high else ("high", "h")):
        return BaselineFlag.HIGH
    return BaselineFlag.LOW if said in ((low.casefold(),) if low else ("low", "l")) else BaselineFlag.NORMAL


def _not_numbers(cells: Iterable[tuple[str, str]]) -> Iterator[str]:
    """What the numbers of a row that are none should be told."""
    for name, text in cells:
        try:
            _number(text)
        except ValueError:
            yield f"{name} '{text}' is not a number."


def _version(text: str) -> str:
    """A version of CTCAE however a data set writes it: 5, v5.0, CTCAE 5.0."""
    plain = text.casefold().removeprefix("nci").strip().removeprefix("ctcae").strip(" -v")
    return f"{plain}.0" if plain in ("5", "6") else plain


class LabTable:
    """Grades rows of one table; a row's own version and unit system win, the table's fill the blanks.

    What cannot be understood is kept in `problems`, a sentence with its row each; such a row is left out.
    """

    def __init__(self, header: Sequence[str], *, version: str, system: UnitSystem) -> None:
        if (problem := header_problem(header)) is not None:
            raise ValueError(problem)
        self.header = list(header)
        self.version, self.system = version, system
        self.problems: list[str] = []
        self._kept = [place for place, name in enumerate(header) if name not in ADDED]
        self._keeps_all = len(self._kept) == len(self.header)
        places = {name.casefold(): place for place, name in enumerate(header)}
        read = [name for name in (*REQUIRED, *OPTIONAL) if name in places]
        self._pick = itemgetter(*(places[name] for name in read))
        self._spread = itemgetter(
            *(read.index(name) if name in places else len(read) for name in (*REQUIRED, *OPTIONAL))
        )
        self._criteria: dict[tuple[str, ...], Criterion | str | list[str]] = {}

    @property
    def graded_header(self) -> list[str]:
        """The columns of the graded table: those that came, then GRADE, ALSO and WHY."""
        return [*(self.header[place] for place in self._kept), *ADDED]

    def outcome(self, cells: Sequence[str]) -> Outcome | list[str]:
        """The outcome of the cells that matter of one row, or everything that cannot be understood in them."""
        term, value, unit, lln, uln, towards, version, system, baseline, indicator, high, low, change = cells
        key = (term, unit, towards, version, system)
        criterion = self._criteria.get(key)
        if criterion is None:
            criterion = self._criteria[key] = self._criterion(*key)
        try:
            numbers = _number(value), _number(lln), _number(uln), _number(baseline), _number(change)
        except ValueError:
            strange = _not_numbers(zip(_NUMBERS, (value, lln, uln, baseline, change), strict=True))
            return [*(criterion if isinstance(criterion, list) else ()), *strange]
        if isinstance(criterion, list):
            return criterion
        if isinstance(criterion, str):
            return grading.refused(criterion)
        return grading.assess(criterion, Facts(*numbers, _flag(indicator, high, low)))

    def _criterion(self, term: str, unit: str, towards: str, version: str, system: str) -> Criterion | str | list[str]:
        """The criterion that a row asks for, the reason why there is none, or everything that cannot be understood."""
        problems = []
        direction = _DIRECTIONS.get(towards.casefold())
        if direction is None and towards:
            problems.append(f"direction '{towards}' is neither H nor L.")
        asked = _version(version) if version else self.version
        if asked not in VERSIONS:
            problems.append(f"CTCAE {version} is not among the versions here: {', '.join(VERSIONS)}.")
        units = _SYSTEMS.get(system.casefold()) if system else self.system
        if units is None:
            problems.append(f"unit system '{system}' is neither SI nor US.")
        if problems or units is None:
            return problems
        return grading.find(version=asked, system=units, term=term, direction=direction, unit=unit)

    def _added(self, cells: tuple[str, ...]) -> tuple[str, str, str] | list[str]:
        """The three columns of a row, from its cells that matter; a column that the table lacks is empty."""
        outcome = self.outcome(self._spread([*map(str.strip, cells), ""]))
        if isinstance(outcome, list):
            return outcome
        grade = "" if outcome.grade is None else str(outcome.grade)
        return grade, ";".join(map(str, outcome.also)), outcome.why

    def graded(self, rows: Iterable[Sequence[str]]) -> Iterator[list[str]]:
        """The rows with their three columns, in the order they came; empty lines and problem rows are left out.

        Laboratories print few digits, so the same result comes back often; the latest ones are kept.
        """
        added_to, pick, width = lru_cache(maxsize=KEPT_RESULTS)(self._added), self._pick, len(self.header)
        for row, cells in enumerate(rows, start=2):
            if not cells:
                continue
            if len(cells) != width:
                self.problems.append(f"Row {row} has {len(cells)} cells, the header has {len(self.header)}.")
                continue
            added = added_to(pick(cells))
            if isinstance(added, list):
                self.problems += [f"Row {row}: {problem}" for problem in added]
                continue
            kept = cells if self._keeps_all else [cells[place] for place in self._kept]
            yield [*kept, *added]
