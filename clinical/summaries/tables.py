"""The tables of a trial report as rows of text: one function a table, each from subject-level data alone.

Denominators, the thing to get right: safety counts everybody treated (lymphodepletion begun, infused or not), response
counts everybody infused, and the confirmed response rate leaves out responders without a scan after their response.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from clinical.recist.responses import Response
from clinical.summaries.proportions import Proportion
from clinical.summaries.response_by_sums import BEST_FIRST, Conventions, Outcome, outcomes
from clinical.summaries.subject_data import EventRecord, SubjectRecord, TrialData
from clinical.survival import Observation, SurvivalCurve, Time, in_months, kaplan_meier

ALL = "all"
NOT_REACHED = "NR"
SEVERE = 3
GRADES = (1, 2, 3, 4, 5)
SYNDROMES = {
    "CRS": ("cytokine release syndrome", "crs"),
    "ICANS": ("immune effector cell-associated neurotoxicity syndrome", "icans"),
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table ready to print; `name` is what a file of it is called."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def all_tables(data: TrialData, conventions: Conventions | None = None) -> tuple[Table, ...]:
    """Every table of the report, in the order in which one reads it."""
    found = outcomes(data, conventions)
    return (
        disposition(data, found),
        dose_limiting_toxicity(data),
        safety_overview(data),
        adverse_events(data),
        crs_and_icans(data),
        response(found),
        time_to_event(found),
        survival_curves(found),
        waterfall(found),
        swimmer(found),
    )


# ---------------------------------------------------------------------------------------------------------------
# Disposition


def disposition(data: TrialData, found: Sequence[Outcome]) -> Table:
    """Who was treated, infused, progressed and died, by part and dose level, with the totals of each."""
    progressed = {each.subject.name for each in found if each.progressed_on}
    rows = []
    for part, level, members in _groups(data.subjects):
        infused = [each for each in members if each.infused_on is not None]
        treated = [each for each in members if each.was_treated]
        died = [each for each in treated if each.died_before_cutoff is not None]
        counts = (
            len(treated),
            len(infused),
            len(treated) - len(infused),
            sum(each.name in progressed for each in infused),
            len(died),
            len(treated) - len(died),
        )
        rows.append((part, level, *map(str, counts)))
    columns = ("part", "dose_level", "treated", "infused", "not_infused", "progressed", "died", "alive")
    return Table("disposition", columns, tuple(rows))


def _groups(subjects: Iterable[SubjectRecord]) -> list[tuple[str, str, list[SubjectRecord]]]:
    """Each part with its dose levels and its total, then the dose levels over all parts, then everybody."""
    known = list(subjects)
    parts = list(dict.fromkeys(each.part for each in known))
    levels = sorted({each.dose_level for each in known}, key=_natural)
    cells = [(part, level) for part in parts for level in (*levels, ALL)]
    cells += [(ALL, level) for level in (*levels, ALL)]
    groups = []
    for part, level in cells:
        members = [each for each in known if part in (ALL, each.part) and level in (ALL, each.dose_level)]
        if members or (part, level) == (ALL, ALL):
            groups.append((part, level, members))
    return groups


def _natural(name: str) -> list[tuple[int, int, str]]:
    """An order in which DL10 comes after DL9."""
    pieces = re.split(r"(\d+)", name)
    return [(1, int(piece), "") if piece.isdigit() else (0, 0, piece) for piece in pieces]


# ---------------------------------------------------------------------------------------------------------------
# Safety


def dose_limiting_toxicity(data: TrialData) -> Table:
    """Subjects with a dose-limiting toxicity by dose level; a subject with two of them is one subject.

    Whoever was infused counts, and whoever had a DLT before it came to an infusion.
    """
    rows = []
    levels = sorted({each.dose_level for each in data.treated}, key=_natural)
    for level in (*levels, ALL):
        members = [each for each in data.treated if level in (ALL, each.dose_level)]
        names = {each.name for each in members}
        events = [each for each in data.events if each.is_dlt and each.subject in names]
        affected = {each.subject for each in events}
        infused = {each.name for each in members if each.infused_on is not None}
        share = Proportion(len(affected), len(infused | affected))
        terms = "; ".join(f"{each.subject}: {each.term}, {_grade(each)}" for each in events)
        rows.append((level, str(len(members)), str(share.total), str(share.count), _shown(share.percent), terms))
    columns = ("dose_level", "treated", "evaluable", "subjects_with_dlt", "percent", "dlts")
    return Table("dose_limiting_toxicity", columns, tuple(rows))


def _grade(event: EventRecord) -> str:
    return "grade missing" if event.grade is None else f"grade {event.grade}"


def safety_overview(data: TrialData) -> Table:
    """Treated subjects with any event, a severe, a serious, a dose-limiting, a fatal one."""
    kinds: tuple[tuple[str, Callable[[EventRecord], bool]], ...] = (
        ("any adverse event", lambda event: True),
        ("grade 3 or more", _is_severe),
        ("serious", lambda event: event.is_serious),
        ("dose-limiting", lambda event: event.is_dlt),
        ("grade 5", lambda event: event.grade == 5),
    )
    treated = {each.name for each in data.treated}
    rows = []
    for name, belongs in kinds:
        affected = {event.subject for event in data.events if event.subject in treated and belongs(event)}
        rows.append((name, *_counted(Proportion(len(affected), len(treated)))))
    return Table("safety_overview", ("category", "subjects", "treated", "percent"), tuple(rows))


def _is_severe(event: EventRecord) -> bool:
    return event.grade is not None and event.grade >= SEVERE


def adverse_events(data: TrialData) -> Table:
    """Treated subjects by preferred term at their worst grade, whatever the attribution.

    A subject with a term three times counts once, at the worst of the three. A subject whose every grade of a term is
    missing counts under any grade and under no single grade.
    """
    treated = {each.name for each in data.treated}
    worst: dict[str, dict[str, int]] = {}
    for event in data.events:
        if event.subject in treated:
            for term in (event.term, "Any adverse event"):
                subjects = worst.setdefault(term, {})
                subjects[event.subject] = max(subjects.get(event.subject, 0), event.grade or 0)
    rows = []
    for term in sorted(worst, key=lambda term: (-len(worst[term]), term)):
        grades = worst[term].values()
        any_grade = Proportion(len(grades), len(treated))
        severe = Proportion(sum(grade >= SEVERE for grade in grades), len(treated))
        by_grade = [str(sum(grade == each for grade in grades)) for each in GRADES]
        rows.append(
            (
                term,
                str(any_grade.count),
                _shown(any_grade.percent),
                str(severe.count),
                _shown(severe.percent),
                *by_grade,
                str(len(treated)),
            )
        )
    # A term that every subject had must not stand above the line that sums them all up.
    rows.sort(key=lambda row: row[0] != "Any adverse event")
    columns = (
        "preferred_term",
        "any_grade_subjects",
        "any_grade_percent",
        "grade_3_or_more_subjects",
        "grade_3_or_more_percent",
        *(f"worst_grade_{grade}" for grade in GRADES),
        "treated",
    )
    return Table("adverse_events", columns, tuple(rows))


def crs_and_icans(data: TrialData) -> Table:
    """Treated subjects by their worst ASTCT grade of CRS and of ICANS.

    Only grades by ASTCT are counted as grades: CTCAE grades the same syndromes by other criteria. An episode graded
    otherwise, or not graded, counts under any grade and is shown on a line of its own.
    """
    treated = {each.name for each in data.treated}
    rows = []
    for syndrome, names in SYNDROMES.items():
        worst: dict[str, int] = {}
        for event in data.events:
            if event.subject in treated and event.term.lower() in names:
                grade = (event.grade or 0) if event.is_by_astct else 0
                worst[event.subject] = max(worst.get(event.subject, 0), grade)
        lines = [("any", len(worst))]
        lines += [(str(grade), sum(each == grade for each in worst.values())) for grade in GRADES]
        lines.append(("3 or more", sum(each >= SEVERE for each in worst.values())))
        lines.append(("no ASTCT grade", sum(each == 0 for each in worst.values())))
        rows += [(syndrome, grade, *_counted(Proportion(count, len(treated)))) for grade, count in lines]
    return Table("crs_and_icans", ("syndrome", "astct_grade", "subjects", "treated", "percent"), tuple(rows))


# ---------------------------------------------------------------------------------------------------------------
# Response


def response(found: Sequence[Outcome]) -> Table:
    """Best overall response, response rate and confirmed response rate with exact 95 % intervals.

    The rate counts all infused subjects, those never scanned too. The confirmed rate leaves out responders without a
    later scan: their confirmation is pending, neither given nor failed.
    """
    rows = []
    for group, members in _by_part(found):
        everybody = len(members)
        for best in BEST_FIRST:
            count = sum(each.best is best for each in members)
            if count or best is not Response.NON_CR_NON_PD:
                rows.append((group, f"BOR {best.value}", *_with_interval(Proportion(count, everybody))))
        controlled = sum(each.best not in (Response.PD, Response.NE) for each in members)
        decided = [each for each in members if not each.is_pending]
        for name, share in (
            ("ORR", Proportion(sum(each.responded for each in members), everybody)),
            ("cORR", Proportion(sum(each.is_confirmed for each in decided), len(decided))),
            ("DCR", Proportion(controlled, everybody)),
        ):
            rows.append((group, name, *_with_interval(share)))
    columns = ("group", "measure", "subjects", "denominator", "percent", "ci_lower_percent", "ci_upper_percent")
    return Table("response", columns, tuple(rows))


def _by_part(found: Sequence[Outcome]) -> list[tuple[str, list[Outcome]]]:
    parts = dict.fromkeys(each.subject.part for each in found)
    return [(ALL, list(found)), *((part, [each for each in found if each.subject.part == part]) for part in parts)]


ENDPOINTS: tuple[tuple[str, str, Callable[[Outcome], Observation | None]], ...] = (
    ("DOR", "all responders", lambda each: each.duration_of_response),
    ("DOR", "confirmed responders", lambda each: each.duration_of_response if each.is_confirmed else None),
    ("PFS", "infused", lambda each: each.progression_free),
    ("OS", "infused", lambda each: each.overall_survival),
)
"""Each time to event with the subjects it is counted in; None leaves a subject out."""


def _curve(members: Iterable[Outcome], time: Callable[[Outcome], Observation | None]) -> SurvivalCurve:
    return kaplan_meier(seen for each in members if (seen := time(each)) is not None)


def time_to_event(found: Sequence[Outcome]) -> Table:
    """Kaplan-Meier medians in months with log-log intervals: duration of response, PFS and OS.

    Duration of response is told twice, for all responders and for the confirmed ones: reports differ in which they
    mean, and an unconfirmed response that was gone at the next scan makes a great difference to the median.
    """
    rows = []
    for group, members in _by_part(found):
        for endpoint, population, time in ENDPOINTS:
            curve = _curve(members, time)
            median = curve.median
            limits = (_months(median.time), _months(median.lower), _months(median.upper))
            counts = (str(curve.subjects), str(curve.events), str(curve.censored))
            rows.append((group, endpoint, population, *counts, *limits))
    columns = (
        "group",
        "endpoint",
        "population",
        "subjects",
        "events",
        "censored",
        "median_months",
        "ci_lower_months",
        "ci_upper_months",
    )
    return Table("time_to_event", columns, tuple(rows))


def survival_curves(found: Sequence[Outcome]) -> Table:
    """The steps of the curves of all subjects, to draw them and to print the number at risk."""
    rows = []
    for endpoint, population, time in ENDPOINTS:
        for step in _curve(found, time).steps:
            band = ["" if limit is None else f"{limit:.4f}" for limit in (step.lower, step.upper)]
            counts = (str(step.at_risk), str(step.events), str(step.censored))
            times = (str(step.time), _months(step.time))
            rows.append((endpoint, population, *times, *counts, f"{step.survival:.4f}", *band))
    columns = ("endpoint", "population", "days", "months", "at_risk", "events", "censored", "survival")
    return Table("survival_curves", (*columns, "ci_lower", "ci_upper"), tuple(rows))


def waterfall(found: Sequence[Outcome]) -> Table:
    """Best change of the sum from baseline of each infused subject, from the most growth to the deepest shrinkage."""
    known = [each for each in found if each.best_change_percent is not None]
    known.sort(key=lambda each: (-(each.best_change_percent or 0), each.subject.name))
    ordered = known + [each for each in found if each.best_change_percent is None]
    rows = tuple(
        (
            each.subject.name,
            each.subject.part,
            each.subject.dose_level,
            _shown(each.baseline_mm),
            _shown(_tenths(each.best_change_percent)),
            each.best.value,
            each.confirmed_best.value,
        )
        for each in ordered
    )
    columns = ("subject", "part", "dose_level", "baseline_mm", "best_change_percent", "best_response")
    return Table("waterfall", (*columns, "confirmed_best_response"), rows)


def swimmer(found: Sequence[Outcome]) -> Table:
    """The course of each infused subject in months from the infusion: response, confirmation, progression, death."""
    rows = []
    for each in found:
        moments = (
            each.first_response_on,
            each.confirmed_on,
            each.progressed_on,
            each.subject.died_before_cutoff,
            each.last_assessed_on,
            each.subject.died_before_cutoff or each.last_contact_on,
        )
        ongoing = each.responded and each.progression_or_death is None
        rows.append(
            (
                each.subject.name,
                each.subject.part,
                each.subject.dose_level,
                each.infused_on.isoformat(),
                *(_months_since(each.infused_on, moment) for moment in moments),
                "yes" if ongoing else "no",
                each.best.value,
            )
        )
    columns = (
        "subject",
        "part",
        "dose_level",
        "infusion_date",
        "first_response_months",
        "confirmed_months",
        "progression_months",
        "death_months",
        "last_assessment_months",
        "follow_up_months",
        "response_ongoing",
        "best_response",
    )
    return Table("swimmer", columns, tuple(rows))


def _months_since(start: date, moment: date | None) -> str:
    return "" if moment is None else str(in_months((moment - start).days))


def _months(days: Time | None) -> str:
    return NOT_REACHED if days is None else str(in_months(days))


def _shown(number: Decimal | None) -> str:
    return "" if number is None else str(number)


def _tenths(number: Decimal | None) -> Decimal | None:
    return None if number is None else number.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)


def _counted(share: Proportion) -> tuple[str, str, str]:
    return str(share.count), str(share.total), _shown(share.percent)


def _with_interval(share: Proportion) -> tuple[str, str, str, str, str]:
    limits = share.interval()
    lower, upper = limits if limits is not None else (None, None)
    return (*_counted(share), _shown(lower), _shown(upper))
