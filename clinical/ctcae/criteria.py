"""The laboratory criteria of a CTCAE version, read from the file a clinician reviews (`data/criteria-5.0.toml`)."""

import operator
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib import resources

VERSIONS = ("4.03", "5.0", "6.0")
"""The versions of CTCAE that ship with the product, oldest first."""

PERCENT = Decimal(100)


class Direction(StrEnum):
    """Which way out of the normal range makes the event."""

    LOW = "low"
    HIGH = "high"


class UnitSystem(StrEnum):
    """Whose units a laboratory reports in: international (SI) or conventional (US)."""

    SI = "SI"
    US = "US"


class BaselineFlag(StrEnum):
    """Where the subject's baseline lay in the laboratory's normal range."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Facts:
    """One laboratory value and what it is judged against, all in one unit; `change` in percent of the baseline."""

    value: Decimal | None
    lln: Decimal | None = None
    uln: Decimal | None = None
    baseline: Decimal | None = None
    change: Decimal | None = None
    flag: BaselineFlag | None = None


_FACT_OF_WORD = {"value": "value", "LLN": "lln", "ULN": "uln", "baseline": "baseline", "change": "change"}
_OPERATORS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPARISON = re.compile(
    r"(?P<left>value|change) (?P<sign><=|>=|<|>) "
    r"(?:(?P<number>-?[\d.]+)(?: %)?|(?:(?P<factor>[\d.]+) × )?(?P<ref>LLN|ULN|baseline)(?: \+ (?P<offset>[\d.]+))?)"
)
_CONDITION = re.compile(
    r"(?:baseline (?P<baseline>(?:not )?(?:high|low|above ULN)): )?(?P<comparisons>.+?)"
    r"(?: assuming (?P<assumption>.+))?"
)
_NEEDS = re.compile(
    r"(?P<ref>LLN|ULN|baseline|change)(?: when baseline (?P<when>high|low))?(?: unless (?P<unless>value .+?))?"
    r"(?: assuming (?P<assumption>.+))?"
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`value > 3 × ULN`: one side of the clause against factor × limit + offset (no limit: a plain number)."""

    left: str
    sign: str
    factor: Decimal
    ref: str | None
    offset: Decimal

    def limit(self, facts: Facts) -> Decimal | None:
        """The number to be above or below; None where the limit it is made from is missing."""
        if self.ref is None:
            return self.offset
        base: Decimal | None = getattr(facts, self.ref)
        return None if base is None else base * self.factor + self.offset

    def holds(self) -> Callable[[Facts], bool]:
        """The comparison as a function of the facts; a missing side means it does not hold."""
        compare, left = _OPERATORS[self.sign], operator.attrgetter(self.left)
        if self.ref is None:
            number = self.offset

            def against_number(facts: Facts) -> bool:
                one = left(facts)
                return one is not None and compare(one, number)

            return against_number
        right, factor, offset = operator.attrgetter(self.ref), self.factor, self.offset

        def against_limit(facts: Facts) -> bool:
            one, other = left(facts), right(facts)
            return one is not None and other is not None and compare(one, other * factor + offset)

        return against_limit


class Kind(StrEnum):
    """What a line of the criteria does when it holds."""

    GRADE = "grade"
    NEEDS = "needs"
    NONE = "none"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Clause:
    """One line of a criterion: where it holds, the reading stops."""

    kind: Kind
    grade: int | None
    words: str
    comparisons: tuple[Comparison, ...]
    baseline: str | None
    missing: str | None
    assumption: str | None
    holds: Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class Raise:
    """A symptom or intervention that lifts an abnormal result to a grade; `question` where it is asked."""

    grade: int
    words: str
    question: str | None


@dataclass(frozen=True, slots=True)
class Criterion:
    """How one CTCAE version grades one measured term in one unit."""

    version: str
    name: str
    term: str
    direction: Direction
    system: UnitSystem
    unit: str | None
    clauses: tuple[Clause, ...]
    raised_by: tuple[Raise, ...]
    questions: tuple[tuple[str, str], ...]
    note: str
    uses_change: bool
    uses_flag: bool

    @property
    def grades(self) -> tuple[int, ...]:
        """The grades that a value can make here by itself, lowest first, 0 among them."""
        return tuple(sorted({0} | {clause.grade for clause in self.clauses if clause.grade is not None}))


def _comparison(words: str) -> Comparison:
    match = _COMPARISON.fullmatch(words)
    if match is None:
        raise ValueError(f"'{words}' is not a comparison such as 'value > 3 × ULN'.")
    ref = match["ref"]
    return Comparison(
        left=_FACT_OF_WORD[match["left"]],
        sign=match["sign"],
        factor=Decimal(match["factor"] or 1),
        ref=_FACT_OF_WORD[ref] if ref else None,
        offset=Decimal(match["number"] or match["offset"] or 0),
    )


def _baseline_test(words: str | None) -> Callable[[Facts], bool] | None:
    """'not high' is true of an unknown baseline too: CTCAE's 'if baseline was normal' is the ordinary case."""
    if words is None:
        return None
    negated, place = words.startswith("not "), words.removeprefix("not ")
    if place == "above ULN":

        def above(facts: Facts) -> bool:
            known = facts.baseline is not None and facts.uln is not None
            return (known and facts.baseline > facts.uln) != negated  # type: ignore[operator]  # both are known here

        return above
    flag = BaselineFlag(place)
    return (lambda facts: facts.flag is not flag) if negated else (lambda facts: facts.flag is flag)


def _all(tests: list[Callable[[Facts], bool]]) -> Callable[[Facts], bool]:
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        first, second = tests
        return lambda facts: first(facts) and second(facts)
    return lambda facts: all(test(facts) for test in tests)


def _needs(words: str) -> Clause:
    match = _NEEDS.fullmatch(words)
    if match is None:
        raise ValueError(f"'needs {words}' is not a need such as 'needs LLN'.")
    missing = _FACT_OF_WORD[match["ref"]]
    fact = operator.attrgetter(missing)
    tests: list[Callable[[Facts], bool]] = [lambda facts: fact(facts) is None]
    comparisons: tuple[Comparison, ...] = ()
    if (baseline := _baseline_test(match["when"])) is not None:
        tests.append(baseline)
    if match["unless"]:
        comparisons = (_comparison(match["unless"]),)
        spared = comparisons[0].holds()
        tests.append(lambda facts: not spared(facts))
    return Clause(Kind.NEEDS, None, words, comparisons, match["when"], missing, match["assumption"], _all(tests))


def clause(line: str) -> Clause:
    """One line of a criteria file, with the number of one unit in place.

    >>> clause("3: value > 5 × ULN").holds(Facts(value=Decimal(201), uln=Decimal(40)))
    True
    >>> clause("3: value > 5 × ULN").holds(Facts(value=Decimal(201)))     # no limit, no grade
    False
    """
    if line.startswith("needs "):
        return _needs(line.removeprefix("needs "))
    head, _, words = line.partition(": ")
    kind = Kind.GRADE if head.isdigit() else Kind(head)
    match = _CONDITION.fullmatch(words)
    if match is None:
        raise ValueError(f"'{line}' is not a clause such as '3: value > 5 × ULN'.")
    comparisons = tuple(_comparison(part) for part in match["comparisons"].split(" and "))
    tests = [comparison.holds() for comparison in comparisons]
    if (baseline := _baseline_test(match["baseline"])) is not None:
        tests.insert(0, baseline)
    grade = int(head) if kind is Kind.GRADE else None
    return Clause(kind, grade, words, comparisons, match["baseline"], None, match["assumption"], _all(tests))


_COLUMNS = re.compile(r"[\d.]+(?: \| [\d.]+)+")


def _in_column(line: str, column: int) -> str:
    """'3: value < 80 | 8' as it reads in one of the units."""
    return _COLUMNS.sub(lambda numbers: numbers[0].split(" | ")[column], line)


def _read(version: str) -> Iterator[Criterion]:
    text = resources.files("clinical.ctcae").joinpath(f"data/criteria-{version}.toml").read_text(encoding="utf-8")
    document = tomllib.loads(text)
    asks: dict[str, str] = document["asks"]
    for name, table in document["criteria"].items():
        raises = []
        for line in table.get("raised_by", []):
            grade, _, words = line.partition(": ")
            raises.append(Raise(int(grade), words, asks.get(words)))
        for column, unit_words in enumerate(table["units"]):
            system, _, unit = unit_words.partition(" ")
            clauses = tuple(clause(_in_column(line, column)) for line in table["clauses"])
            assumed = dict.fromkeys(clause.assumption for clause in clauses if clause.assumption is not None)
            yield Criterion(
                version=version,
                name=name,
                term=table.get("term", name),
                direction=Direction(table["direction"]),
                system=UnitSystem(system),
                unit=None if unit == "any" else unit,
                clauses=clauses,
                raised_by=tuple(raises),
                questions=tuple((phrase, asks[phrase]) for phrase in assumed),
                note=table.get("note", ""),
                uses_change=any("change" in line for line in table["clauses"]),
                uses_flag=any(re.search(r"baseline (not )?(high|low)", line) for line in table["clauses"]),
            )


@cache
def criteria(version: str) -> dict[str, tuple[Criterion, ...]]:
    """The criteria of a version by measured term in small letters; one entry a unit, SI first."""
    if version not in VERSIONS:
        raise ValueError(f"CTCAE {version} is not among the versions here: {', '.join(VERSIONS)}.")
    found: dict[str, list[Criterion]] = {}
    for criterion in _read(version):
        found.setdefault(criterion.name.casefold(), []).append(criterion)
    return {name: tuple(columns) for name, columns in found.items()}
