"""From the rows of one evaluator to assessments in the order they took place.

Rows that contradict each other are not guessed at: each contradiction is named with its rows.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from operator import itemgetter

from clinical.recist.lesion_tables import STATE_TEST, Evaluator, Reading, Visit, VisitKey, visit_number
from clinical.recist.lesions import Assessment, Kind, Lesion, Measurement, State
from clinical.recist.scan_date import ScanDate, scan_date


@dataclass(frozen=True, slots=True)
class Scan:
    """One assessment with the visit as the dataset names it."""

    assessment: Assessment
    visit: str
    number_text: str
    number: Decimal | None
    """None for an unplanned visit without a number; its date says where it belongs."""


# ---------------------------------------------------------------------------------------------------------------
# From rows to assessments


def add_first_sights(
    subject: str,
    lesions: Mapping[str, Lesion],
    first_seen: Mapping[str, tuple[int, str]],
    visits: Mapping[VisitKey, Visit],
    problems: list[str],
) -> None:
    """A new lesion that TR says nothing about was seen at the visit where TU identified it."""
    in_tr = {record[0] for visit in visits.values() for record in visit.records}
    for name, (row, visit_text) in first_seen.items():
        if name in in_tr or lesions[name].kind is not Kind.NEW:
            continue
        number = visit_number(visit_text) if visit_text else None
        visit = None if number is None else visits.get(number)
        if visit is None:
            problems.append(
                f"TU row {row}: new lesion {name} of subject {subject} has no row in TR that says when it was seen."
            )
        else:
            visit.records.append((name, STATE_TEST, (None, State.PRESENT, ""), "", row))


def scans_of(
    subject: str,
    evaluator: Evaluator,
    visit: Visit,
    lesions: Mapping[str, Lesion],
    visit_by_date: bool,
    problems: list[str],
) -> list[Scan]:
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
        return [Scan(Assessment(visit.label, day, measurements), visit.label, visit.number_text, visit.number)]
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
    visit: Visit,
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
    subject: str, visit: Visit, days: Sequence[str], lesions: Mapping[str, Lesion], problems: list[str]
) -> list[Scan]:
    scans = []
    groups: dict[str, list[tuple[str, str, Reading, str, int]]] = {day: [] for day in days}
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
        scans.append(Scan(assessment, visit.label, visit.number_text, visit.number))
    return scans


def _by_lesion(
    records: Sequence[tuple[str, str, Reading, str, int]],
) -> tuple[dict[str, dict[str, Reading]], list[tuple[str, str, str, int, str, int]]]:
    """Readings by lesion and test, and the pairs that contradict each other. The same value twice is one value."""
    readings: dict[str, dict[str, Reading]] = {}
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


def _shown(reading: Reading) -> str:
    mm, state, _ = reading
    return f"{mm} mm" if mm is not None else str(state)


def _measurements(
    subject: str, readings: Mapping[str, Mapping[str, Reading]], lesions: Mapping[str, Lesion], problems: list[str]
) -> tuple[Measurement, ...]:
    measurements = []
    for name, tests in readings.items():
        try:
            seen = _measurement(lesions[name], tests)
        except _ContradictionError as fault:
            problems.append(f"Subject {subject}: {fault}")
            continue
        is_absent = seen.state is State.NORMAL and not lesions[name].is_node
        measurements.append(replace(seen, state=State.ABSENT) if is_absent else seen)
    return tuple(measurements)


class _ContradictionError(ValueError):
    """A diameter and a tumor state of one lesion that cannot both be right."""


def _measurement(lesion: Lesion, tests: Mapping[str, Reading]) -> Measurement:
    """The one measurement that several tests of a lesion make.

    A diameter named as such counts; otherwise the short axis (LPERP) of a node and the longest diameter (LDIAM) of
    anything else. A node of which only the longest diameter is known is seen and not measured. A normal node keeps the
    axis that was measured, and of anything else normal means absent (CDISC codelist TRPROPRS).
    """
    diameter, axis = tests.get("DIAMETER"), tests.get("LPERP" if lesion.is_node else "LDIAM")
    if diameter is None or (diameter[0] is None and axis is not None and axis[0] is not None):
        diameter = axis
    state = tests.get(STATE_TEST)
    said = None if state is None else state[1]
    says_gone = said is State.ABSENT or (said is State.NORMAL and not lesion.is_node)
    if diameter is not None and diameter[0] is not None:
        if (says_gone and diameter[0]) or (said in _THERE and not diameter[0]):
            raise _ContradictionError(f"lesion {lesion.name} is {said} and has a diameter of {diameter[0]} mm.")
        # Of a non-target its state decides, of a new lesion whether it is one; elsewhere the diameter does.
        state_decides = (lesion.kind is Kind.NON_TARGET and said in _NON_TARGET_PROGRESSION) or (
            lesion.kind is Kind.NEW and said is State.EQUIVOCAL
        )
        if not state_decides:
            return Measurement(lesion.name, State.MEASURED, diameter[0], diameter[2])
    elif diameter is not None:
        instead = diameter[1] or State.NOT_EVALUABLE
        if (instead is State.ABSENT and said in _THERE) or (instead is State.TOO_SMALL and says_gone):
            raise _ContradictionError(f"lesion {lesion.name} is {said} and, in place of its diameter, {instead}.")
        # "Present" says less than what was written in place of the diameter.
        if said is State.PRESENT and instead.was_evaluated:
            said = instead
        if said is None or not said.was_evaluated or said is instead:
            return Measurement(lesion.name, instead, None, diameter[2])
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


_THERE = frozenset({State.PRESENT, State.INCREASED, State.PROGRESSED, State.PROGRESSED_FURTHER})
_NON_TARGET_PROGRESSION = (State.INCREASED, State.PROGRESSED, State.PROGRESSED_FURTHER)


def _date_of(dates: Iterable[ScanDate]) -> ScanDate:
    """The date of an assessment made over several days: its first day, an exact date before a partial one."""
    return min(dates, key=lambda day: (not day.is_exact, day.earliest))


def in_order_of_visits(scans: Iterable[Scan]) -> list[Scan]:
    """The assessments by visit number, which SDTM defines as their order in time, and by date within one number.

    An unplanned visit without a number stands behind the last visit that is not later than it.
    """
    by_number: list[tuple[Decimal, date, Scan]] = []
    unnumbered: list[tuple[date, Scan]] = []
    for scan in scans:
        day = scan.assessment.date.earliest
        if scan.number is None:
            unnumbered.append((day, scan))
        else:
            by_number.append((scan.number, day, scan))
    placed = [scan for _, _, scan in sorted(by_number, key=itemgetter(0, 1))]
    for day, scan in sorted(unnumbered, key=itemgetter(0)):
        place = max((i + 1 for i, other in enumerate(placed) if other.assessment.date.earliest <= day), default=0)
        placed.insert(place, scan)
    return placed


def _by_date(scan: Scan) -> tuple[date, bool, Decimal]:
    return scan.assessment.date.earliest, scan.number is None, scan.number or Decimal(0)


def in_order_of_dates(scans: Sequence[Scan]) -> list[Scan]:
    """The assessments by date; where a partial date cannot tell, by visit number."""
    placed = sorted(
        (scan for scan in scans if scan.assessment.date.is_exact),
        key=_by_date,
    )
    for scan in in_order_of_visits(scan for scan in scans if not scan.assessment.date.is_exact):
        day = scan.assessment.date
        low = max((i + 1 for i, other in enumerate(placed) if day.is_surely_after(other.assessment.date)), default=0)
        high = next(
            (i for i, other in enumerate(placed) if i >= low and other.assessment.date.is_surely_after(day)),
            len(placed),
        )
        place = next((i for i in range(low, high) if _is_numbered_before(scan, placed[i])), high)
        placed.insert(place, scan)
    return placed


def _is_numbered_before(one: Scan, other: Scan) -> bool:
    return one.number is not None and other.number is not None and one.number < other.number


def numbered_against_time(scans: Sequence[Scan]) -> list[str]:
    """Neighbors whose visit numbers go up while their dates go down, in words."""
    return [
        f"Visit {later.number_text} ({later.visit}) of {later.assessment.date} is numbered after visit "
        f"{earlier.number_text} ({earlier.visit}) of {earlier.assessment.date}."
        for earlier, later in pairwise(in_order_of_visits(scan for scan in scans if scan.number is not None))
        if earlier.assessment.date.is_surely_after(later.assessment.date)
    ]


def split_at_baseline(scans: Sequence[Scan], reference: ScanDate | None) -> tuple[Assessment, list[Scan]]:
    """The baseline, and the assessments after it.

    The first assessment is the baseline; with a reference date every assessment up to it belongs to the baseline,
    and of a lesion seen twice the later value counts.
    """
    count = 1
    if reference is not None:
        while count < len(scans) and scans[count].assessment.date.latest <= reference.latest:
            count += 1
    last = scans[count - 1].assessment
    if count == 1:
        return last, list(scans[1:])
    merged: dict[str, Measurement] = {}
    for scan in scans[:count]:
        for seen in scan.assessment.measurements:
            if seen.state.was_evaluated or seen.lesion not in merged:
                merged[seen.lesion] = seen
    return Assessment(last.visit, last.date, tuple(merged.values())), list(scans[count:])


def told_apart(scans: Sequence[Scan]) -> list[Scan]:
    """The scans with a name of its own each, so that a nadir or a best response names one visit and not two.

    Unplanned visits are often all called UNSCHEDULED.
    """
    times = Counter(scan.assessment.visit for scan in scans)
    if len(times) == len(scans):
        return list(scans)
    apart = []
    for scan in scans:
        visit = scan.assessment.visit
        if times[visit] > 1:
            by = f"visit {scan.number_text}" if scan.number_text else str(scan.assessment.date)
            scan = replace(scan, assessment=replace(scan.assessment, visit=f"{visit} ({by})"))
        apart.append(scan)
    return apart


def name_targets_absent_at_baseline(
    subject: str,
    evaluator: Evaluator,
    lesions: Iterable[Lesion],
    baseline: Assessment,
    visits: Iterable[Visit],
    problems: list[str],
) -> None:
    """A target of 0 mm at baseline is no target: nothing is there that could shrink, and its growth would be hidden."""
    who = " ".join(part for part in evaluator if part)
    in_order = sorted(visits, key=lambda visit: (visit.number is None, visit.number or 0))
    records = [record for visit in in_order for record in visit.records]
    for lesion in lesions:
        seen = baseline.by_lesion.get(lesion.name)
        if lesion.kind is not Kind.TARGET or lesion.parent or seen is None or not seen.is_gone:
            continue
        row = next(
            row
            for name, _, (mm, state, _), _, row in records
            if name == lesion.name and (mm == 0 or state in (State.ABSENT, State.NORMAL))
        )
        problems.append(
            f"TR row {row}: target lesion {lesion.name} of subject {subject}, {who}, is "
            f"{'0 mm' if seen.mm is not None else seen.state} at baseline ({baseline.visit}); correct the diameter, or "
            "identify a lesion that appears later as NEW."
        )


def baseline_without_lesions(first: ScanDate) -> Assessment:
    """The baseline of an evaluator who found no lesion then, and of whom TR therefore has no row of that day."""
    return Assessment("BASELINE", first, ())


def first_day(visits: Iterable[Visit]) -> ScanDate:
    """The first day on which anybody saw the subject."""
    return _date_of(day for visit in visits for day in visit.dates.values())


def with_parents(lesions: Mapping[str, Lesion], baseline: Assessment) -> list[Lesion]:
    """The lesions, those that broke off a target naming it: T01.1 and T01.2 are what T01 fell into after baseline."""
    there = {seen.lesion for seen in baseline.measurements if not seen.is_gone}
    followed = []
    for lesion in lesions.values():
        parent = lesions.get(lesion.name.rpartition(".")[0])
        is_fragment = (
            parent is not None
            and parent.kind is Kind.TARGET
            and lesion.kind is Kind.TARGET
            and lesion.name not in there
        )
        followed.append(replace(lesion, parent=parent.name) if is_fragment and parent else lesion)
    return followed
