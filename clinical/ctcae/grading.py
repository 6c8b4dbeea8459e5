"""The CTCAE grade that a laboratory value makes, with the clause that decided and what would make another grade.

Two conventions meet here. A data set wants one grade a result, so where CTCAE splits one range of values by symptom or
treatment the single-grade convention takes the worse case (`Outcome.grade`). A clinician wants to know that it was
split: `Outcome.also` holds the grades that the answer to `Outcome.question` would make, and `answers` settles them.

The case people get wrong: potassium of 3.2 is not "grade 2", it is grade 1 or 2, and the number cannot tell which.

>>> outcome = grade("K", Decimal("3.2"), "mmol/L", version="5.0", lln=Decimal("3.5"), uln=Decimal("5.1"))
>>> outcome.grade, outcome.also
(2, (1,))
>>> outcome.question
'Is the subject symptomatic, or is an intervention indicated? If not, grade 1.'
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache, lru_cache
from types import MappingProxyType

from clinical import units
from clinical.ctcae import panel
from clinical.ctcae.criteria import (
    PERCENT,
    BaselineFlag,
    Clause,
    Comparison,
    Criterion,
    Direction,
    Facts,
    Kind,
    UnitSystem,
    criteria,
)

_MISSING_IN_WORDS = {
    "value": "the value is missing",
    "lln": "the lower limit of normal is missing",
    "uln": "the upper limit of normal is missing",
    "baseline": "the baseline value is missing",
    "change": "the change from baseline is missing",
}
_LIMIT_IN_WORDS = {"lln": "LLN", "uln": "ULN", "baseline": "baseline"}
_NO_ANSWERS: Mapping[str, bool] = MappingProxyType({})


def _digits(number: Decimal) -> str:
    """A number as it was given, without exponent."""
    text = str(number)
    return f"{number:f}" if "E" in text else text


def _plain(number: Decimal) -> str:
    text = _digits(number)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _in_words(comparison: Comparison, facts: Facts, unit: str | None) -> str:
    """'201 > 5 × ULN (5 × 40 = 200)'."""
    value: Decimal | None = getattr(facts, comparison.left)
    limit = comparison.limit(facts)
    if value is None or limit is None:
        return ""
    if comparison.left == "change":
        return f"change from baseline {_plain(round(value, 2))} % {comparison.sign} {_plain(limit)} %"
    if comparison.ref is None:
        return f"{_digits(value)} {comparison.sign} {_plain(limit)} {unit or ''}".rstrip()
    name = _LIMIT_IN_WORDS[comparison.ref]
    base = _plain(limit if comparison.factor == 1 and not comparison.offset else getattr(facts, comparison.ref))
    if comparison.factor != 1:
        name = f"{_plain(comparison.factor)} × {name}"
        sum_in_words = f"{_plain(comparison.factor)} × {base} = {_plain(limit)}"
    elif comparison.offset:
        name = f"{name} + {_plain(comparison.offset)}"
        sum_in_words = f"{base} + {_plain(comparison.offset)} = {_plain(limit)}"
    else:
        sum_in_words = base
    return f"{_digits(value)} {comparison.sign} {name} ({sum_in_words})"


@dataclass(frozen=True, slots=True)
class Question:
    """Something to ask: `words` is the key of its answer; the grade on yes, and on no where that is another one."""

    words: str
    text: str
    yes: int | None
    no: int | None = None

    @property
    def in_words(self) -> str:
        """'Is the subject symptomatic? If not, grade 2.'"""
        if self.no is not None:
            return f"{self.text} If not, grade {self.no}."
        return self.text if self.text.startswith("Grade") else f"{self.text} If so, grade {self.yes}."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one value becomes under one criterion; `refusal` says why no criterion could be applied at all."""

    grade: int | None
    also: tuple[int, ...] = ()
    criterion: Criterion | None = None
    clause: Clause | None = None
    facts: Facts | None = None
    raised: int | None = None
    answered: Mapping[str, bool] = field(default_factory=dict, hash=False)
    refusal: str = ""

    @property
    def possible(self) -> tuple[int, ...]:
        """Every grade that it can be, lowest first; one number where nothing is left to ask."""
        return tuple(sorted({*self.also, *(() if self.grade is None else (self.grade,))}))

    @property
    def questions(self) -> tuple[Question, ...]:
        """What to ask the investigator where the number alone does not settle the grade."""
        criterion, facts = self.criterion, self.facts
        if criterion is None or facts is None or not self.also:
            return ()
        if self.clause is not None and self.clause.kind is Kind.ASK:
            return tuple(
                Question(way.words, f"Grade {way.grade}: {way.words}?", way.grade) for way in criterion.raised_by
            )
        asked = []
        for words, text in criterion.questions:
            if words in self.answered:
                continue
            no = _grade_of(_deciding(criterion, facts, {**self.answered, words: False}, otherwise=True))
            if no is not None and no in self.also:
                asked.append(Question(words, text, self.grade, no))
        lifts = [way for way in criterion.raised_by if way.words not in self.answered and way.grade in self.also]
        asked += [Question(way.words, way.question, way.grade) for way in lifts if way.question]
        return tuple(asked)

    @property
    def question(self) -> str:
        """The questions as one text; empty where there is none."""
        return " ".join(question.in_words for question in self.questions)

    @property
    def raised_by(self) -> tuple[str, ...]:
        """What else would lift this result, as CTCAE words it beside its numbers: 'hospitalization indicated (3)'."""
        if self.criterion is None or not self.grade:
            return ()
        return tuple(f"{way.words} ({way.grade})" for way in self.criterion.raised_by if way.grade > self.grade)

    @property
    def reason(self) -> str:
        """The clause that decided, with this value and these limits in it."""
        if self.criterion is None or self.facts is None:
            return f"Not graded: {self.refusal}"
        if self.facts.value is None:
            return f"Not graded: {_MISSING_IN_WORDS['value']}."
        clause, source = self.clause, f"CTCAE {self.criterion.version} {self.criterion.name}"
        if clause is None:
            return f"Grade 0: {_digits(self.facts.value)} meets no clause of {source}."
        if clause.missing is not None:
            return f"Not graded: {_MISSING_IN_WORDS[clause.missing]}."
        facts = " and ".join(
            _in_words(comparison, self.facts, self.criterion.unit) for comparison in clause.comparisons
        )
        if clause.kind is Kind.NONE:
            return f"Not graded: {facts}. {self.criterion.note}"
        if clause.kind is Kind.ASK and self.grade is None:
            return f"Not graded by the number: {facts}. {self.criterion.note}"
        baseline = f", baseline {clause.baseline}" if clause.baseline else ""
        assumed = clause.assumption if clause.assumption not in self.answered else None
        taken = f" (taken as: {assumed})" if assumed else ""
        if self.raised is not None:
            lifted = [way.words for way in self.criterion.raised_by if self.answered.get(way.words)]
            return f"Grade {self.grade}: {facts}{baseline}; {', '.join(lifted)} ({source})."
        return f"Grade {self.grade}: {facts}{baseline}{taken} ({source})."

    @property
    def why(self) -> str:
        """The reason, then the question that is left open."""
        return f"{self.reason} {self.question}".strip() if self.also else self.reason


def _deciding(criterion: Criterion, facts: Facts, answers: Mapping[str, bool], otherwise: bool) -> Clause | None:
    """The first clause that holds; `otherwise` stands for the answers that nobody gave."""
    for clause in criterion.clauses:
        assumption = clause.assumption
        if assumption is not None and not answers.get(assumption, otherwise):
            continue
        if clause.holds(facts):
            return clause
    return None


def _grade_of(clause: Clause | None) -> int | None:
    return 0 if clause is None else clause.grade


def _flag(baseline: Decimal | None, lln: Decimal | None, uln: Decimal | None) -> BaselineFlag | None:
    if baseline is None:
        return None
    if uln is not None and baseline > uln:
        return BaselineFlag.HIGH
    return BaselineFlag.LOW if lln is not None and baseline < lln else None


def completed(criterion: Criterion, facts: Facts) -> Facts:
    """The facts with what follows from them: the change in percent, and where the baseline lay if nobody flagged it."""
    if criterion.uses_change and facts.change is None and facts.value is not None and facts.baseline:
        facts = replace(facts, change=(facts.value - facts.baseline) / facts.baseline * PERCENT)
    if criterion.uses_flag and facts.flag is None:
        facts = replace(facts, flag=_flag(facts.baseline, facts.lln, facts.uln))
    return facts


def assess(criterion: Criterion, facts: Facts, answers: Mapping[str, bool] = _NO_ANSWERS) -> Outcome:
    """The grade of one value under one criterion; value and limits are in the criterion's unit.

    `answers` holds what is known of symptoms and interventions, by the words the criteria file uses for them:

    >>> hypokalemia = criteria("5.0")["hypokalemia"][0]
    >>> facts = Facts(value=Decimal("3.2"), lln=Decimal("3.5"))
    >>> assess(hypokalemia, facts, {"symptomatic or intervention indicated": False}).possible
    (1,)
    """
    if facts.value is None:
        return Outcome(None, (), criterion, None, facts)
    if criterion.uses_change or criterion.uses_flag:
        facts = completed(criterion, facts)
    clause = _deciding(criterion, facts, answers, otherwise=True)
    grade = _grade_of(clause)
    if not criterion.questions and not criterion.raised_by:
        return Outcome(grade, (), criterion, clause, facts)
    answered = [way.grade for way in criterion.raised_by if answers.get(way.words)] if answers else []
    if clause is not None and clause.kind is Kind.ASK:
        ways = () if answered else tuple(sorted({way.grade for way in criterion.raised_by}))
        return Outcome(
            max(answered, default=None), ways, criterion, clause, facts, max(answered, default=None), answers
        )
    other = grade
    if criterion.questions:
        other = _grade_of(_deciding(criterion, facts, answers, otherwise=False))
    raised = max(answered, default=0) if grade else 0
    final = max(grade, raised) if grade is not None else None
    also = {max(other, raised)} if other is not None else set()
    if grade:
        also |= {way.grade for way in criterion.raised_by if way.question and way.words not in answers}
    open_grades = sorted(way for way in also if way != final and (way > (final or 0) or way == other))
    lifted = raised if grade is not None and raised > grade else None
    return Outcome(final, tuple(open_grades), criterion, clause, facts, lifted, answers)


def refused(reason: str) -> Outcome:
    """An outcome without a grade because no criterion applies; `reason` is a sentence for the user."""
    return Outcome(None, refusal=reason)


@lru_cache(maxsize=4096)
def _match(version: str, system: UnitSystem, term: str, direction: Direction | None, unit: str) -> Criterion | str:
    columns = criteria(version).get(term.strip().casefold(), ())
    if not columns:
        return f"CTCAE {version} has no laboratory criterion for '{term}'." if term else "no term is given."
    if direction is not None and columns[0].direction is not direction:
        return f"CTCAE {version} {columns[0].name} is graded for {columns[0].direction} values, not {direction} ones."
    columns = tuple(column for column in columns if column.system is system)
    found = next((column for column in columns if column.unit is None or units.same_unit(unit, column.unit)), None)
    if found is None:
        wanted = " or ".join(str(column.unit) for column in columns)
        given = f"the unit is {unit}" if unit else "the unit is missing"
        return f"{given}, the {system} criterion is in {wanted}."
    return found


def find(*, version: str, system: UnitSystem, term: str, direction: Direction | None, unit: str) -> Criterion | str:
    """The criterion for a value exactly as a data set reports it, or the reason why there is none.

    Nothing is converted: a data set that declares SI units and reports hemoglobin in g/dL is more likely mislabelled
    than meant.

    >>> find(version="5.0", system=UnitSystem.SI, term="Fibrinogen decreased", direction=None, unit="g/dL")
    'the unit is g/dL, the SI criterion is in g/L.'
    """
    return _match(version, system, term, direction, unit)


@cache
def answerable(version: str) -> frozenset[str]:
    """The words by which symptoms and interventions are answered in a version of CTCAE."""
    found = [column for columns in criteria(version).values() for column in columns]
    asked = {words for criterion in found for words, _ in criterion.questions}
    return frozenset(asked | {way.words for criterion in found for way in criterion.raised_by})


def _in_criterions_unit(
    columns: tuple[Criterion, ...], facts: Facts, unit: str, analyte: str | None
) -> tuple[Criterion, Facts] | Outcome:
    """The column of a criterion that a unit belongs to; where there is none, the facts converted to the SI column."""
    for column in columns:
        if column.unit is None or units.same_unit(unit, column.unit):
            return column, facts
    if not unit.strip():
        return refused("the unit is missing.")
    column = columns[0]
    wanted = column.unit or unit
    try:
        units.factor(unit, wanted, analyte=analyte)
    except (units.UnknownUnit, units.NoConversion) as no:
        return refused(str(no))

    def moved(number: Decimal | None) -> Decimal | None:
        return None if number is None else units.convert(number, unit, wanted, analyte=analyte)

    return column, replace(
        facts,
        value=moved(facts.value),
        lln=moved(facts.lln),
        uln=moved(facts.uln),
        baseline=moved(facts.baseline),
    )


def grades(
    what: str,
    value: Decimal | None,
    unit: str,
    *,
    version: str,
    lln: Decimal | None = None,
    uln: Decimal | None = None,
    baseline: Decimal | None = None,
    baseline_flag: BaselineFlag | None = None,
    change: Decimal | None = None,
    fasting: bool = False,
    answers: Mapping[str, bool] = _NO_ANSWERS,
) -> tuple[Outcome, ...]:
    """Every CTCAE term that an analyte (or the one measured term named) opens, each with its outcome, low before high.

    Value, limits and baseline share `unit`. Any unit of the analyte will do: CTCAE's own numbers for that unit are used
    where it prints them, otherwise the value is converted exactly, never rounded.
    """
    if strange := sorted(answers.keys() - answerable(version)):
        raise ValueError(f"CTCAE {version} asks nothing of these words: {', '.join(strange)}.")
    facts = Facts(value, lln, uln, baseline, change, baseline_flag)
    code = what.strip().upper()
    analyte: str | None
    if code in panel.PANEL:
        analyte, terms = code, panel.measured_terms(code, version=version, fasting=fasting)
    else:
        analyte = panel.analyte_of(what.strip())
        columns = criteria(version).get(what.strip().casefold())
        if columns is None:
            return (refused(f"CTCAE {version} has no laboratory criterion for '{what}'."),)
        terms = (columns,)
    outcomes = []
    for columns in terms:
        match _in_criterions_unit(columns, facts, unit, analyte):
            case Outcome() as no:
                outcomes.append(no)
            case (criterion, converted):
                outcomes.append(assess(criterion, converted, answers))
    return tuple(outcomes)


def worst(outcomes: Iterable[Outcome]) -> Outcome | None:
    """The highest grade; an outcome without a grade counts below grade 1 and above grade 0, for it may hide one."""
    return max(outcomes, key=lambda one: 0.5 if one.grade is None else one.grade, default=None)


def grade(
    what: str,
    value: Decimal | None,
    unit: str,
    *,
    version: str,
    lln: Decimal | None = None,
    uln: Decimal | None = None,
    baseline: Decimal | None = None,
    baseline_flag: BaselineFlag | None = None,
    change: Decimal | None = None,
    fasting: bool = False,
    answers: Mapping[str, bool] = _NO_ANSWERS,
) -> Outcome:
    """The one outcome to show beside a result: of the terms that the analyte opens, the one with the highest grade.

    >>> high = grade("K", Decimal("6.2"), "mEq/L", version="5.0", lln=Decimal("3.5"), uln=Decimal("5.1"))
    >>> high.grade, high.criterion.term
    (3, 'Hyperkalemia')
    >>> grade("CRP", Decimal(90), "mg/L", version="5.0", uln=Decimal(5)).reason
    'Not graded: CTCAE 5.0 has no grade by value for CRP.'
    """
    outcomes = grades(
        what,
        value,
        unit,
        version=version,
        lln=lln,
        uln=uln,
        baseline=baseline,
        baseline_flag=baseline_flag,
        change=change,
        fasting=fasting,
        answers=answers,
    )
    return worst(outcomes) or refused(f"CTCAE {version} has no grade by value for {what.strip().upper()}.")


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the real line with one outcome; None as an end is without end."""

    low: Decimal | None
    includes_low: bool
    high: Decimal | None
    includes_high: bool
    grade: int | None
    also: tuple[int, ...]


def _breakpoints(criterion: Criterion, facts: Facts) -> list[Decimal]:
    """The values at which a clause begins or stops to hold."""
    points = set()
    for clause in criterion.clauses:
        for comparison in clause.comparisons:
            limit = comparison.limit(facts)
            if limit is None:
                continue
            if comparison.left == "value":
                points.add(limit)
            elif facts.change is None and facts.baseline:
                points.add(facts.baseline * (1 + limit / PERCENT))
    return sorted(points)


def bands(criterion: Criterion, facts: Facts, answers: Mapping[str, bool] = _NO_ANSWERS) -> tuple[Band, ...]:
    """The real line cut into grades for these limits and this baseline, lowest value first, without gap or overlap.

    The background of a plot of one analyte for one subject; `facts.value` is ignored.

    >>> albumin = criteria("5.0")["hypoalbuminemia"][0]
    >>> [(str(band.low), band.grade) for band in bands(albumin, Facts(None, lln=Decimal(35)))]
    [('None', 3), ('20', 2), ('30', 1), ('35', 0)]
    """
    points = _breakpoints(criterion, facts)

    def at(value: Decimal) -> tuple[int | None, tuple[int, ...]]:
        outcome = assess(criterion, replace(facts, value=value), answers)
        return outcome.grade, outcome.also

    if not points:
        return (Band(None, False, None, False, *at(Decimal(1))),)
    pieces = [Band(None, False, points[0], False, *at(points[0] - 1))]
    for here, after in zip(points, [*points[1:], None], strict=True):
        pieces.append(Band(here, True, here, True, *at(here)))
        inside = here + 1 if after is None else (here + after) / 2
        pieces.append(Band(here, False, after, False, *at(inside)))
    merged = [pieces[0]]
    for piece in pieces[1:]:
        last = merged[-1]
        if (last.grade, last.also) == (piece.grade, piece.also):
            merged[-1] = replace(last, high=piece.high, includes_high=piece.includes_high)
        else:
            merged.append(piece)
    return tuple(merged)
