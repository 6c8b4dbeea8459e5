"""Responses from tables: SDTM TU and TR rows of one subject in, RS rows or every problem in words out.

Columns and their meaning are those of SDTMIG 3.4 (TU, TR, RS). A file whose facts contradict each other is not
guessed at: each contradiction is named with its row, and nothing is derived.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import lru_cache
from operator import itemgetter

from clinical.recist.assessment import Evaluation, derive_series
from clinical.recist.by_subject import NumberedRow, together
from clinical.recist.endpoints import Best, best_response, confirmed_best_response, timepoints, up_to_progression
from clinical.recist.irecist import (
    ImmuneBest,
    ImmuneEvaluation,
    derive_immune_series,
    immune_best_response,
    immune_timepoints,
)
from clinical.recist.lesions import Assessment, Kind, Lesion, Measurement, State, baseline_findings
from clinical.recist.scan_date import ScanDate, scan_date
from clinical.recist.settings import Settings

MM_PER_UNIT = {"mm": Decimal(1), "cm": Decimal(10)}
DIAMETER_TESTS = frozenset({"LDIAM", "LPERP", "DIAMETER"})
STATE_TEST = "TUMSTATE"
TEN_PLACES = Decimal("1E-10")

RS_COLUMNS = (
    "USUBJID",
    "RSCAT",
    "RSTESTCD",
    "RSSTRESC",
    "RSSCAT",
    "RSEVAL",
    "RSEVALID",
    "VISIT",
    "VISITNUM",
    "RSDTC",
    "SUM_MM",
    "BASELINE_MM",
    "NADIR_MM",
    "CHANGE_BASELINE_PCT",
    "CHANGE_NADIR_PCT",
    "CHANGE_NADIR_MM",
    "RULE",
)

STATES = {
    "ABSENT": State.ABSENT,
    "DISAPPEARED": State.ABSENT,
    "RESOLVED": State.ABSENT,
    "PRESENT": State.PRESENT,
    "NO CHANGE": State.PRESENT,
    "UNCHANGED": State.PRESENT,
    "STABLE": State.PRESENT,
    "DECREASED": State.PRESENT,
    "TOO SMALL": State.TOO_SMALL,
    "TOO SMALL TO MEASURE": State.TOO_SMALL,
    "<5": State.TOO_SMALL,
    "<5 MM": State.TOO_SMALL,
    "MERGED": State.MERGED,
    "COALESCED": State.MERGED,
    "EQUIVOCAL": State.EQUIVOCAL,
    "INCREASED": State.INCREASED,
    "WORSENED": State.INCREASED,
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

INSTEAD_OF_DIAMETER = frozenset({State.ABSENT, State.TOO_SMALL, State.MERGED, State.NOT_EVALUABLE, State.NOT_DONE})


class Criteria(StrEnum):
    """The response criteria as the option and the dataset name them."""

    RECIST = "RECIST 1.1"
    IRECIST = "iRECIST"


@dataclass(frozen=True, slots=True)
class Table:
    """Where the columns of one table stand; a column that may be absent stands past the end."""

    name: str
    places: tuple[int, ...]
    width: int


@dataclass(frozen=True, slots=True)
class Derivation:
    """What is asked for: criteria, conventions, and how visits and dates are to be read."""

    criteria: Criteria = Criteria.RECIST
    settings: Settings = field(default_factory=Settings)
    visit_by_date: bool = False
    """Two scans under one visit number are two assessments where their values contradict each other."""
    references: Mapping[str, ScanDate] | None = None
    """Reference date per subject; without them the clock starts at the baseline assessment."""


@dataclass(frozen=True, slots=True)
class SubjectOutcome:
    """What came of one subject: rows for RS, or the problems that forbid them; and remarks on the baseline."""

    subject: str
    rows: list[tuple[str, ...]]
    problems: list[str]
    findings: list[str]


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
    problems = _header_problems("TU", header, TU_REQUIRED)
    if "TUSTRESC" not in header and "TUORRES" not in header:
        problems.append("TU has neither a column TUSTRESC nor TUORRES, one of which says what a lesion is.")
    return problems or _table("TU", header, TU_REQUIRED + TU_OPTIONAL)


def tr_table(header: Sequence[str]) -> Table | list[str]:
    """Where the columns of a TR table stand, or what is wrong with its header."""
    return _header_problems("TR", header, TR_REQUIRED) or _table("TR", header, TR_REQUIRED + TR_OPTIONAL)


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
            problems.append(
                f"{table.name} row {number} has {len(row)} cells and the header has {table.width}; "
                "quote cells that contain commas."
            )
            continue
        yield number, pick([*map(str.strip, row), ""])


# ---------------------------------------------------------------------------------------------------------------
# Reading


Evaluator = tuple[str, str]

_Reading = tuple[Decimal | None, State | None, str]
"""A diameter in mm, or a state, with the reason where one is given."""


@dataclass(slots=True)
class _Visit:
    """What one evaluator recorded under one visit number, before it is checked."""

    number: Decimal
    number_text: str
    label: str
    first_row: int
    records: list[tuple[str, str, _Reading, str, int]] = field(default_factory=list)
    """(lesion, test, reading, date as written, row)"""
    dates: dict[str, ScanDate] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Scan:
    """One assessment with the visit as the dataset names it."""

    assessment: Assessment
    visit: str
    number_text: str
    number: Decimal


def derive_subject(
    subject: str,
    tu: Table,
    tu_rows: Sequence[NumberedRow],
    tr: Table,
    tr_rows: Sequence[NumberedRow],
    derivation: Derivation,
) -> SubjectOutcome:
    """The responses of one subject, for every evaluator, or every problem in its rows."""
    problems: list[str] = []
    findings: list[str] = []
    rows: list[tuple[str, ...]] = []
    if not subject.strip():
        for table, lines in ((tu, tu_rows), (tr, tr_rows)):
            problems += [f"{table.name} row {number} has no USUBJID." for number, _ in lines]
        return SubjectOutcome(subject, [], problems, [])
    identified, first_seen = _read_lesions(subject, tu, tu_rows, problems)
    visits = _read_measurements(subject, tr, tr_rows, identified, problems)
    reference = None
    if derivation.references is not None and visits:
        reference = derivation.references.get(subject.strip())
        if reference is None:
            problems.append(f"Subject {subject} has no reference date.")
    for evaluator in sorted(visits):
        lesions = identified.get(evaluator, {})
        scans: list[_Scan] = []
        _add_first_sights(subject, evaluator, lesions, first_seen.get(evaluator, {}), visits[evaluator], problems)
        for visit in visits[evaluator].values():
            scans += _scans_of(subject, evaluator, visit, lesions, derivation.visit_by_date, problems)
        if problems:
            continue
        baseline, later = _split_at_baseline(_in_time(scans), reference)
        followed = _with_parents(lesions, baseline.assessment)
        who = " ".join(part for part in evaluator if part)
        findings += [
            f"Subject {subject}, {who}: {finding}"
            for finding in baseline_findings(followed, baseline.assessment, derivation.settings)
        ]
        start = reference or baseline.assessment.date
        if derivation.criteria is Criteria.RECIST:
            rows += _recist_rows(subject, evaluator, followed, baseline, later, start, derivation.settings)
        else:
            rows += _irecist_rows(subject, evaluator, followed, baseline, later, start, derivation.settings)
    return SubjectOutcome(subject, [] if problems else rows, problems, findings)


def _read_lesions(
    subject: str, tu: Table, rows: Sequence[NumberedRow], problems: list[str]
) -> tuple[dict[Evaluator, dict[str, Lesion]], dict[Evaluator, dict[str, tuple[int, str]]]]:
    identified: dict[Evaluator, dict[str, Lesion]] = {}
    first_seen: dict[Evaluator, dict[str, tuple[int, str]]] = {}
    for number, cells in _cells(tu, rows, problems):
        _, name, site, by, by_whom, result, as_reported, test, visit = cells
        if test in ("TUMERGE", "TUSPLIT"):
            continue
        what = (result or as_reported).upper()
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
        lesion = Lesion(name, Kind(what), site, is_node=is_lymph_node(site))
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


@lru_cache(maxsize=1024)
def is_lymph_node(site: str) -> bool:
    """Whether a location is a lymph node, measured by its short axis.

    >>> is_lymph_node("LYMPH NODE, MEDIASTINAL"), is_lymph_node("SINOATRIAL NODE")
    (True, False)
    """
    words = site.upper()
    return "LYMPH NODE" in words or "LYMPH GLAND" in words


def _read_measurements(
    subject: str,
    tr: Table,
    rows: Sequence[NumberedRow],
    identified: Mapping[Evaluator, Mapping[str, Lesion]],
    problems: list[str],
) -> dict[Evaluator, dict[Decimal, _Visit]]:
    visits: dict[Evaluator, dict[Decimal, _Visit]] = {}
    strangers: set[tuple[Evaluator, str]] = set()
    for number, cells in _cells(tr, rows, problems):
        _, name, test, text, numeric, unit, day, label, visit_text, by, by_whom, status, reason = cells
        is_diameter = test in DIAMETER_TESTS
        if not is_diameter and test != STATE_TEST:
            continue
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
        visit_number = _visit_number(visit_text)
        if visit_number is None:
            problems.append(f"TR row {number}: visit number '{visit_text}' is not a number.")
            continue
        reading = _read(number, name, test, is_diameter, text, numeric, unit, status, reason, problems)
        if reading is None:
            continue
        of_evaluator = visits.setdefault(evaluator, {})
        visit = of_evaluator.get(visit_number)
        if visit is None:
            visit = of_evaluator[visit_number] = _Visit(visit_number, visit_text, label or visit_text, number)
        if day and day not in visit.dates:
            try:
                visit.dates[day] = scan_date(day)
            except ValueError as fault:
                problems.append(f"TR row {number}: TRDTC: {fault}")
                continue
        visit.records.append((name, test, reading, day, number))
    return visits


@lru_cache(maxsize=4096)
def _visit_number(text: str) -> Decimal | None:
    return _number(text)


@lru_cache(maxsize=4096)
def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


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
) -> _Reading | None:
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
                "EQUIVOCAL, UNEQUIVOCAL, INCREASED, TOO SMALL TO MEASURE, MERGED or NOT EVALUABLE."
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


# ---------------------------------------------------------------------------------------------------------------
# From rows to assessments


def _add_first_sights(
    subject: str,
    evaluator: Evaluator,
    lesions: Mapping[str, Lesion],
    first_seen: Mapping[str, tuple[int, str]],
    visits: Mapping[Decimal, _Visit],
    problems: list[str],
) -> None:
    """A new lesion that TR says nothing about was seen at the visit where TU identified it."""
    in_tr = {record[0] for visit in visits.values() for record in visit.records}
    for name, (row, visit_text) in first_seen.items():
        if name in in_tr or lesions[name].kind is not Kind.NEW:
            continue
        number = _visit_number(visit_text) if visit_text else None
        visit = None if number is None else visits.get(number)
        if visit is None:
            problems.append(
                f"TU row {row}: new lesion {name} of subject {subject} has no row in TR that says when it was seen."
            )
        else:
            visit.records.append((name, STATE_TEST, (None, State.PRESENT, ""), "", row))


def _scans_of(
    subject: str,
    evaluator: Evaluator,
    visit: _Visit,
    lesions: Mapping[str, Lesion],
    visit_by_date: bool,
    problems: list[str],
) -> list[_Scan]:
    """The assessments under one visit number: one, or one per date where the rows are two scans."""
    if not visit.dates:
        problems.append(
            f"TR row {visit.first_row}: visit {visit.label} of subject {subject} has no date in TRDTC on any row."
        )
        return []
    readings, contradictions = _by_lesion(visit.records)
    if not contradictions:
        measurements = _measurements(subject, readings, lesions, problems)
        day = _date_of(visit.dates.values())
        return [_Scan(Assessment(visit.label, day, measurements), visit.label, visit.number_text, visit.number)]
    exact = sorted({day.earliest for day in visit.dates.values() if day.is_exact})
    days = [day.isoformat() for day in exact]
    if visit_by_date and len(days) > 1:
        return _scans_by_date(subject, visit, days, lesions, problems)
    hint = f" The rows are of {' and '.join(days)}: --visit-by-date takes them for two scans." if len(days) > 1 else ""
    _name_contradictions(subject, evaluator, visit, contradictions, hint, problems)
    return []


def _name_contradictions(
    subject: str,
    evaluator: Evaluator,
    visit: _Visit,
    contradictions: Sequence[tuple[str, str, str, int, str, int]],
    hint: str,
    problems: list[str],
) -> None:
    who = " ".join(part for part in evaluator if part)
    for name, test, first, first_row, second, second_row in contradictions:
        problems.append(
            f"TR rows {first_row} and {second_row}: subject {subject}, {who}, visit {visit.number_text} "
            f"({visit.label}): {test} of lesion {name} is {first} and {second}.{hint}"
        )


def _scans_by_date(
    subject: str, visit: _Visit, days: Sequence[str], lesions: Mapping[str, Lesion], problems: list[str]
) -> list[_Scan]:
    scans = []
    groups: dict[str, list[tuple[str, str, _Reading, str, int]]] = {day: [] for day in days}
    for record in visit.records:
        said = visit.dates.get(record[3])
        possible = [day for day in days if said is not None and said.may_be(scan_date(day))]
        if len(possible) == 1:
            groups[possible[0]].append(record)
        else:
            problems.append(
                f"TR row {record[4]}: subject {subject}, visit {visit.number_text} ({visit.label}) is {len(days)} "
                f"scans ({', '.join(days)}), and the date of this row does not say which one it belongs to."
            )
    for day, records in groups.items():
        readings, contradictions = _by_lesion(records)
        _name_contradictions(subject, ("on", day), visit, contradictions, "", problems)
        measurements = _measurements(subject, readings, lesions, problems)
        assessment = Assessment(f"{visit.label} of {day}", scan_date(day), measurements)
        scans.append(_Scan(assessment, visit.label, visit.number_text, visit.number))
    return scans


def _by_lesion(
    records: Sequence[tuple[str, str, _Reading, str, int]],
) -> tuple[dict[str, dict[str, _Reading]], list[tuple[str, str, str, int, str, int]]]:
    """Readings by lesion and test, and the pairs that contradict each other. The same value twice is one value."""
    readings: dict[str, dict[str, _Reading]] = {}
    rows: dict[tuple[str, str], int] = {}
    contradictions = []
    for name, test, reading, _, row in records:
        of_lesion = readings.setdefault(name, {})
        known = of_lesion.get(test)
        if known is None:
            of_lesion[test] = reading
            rows[name, test] = row
        elif known[:2] != reading[:2]:
            contradictions.append((name, test, _shown(known), rows[name, test], _shown(reading), row))
    return readings, contradictions


def _shown(reading: _Reading) -> str:
    mm, state, _ = reading
    return f"{mm} mm" if mm is not None else str(state)


def _measurements(
    subject: str, readings: Mapping[str, Mapping[str, _Reading]], lesions: Mapping[str, Lesion], problems: list[str]
) -> tuple[Measurement, ...]:
    measurements = []
    for name, tests in readings.items():
        try:
            measurements.append(_measurement(lesions[name], tests))
        except _ContradictionError as fault:
            problems.append(f"Subject {subject}: {fault}")
    return tuple(measurements)


class _ContradictionError(ValueError):
    """A diameter and a tumor state of one lesion that cannot both be right."""


def _measurement(lesion: Lesion, tests: Mapping[str, _Reading]) -> Measurement:
    """The one measurement that several tests of a lesion make.

    A diameter named as such counts; otherwise the short axis (LPERP) of a node and the longest diameter (LDIAM) of
    anything else. A node of which only the longest diameter is known is seen and not measured.
    """
    diameter = tests.get("DIAMETER") or tests.get("LPERP" if lesion.is_node else "LDIAM")
    state = tests.get(STATE_TEST)
    said = None if state is None else state[1]
    if diameter is not None and diameter[0] is not None:
        if said is State.ABSENT and diameter[0] > 0:
            raise _ContradictionError(f"lesion {lesion.name} is absent and has a diameter of {diameter[0]} mm.")
        # Of a non-target its state decides, of a new lesion whether it is one; elsewhere the diameter does.
        state_decides = (lesion.kind is Kind.NON_TARGET and said in _NON_TARGET_PROGRESSION) or (
            lesion.kind is Kind.NEW and said is State.EQUIVOCAL
        )
        if not state_decides:
            return Measurement(lesion.name, State.MEASURED, diameter[0], diameter[2])
    elif diameter is not None and (state is None or not (said and said.was_evaluated)):
        return Measurement(lesion.name, diameter[1] or State.NOT_EVALUABLE, None, diameter[2])
    if state is None or said is None:
        other = next((reading for reading in tests.values() if reading[1] is not None), (None, None, ""))
        if other[0] is not None:
            is_gone = not other[0]
            missing = "" if is_gone else f"its {'short axis' if lesion.is_node else 'longest diameter'} is missing"
            return Measurement(lesion.name, State.ABSENT if is_gone else State.PRESENT, None, missing)
        return Measurement(lesion.name, other[1] or State.NOT_EVALUABLE, None, other[2])
    if lesion.kind is Kind.NEW and said is State.PROGRESSED:
        said = State.PRESENT  # an unequivocal new lesion: it is certain, not larger
    elif lesion.kind is Kind.NON_TARGET and said is State.EQUIVOCAL:
        said = State.PRESENT  # doubtful progression is none
    return Measurement(lesion.name, said, None, state[2])


_NON_TARGET_PROGRESSION = (State.INCREASED, State.PROGRESSED, State.PROGRESSED_FURTHER)


def _date_of(dates: Iterable[ScanDate]) -> ScanDate:
    """The date of an assessment made over several days: its first day, an exact date before a partial one."""
    return min(dates, key=lambda day: (not day.is_exact, day.earliest))


def _in_time(scans: Sequence[_Scan]) -> list[_Scan]:
    """The assessments in the order they took place, by date; where a partial date cannot tell, by visit number."""
    placed = sorted(
        (scan for scan in scans if scan.assessment.date.is_exact),
        key=lambda scan: (scan.assessment.date.earliest, scan.number),
    )
    for scan in sorted((scan for scan in scans if not scan.assessment.date.is_exact), key=lambda one: one.number):
        day = scan.assessment.date
        low = max((i + 1 for i, other in enumerate(placed) if day.is_surely_after(other.assessment.date)), default=0)
        high = next(
            (i for i, other in enumerate(placed) if i >= low and other.assessment.date.is_surely_after(day)),
            len(placed),
        )
        place = next((i for i in range(low, high) if placed[i].number > scan.number), high)
        placed.insert(place, scan)
    return placed


def _split_at_baseline(scans: Sequence[_Scan], reference: ScanDate | None) -> tuple[_Scan, list[_Scan]]:
    """The baseline, and the assessments after it.

    The first assessment is the baseline; with a reference date every assessment up to it belongs to the baseline,
    and of a lesion seen twice the later value counts.
    """
    count = 1
    if reference is not None:
        while count < len(scans) and scans[count].assessment.date.latest <= reference.latest:
            count += 1
    last = scans[count - 1]
    if count == 1:
        return last, list(scans[1:])
    merged: dict[str, Measurement] = {}
    for scan in scans[:count]:
        for seen in scan.assessment.measurements:
            if seen.state.was_evaluated or seen.lesion not in merged:
                merged[seen.lesion] = seen
    baseline = Assessment(last.assessment.visit, last.assessment.date, tuple(merged.values()))
    return _Scan(baseline, last.visit, last.number_text, last.number), list(scans[count:])


def _with_parents(lesions: Mapping[str, Lesion], baseline: Assessment) -> list[Lesion]:
    """The lesions, those that broke off a target naming it: T01.1 and T01.2 are what T01 fell into after baseline."""
    followed = []
    for lesion in lesions.values():
        parent = lesions.get(lesion.name.rpartition(".")[0])
        is_fragment = (
            parent is not None
            and parent.kind is Kind.TARGET
            and lesion.kind is Kind.TARGET
            and lesion.name not in baseline.by_lesion
        )
        followed.append(replace(lesion, parent=parent.name) if is_fragment and parent else lesion)
    return followed


# ---------------------------------------------------------------------------------------------------------------
# Rows out

_NO_NUMBERS = ("", "", "", "", "", "")


def _recist_rows(
    subject: str,
    evaluator: Evaluator,
    lesions: Sequence[Lesion],
    baseline: _Scan,
    later: Sequence[_Scan],
    start: ScanDate,
    settings: Settings,
) -> list[tuple[str, ...]]:
    series = derive_series(lesions, baseline.assessment, [scan.assessment for scan in later], settings)
    rows = []
    for scan, one in zip(later, series, strict=True):
        rows += _visit_rows(
            subject, Criteria.RECIST, evaluator, scan, one, one.target, one.non_target, one.overall, one.rule
        )
    points = up_to_progression(timepoints(series))
    for how, choose in (("UNCONFIRMED", best_response), ("CONFIRMED", confirmed_best_response)):
        best = choose(points, reference=start, settings=settings)
        rows.append(_best_row(subject, Criteria.RECIST, evaluator, how, best, later))
    return rows


def _irecist_rows(
    subject: str,
    evaluator: Evaluator,
    lesions: Sequence[Lesion],
    baseline: _Scan,
    later: Sequence[_Scan],
    start: ScanDate,
    settings: Settings,
) -> list[tuple[str, ...]]:
    series: Sequence[ImmuneEvaluation] = derive_immune_series(
        lesions, baseline.assessment, [scan.assessment for scan in later], settings
    )
    rows = []
    for scan, one in zip(later, series, strict=True):
        rows += _visit_rows(
            subject, Criteria.IRECIST, evaluator, scan, one.by_recist, one.target, one.non_target, one.overall, one.rule
        )
    points = immune_timepoints(series)
    for how, confirmed in (("UNCONFIRMED", False), ("CONFIRMED", True)):
        best = immune_best_response(points, reference=start, settings=settings, confirmed=confirmed)
        rows.append(_best_row(subject, Criteria.IRECIST, evaluator, how, best, later))
    return rows


def _visit_rows(
    subject: str,
    criteria: Criteria,
    evaluator: Evaluator,
    scan: _Scan,
    evaluation: Evaluation,
    target: str,
    non_target: str,
    overall: str,
    rule: str,
) -> list[tuple[str, ...]]:
    place = ("", *evaluator, scan.visit, scan.number_text, evaluation.date.text)
    numbers = (
        _plain(evaluation.sum_mm),
        _plain(evaluation.baseline_mm),
        _plain(evaluation.nadir_mm),
        _plain(evaluation.change_baseline_pct),
        _plain(evaluation.change_nadir_pct),
        _plain(evaluation.change_nadir_mm),
    )
    return [
        (subject, criteria.value, "TRGRESP", str(target), *place, *_NO_NUMBERS, ""),
        (subject, criteria.value, "NTRGRESP", str(non_target), *place, *_NO_NUMBERS, ""),
        (subject, criteria.value, "NEWLPROG", str(evaluation.new_lesion), *place, *_NO_NUMBERS, ""),
        (subject, criteria.value, "OVRLRESP", str(overall), *place, *numbers, rule),
    ]


def _best_row(
    subject: str,
    criteria: Criteria,
    evaluator: Evaluator,
    how: str,
    best: Best | ImmuneBest,
    later: Sequence[_Scan],
) -> tuple[str, ...]:
    scan = next((scan for scan in later if scan.assessment.visit == best.visit), None)
    place = (
        ("", "", best.date.text if best.date else "")
        if scan is None
        else (scan.visit, scan.number_text, scan.assessment.date.text)
    )
    rule = f"{how.capitalize()}: {best.reason}"
    return (subject, criteria.value, "BESTRESP", str(best.response), how, *evaluator, *place, *_NO_NUMBERS, rule)


def _plain(value: Decimal | None) -> str:
    """A number without exponent or idle zeros, a long fraction cut to ten places."""
    if value is None:
        return ""
    text = f"{value.quantize(TEN_PLACES):f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


# ---------------------------------------------------------------------------------------------------------------
# Whole tables


def read_references(header: Sequence[str], rows: Iterable[NumberedRow]) -> dict[str, ScanDate] | list[str]:
    """Reference dates by subject from the columns USUBJID and RFSTDTC, or what is wrong with them."""
    required = ("USUBJID", "RFSTDTC")
    problems = _header_problems("REF", header, required)
    if problems:
        return problems
    table = _table("REF", header, required)
    references: dict[str, ScanDate] = {}
    for number, (subject, text) in _cells(table, list(rows), problems):
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


def derive_subjects(
    tu: Table, tu_rows: Iterator[NumberedRow], tr: Table, tr_rows: Iterator[NumberedRow], derivation: Derivation
) -> Iterator[SubjectOutcome]:
    """The responses of every subject; both tables in the order of their subjects, so that one is held at a time."""
    subject_place = tu.places[0], tr.places[0]
    for subject, lesions, measurements in together(tu_rows, subject_place[0], tr_rows, subject_place[1]):
        yield derive_subject(subject, tu, lesions, tr, measurements, derivation)
