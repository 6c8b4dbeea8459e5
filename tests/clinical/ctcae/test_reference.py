"""The criteria files against the published reading of them: every case, and every criterion over a grid of facts."""

import csv
import itertools
import json
import operator
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from clinical.ctcae.criteria import BaselineFlag, Direction, Facts, UnitSystem
from clinical.ctcae.grading import Outcome, assess, find, refused

COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
FACTS = {"AVAL": "value", "ANRLO": "lln", "ANRHI": "uln", "BASE": "baseline", "PCHG": "change"}
TOWARDS = {"H": Direction.HIGH, "L": Direction.LOW}


def side(facts: Facts, words: Mapping[str, Any]) -> Decimal | None:
    if "ref" not in words:
        return Decimal(str(words["value"]))
    fact = getattr(facts, FACTS[words["ref"]])
    return None if fact is None else fact * Decimal(str(words["factor"])) + Decimal(str(words["offset"]))


def holds(facts: Facts, when: Mapping[str, Any]) -> bool:
    match next(iter(when)):
        case "always":
            return True
        case "missing":
            return getattr(facts, FACTS[when["missing"]]) is None
        case "not":
            return not holds(facts, when["not"])
        case "any":
            return any(holds(facts, part) for part in when["any"])
        case "all":
            return all(holds(facts, part) for part in when["all"])
        case "baseline_indicator":
            return facts.flag is BaselineFlag(when["baseline_indicator"].lower())
        case _:
            one, other = side(facts, when["left"]), side(facts, when["right"])
            return one is not None and other is not None and COMPARE[when["op"]](one, other)


def published_grade(facts: Facts, rules: list[dict[str, Any]]) -> int | None:
    grade = next(rule["grade"] for rule in rules if holds(facts, rule["when"]))
    return None if grade is None else int(grade)


def numbers(words: Any) -> set[Decimal]:
    """Every plain number that a criterion compares with."""
    if isinstance(words, list):
        return set().union(*(numbers(part) for part in words))
    if isinstance(words, dict):
        own = {Decimal(str(words["value"]))} if "value" in words else set()
        return own.union(*(numbers(part) for part in words.values()))
    return set()


def factors(words: Any) -> set[Decimal]:
    """Every multiple of a limit that a criterion compares with."""
    if isinstance(words, list):
        return set().union(*(factors(part) for part in words))
    if isinstance(words, dict):
        own = {Decimal(str(words["factor"]))} if "factor" in words else set()
        return own.union(*(factors(part) for part in words.values()))
    return set()


def graded(case: Mapping[str, str]) -> Outcome:
    found = find(
        version=case["ctcae_version"],
        system=UnitSystem(case["unit_system"]),
        term=case["term"],
        direction=TOWARDS[case["direction"]],
        unit=case["unit"],
    )
    if isinstance(found, str):
        return refused(found)
    said = case["baseline_indicator"]
    flags = {case["high_indicator"]: BaselineFlag.HIGH, case["low_indicator"]: BaselineFlag.LOW, "": None}
    columns = ("value", "lln", "uln", "baseline", "pct_change")
    given = [Decimal(case[name]) if case[name] else None for name in columns]
    return assess(found, Facts(*given, flags.get(said, BaselineFlag.NORMAL)))  # type: ignore[arg-type]  # in order


def test_every_published_case_has_its_grade(reference: Path) -> None:
    with (reference / "lab-grading/ctcae_lab_cases.csv").open(newline="") as source:
        cases = list(csv.DictReader(source))
    assert len(cases) >= 1735
    wrong = []
    for case in cases:
        outcome = graded(case)
        if ("" if outcome.grade is None else str(outcome.grade)) != case["expected_grade"]:
            wrong.append((case["id"], case["expected_grade"], outcome.why))
    assert wrong == []


def test_every_criterion_agrees_with_the_published_rules_on_below_and_above_every_limit(reference: Path) -> None:
    """All versions, both unit systems, every term: what one case in a table cannot show."""
    published = json.loads((reference / "lab-grading/ctcae_lab_criteria.json").read_text())
    lln, uln = Decimal("1.3"), Decimal("2.2")
    compared = 0
    for entry in published:
        found = find(
            version=entry["ctcae_version"],
            system=UnitSystem(entry["unit_system"]),
            term=entry["term"],
            direction=TOWARDS[entry["direction"]],
            unit=entry["unit"] or "",
        )
        assert not isinstance(found, str), found
        absolute = {number for number in numbers([rule["when"] for rule in entry["rules"]]) if number > 0}
        scale = min(absolute, default=Decimal(1))  # normal ranges of a size with the criterion's own numbers
        limits = [
            base * times
            for base in (lln * scale, uln * scale, Decimal("2.9") * scale)
            for times in factors([rule["when"] for rule in entry["rules"]])
        ]
        offsets = [base + number for base in (uln * scale, Decimal("2.9") * scale) for number in absolute]
        edges = {*absolute, *limits, *offsets}
        values = {edge * Decimal(nudge) for edge in edges for nudge in ("0.999", "1", "1.001")}
        for low, high, (baseline, flag), change in itertools.product(
            (None, lln * scale),
            (None, uln * scale),
            (
                (None, BaselineFlag.NORMAL),
                (Decimal("1.7") * scale, BaselineFlag.NORMAL),
                (Decimal("2.9") * scale, BaselineFlag.HIGH),
                (Decimal("0.9") * scale, BaselineFlag.LOW),
            ),
            (None, Decimal(-75), Decimal(-50), Decimal(-10), Decimal(5)) if "PCHG" in entry["needs"] else (Decimal(0),),
        ):
            if change is None and baseline is not None:
                continue  # then the change is computed, which the published rules leave to the data set
            for value in values:
                facts = Facts(value, low, high, baseline, change, flag)
                assert assess(found, facts).grade == published_grade(facts, entry["rules"]), (entry["term"], facts)
                compared += 1
    assert compared > 50_000
