"""Machine checks of eligibility: what the entered data say about a criterion, with the evidence in words.

The answer stands beside the investigator's and never replaces it: the investigator knows what no field holds. So the
check is three-valued. A result that is missing, too old, in another unit, or known only as "< 1.5" where the limit is 1
is *cannot tell*, with what is missing; it is never a silent yes.

The case people get wrong is the exclusion criterion: its statement being true keeps the subject *out*. `lets_in` says
which way an answer cuts.

Source: what can be checked follows ICH E6(R3), where eligibility is confirmed by a qualified investigator from
documented data; the limits themselves belong to each protocol.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from clinical import units
from clinical.partial_date import PartialDate
from clinical.protocol.conduct import FACTS, LAB_FACT, Criterion, CriterionKind, Instead, MachineCheck

Value = Decimal | str | bool | tuple[str, ...]


class Answer(StrEnum):
    """Whether a statement about a subject holds."""

    MET = "met"
    NOT_MET = "not met"
    CANNOT_TELL = "cannot tell"


class Operator(StrEnum):
    """How a laboratory reports a value outside its range of measurement."""

    EXACTLY = ""
    BELOW = "<"
    ABOVE = ">"


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One thing known about a subject, with its source: a result, an answer, a type.

    `value` is None where it was asked and is unknown. Several answers at once (two HLA alleles) are a tuple.
    """

    name: str
    label: str
    value: Value | None
    unit: str | None = None
    on: PartialDate | None = None
    upper_limit: Decimal | None = None
    operator: Operator = Operator.EXACTLY


@dataclass(frozen=True)
class Evidence:
    """What one check found, and the sentence that shows it."""

    fact: str
    answer: Answer
    sentence: str


@dataclass(frozen=True)
class Finding:
    """What the data say about a criterion."""

    number: str
    kind: CriterionKind
    answer: Answer
    evidence: tuple[Evidence, ...]

    @property
    def lets_in(self) -> bool | None:
        """Whether the subject can take part as far as this criterion goes; None when the data do not say."""
        if self.answer is Answer.CANNOT_TELL:
            return None
        return (self.answer is Answer.MET) is (self.kind is CriterionKind.INCLUSION)

    def __str__(self) -> str:
        return "; ".join(evidence.sentence for evidence in self.evidence)


def check_criterion(criterion: Criterion, facts: Iterable[Fact], *, on: PartialDate) -> Finding | None:
    """What the facts say about a criterion on a day; None where the protocol gives no machine check.

    An inclusion criterion holds when all of its checks do, an exclusion when any does; a check that cannot tell decides
    nothing unless another one already has.
    """
    if not criterion.checks:
        return None
    known = {fact.name: fact for fact in facts}
    evidence = tuple(check_fact(check, known, on=on) for check in criterion.checks)
    answers = {each.answer for each in evidence}
    if criterion.kind is CriterionKind.INCLUSION:
        decisive, otherwise = Answer.NOT_MET, Answer.MET
    else:
        decisive, otherwise = Answer.MET, Answer.NOT_MET
    answer = next((each for each in (decisive, Answer.CANNOT_TELL) if each in answers), otherwise)
    return Finding(criterion.number, criterion.kind, answer, evidence)


def check_fact(check: MachineCheck, facts: Mapping[str, Fact], *, on: PartialDate) -> Evidence:
    """What one check finds.

    >>> platelets = Fact(name="lab.PLAT", label="Platelets", value=Decimal(96), unit="10^9/L",
    ...                  on=PartialDate.parse("2026-03-10"))
    >>> check = MachineCheck(fact="lab.PLAT", at_least=Decimal(100), unit="10^9/L")
    >>> check_fact(check, {"lab.PLAT": platelets}, on=PartialDate.parse("2026-03-12")).sentence
    'Platelets 96 10^9/L, 10-Mar-2026, needs ≥ 100'
    """
    fact = facts.get(check.fact)
    if fact is None or fact.value is None:
        label = fact.label if fact else FACTS.get(check.fact, check.fact.removeprefix(LAB_FACT))
        return Evidence(check.fact, Answer.CANNOT_TELL, f"{label}: no value yet")
    said = _said(fact)
    stale = _too_old(check, fact, on)
    if stale:
        return Evidence(check.fact, Answer.CANNOT_TELL, f"{said}, {stale}")
    if check.true is not None:
        return _claim(check.true, fact, said)
    if check.one_of:
        return _choice(check.one_of, fact, said)
    return _limits(check, fact, facts, said)


def _said(fact: Fact) -> str:
    value = fact.value
    if isinstance(value, bool):
        words = "yes" if value else "no"
    elif isinstance(value, tuple):
        words = ", ".join(value) or "none"
    else:
        words = f"{fact.operator}{value}"
    unit = f" {fact.unit}" if fact.unit and fact.unit != "1" else ""
    return f"{fact.label} {words}{unit}" + (f", {fact.on}" if fact.on else "")


def _too_old(check: MachineCheck, fact: Fact, on: PartialDate) -> str:
    if check.within_days is None:
        return ""
    if fact.on is None:
        return f"without a date; needs one of the last {check.within_days} days"
    youngest, oldest = (on.earliest() - fact.on.latest()).days, (on.latest() - fact.on.earliest()).days
    if youngest > check.within_days:
        return f"older than {check.within_days} days"
    if oldest > check.within_days:
        return f"may be older than {check.within_days} days"
    return ""


def _claim(wanted: bool, fact: Fact, said: str) -> Evidence:
    if not isinstance(fact.value, bool):
        return Evidence(fact.name, Answer.CANNOT_TELL, f"{said}, is not an answer of yes or no")
    return Evidence(fact.name, Answer.MET if fact.value is wanted else Answer.NOT_MET, said)


def _choice(wanted: tuple[str, ...], fact: Fact, said: str) -> Evidence:
    """An answer among those that count. A finer HLA type is of its two-field type: A*02:01:01 is A*02:01."""
    given = fact.value if isinstance(fact.value, tuple) else (str(fact.value),)
    words = " or ".join(wanted)
    if any(_is(one, each) for one in given for each in wanted):
        return Evidence(fact.name, Answer.MET, f"{said}, needs {words}")
    if any(_may_be(one, each) for one in given for each in wanted):
        return Evidence(fact.name, Answer.CANNOT_TELL, f"{said}, is not typed finely enough for {words}")
    return Evidence(fact.name, Answer.NOT_MET, f"{said}, needs {words}")


def _plain(word: str) -> str:
    return word.strip().upper().removeprefix("HLA-")


def _is(given: str, wanted: str) -> bool:
    one, other = _plain(given), _plain(wanted)
    return one == other or ("*" in other and one.startswith(f"{other}:"))


def _may_be(given: str, wanted: str) -> bool:
    one, other = _plain(given), _plain(wanted)
    return "*" in other and other.startswith(f"{one}:")


def _limits(check: MachineCheck, fact: Fact, facts: Mapping[str, Fact], said: str) -> Evidence:
    """Limits, or the other limits that hold under a condition, such as with liver metastases."""
    plain = _within(check, fact, check.unit)
    if not check.instead:
        return Evidence(fact.name, plain[0], f"{said}, {plain[1]}")
    unknown: list[tuple[Instead, Fact | None]] = []
    for other in check.instead:
        condition = facts.get(other.when)
        if condition is not None and condition.value is True:
            answer, needs = _within(other, fact, check.unit)
            return Evidence(fact.name, answer, f"{said}, {needs} with {condition.label.lower()}")
        if condition is None or not isinstance(condition.value, bool):
            unknown.append((other, condition))
    for other, _ in unknown:
        answer, _needs = _within(other, fact, check.unit)
        if answer is not plain[0]:
            label = FACTS.get(other.when, other.when).lower()
            return Evidence(fact.name, Answer.CANNOT_TELL, f"{said}, {plain[1]}; depends on {label}, not answered yet")
    return Evidence(fact.name, plain[0], f"{said}, {plain[1]}")


def _within(limits: MachineCheck | Instead, fact: Fact, unit: str | None) -> tuple[Answer, str]:
    if not isinstance(fact.value, Decimal):
        return Answer.CANNOT_TELL, "is not a number"
    asked = [
        ("≥", limits.at_least, None),
        ("≤", limits.at_most, None),
        ("≥", limits.at_least_times_uln, "× ULN"),
        ("≤", limits.at_most_times_uln, "× ULN"),
    ]
    answers, words = set(), []
    for sign, limit, times in asked:
        if limit is None:
            continue
        words.append(f"{sign} {limit}" + (f" {times}" if times else ""))
        value: Decimal | None = fact.value
        bound = limit
        if times:
            if fact.upper_limit is None:
                return Answer.CANNOT_TELL, f"needs {words[-1]}, but the upper limit of normal is missing"
            bound = limit * fact.upper_limit
            words[-1] += f" ({bound.normalize():f})"
        elif unit is not None and fact.unit is not None:
            value = _converted(fact, unit)
            if value is None:
                return Answer.CANNOT_TELL, f"needs {words[-1]} {unit}, and {fact.unit} cannot be converted"
        assert value is not None
        answers.add(_compare(value, fact.operator, sign, bound))
    needs = f"needs {' and '.join(words)}"
    if Answer.NOT_MET in answers:
        return Answer.NOT_MET, needs
    return (Answer.CANNOT_TELL if Answer.CANNOT_TELL in answers else Answer.MET), needs


def _converted(fact: Fact, unit: str) -> Decimal | None:
    assert isinstance(fact.value, Decimal)
    if fact.unit is None or fact.unit == unit:
        return fact.value
    analyte = fact.name.removeprefix(LAB_FACT) if fact.name.startswith(LAB_FACT) else None
    try:
        return units.convert(fact.value, fact.unit, unit, analyte=analyte)
    except (units.UnknownUnit, units.NoConversion):
        return None


def _compare(value: Decimal, operator: Operator, sign: str, bound: Decimal) -> Answer:
    """A value, or only a side of it. “< 10” is certainly at most 10, and nobody knows whether it is at least 5."""
    if operator is Operator.EXACTLY:
        return Answer.MET if (value >= bound if sign == "≥" else value <= bound) else Answer.NOT_MET
    if operator is Operator.BELOW:
        if sign == "≤":
            return Answer.MET if value <= bound else Answer.CANNOT_TELL
        return Answer.NOT_MET if value <= bound else Answer.CANNOT_TELL
    if sign == "≥":
        return Answer.MET if value >= bound else Answer.CANNOT_TELL
    return Answer.NOT_MET if value >= bound else Answer.CANNOT_TELL
