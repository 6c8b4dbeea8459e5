"""CTCAE grades of laboratory values: the published cases, the split ranges, and the real line cut without gaps."""

import doctest
import itertools
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.ctcae import criteria as criteria_module
from clinical.ctcae import grading, panel, terms
from clinical.ctcae.criteria import VERSIONS, BaselineFlag, Criterion, Direction, Facts, UnitSystem, criteria
from clinical.ctcae.grading import Outcome, assess, bands, find, grade, grades
from clinical.units import to_si

EVERY_CRITERION = [column for version in VERSIONS for columns in criteria(version).values() for column in columns]
BY_VALUE = [criterion for criterion in EVERY_CRITERION if criterion.clauses[-1].kind is not criteria_module.Kind.ASK]


def named(criterion: Criterion) -> str:
    return f"{criterion.version} {criterion.name} {criterion.system} {criterion.unit or 'any'}"


def d(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


# Small tables, in our own words, of what the guideline says


@pytest.mark.parametrize(
    ("version", "term", "value", "unit", "lln", "uln", "expected"),
    [
        # limits belong to the milder grade below, to the worse grade nowhere
        ("5.0", "Anemia", "140", "g/L", "140", None, 0),
        ("5.0", "Anemia", "139", "g/L", "140", None, 1),
        ("5.0", "Anemia", "100", "g/L", "140", None, 1),
        ("5.0", "Anemia", "99", "g/L", "140", None, 2),
        ("5.0", "Anemia", "80", "g/L", "140", None, 2),
        ("5.0", "Anemia", "79", "g/L", "140", None, 3),
        ("5.0", "Anemia", "7.9", "g/dL", "14", None, 3),
        # a number below an absolute limit is graded without the normal range, a number above it is not
        ("5.0", "Anemia", "79", "g/L", None, None, 3),
        ("5.0", "Anemia", "110", "g/L", None, None, None),
        ("4.03", "Alanine aminotransferase increased", "200", "U/L", None, "40", 2),
        ("4.03", "Alanine aminotransferase increased", "201", "U/L", None, "40", 3),
        ("4.03", "Alanine aminotransferase increased", "801", "U/L", None, "40", 4),
        ("4.03", "Alanine aminotransferase increased", "801", "U/L", None, None, None),
        # the same count, three units
        ("5.0", "Neutrophil count decreased", "0.9", "10^9/L", "2", None, 3),
        ("5.0", "Neutrophil count decreased", "0.9", "10^3/uL", "2", None, 3),
        ("5.0", "Neutrophil count decreased", "900", "10^3/mL", "2000", None, 3),
        # a version is a different rule: platelets of 20 are grade 4, in 6.0 under another name grade 3
        ("5.0", "Platelet count decreased", "20", "10^9/L", "150", None, 4),
        ("6.0", "Thrombocytopenia", "20", "10^9/L", "150", None, 3),
        ("6.0", "Platelet count decreased", "20", "10^9/L", "150", None, None),
        ("5.0", "Neutrophil count decreased", "0.4", "10^9/L", "2", None, 4),
        ("6.0", "Neutrophil count decreased", "0.4", "10^9/L", "2", None, 3),
        ("6.0", "Creatinine clearance decreased", "9", "mL/min", None, None, None),
        ("6.0", "Creatinine clearance decreased", "25", "mL/min", None, None, 3),
        ("6.0", "Creatinine clearance decreased", "50", "mL/min", None, None, 0),
    ],
)
def test_limits_are_read_as_the_guideline_prints_them(
    version: str, term: str, value: str, unit: str, lln: str | None, uln: str | None, expected: int | None
) -> None:
    outcome = grade(term, Decimal(value), unit, version=version, lln=d(lln), uln=d(uln))
    assert outcome.grade == expected, outcome.why


@pytest.mark.parametrize(
    ("version", "term", "value", "baseline", "flag", "expected"),
    [
        # from 5.0 on an abnormal baseline takes the place of the upper limit of normal (here 40)
        ("4.03", "Alanine aminotransferase increased", "250", "60", None, 3),
        ("5.0", "Alanine aminotransferase increased", "250", "60", None, 2),
        ("6.0", "Alanine aminotransferase increased", "250", "60", None, 4),
        ("5.0", "Alanine aminotransferase increased", "89", "60", None, 0),
        ("5.0", "Alanine aminotransferase increased", "90", "60", None, 1),
        ("5.0", "Alanine aminotransferase increased", "250", "60", BaselineFlag.NORMAL, 3),
        ("5.0", "Alanine aminotransferase increased", "250", "30", BaselineFlag.HIGH, 3),
        # flagged abnormal but not known: no grade, for every clause would need it
        ("5.0", "Alanine aminotransferase increased", "250", None, BaselineFlag.HIGH, None),
        ("5.0", "Creatinine increased", "45", "14", None, 3),
        ("6.0", "Creatinine increased", "45", "14", BaselineFlag.NORMAL, 1),
        ("6.0", "Creatinine increased", "45", "14", BaselineFlag.LOW, 3),
        ("6.0", "Alkaline phosphatase increased", "500", "41", None, 1),
        ("6.0", "Alkaline phosphatase increased", "41", "41", None, 0),
        ("6.0", "Alkaline phosphatase increased", "39", None, None, 0),
        ("6.0", "Alkaline phosphatase increased", "41", None, None, None),
    ],
)
def test_the_baseline_counts_where_the_version_says_so(
    version: str, term: str, value: str, baseline: str | None, flag: BaselineFlag | None, expected: int | None
) -> None:
    outcome = grade(
        term, Decimal(value), "", version=version, uln=Decimal(40), baseline=d(baseline), baseline_flag=flag
    )
    assert outcome.grade == expected, outcome.why


def test_the_change_from_baseline_is_computed_where_nobody_gives_it() -> None:
    """Fibrinogen of 1.6 against 2.0 g/L is grade 1 by the limit, grade 3 if it fell from 4.0."""
    facts = {"version": "5.0", "lln": Decimal(2), "unit": "g/L"}
    assert grade("FIBRINO", Decimal("1.6"), **facts).grade == 1  # type: ignore[arg-type]  # keywords of one call
    assert grade("FIBRINO", Decimal("1.6"), baseline=Decimal(4), **facts).grade == 3  # type: ignore[arg-type]  # same


# Where a symptom or an intervention decides


@pytest.mark.parametrize(
    ("version", "analyte", "value", "lln", "uln", "convention", "also"),
    [
        ("5.0", "K", "3.2", "3.5", "5.1", 2, (1,)),
        ("4.03", "K", "3.2", "3.5", "5.1", 2, (1,)),
        ("5.0", "K", "2.9", "3.5", "5.1", 3, ()),
        ("5.0", "K", "5.3", "3.5", "5.1", 1, (2,)),  # intervention initiated
        ("4.03", "K", "5.3", "3.5", "5.1", 1, ()),
        ("5.0", "SODIUM", "127", "135", "145", 3, (2,)),
        ("6.0", "SODIUM", "127", "135", "145", 3, (2,)),
        ("4.03", "SODIUM", "127", "135", "145", 3, ()),
        ("5.0", "SODIUM", "124", "135", "145", 3, ()),
        ("5.0", "SODIUM", "131", "135", "145", 1, ()),
        ("6.0", "SODIUM", "129.5", "135", "145", 3, (2,)),
        ("5.0", "LIPASE", "700", None, "100", 4, (3,)),
        ("5.0", "LIPASE", "300", None, "100", 3, (2,)),
        ("5.0", "LIPASE", "180", None, "100", 2, ()),
        ("4.03", "LIPASE", "300", None, "100", 3, ()),
        ("5.0", "URATE", "500", None, "420", 3, (1,)),
        ("5.0", "CA", "2.7", "2.2", "2.6", 1, (2,)),  # symptomatic
        ("5.0", "HGB", "95", "120", "160", 2, (3,)),  # transfusion indicated
        ("5.0", "HGB", "125", "120", "160", 0, ()),
        ("5.0", "PHOS", "0.5", "0.8", "1.5", None, (1, 2, 3, 4)),
        ("5.0", "PHOS", "0.9", "0.8", "1.5", 0, ()),
        ("4.03", "PHOS", "0.5", "0.8", "1.5", 3, ()),
        ("5.0", "GLUC", "15", "3.9", "6.1", None, (1, 2, 3, 4)),
    ],
)
def test_a_range_split_by_symptom_or_treatment_comes_back_as_a_set_with_its_question(
    version: str,
    analyte: str,
    value: str,
    lln: str | None,
    uln: str | None,
    convention: int | None,
    also: tuple[int, ...],
) -> None:
    unit = {"HGB": "g/L", "LIPASE": "U/L", "URATE": "umol/L"}.get(analyte, "mmol/L")
    outcome = grade(analyte, Decimal(value), unit, version=version, lln=d(lln), uln=d(uln))
    assert (outcome.grade, outcome.also) == (convention, also), outcome.why
    assert bool(outcome.question) == bool(also)
    assert outcome.possible == tuple(sorted({*also, *([] if convention is None else [convention])}))


def test_an_answer_settles_the_grade_and_leaves_nothing_to_ask() -> None:
    symptoms = "symptomatic or intervention indicated"

    def potassium(**answers: bool) -> Outcome:
        return grade(
            "K", Decimal("3.2"), "mmol/L", version="5.0", lln=Decimal("3.5"), uln=Decimal(5),
            answers={symptoms: answers["answer"]},
        )  # fmt: skip

    assert (potassium(answer=True).possible, potassium(answer=True).question) == ((2,), "")
    assert (potassium(answer=False).possible, potassium(answer=False).question) == ((1,), "")


@pytest.mark.parametrize(
    ("answers", "expected", "also"),
    [
        ({}, 2, (3,)),
        ({"transfusion indicated": True}, 3, ()),
        ({"transfusion indicated": False}, 2, ()),
        ({"life-threatening consequences": True}, 4, ()),
    ],
)
def test_an_intervention_lifts_an_abnormal_result_to_its_grade(
    answers: dict[str, bool], expected: int, also: tuple[int, ...]
) -> None:
    outcome = grade("HGB", Decimal(95), "g/L", version="5.0", lln=Decimal(120), uln=Decimal(160), answers=answers)
    assert (outcome.grade, outcome.also) == (expected, also)


def test_the_criteria_of_inr_take_the_subject_as_on_anticoagulation_and_ask() -> None:
    """INR 1.3 against a baseline of 0.5 is 2.6 times baseline; off anticoagulation it is just above 1.2."""
    outcome = grade("INR", Decimal("1.3"), "", version="5.0", baseline=Decimal("0.5"))
    assert (outcome.grade, outcome.also) == (3, (1,))
    assert outcome.question == "Is the subject on anticoagulation? If not, grade 1."


def test_a_question_has_the_words_that_its_answer_goes_by() -> None:
    facts = {"version": "6.0", "uln": Decimal(100)}
    outcome = grade("AMYLASE", Decimal(300), "U/L", **facts)  # type: ignore[arg-type]  # keywords of one call
    (question,) = outcome.questions
    assert (question.words, question.yes, question.no) == ("moderate or severe signs or symptoms", 3, 2)
    settled = grade("AMYLASE", Decimal(300), "U/L", answers={question.words: False}, **facts)  # type: ignore[arg-type]
    assert settled.possible == (2,)


def test_an_answer_to_a_question_that_nobody_asks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"CTCAE 5\.0 asks nothing of these words: symptomattic\."):
        grade("CA", Decimal("2.7"), "mmol/L", version="5.0", uln=Decimal("2.6"), answers={"symptomattic": True})


def test_a_normal_result_is_not_lifted_by_an_intervention() -> None:
    answers = {"transfusion indicated": True}
    outcome = grade("HGB", Decimal(130), "g/L", version="5.0", lln=Decimal(120), uln=Decimal(160), answers=answers)
    assert outcome.grade == 0


def test_a_term_graded_by_treatment_gets_its_grade_from_the_answer() -> None:
    answers = {"oral replacement therapy indicated": True}
    outcome = grade(
        "PHOS", Decimal("0.5"), "mmol/L", version="5.0", lln=Decimal("0.8"), uln=Decimal(2), answers=answers
    )
    assert outcome.possible == (2,)
    assert "oral replacement therapy indicated" in outcome.why


def test_what_else_would_raise_the_grade_is_mentioned() -> None:
    outcome = grade("K", Decimal("3.2"), "mmol/L", version="5.0", lln=Decimal("3.5"), uln=Decimal(5))
    assert outcome.raised_by == ("hospitalization indicated (3)", "life-threatening consequences (4)")


# Words


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "facts", "why"),
    [
        (
            "ALT",
            "201",
            "U/L",
            {"uln": "40"},
            "Grade 3: 201 > 5 × ULN (5 × 40 = 200), baseline not high (CTCAE 5.0 Alanine aminotransferase increased).",
        ),
        ("HGB", "95", "g/L", {"lln": "120", "uln": "160"},
         "Grade 2: 95 < 100 g/L (CTCAE 5.0 Anemia). Is a transfusion indicated? If so, grade 3."),
        ("HGB", "185", "g/L", {"lln": "120", "uln": "160"},
         "Grade 2: 185 > ULN + 20 (160 + 20 = 180) (CTCAE 5.0 Hemoglobin increased)."),
        ("PLAT", "90", "10^9/L", {"lln": "150"}, "Grade 1: 90 < LLN (150) (CTCAE 5.0 Platelet count decreased)."),
        ("PLAT", "90", "10^9/L", {}, "Not graded: the lower limit of normal is missing."),
        ("PLAT", None, "10^9/L", {"lln": "150"}, "Not graded: the value is missing."),
        ("PLAT", "90", "", {"lln": "150"}, "Not graded: the unit is missing."),
        ("ALB", "40.0", "g/L", {"lln": "35"}, "Grade 0: 40.0 meets no clause of CTCAE 5.0 Hypoalbuminemia."),
        ("CRP", "90", "mg/L", {"uln": "5"}, "Not graded: CTCAE 5.0 has no grade by value for CRP."),
        ("Not a term", "90", "mg/L", {}, "Not graded: CTCAE 5.0 has no laboratory criterion for 'Not a term'."),
        (
            "FIBRINO",
            "1.0",
            "g/L",
            {"lln": "1.3", "baseline": "2.5"},
            "Grade 3: 1.0 < LLN (1.3) and change from baseline -60 % <= -50 % (CTCAE 5.0 Fibrinogen decreased).",
        ),
    ],
)  # fmt: skip
def test_the_reason_names_the_clause_with_this_value_and_these_limits(
    analyte: str, value: str | None, unit: str, facts: dict[str, str], why: str
) -> None:
    limits = {name: Decimal(number) for name, number in facts.items()}
    assert grade(analyte, d(value), unit, version="5.0", **limits).why == why  # type: ignore[arg-type]  # keywords


def test_a_value_that_the_term_does_not_grade_says_where_to_report_it() -> None:
    outcome = grade("CREATCLR", Decimal(8), "mL/min", version="6.0")
    assert outcome.why == "Not graded: 8 < 10 mL/min. Report it as Acute kidney injury or Chronic kidney disease."


# Units


@pytest.mark.parametrize(
    ("analyte", "value", "unit", "lln", "uln", "expected"),
    [
        ("HGB", "4.9", "mmol/L", "7.5", None, 3),  # 79.0 g/L
        ("HGB", "5.0", "mmol/L", "7.5", None, 2),  # 80.6 g/L
        ("CREAT", "1.7", "mg/dL", None, "1.1", 2),
        ("WBC", "1900", "/uL", "4000", "11000", 3),
        ("K", "6.1", "mEq/L", "3.5", "5.0", 3),
        ("MG", "1.6", "mEq/L", "1.5", "2.1", 0),
        ("ALB", "3500", "mg/dL", "3500", None, 0),
    ],
)
def test_any_unit_of_the_analyte_is_graded_without_rounding(
    analyte: str, value: str, unit: str, lln: str | None, uln: str | None, expected: int
) -> None:
    assert grade(analyte, Decimal(value), unit, version="5.0", lln=d(lln), uln=d(uln)).grade == expected


def test_a_unit_of_another_kind_is_refused_in_a_sentence() -> None:
    outcome = grade("HGB", Decimal(9), "mmol/mol", version="5.0", lln=Decimal(8))
    assert outcome.grade is None
    assert "'mmol/mol' is not known here" in outcome.why


def test_both_terms_of_an_analyte_are_answered_and_the_worse_one_is_shown() -> None:
    both = grades("K", Decimal("6.2"), "mmol/L", version="5.0", lln=Decimal("3.5"), uln=Decimal(5))
    assert [outcome.grade for outcome in both] == [0, 3]
    shown = grade("K", Decimal("6.2"), "mmol/L", version="5.0", lln=Decimal("3.5"), uln=Decimal(5))
    assert shown.criterion is not None
    assert shown.criterion.name == "Hyperkalemia"


def test_a_fasting_sample_has_limits_of_its_own_where_the_version_has_them() -> None:
    fed = grade("GLUC", Decimal(10), "mmol/L", version="6.0", lln=Decimal(4), uln=Decimal(6))
    fasting = grade("GLUC", Decimal(10), "mmol/L", version="6.0", lln=Decimal(4), uln=Decimal(6), fasting=True)
    assert (fed.grade, fasting.grade) == (0, 2)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"term": "Anemia", "unit": "G/cL"}, "the unit is G/cL, the SI criterion is in g/L."),
        ({"term": "Anemia", "unit": "g/dL"}, "the unit is g/dL, the SI criterion is in g/L."),
        ({"term": "Anemia", "unit": ""}, "the unit is missing, the SI criterion is in g/L."),
        ({"term": "", "unit": "g/L"}, "no term is given."),
        ({"term": "Nothing", "unit": "g/L"}, "CTCAE 5.0 has no laboratory criterion for 'Nothing'."),
        (
            {"term": "Anemia", "unit": "g/L", "direction": Direction.HIGH},
            "CTCAE 5.0 Anemia is graded for low values, not high ones.",
        ),
    ],
)
def test_a_data_set_is_graded_in_the_units_it_declares(facts: dict[str, str], reason: str) -> None:
    asked = {"version": "5.0", "system": UnitSystem.SI, "direction": None, **facts}
    assert find(**asked) == reason  # type: ignore[arg-type]  # keywords of one call


# The criteria as a whole


@pytest.mark.parametrize("criterion", EVERY_CRITERION, ids=named)
def test_a_value_makes_only_grades_that_the_term_has(criterion: Criterion) -> None:
    existing = {0, *terms.term(criterion.version, criterion.term).grades}
    assert set(criterion.grades) <= existing
    assert {way.grade for way in criterion.raised_by} <= existing


@pytest.mark.parametrize("criterion", EVERY_CRITERION, ids=named)
def test_every_assumption_has_a_question(criterion: Criterion) -> None:
    assert all(text.endswith("?") for _, text in criterion.questions)


LLN, ULN = Decimal(35), Decimal(40)
SITUATIONS = [
    {"lln": lln, "uln": uln, "baseline": baseline, "flag": flag}
    for lln, uln, baseline, flag in itertools.product(
        (None, LLN),
        (None, ULN),
        (None, Decimal(20), Decimal(38), Decimal(61)),
        (None, BaselineFlag.LOW, BaselineFlag.NORMAL, BaselineFlag.HIGH),
    )
]


@pytest.mark.parametrize("criterion", EVERY_CRITERION, ids=named)
def test_for_given_limits_every_real_value_has_exactly_one_outcome_among_the_grades_of_the_term(
    criterion: Criterion,
) -> None:
    """The bands leave no gap and do not overlap, and the engine agrees with them on, beside and between all limits."""
    allowed = {None, 0, *terms.term(criterion.version, criterion.term).grades}
    hair = Decimal("1e-12")
    for situation in SITUATIONS:
        facts = Facts(None, **situation)  # type: ignore[arg-type]  # keywords of one dataclass
        line = bands(criterion, facts)
        assert (line[0].low, line[-1].high) == (None, None)
        for here, after in itertools.pairwise(line):
            assert here.high == after.low
            assert here.includes_high != after.includes_low  # a limit belongs to exactly one band
        edges = [band.low for band in line if band.low is not None]
        probes = {edge + step for edge in edges for step in (-hair, 0, hair)} | {
            Decimal(-1),
            Decimal(0),
            Decimal(10**6),
        }
        for probe in probes:
            holding = [band for band in line if _within(band, probe)]
            assert len(holding) == 1
            outcome = assess(criterion, Facts(probe, **situation))  # type: ignore[arg-type]  # same
            assert (outcome.grade, outcome.also) == (holding[0].grade, holding[0].also)
            assert outcome.grade in allowed
            assert set(outcome.also) <= allowed


def _within(band: grading.Band, value: Decimal) -> bool:
    above = band.low is None or value > band.low or (band.includes_low and value == band.low)
    below = band.high is None or value < band.high or (band.includes_high and value == band.high)
    return above and below


NOT_GRADED_WHEN_WORST = "Creatinine clearance decreased"  # below 10 mL/min version 6.0 sends it to another term


@pytest.mark.parametrize(
    "criterion", [criterion for criterion in BY_VALUE if criterion.name != NOT_GRADED_WHEN_WORST], ids=named
)
def test_a_grade_never_falls_when_a_value_worsens(criterion: Criterion) -> None:
    for situation in SITUATIONS:
        line = bands(criterion, Facts(None, **situation))  # type: ignore[arg-type]  # keywords of one dataclass
        made = [band.grade for band in line if band.grade is not None]
        assert made == sorted(made, reverse=criterion.direction is Direction.LOW)


@given(
    criterion=st.sampled_from(EVERY_CRITERION),
    value=st.decimals(min_value=Decimal(0), max_value=Decimal(1000), places=3),
    lln=st.none() | st.decimals(min_value=Decimal(1), max_value=Decimal(50), places=2),
    uln=st.none() | st.decimals(min_value=Decimal(50), max_value=Decimal(100), places=2),
    baseline=st.none() | st.decimals(min_value=Decimal(1), max_value=Decimal(150), places=2),
)
@settings(max_examples=150, deadline=None)
def test_the_outcome_lies_in_the_band_of_its_value(
    criterion: Criterion, value: Decimal, lln: Decimal | None, uln: Decimal | None, baseline: Decimal | None
) -> None:
    facts = Facts(value, lln, uln, baseline)
    outcome = assess(criterion, facts)
    (band,) = [band for band in bands(criterion, facts) if _within(band, value)]
    assert (outcome.grade, outcome.also) == (band.grade, band.also)
    assert outcome.why


@given(analyte=st.sampled_from(["CREAT", "BILI"]), hundredths=st.integers(min_value=1, max_value=1500))
@settings(max_examples=60, deadline=None)
def test_a_multiple_of_a_limit_does_not_depend_on_the_unit(analyte: str, hundredths: int) -> None:
    value, limit = Decimal(hundredths) / 100, Decimal(1)
    in_si = grade(analyte, to_si(value, analyte=analyte), "umol/L", version="5.0", uln=to_si(limit, analyte=analyte))
    assert in_si.grade == grade(analyte, value, "mg/dL", version="5.0", uln=limit).grade


@pytest.mark.parametrize("version", VERSIONS)
def test_every_measured_term_belongs_to_an_analyte_of_the_panel(version: str) -> None:
    assert [
        columns[0].name for columns in criteria(version).values() if panel.analyte_of(columns[0].name) is None
    ] == []


def test_an_analyte_or_version_that_is_not_here_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="'XYZ' is not in the panel: ALB"):
        panel.measured_terms("XYZ", version="5.0")
    with pytest.raises(ValueError, match=r"CTCAE 3.0 is not among the versions here: 4.03, 5.0, 6.0"):
        criteria("3.0")


@pytest.mark.parametrize(
    "line", ["3: value is big", "5 × ULN", "needs luck", "3: worth > 5 × ULN", "3: value > 5 × uln"]
)
def test_a_line_that_is_no_clause_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        criteria_module.clause(line)


@pytest.mark.parametrize("module", [criteria_module, grading, panel, terms])
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]  # a module
