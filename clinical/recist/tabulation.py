"""Responses from tables: SDTM TU and TR rows in, RS rows or every problem in words out, one subject at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from clinical.recist import lesion_tables, scans
from clinical.recist.assessment import Evaluation, derive_series
from clinical.recist.by_subject import NumberedRow, together
from clinical.recist.endpoints import Best, best_response, confirmed_best_response, timepoints, up_to_progression
from clinical.recist.irecist import ImmuneBest, derive_immune_series, immune_best_response, immune_timepoints
from clinical.recist.lesion_tables import Evaluator, Table
from clinical.recist.lesions import Assessment, Kind, Lesion, baseline_findings
from clinical.recist.scan_date import ScanDate
from clinical.recist.scans import Scan
from clinical.recist.settings import Settings

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


class Criteria(StrEnum):
    """The response criteria as the option and the dataset name them."""

    RECIST = "RECIST 1.1"
    IRECIST = "iRECIST"


@dataclass(frozen=True, slots=True)
class Derivation:
    """What is asked for: criteria, conventions, and how visits and dates are to be read."""

    criteria: Criteria = Criteria.RECIST
    settings: Settings = field(default_factory=Settings)
    visit_by_date: bool = False
    """Two scans under one visit number are two assessments where their values contradict each other."""
    order_by_date: bool = False
    """Assessments follow each other by date and not by visit number, where the two disagree."""
    references: Mapping[str, ScanDate] | None = None
    """Reference date per subject; without them the clock starts at the baseline assessment."""


@dataclass(frozen=True, slots=True)
class SubjectOutcome:
    """What came of one subject: rows for RS, or the problems that forbid them; and remarks that forbid nothing."""

    subject: str
    rows: list[tuple[str, ...]]
    problems: list[str]
    findings: list[str]


def derive_subjects(
    tu: Table, tu_rows: Iterator[NumberedRow], tr: Table, tr_rows: Iterator[NumberedRow], derivation: Derivation
) -> Iterator[SubjectOutcome]:
    """The responses of every subject; both tables in the order of their subjects, so that one is held at a time."""
    for subject, lesions, measurements in together(tu_rows, tu.subject, tr_rows, tr.subject):
        yield derive_subject(subject, tu, lesions, tr, measurements, derivation)


def derive_subject(
    subject: str,
    tu: Table,
    tu_rows: Sequence[NumberedRow],
    tr: Table,
    tr_rows: Sequence[NumberedRow],
    derivation: Derivation,
) -> SubjectOutcome:
    """The responses of one subject, for every evaluator, or every problem in its rows."""
    if not subject:
        missing = [
            f"{table.name} row {row[0]} has no USUBJID."
            for table, rows in ((tu, tu_rows), (tr, tr_rows))
            for row in rows
        ]
        return SubjectOutcome(subject, [], missing, [])
    problems: list[str] = []
    identified, first_seen = lesion_tables.read_lesions(subject, tu, tu_rows, problems)
    visits = lesion_tables.read_measurements(subject, tr, tr_rows, identified, problems)
    reference = None
    if derivation.references is not None and visits:
        reference = derivation.references.get(subject)
        if reference is None:
            problems.append(f"Subject {subject} has no reference date.")
    courses = []
    for evaluator, of_evaluator in sorted(visits.items()):
        lesions = identified.get(evaluator, {})
        scans.add_first_sights(subject, lesions, first_seen.get(evaluator, {}), of_evaluator, problems)
        found: list[Scan] = []
        for visit in of_evaluator.values():
            found += scans.scans_of(subject, evaluator, visit, lesions, derivation.visit_by_date, problems)
        if not problems:
            in_order = scans.in_order_of_dates if derivation.order_by_date else scans.in_order_of_visits
            ordered = scans.told_apart(in_order(found))
            if all(lesion.kind is Kind.NEW for lesion in lesions.values()):
                anybodys = (visit for each in visits.values() for visit in each.values())
                baseline, later = scans.baseline_without_lesions(reference or scans.first_day(anybodys)), ordered
            else:
                baseline, later = scans.split_at_baseline(ordered, reference)
            followed = scans.with_parents(lesions, baseline)
            scans.name_targets_absent_at_baseline(
                subject, evaluator, followed, baseline, of_evaluator.values(), problems
            )
            courses.append(_Course(subject, evaluator, followed, baseline, later, reference or baseline.date))
    if problems:
        return SubjectOutcome(subject, [], problems, [])
    tabulate = _recist_rows if derivation.criteria is Criteria.RECIST else _irecist_rows
    return SubjectOutcome(
        subject,
        rows=[row for course in courses for row in tabulate(course, derivation.settings)],
        problems=[],
        findings=[
            f"Subject {subject}, {course.reader}: {finding}"
            for course in courses
            for finding in (
                *baseline_findings(course.lesions, course.baseline, derivation.settings),
                *scans.numbered_against_time(course.scans),
            )
        ],
    )


# ---------------------------------------------------------------------------------------------------------------
# Rows out


@dataclass(frozen=True, slots=True)
class _Course:
    """One subject as one evaluator saw it, from baseline on."""

    subject: str
    evaluator: Evaluator
    lesions: Sequence[Lesion]
    baseline: Assessment
    scans: Sequence[Scan]
    start: ScanDate

    @property
    def reader(self) -> str:
        return " ".join(part for part in self.evaluator if part)

    @property
    def assessments(self) -> list[Assessment]:
        return [scan.assessment for scan in self.scans]


def _recist_rows(course: _Course, settings: Settings) -> Iterator[tuple[str, ...]]:
    series = derive_series(course.lesions, course.baseline, course.assessments, settings)
    for scan, one in zip(course.scans, series, strict=True):
        responses = (one.target, one.non_target, one.new_lesion, one.overall)
        yield from _visit_rows(course, Criteria.RECIST, scan, responses, one, one.rule)
    points = up_to_progression(timepoints(series))
    best = best_response(points, reference=course.start, settings=settings)
    yield _best_row(course, Criteria.RECIST, "UNCONFIRMED", best)
    best = confirmed_best_response(points, reference=course.start, settings=settings)
    yield _best_row(course, Criteria.RECIST, "CONFIRMED", best)


def _irecist_rows(course: _Course, settings: Settings) -> Iterator[tuple[str, ...]]:
    series = derive_immune_series(course.lesions, course.baseline, course.assessments, settings)
    for scan, one in zip(course.scans, series, strict=True):
        responses = (one.target, one.non_target, one.by_recist.new_lesion, one.overall)
        yield from _visit_rows(course, Criteria.IRECIST, scan, responses, one.by_recist, one.rule)
    points = immune_timepoints(series)
    best = immune_best_response(points, reference=course.start, settings=settings)
    yield _best_row(course, Criteria.IRECIST, "UNCONFIRMED", best)
    best = immune_best_response(points, reference=course.start, settings=settings, confirmed=True)
    yield _best_row(course, Criteria.IRECIST, "CONFIRMED", best)


_VISIT_TESTS = ("TRGRESP", "NTRGRESP", "NEWLPROG", "OVRLRESP")
_NO_NUMBERS = ("",) * 6


def _visit_rows(
    course: _Course,
    criteria: Criteria,
    scan: Scan,
    responses: Sequence[str],
    evaluation: Evaluation,
    rule: str,
) -> Iterator[tuple[str, ...]]:
    """One row per test; the sums and the rule stand on the overall response."""
    place = ("", *course.evaluator, scan.visit, scan.number_text, evaluation.date.text)
    numbers = (
        _plain(evaluation.sum_mm),
        _plain(evaluation.baseline_mm),
        _plain(evaluation.nadir_mm),
        _plain(evaluation.change_baseline_pct),
        _plain(evaluation.change_nadir_pct),
        _plain(evaluation.change_nadir_mm),
    )
    for test, response in zip(_VISIT_TESTS, responses, strict=True):
        details = (*numbers, rule) if test == "OVRLRESP" else (*_NO_NUMBERS, "")
        yield (course.subject, criteria.value, test, response, *place, *details)


def _best_row(course: _Course, criteria: Criteria, how: str, best: Best | ImmuneBest) -> tuple[str, ...]:
    scan = next((scan for scan in course.scans if scan.assessment.visit == best.visit), None)
    visit, number = (scan.visit, scan.number_text) if scan else ("", "")
    place = (how, *course.evaluator, visit, number, best.date.text if best.date else "")
    rule = f"{how.capitalize()}: {best.reason}"
    return (course.subject, criteria.value, "BESTRESP", best.response.value, *place, *_NO_NUMBERS, rule)


def _plain(value: Decimal | None) -> str:
    """A number without exponent or idle zeros, a long fraction cut to ten places."""
    if value is None:
        return ""
    text = f"{value.quantize(TEN_PLACES):f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
