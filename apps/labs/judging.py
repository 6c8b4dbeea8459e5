"""One result against its range and the CTCAE criteria: everything that is derived from what was reported.

A `<` or `>` is kept as the interval it is: a grade is given where every value in it has one, and otherwise the least
grade that the result proves, with the others named beside it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from apps.labs.models import Flag, LabResult, RangeSource, RangeState, ReferenceRange
from apps.labs.reported import Reading, read
from clinical import units
from clinical.ctcae import grading
from clinical.ctcae.criteria import BaselineFlag
from clinical.partial_date import PartialDate
from clinical.protocol.pages import Analyte

JUST_BESIDE = Decimal("1e-9")
"""How far beyond its bound a censored result is looked at: `<3.0` is surely below 3.0, by however little."""

FAR_ABOVE = Decimal(10) ** 9

_BASELINE_FLAG = {Flag.LOW: BaselineFlag.LOW, Flag.NORMAL: BaselineFlag.NORMAL, Flag.HIGH: BaselineFlag.HIGH}


@dataclass(frozen=True)
class Person:
    """What ranges ask of a subject. The age comes with the day it was stated for."""

    sex: str | None = None
    age: int | None = None
    age_on: PartialDate | None = None

    def ages_at(self, collected: PartialDate | None) -> range:
        """The ages in years that the subject can have had when the sample was taken; empty when unknown.

        Without the day of birth an age that was 64 in January is 64 or 65 in June.
        """
        if self.age is None or collected is None:
            return range(0)
        if self.age_on is None:
            return range(self.age, self.age + 1)
        earliest = (collected.earliest().date() - self.age_on.latest().date()).days
        latest = (collected.latest().date() - self.age_on.earliest().date()).days
        return range(self.age + _years_down(earliest), self.age + _years_up(latest) + 1)


def _years_down(days: int) -> int:
    return int(days // 366) if days >= 0 else -int(-days // 365) - 1


def _years_up(days: int) -> int:
    return int(days // 365) + 1 if days > 0 else -int(-days // 366)


@dataclass(frozen=True)
class Limits:
    """The reference range a result is judged by, in the unit of the result."""

    low: Decimal | None = None
    high: Decimal | None = None
    source: RangeSource | None = None
    reference_range: ReferenceRange | None = None


@dataclass(frozen=True)
class Sample:
    """What the panel says about the sample of a result."""

    laboratory_id: int | None
    collected: PartialDate | None
    is_fasting: bool


def limits_for(
    result: LabResult, sample: Sample, analyte: Analyte | None, person: Person, ranges: Iterable[ReferenceRange]
) -> Limits:
    """The approved range of the laboratory that surely holds for the sample, else the protocol's default range.

    "Surely": whatever day a partial collection date means, and whatever age the subject can have had. A range of one
    sex is not used while the sex is unknown.
    """
    if not result.unit:
        return Limits()
    for each in ranges:
        if each.laboratory_id == sample.laboratory_id and each.analyte == result.key and _holds(each, sample, person):
            return _in_unit(
                Limits(each.low, each.high, RangeSource.LABORATORY, each), each.unit, result.unit, result.key
            )
    default = analyte.range_for(person.sex) if analyte is not None else None
    if analyte is None or default is None:
        return Limits()
    return _in_unit(Limits(default.low, default.high, RangeSource.PROTOCOL), analyte.unit, result.unit, result.key)


def _holds(each: ReferenceRange, sample: Sample, person: Person) -> bool:
    if each.state != RangeState.APPROVED or sample.collected is None:
        return False
    if each.sex is not None and each.sex != person.sex:
        return False
    first, last = sample.collected.earliest().date(), sample.collected.latest().date()
    if first < each.effective_from or last > (each.effective_to or date.max):
        return False
    if each.age_from is None and each.age_to is None:
        return True
    ages = person.ages_at(sample.collected)
    if not ages:
        return False
    return ages[0] >= (each.age_from or 0) and (each.age_to is None or ages[-1] <= each.age_to)


def _in_unit(limits: Limits, from_unit: str, to_unit: str, test: str) -> Limits:
    """The limits in the unit of the result; none at all where the units do not convert."""
    try:
        low = None if limits.low is None else convert(limits.low, from_unit, to_unit, test)
        high = None if limits.high is None else convert(limits.high, from_unit, to_unit, test)
    except (units.UnknownUnit, units.NoConversion):
        return Limits()
    return Limits(low, high, limits.source, limits.reference_range)


def convert(value: Decimal, from_unit: str, to_unit: str, test: str) -> Decimal:
    """A value of a test in another unit; UnknownUnit or NoConversion where that cannot be."""
    return units.convert(value, from_unit, to_unit, analyte=test if test.upper() in units.ANALYTES else None)


def judge(
    result: LabResult,
    *,
    sample: Sample,
    analyte: Analyte | None,
    person: Person,
    ranges: Iterable[ReferenceRange],
    baseline: LabResult | None,
    version: str | None,
) -> dict[str, Any]:
    """Everything derived of one result, by column. Nothing is derived of words, and nothing is graded without unit."""
    reading = read(result.reported)
    limits = limits_for(result, sample, analyte, person, ranges)
    standard = _standard(result, reading, limits, analyte)
    columns: dict[str, Any] = {
        "operator": reading.operator if reading.value is not None else None,
        "value": reading.value,
        "low": limits.low,
        "high": limits.high,
        "range_source": limits.source,
        "reference_range_id": limits.reference_range.pk if limits.reference_range else None,
        "flag": flag_of(reading, limits),
        "times_uln": _times_uln(reading, limits),
        "grade": None,
        "grade_term": None,
        "grade_version": None,
        "also_grades": [],
        "question": None,
        "clause": None,
        "baseline_id": baseline.pk if baseline else None,
        **standard,
    }
    if reading.value is None or not result.unit or version is None:
        return columns
    return columns | _graded(result, reading, limits, sample, baseline, version)


def _standard(result: LabResult, reading: Reading, limits: Limits, analyte: Analyte | None) -> dict[str, Any]:
    """Value and limits in the trial's own unit: the one that its protocol names first for the analyte."""
    empty = {"standard_value": None, "standard_unit": None, "standard_low": None, "standard_high": None}
    if reading.value is None or not result.unit:
        return empty
    unit = analyte.unit if analyte is not None else result.unit

    def standard(number: Decimal | None) -> Decimal | None:
        return None if number is None else convert(number, result.unit or "", unit, result.key)

    try:
        return {
            "standard_value": standard(reading.value),
            "standard_unit": unit,
            "standard_low": standard(limits.low),
            "standard_high": standard(limits.high),
        }
    except (units.UnknownUnit, units.NoConversion):
        return empty


def flag_of(reading: Reading, limits: Limits) -> Flag | None:
    """Low, normal or high, where every value that the result can mean says the same."""
    if reading.value is None or (limits.low is None and limits.high is None):
        return None
    flags = {_flag(point, limits) for point in _points(reading)}
    return flags.pop() if len(flags) == 1 else None


def _flag(value: Decimal, limits: Limits) -> Flag:
    if limits.low is not None and value < limits.low:
        return Flag.LOW
    return Flag.HIGH if limits.high is not None and value > limits.high else Flag.NORMAL


def _points(reading: Reading) -> tuple[Decimal, ...]:
    """The ends of the interval that a result means: its value, or just beside its bound and the far end."""
    bound = reading.value
    assert bound is not None
    step = max(abs(bound), Decimal(1)) * JUST_BESIDE
    match reading.operator:
        case "<":
            return (max(bound - step, Decimal(0)), Decimal(0)) if bound > 0 else (bound - step,)
        case "<=":
            return (bound, Decimal(0)) if bound > 0 else (bound,)
        case ">":
            return (bound + step, max(abs(bound), Decimal(1)) * FAR_ABOVE)
        case ">=":
            return (bound, max(abs(bound), Decimal(1)) * FAR_ABOVE)
    return (bound,)


def _times_uln(reading: Reading, limits: Limits) -> Decimal | None:
    if reading.value is None or not limits.high:
        return None
    return round(reading.value / limits.high, 4).normalize() + Decimal(0)


def _graded(
    result: LabResult,
    reading: Reading,
    limits: Limits,
    sample: Sample,
    baseline: LabResult | None,
    version: str,
) -> dict[str, Any]:
    before = _baseline_value(baseline, result)
    flag = _BASELINE_FLAG.get(Flag(baseline.flag)) if before is not None and baseline and baseline.flag else None

    def at(value: Decimal) -> grading.Outcome:
        try:
            return grading.grade(
                result.key,
                value,
                result.unit or "",
                version=version,
                lln=limits.low,
                uln=limits.high,
                baseline=before,
                baseline_flag=flag,
                fasting=sample.is_fasting,
            )
        except ValueError as unknown:  # a test that the panel of CTCAE terms does not know
            return grading.refused(str(unknown))

    outcomes = [at(point) for point in _points(reading)]
    known = [one for one in outcomes if one.grade is not None]
    proved = min(known, key=lambda one: one.grade or 0) if len(known) == len(outcomes) else outcomes[0]
    others = {grade for one in outcomes for grade in one.possible} - {proved.grade}
    question, clause = proved.question, proved.reason
    if reading.operator:
        at_bound = at(reading.value) if reading.value is not None else proved
        words = at_bound.reason if at_bound.grade == proved.grade else proved.reason
        clause = f"{result.reported} {result.unit}. {words}"
        if len({one.grade for one in outcomes}) > 1:
            question = (
                f"The laboratory reports {result.reported}: the true value may make "
                f"grade {' or '.join(str(grade) for grade in sorted(others))}."
            )
    return {
        "grade": proved.grade,
        "grade_term": proved.criterion.term if proved.criterion is not None and proved.grade else None,
        "grade_version": version,
        "also_grades": sorted(others),
        "question": question[:500] or None,
        "clause": clause[:500] or None,
    }


def _baseline_value(baseline: LabResult | None, result: LabResult) -> Decimal | None:
    """The baseline in the unit of the result; none where it is censored or its unit does not convert."""
    if baseline is None:
        return None
    reading = read(baseline.reported)
    if reading.value is None or reading.operator or not baseline.unit:
        return None
    try:
        return convert(reading.value, baseline.unit, result.unit or "", result.key)
    except (units.UnknownUnit, units.NoConversion):
        return None
