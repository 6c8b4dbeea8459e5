"""The language of DLT criteria: what a protocol file may say, and what it is told when it may not."""

import doctest
import tomllib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.dlt import criteria, span
from clinical.dlt.criteria import (
    Criterion,
    GradeRange,
    Limit,
    MissingRelation,
    Persistence,
    Problem,
    Times,
    parse_criteria,
)
from clinical.dlt.span import Span
from tests.clinical.dlt.casebook import ROOT, example


def written(toml: str) -> tuple[tuple[Criterion, ...], list[Problem]]:
    return parse_criteria(tomllib.loads(toml, parse_float=Decimal)["dlt"]["criterion"])


def one(toml: str) -> Criterion:
    read, problems = written('[[dlt.criterion]]\nid = "x"\ntext = "y"\n' + toml)
    assert problems == []
    return read[0]


def test_the_examples_in_the_modules_hold() -> None:
    assert doctest.testmod(criteria).failed + doctest.testmod(span).failed == 0


@pytest.mark.parametrize(("trial", "ids"), [("IMA402", 10), ("IMA203", 4)])
def test_the_documented_definitions_read_without_a_fault(trial: str, ids: int) -> None:
    read, problems = written(example(trial))
    assert problems == []
    assert len({criterion.id for criterion in read}) == ids


@pytest.mark.parametrize("trial", ["IMA402", "IMA203"])
def test_the_documented_definition_is_that_of_the_trials_protocol_file(trial: str) -> None:
    protocol = tomllib.loads((ROOT / f"protocols/{trial}/1.0.toml").read_text(encoding="utf-8"), parse_float=Decimal)
    assert parse_criteria(protocol["dlt"]["criterion"]) == written(example(trial))


def test_a_grade_alone_is_at_least_that_grade() -> None:
    assert one("grade = 3").alternatives[0].grades == GradeRange(3, 5)


def test_time_at_a_grade_and_time_to_come_back_are_one_thing() -> None:
    lasting = one('grade = 4\nlasts = { longer_than = "7 d" }').alternatives[0].persists
    returning = one('grade = 4\nnot_back_to = { grade = 3, within = "7 days" }').alternatives[0].persists
    assert lasting == returning == Persistence(above=3, span=Span.parse("7 d"))


def test_alternatives_share_what_stands_beside_them() -> None:
    clauses = one(
        'terms = "Fever"\nany_of = [{ grade = 4 }, { grade = 3, lasts = { at_least = "48 h" } }]'
    ).alternatives
    assert [clause.terms for clause in clauses] == [clauses[0].terms] * 2
    assert clauses[1].persists == Persistence(above=2, span=Span.parse("48 h"), or_equal=True)


def test_an_unanswered_relation_counts_as_related_unless_the_protocol_says_otherwise() -> None:
    assert one('grade = 3\nrelated_to = "study"').alternatives[0].missing_relation is MissingRelation.RELATED
    strict = one('grade = 3\nrelated_to = ["IMA402"]\nmissing_relation = "undecided"').alternatives[0]
    assert (strict.related_to, strict.missing_relation) == (("IMA402",), MissingRelation.UNDECIDED)


def test_a_laboratory_limit_keeps_its_decimals() -> None:
    labs = one('labs = { all = [{ test = "ALT", above = 3.10, times = "ULN or baseline" }] }').alternatives[0].labs
    assert labs is not None
    limit = labs.all_of[0]
    assert (limit.side, limit.limit, limit.times) == (Limit.ABOVE, Decimal("3.10"), Times.ULN_OR_BASELINE)


@pytest.mark.parametrize(
    ("toml", "place", "sentence"),
    [
        ("grades = 3", "grades", "Did you mean `grade`?"),
        ("grade = 6", "grade", "a whole number from 1 to 5, not 6"),
        ("grade = true", "grade", "not true"),
        ("grade = { at_least = 4, at_most = 3 }", "grade", "No grade is at least 4 and at most 3"),
        ('grade = 4\nlasts = { longer_than = "a week" }', "lasts.longer_than", "not a length of time"),
        ('grade = 4\nlasts = { longer_than = "7 d", at_least = "7 d" }', "lasts", "Exactly one"),
        ('lasts = { longer_than = "7 d" }', "lasts", "needs the `grade`"),
        ('grade = 3\nnot_back_to = { grade = 3, within = "7 d" }', "not_back_to", "not above grade 3"),
        ("grade = 3\nnot_back_to = { grade = 2 }", "not_back_to.within", "Missing"),
        ('group = "blood"', "group", "Use one of “any”, “haematological”"),
        ("any_of = []", "any_of", "at least one"),
        ("grade = 3\nany_of = [{ grade = 4 }]", "any_of[1].grade", "stands beside `any_of` as well"),
        ('any_of = [{ terms = "Fever", grad = 4 }]', "any_of[1].grad", "Did you mean `grade`?"),
        ('any_of = [{ terms = "Fever", grade = 9 }]', "any_of[1].grade", "not 9"),
        ("grade = 3\nunless = [{ labs = {} }]", "unless[1].labs", "There is no key `labs`"),
        ('grade = 3\nmissing_relation = "related"', "missing_relation", "no `related_to`"),
        ("grade = 3\nmissed_doses = { at_least = 2 }", "missed_doses", "Put `grade` into a criterion of its own"),
        ("missed_doses = { at_least = 5, of = 4 }", "missed_doses.of", "Of 4 doses no 5"),
        ('labs = { all = [{ test = "PLAT", below = 25 }] }', "labs.all[1].unit", "needs its `unit`"),
        ('labs = { all = [{ test = "ALT", above = 3, below = 5, times = "ULN" }] }', "labs.all[1]", "here are 2"),
        ('labs = { all = [{ test = "ALT", above = 0, times = "ULN" }] }', "labs.all[1].above", "above 0"),
        ("fatal = 1", "fatal", "true or false"),
        ("terms = []", "terms", "an empty list"),
        ('terms = ["Fever", 3]', "terms[2]", "not 3"),
        ("symptom_of = { grade = 2 }", "symptom_of", "Name the other event"),
    ],
)
def test_a_fault_is_said_at_its_place(toml: str, place: str, sentence: str) -> None:
    read, problems = written('[[dlt.criterion]]\nid = "x"\ntext = "y"\n' + toml)
    assert read == ()
    assert [
        problem for problem in problems if problem.place == f"dlt.criterion[1].{place}" and sentence in problem.sentence
    ], [str(problem) for problem in problems]


def test_every_fault_is_named_and_sound_criteria_are_kept() -> None:
    read, problems = written(
        """
        [[dlt.criterion]]
        text = "no id, no condition"
        [[dlt.criterion]]
        id = "good"
        text = "fine"
        fatal = true
        [[dlt.criterion]]
        id = "good"
        text = ""
        grade = 3
        """
    )
    assert [criterion.id for criterion in read] == ["good"]
    assert [problem.place for problem in problems] == [
        "dlt.criterion[1].id",
        "dlt.criterion[1]",
        "dlt.criterion[3].text",
        "dlt.criterion[3].id",
    ]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | st.floats() | st.sampled_from(["", "ALT", "72 h", "study", "any"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["grade", "at_least", "test", "all", "within", "terms", "x"]), inner, max_size=4
        )
    ),
    max_leaves=6,
)
KEYS = ["id", "text", "grade", "terms", "lasts", "not_back_to", "labs", "any_of", "unless", "answers", "missed_doses"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6), max_size=3))
def test_whatever_a_file_holds_is_read_or_answered_with_faults(tables: list[dict[str, Any]]) -> None:
    read, problems = parse_criteria(tables)
    assert len(read) == len(tables) or problems
    assert all(problem.sentence.endswith((".", "?")) for problem in problems)


@pytest.mark.parametrize(
    "odd", [[3], ["x"], [{"id": {}, "text": [], "grade": "3", "unless": "x", "any_of": 3, "labs": 1}], [{}]]
)
def test_nonsense_is_answered_with_faults(odd: Any) -> None:
    read, problems = parse_criteria(odd)
    assert read == ()
    assert problems
