"""Tables of lesions as SDTM has them: TU says what a lesion is, TR what was seen of it. Read row by row, checked.

Columns and their meaning are those of SDTMIG 3.4. A row that cannot be read becomes a sentence with its number.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter

from clinical.recist.by_subject import NumberedRow
from clinical.recist.lesions import Kind, Lesion, State
from clinical.recist.scan_date import ScanDate, scan_date

MM_PER_UNIT = {"mm": Decimal(1), "cm": Decimal(10)}
DIAMETER_TESTS = frozenset({"LDIAM", "LPERP", "DIAMETER"})
STATE_TEST = "TUMSTATE"
_MEASUREMENTS = DIAMETER_TESTS | {STATE_TEST}

STATES = {
    "ABSENT": State.ABSENT,
    "DISAPPEARED": State.ABSENT,
    "RESOLVED": State.ABSENT,
    "NORMAL": State.NORMAL,
    "NON-PATHOLOGICAL": State.NORMAL,
    "PRESENT": State.PRESENT,
    "PATHOLOGICAL": State.PRESENT,
    "NO CHANGE": State.PRESENT,
    "UNCHANGED": State.PRESENT,
    "STABLE": State.PRESENT,
    "DECREASED": State.PRESENT,
    "TOO SMALL": State.TOO_SMALL,
    "TOO SMALL TO MEASURE": State.TOO_SMALL,
    "<5": State.TOO_SMALL,
    "<5 MM": State.TOO_SMALL,
    "MERGED": State.MERGED,
    "TUMOR MERGED": State.MERGED,
    "COALESCED": State.MERGED,
    "EQUIVOCAL": State.EQUIVOCAL,
    "INCREASED": State.INCREASED,
    "WORSENED": State.INCREASED,
    "ENLARGEMENT": State.INCREASED,
    "FURTHER ENLARGEMENT": State.INCREASED,
    "ENLARGEMENT FROM NADIR": State.INCREASED,
    "FURTHER ENLARGEMENT FROM NADIR": State.INCREASED,
    "UNEQUIVOCAL": State.PROGRESSED,
    "UNEQUIVOCAL PROGRESSION": State.PROGRESSED,
    "UNEQUIVOCAL INCREASE": State.PROGRESSED,
    "FURTHER UNEQUIVOCAL INCREASE": State.PROGRESSED_FURTHER,
    "NE": State.NOT_EVALUABLE,
    "NOT EVALUABLE": State.NOT_EVALUABLE,
    "NOT ASSESSABLE": State.NOT_EVALUABLE,
    "UNKNOWN": State.NOT_EVALUABLE,
    "ND": State.NOT_DONE,
    "NOT DONE": State.NOT_DONE,
}
"""What a tumor state, or a text in place of a diameter, is read as."""

INSTEAD_OF_DIAMETER = frozenset(
    {State.ABSENT, State.NORMAL, State.TOO_SMALL, State.MERGED, State.NOT_EVALUABLE, State.NOT_DONE}
)


@dataclass(frozen=True, slots=True)
class Table:
    """Where the columns of one table stand; a column that may be absent stands past the end."""

    name: str
    places: tuple[int, ...]
    width: int

    @property
    def subject(self) -> int:
        """The place of USUBJID."""
        return self.places[0]


TU_REQUIRED = ("USUBJID", "TULNKID", "TULOC", "TUEVAL", "TUEVALID")
TU_OPTIONAL = ("TUSTRESC", "TUORRES", "TUTESTCD", "VISITNUM")
TR_REQUIRED = (
    "USUBJID",
    "TRLNKID",
    "TRTESTCD",
    "TRSTRESC",
    "TRSTRESN",
    "TRSTRESU",
    "TRDTC",
    "VISIT",
    "VISITNUM",
    "TREVAL",
    "TREVALID",
)
TR_OPTIONAL = ("TRSTAT", "TRREASND")


def tu_table(header: Sequence[str]) -> Table | list[str]:
    """Where the columns of a TU table stand, or what is wrong with its header."""
    header = header_of(header)
    problems = _header_problems("TU", header, TU_REQUIRED)
    if "TUSTRESC" not in header and "TUORRES" not in header:
        problems.append("TU has neither a column TUSTRESC nor TUORRES, one of which says what a lesion is.")
    return problems or _table("TU", header, TU_REQUIRED + TU_OPTIONAL)


def tr_table(header: Sequence[str]) -> Table | list[str]:
    """Where the columns of a TR table stand, or what is wrong with its header."""
    header = header_of(header)
    return _header_problems("TR", header, TR_REQUIRED) or _table("TR", header, TR_REQUIRED + TR_OPTIONAL)


def header_of(cells: Sequence[str]) -> list[str]:
    """The column names of a header row as SDTM writes them, whatever their letters and the blanks around them."""
    return [cell.strip().upper() for cell in cells]


def _header_problems(name: str, header: Sequence[str], required: Sequence[str]) -> list[str]:
    problems = [f"{name} has no column {column}." for column in required if column not in header]
    twice = sorted({column for column in header if column and header.count(column) > 1})
    return problems + [f"{name} has the column {column} more than once." for column in twice]


def _table(name: str, header: Sequence[str], columns: Sequence[str]) -> Table:
    places = tuple(header.index(column) if column in header else len(header) for column in columns)
    return Table(name, places, len(header))


def _cells(table: Table, rows: Sequence[NumberedRow], problems: list[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    pick = itemgetter(*table.places)
    for number, row in rows:
        if len(row) != table.width:
            if not any(map(str.strip, row)):
                continue
            problems.append(
                f"{table.name} row {number} has {len(row)} cells and the header has {table.width}; "
                "quote cells that contain commas."
            )
            continue
        yield number, pick([*map(str.strip, row), ""])


def read_references(header: Sequence[str], rows: Iterable[NumberedRow]) -> dict[str, ScanDate] | list[str]:
    """Reference dates by subject from the columns USUBJID and RFSTDTC, or what is wrong with them.

    A subject without a date is one who was never treated, as in DM; only a measured one must have it.
    """
    required = ("USUBJID", "RFSTDTC")
    header = header_of(header)
    problems = _header_problems("REF", header, required)
    if problems:
        return problems
    table = _table("REF", header, required)
    references: dict[str, ScanDate] = {}
    for number, (subject, text) in _cells(table, list(rows), problems):
        if not text:
            continue
        try:
            day = scan_date(text)
        except ValueError as fault:
            problems.append(f"REF row {number}: RFSTDTC of subject {subject}: {fault}")
            continue
        if references.setdefault(subject, day) != day:
            problems.append(
                f"REF row {number}: subject {subject} has the reference date {text} here and {references[subject]} "
                "in an earlier row."
            )
    return problems or references


# ---------------------------------------------------------------------------------------------------------------
# Reading


Evaluator = tuple[str, str]

Reading = tuple[Decimal | None, State | None, str]
"""A diameter in mm, or a state, with the reason where one is given."""


@dataclass(slots=True)
class Visit:
    """What one evaluator recorded under one visit number, before it is checked.

    Unplanned visits may have no number; what was seen on one day is then one visit.
    """

    number: Decimal | None
    number_text: str
    label: str
    first_row: int
    records: list[tuple[str, str, Reading, str, int]] = field(default_factory=list)
    """(lesion, test, reading, date as written, row)"""
    dates: dict[str, ScanDate] = field(default_factory=dict)


VisitKey = Decimal | tuple[str, str]
"""A visit by its number, or by its name and date where it has none."""


def read_lesions(
    subject: str, tu: Table, rows: Sequence[NumberedRow], problems: list[str]
) -> tuple[dict[Evaluator, dict[str, Lesion]], dict[Evaluator, dict[str, tuple[int, str]]]]:
    identified: dict[Evaluator, dict[str, Lesion]] = {}
    first_seen: dict[Evaluator, dict[str, tuple[int, str]]] = {}
    for number, cells in _cells(tu, rows, problems):
        _, name, site, by, by_whom, result, as_reported, test, visit = cells
        test = test.upper()
        if test not in _IDENTIFICATIONS:
            continue
        what = " ".join((result or as_reported).translate(_HYPHENS).upper().split())
        what, is_nodal = _KIND_SPELLINGS.get(what, (what, None))
        if test in _CHANGES_OF_SHAPE and what not in _KINDS:
            continue
        if not name:
            problems.append(f"TU row {number}: subject {subject} has a lesion without a name in TULNKID.")
            continue
        if what not in _KINDS:
            said = f"'{what}'" if what else "nothing"
            problems.append(
                f"TU row {number}: lesion {name} of subject {subject} is {said}; "
                "write TARGET, NON-TARGET or NEW in TUSTRESC."
            )
            continue
        is_node = is_lymph_node(site) if is_nodal is None else is_nodal
        lesion = Lesion(name, Kind(what), site, is_node=is_node)
        lesions = identified.setdefault((by, by_whom), {})
        known = lesions.get(name)
        if known is not None and known.kind is not lesion.kind:
            problems.append(
                f"TU row {number}: lesion {name} of subject {subject} is {what} here and {known.kind} in an earlier "
                "row; a lesion keeps its kind."
            )
        elif known is None or not known.site:
            lesions[name] = lesion
        if lesion.kind is Kind.NEW:
            first_seen.setdefault((by, by_whom), {}).setdefault(name, (number, visit))
    return identified, first_seen


_KINDS = frozenset(kind.value for kind in Kind)
_KIND_SPELLINGS: dict[str, tuple[str, bool | None]] = {
    "NON TARGET": ("NON-TARGET", None),
    "NONTARGET": ("NON-TARGET", None),
    "NEW LESION": ("NEW", None),
    "NEW TARGET": ("NEW", None),
    "NEW NON-TARGET": ("NEW", None),
    "TARGET NODAL": ("TARGET", True),
    "NON-TARGET NODAL": ("NON-TARGET", True),
    "NEW NODAL": ("NEW", True),
    "TARGET EXTRA NODAL": ("TARGET", False),
    "NON-TARGET EXTRA NODAL": ("NON-TARGET", False),
    "NEW EXTRA NODAL": ("NEW", False),
}
"""Other ways of writing a kind (CDISC codelist TUIDRS), and whether they say that the lesion is a node."""

_HYPHENS = str.maketrans("‐‑‒–—−", "------")
_CHANGES_OF_SHAPE = frozenset({"TUSPLIT", "TUMERGE"})
_IDENTIFICATIONS = frozenset({"", "TUMIDENT", "LESIDENT"}) | _CHANGES_OF_SHAPE
"""The tests of TU that say what a lesion is; others (measurable, metastatic, primary) describe it."""

_NODE = re.compile(r"\b(NODES?|GLANDS?|LNS?)\b")
_NODES_THAT_ARE_NOT_LYMPHATIC = re.compile(r"SINOATRIAL|SINUATRIAL|ATRIOVENTRICULAR|\bSINUS NODE")


@lru_cache(maxsize=1024)
def is_lymph_node(site: str) -> bool:
    """Whether a location is a lymph node, measured by its short axis.

    >>> is_lymph_node("Left axillary node"), is_lymph_node("SINOATRIAL NODE"), is_lymph_node("THYROID NODULE")
    (True, False, False)
    """
    words = site.upper()
    found = _NODE.search(words)
    if found is None or _NODES_THAT_ARE_NOT_LYMPHATIC.search(words):
        return False
    return not found[0].startswith("GLAND") or "LYMPH" in words


def read_measurements(
    subject: str,
    tr: Table,
    rows: Sequence[NumberedRow],
    identified: Mapping[Evaluator, Mapping[str, Lesion]],
    problems: list[str],
) -> dict[Evaluator, dict[VisitKey, Visit]]:
    visits: dict[Evaluator, dict[VisitKey, Visit]] = {}
    strangers: set[tuple[Evaluator, str]] = set()
    for number, cells in _cells(tr, rows, problems):
        _, name, test, text, numeric, unit, day, label, visit_text, by, by_whom, status, reason = cells
        if test not in _MEASUREMENTS:
            test = test.upper()
            if test not in _MEASUREMENTS:
                continue
        is_diameter = test != STATE_TEST
        if not name:
            problems.append(f"TR row {number}: subject {subject} has a measurement without a lesion in TRLNKID.")
            continue
        evaluator = (by, by_whom)
        if name not in identified.get(evaluator, ()):
            if (evaluator, name) not in strangers:
                strangers.add((evaluator, name))
                who = " ".join(part for part in evaluator if part) or "an evaluator without a name"
                problems.append(
                    f"TR row {number}: lesion {name} of subject {subject} is measured by {who} and never identified "
                    "in TU; add it there or correct TRLNKID."
                )
            continue
        number_of_visit = visit_number(visit_text)
        if number_of_visit is None and visit_text:
            problems.append(f"TR row {number}: visit number '{visit_text}' is not a number.")
            continue
        if number_of_visit is None and not day:
            problems.append(
                f"TR row {number}: lesion {name} of subject {subject} has neither a visit number nor a date."
            )
            continue
        reading = _read(number, name, test, is_diameter, text, numeric, unit, status, reason, problems)
        if reading is None:
            continue
        of_evaluator = visits.setdefault(evaluator, {})
        key: VisitKey = (label, day) if number_of_visit is None else number_of_visit
        visit = of_evaluator.get(key)
        if visit is None:
            name_of_visit = label or visit_text or day
            visit = of_evaluator[key] = Visit(number_of_visit, visit_text, name_of_visit, number)
        if day and day not in visit.dates:
            try:
                visit.dates[day] = scan_date(day)
            except ValueError as fault:
                problems.append(f"TR row {number}: TRDTC: {fault}")
                continue
        visit.records.append((name, test, reading, day, number))
    return visits


@lru_cache(maxsize=4096)
def visit_number(text: str) -> Decimal | None:
    return _number(text)


_PLAIN_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", re.ASCII)


@lru_cache(maxsize=4096)
def _number(text: str) -> Decimal | None:
    """A number as tables hold it; Python would also read 1_000 and the digits of other scripts."""
    plain = text.replace("−", "-")
    return Decimal(plain) if _PLAIN_NUMBER.fullmatch(plain) else None


def _read(
    row: int,
    name: str,
    test: str,
    is_diameter: bool,
    text: str,
    numeric: str,
    unit: str,
    status: str,
    reason: str,
    problems: list[str],
) -> Reading | None:
    """What one row says: a diameter in mm, a state, or why neither; nothing where it cannot be read."""
    if status:
        if status.upper() == "NOT DONE":
            return None, State.NOT_DONE, reason
        problems.append(f"TR row {row}: TRSTAT '{status}' is not understood; leave it empty or write NOT DONE.")
        return None
    if not is_diameter:
        state = STATES.get(text.upper()) if text else State.NOT_EVALUABLE
        if state is None:
            problems.append(
                f"TR row {row}: tumor state '{text}' of lesion {name} is not understood; write PRESENT, ABSENT, "
                "NORMAL, EQUIVOCAL, UNEQUIVOCAL, INCREASED, TOO SMALL TO MEASURE, MERGED or NOT EVALUABLE."
            )
            return None
        return None, state, reason or ("" if text else "no result was entered")
    if numeric:
        value = _number(numeric)
        if value is None:
            problems.append(f"TR row {row}: {test} of lesion {name} is '{numeric}' in TRSTRESN, which is not a number.")
            return None
    elif not text:
        return None, State.NOT_EVALUABLE, reason or "no result was entered"
    else:
        state = STATES.get(text.upper())
        if state in INSTEAD_OF_DIAMETER:
            return None, state, reason
        value = _number(text)
        if value is None:
            problems.append(
                f"TR row {row}: {test} of lesion {name} is '{text}', which is not a number; write the diameter, "
                "ABSENT, TOO SMALL TO MEASURE, MERGED or NOT EVALUABLE."
            )
            return None
    if value < 0:
        problems.append(f"TR row {row}: {test} of lesion {name} is {value}; a diameter is not negative.")
        return None
    factor = MM_PER_UNIT.get(unit.lower())
    if factor is None and value:
        said = f"in '{unit}'" if unit else "without a unit"
        problems.append(f"TR row {row}: {test} of lesion {name} is {said}; only mm and cm are known.")
        return None
    return (value if factor is None else value * factor), State.MEASURED, reason
