"""Does this event meet the protocol's DLT criteria: met, not met, or undecided until when."""

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.dlt.evaluation import Answer, Conventions, assess_event, question_arises
from clinical.dlt.facts import Exposure, Intervention, LabFact, SubjectFacts
from clinical.dlt.window import WindowRule
from clinical.partial_date import PartialDate
from tests.clinical.dlt.casebook import (
    BERLIN,
    CRS,
    GUT,
    IMMUNE,
    INVESTIGATIONS,
    NAUSEA,
    NEUTROPENIA,
    ask,
    ask_subject,
    at,
    criteria_of,
    criterion,
    dose,
    event,
    lab,
    on,
    window,
)

IMA402, IMA203 = criteria_of("IMA402"), criteria_of("IMA203")
RELATED = {"relations": {"IMA402": True}}
NEUTROPENIA_RULE = criterion('terms = "Neutrophil count decreased"\ngrade = 4\nlasts = { longer_than = "7 d" }')
CRS_RULE = criterion('terms = "Cytokine release syndrome"\ngrade = 3\nnot_back_to = { grade = 2, within = "72 h" }')


def answer(found: object) -> str:
    return found.answer.value  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("grades", "now", "expected"),
    [
        # Times known: 72 h elapse, and at exactly 72 h it is back.
        (["3 03-05T14:00 03-08T14:00", "2 03-08T14:00"], "04-20", "not met"),
        (["3 03-05T14:00 03-08T14:01", "2 03-08T14:01"], "04-20", "met"),
        (["3 03-05T14:00"], "03-08T13:59", "undecided"),
        (["3 03-05T14:00"], "03-08T14:00", "met"),
        # A grade above 3 on the way still is not back to 2.
        (["3 03-05T14:00", "4 03-06T14:00", "3 03-07T14:00", "1 03-09T14:00"], "04-20", "met"),
        # Back in between: two short toxicities are not one long one.
        (["3 03-05T14:00", "2 03-07T14:00", "3 03-07T20:00", "2 03-09T14:00"], "04-20", "not met"),
        # Days only: between 48 and 96 h cannot be told, more than four days can.
        (["3 03-05 03-08"], "04-20", "undecided"),
        (["3 03-05 03-09"], "04-20", "met"),
        (["3 03-05 03-07"], "04-20", "not met"),
        (["3 03-05 ?"], "04-20", "undecided"),
    ],
)
def test_grade_3_not_back_within_72_hours(grades: list[str], now: str, expected: str) -> None:
    assert answer(ask(CRS_RULE, event(CRS, IMMUNE, *grades), now=now)) == expected


def test_seventy_two_hours_elapse_over_the_night_when_the_clocks_change() -> None:
    within = window(WindowRule(days=28), dose("03-20T10:00"))
    short_night = event(CRS, IMMUNE, "3 03-27T14:00 03-30T14:30")  # 71 h 30 min of world time
    assert answer(ask(CRS_RULE, short_night, within=within)) == "not met"


@pytest.mark.parametrize(
    ("grades", "now", "expected"),
    [
        (["4 03-10 03-17"], "04-20", "not met"),
        (["4 03-10 03-18"], "04-20", "met"),
        (["4 03-10 03-14", "3 03-14"], "04-20", "not met"),
        (["4 03-10"], "03-17T23:00", "undecided"),
        (["4 03-10"], "03-18T00:00", "met"),
        (["4 03-10T09:00"], "03-17T08:59", "undecided"),
        (["4 03-10T09:00"], "03-17T09:00", "met"),
        (["4 03-10T09:00 03-17T09:00"], "04-20", "not met"),
        (["4 03-10 2026-03"], "04-20", "undecided"),
        (["3 03-10", "4 03-20 03-24"], "04-20", "not met"),
        # A diary of neighbouring days is one toxicity of nine days; a day between makes it two.
        (["4 03-10 03-14", "4 03-15 03-19"], "04-20", "met"),
        (["4 03-10 03-14", "4 03-16 03-19"], "04-20", "not met"),
    ],
)
def test_grade_4_neutropenia_for_more_than_seven_days(grades: list[str], now: str, expected: str) -> None:
    assert answer(ask(NEUTROPENIA_RULE, event(NEUTROPENIA, INVESTIGATIONS, *grades), now=now)) == expected


def test_a_protocol_may_count_the_first_day_in() -> None:
    eight_days_with_the_first = event(NEUTROPENIA, INVESTIGATIONS, "4 03-10 03-17")
    counted_in = Conventions(first_day_counts=True)
    assert answer(ask(NEUTROPENIA_RULE, eight_days_with_the_first, conventions=counted_in)) == "met"


def test_neutropenia_begun_on_day_26_is_decided_after_the_window() -> None:
    late = event(NEUTROPENIA, INVESTIGATIONS, "4 03-27T14:00")
    found = ask(NEUTROPENIA_RULE, late, now="03-31")
    assert found.until == at("04-03T14:00")
    assert found.in_words(BERLIN) == (
        "Undecided on “the rule”: Neutrophil count decreased grade 4 began 27-Mar-2026 14:00, "
        "day 26 of the DLT period; since 27-Mar-2026 14:00, going on. Qualifies Friday 03-Apr-2026 14:00."
    )
    assert answer(ask(NEUTROPENIA_RULE, late, now="04-03T14:00")) == "met"


@pytest.mark.parametrize(
    ("grades", "expected"),
    [
        (["3 03-30"], "not met"),  # day 29
        (["3 03-29T23:59"], "met"),  # day 28
        (["3 02-20"], "not met"),  # there before the first dose
        (["2 02-20", "3 03-04"], "met"),  # worsens in the window
        (["3 02-20", "4 03-04"], "met"),
        (["3 02-20", "2 03-04"], "not met"),  # improves
        (["3 02-20 02-25", "3 03-04"], "met"),  # had gone, comes again
        (["2 03-04", "3 04-10"], "not met"),  # worsens after the window
        (["3 03-02T09:59"], "not met"),  # a minute before the dose
        (["3 03-02T10:00"], "met"),
        (["3 03-02"], "met"),  # the day of the dose counts
        (["3 2026-03"], "undecided"),
        (["3 2026-02"], "not met"),
        (["3 ?"], "undecided"),
        (["? 03-04"], "undecided"),
        (["2 03-04"], "not met"),
    ],
)
def test_a_grade_counts_when_it_begins_or_worsens_inside_the_window(grades: list[str], expected: str) -> None:
    assert answer(ask(criterion("grade = 3"), event(NAUSEA, GUT, *grades))) == expected


def test_a_missing_grade_does_not_matter_when_no_grade_could() -> None:
    known = event(NAUSEA, GUT, "3 03-04", "? 03-06")
    assert answer(ask(criterion("grade = 3"), known)) == "met"
    assert answer(ask(criterion('terms = "Fever"\ngrade = 3'), event(NAUSEA, GUT, "? 03-04"))) == "not met"


def test_a_protocol_may_ask_for_more_than_the_grade_at_the_first_dose() -> None:
    wave = event(NAUSEA, GUT, "3 02-20", "2 03-04", "3 03-10")
    strict = Conventions(worse_than_at_opening=True)
    assert answer(ask(criterion("grade = 3"), wave)) == "met"
    assert answer(ask(criterion("grade = 3"), wave, conventions=strict)) == "not met"


@pytest.mark.parametrize(
    ("grades", "expected"),
    [
        (["1 02-20", "3 03-04"], "met"),
        (["2 02-20", "3 03-04"], "not met"),
        (["2 02-20", "3 03-04", "4 03-05"], "met"),
        (["2 02-20 02-25", "3 03-04"], "met"),  # gone when the period opened
        (["2 03-04"], "not met"),
    ],
)
def test_a_subject_with_liver_metastases_may_need_two_grades_more(grades: list[str], expected: str) -> None:
    rule = criterion('grade = 3\nworsens_by = 2\nanswers = { "liver metastases" = true }')
    asked = event("Alanine aminotransferase increased", INVESTIGATIONS, *grades)

    def found(**answers: bool) -> str:
        facts = SubjectFacts(events=(asked,), answers={"liver metastases": True, **answers})
        return answer(assess_event(asked, criteria=rule, window=window(), facts=facts, at=at("06-01")))

    assert found() == expected
    assert found(**{"liver metastases": False}) == "not met"


def test_entries_that_overlap_are_over_when_the_last_of_them_is() -> None:
    overlapping = event(CRS, IMMUNE, "3 03-05T14:00 03-09T14:00", "4 03-06T14:00 03-07T14:00")
    assert answer(ask(CRS_RULE, overlapping)) == "met"


@pytest.mark.parametrize(
    ("relations", "policy", "expected"),
    [
        ({"IMA402": True}, "related", "met"),
        ({"IMA402": False}, "related", "not met"),
        ({"IMA402": None}, "related", "met"),
        ({}, "related", "met"),
        ({}, "undecided", "undecided"),
        ({}, "unrelated", "not met"),
        ({"IMA402": False, "dexamethasone": True}, "related", "met"),
    ],
)
def test_a_missing_relation_is_taken_as_the_protocol_says(
    relations: dict[str, bool | None], policy: str, expected: str
) -> None:
    rule = criterion(f'grade = 3\nrelated_to = "study"\nmissing_relation = "{policy}"')
    assert answer(ask(rule, event(NAUSEA, GUT, "3 03-04", relations=relations))) == expected


def test_a_named_product_is_asked_for_alone() -> None:
    rule = criterion('grade = 3\nrelated_to = ["IMA402"]')
    other = event(NAUSEA, GUT, "3 03-04", relations={"IMA402": False, "dexamethasone": True})
    assert answer(ask(rule, other)) == "not met"


@pytest.mark.parametrize(
    ("term", "soc", "group", "expected"),
    [
        (NEUTROPENIA, INVESTIGATIONS, "haematological", "met"),
        ("Anemia", "Blood and lymphatic system disorders", "haematological", "met"),
        (NAUSEA, GUT, "haematological", "not met"),
        (NAUSEA, GUT, "non-haematological", "met"),
        ("platelet  COUNT decreased", INVESTIGATIONS, "non-haematological", "not met"),
        (NAUSEA, None, "non-haematological", "undecided"),
        (None, None, "any", "undecided"),
    ],
)
def test_blood_counts_are_haematological_although_ctcae_keeps_them_elsewhere(
    term: str | None, soc: str | None, group: str, expected: str
) -> None:
    assert answer(ask(criterion(f'group = "{group}"\ngrade = 3'), event(term, soc, "3 03-04"))) == expected


def test_an_exception_for_a_laboratory_finding_that_resolves_waits_with_it() -> None:
    rule = criterion(
        'grade = 3\nunless = [{ grade = { at_most = 3 }, resolves = { to = 1, within = "7 d" }, '
        "answers = { symptomatic = false } }]"
    )
    silent = {"answers": {"symptomatic": False}}
    assert answer(ask(rule, event("Lipase increased", INVESTIGATIONS, "3 03-04 03-08", **silent))) == "not met"
    assert answer(ask(rule, event("Lipase increased", INVESTIGATIONS, "3 03-04 03-12", **silent))) == "met"
    assert answer(ask(rule, event("Lipase increased", INVESTIGATIONS, "4 03-04 03-08", **silent))) == "met"
    assert answer(ask(rule, event("Lipase increased", INVESTIGATIONS, "3 03-04 03-08"))) == "undecided"
    going_on = ask(rule, event("Lipase increased", INVESTIGATIONS, "3 03-04", **silent), now="03-06")
    assert (answer(going_on), going_on.until) == ("undecided", at("03-12"))


def test_an_exception_needs_its_cause_recorded() -> None:
    death = {"fatal": True, "died": on("03-10")}
    unexplained = event("Sepsis", "Infections and infestations", "4 03-08", **death)
    of_disease = event("Sepsis", "Infections and infestations", "4 03-08", causes=frozenset({"Disease"}), **death)
    assert [each.id for each in ask(IMA203, unexplained).met] == ["nonhaematological", "death"]
    assert "death" not in [each.id for each in ask(IMA203, of_disease).met]


def test_fever_that_is_part_of_a_mild_crs_is_left_out() -> None:
    crs = event(CRS, IMMUNE, "2 03-04 03-14", id="AE9", scale="ASTCT")
    severe = event(CRS, IMMUNE, "3 03-04 03-05", id="AE9", scale="ASTCT")
    fever = event("Fever", "General disorders", "3 03-04 03-14", symptom_of="AE9", **RELATED)
    alone = event("Fever", "General disorders", "3 03-04 03-14", **RELATED)
    assert answer(ask(IMA203, fever, crs)) == "not met"
    assert answer(ask(IMA203, fever, severe)) == "met"
    assert answer(ask(IMA203, alone, crs)) == "met"


def test_the_grade_of_another_scale_is_not_looked_at() -> None:
    ctcae_only = event(CRS, IMMUNE, "4 03-04")
    found = ask(IMA402, ctcae_only)
    assert answer(found) == "undecided"
    assert found.undecided[0].missing == ("the ASTCT grade of Cytokine release syndrome",)


@pytest.mark.parametrize(
    ("bleeding", "expected"),
    [
        ("2 03-06 03-07", "met"),
        ("1 03-06 03-07", "not met"),
        ("2 03-20 03-22", "not met"),
        ("2 2026-03", "undecided"),
        ("? 03-06", "undecided"),
    ],
)
def test_grade_3_thrombocytopenia_counts_with_bleeding_at_the_same_time(bleeding: str, expected: str) -> None:
    platelets = event("Platelet count decreased", INVESTIGATIONS, "3 03-05 03-10")
    assert answer(ask(IMA402, platelets, event("Epistaxis", "Respiratory disorders", bleeding, id="AE2"))) == expected


def test_febrile_neutropenia_and_death_are_met_at_once() -> None:
    febrile = event("Febrile neutropenia", "Blood and lymphatic system disorders", "3 03-05")
    assert [each.id for each in ask(IMA402, febrile, now="03-05").met] == ["febrile-neutropenia"]
    dead = event("Pneumonitis", "Respiratory disorders", "3 03-05T08:00", fatal=True, died=on("03-06"), **RELATED)
    assert [each.id for each in ask(IMA402, dead, now="03-06T12:00").met] == ["death"]


def test_transaminases_have_days_where_others_have_hours() -> None:
    alt = event("Alanine aminotransferase increased", INVESTIGATIONS, "3 03-05 03-11", **RELATED)
    assert answer(ask(IMA402, alt)) == "not met"
    longer = event("Alanine aminotransferase increased", INVESTIGATIONS, "3 03-05 03-13", **RELATED)
    assert [each.id for each in ask(IMA402, longer).met] == ["transaminases"]


# -- facts that are no event ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labs", "now", "expected"),
    [
        ([("ALT", "03-10", "120", "40"), ("BILI", "03-20", "2.4", "1.2")], "06-01", "met"),
        ([("ALT", "03-10", "119.9", "40"), ("BILI", "03-20", "2.4", "1.2")], "06-01", "not met"),
        ([("ALT", "03-10", "120", "40"), ("BILI", "03-20", "2.39", "1.2")], "06-01", "not met"),
        ([("AST", "03-10", "120", "40"), ("BILI", "04-09", "2.4", "1.2")], "06-01", "met"),
        ([("AST", "03-10", "120", "40"), ("BILI", "04-10", "2.4", "1.2")], "06-01", "not met"),
        ([("AST", "03-10", "120", "40"), ("BILI", "03-09", "2.4", "1.2")], "06-01", "not met"),
        ([("AST", "03-10", "120", "40")], "03-12", "undecided"),
        ([("AST", "03-10", "120", "40")], "06-01", "not met"),
        ([("AST", "03-10", "120", None), ("BILI", "03-10", "2.4", "1.2")], "06-01", "undecided"),
        (
            [("ALT", "03-10", "120", "40"), ("BILI", "03-10", "3", "1.2"), ("ALP", "03-10", "240", "120")],
            "06-01",
            "not met",
        ),
        (
            [("ALT", "03-10", "120", "40"), ("BILI", "03-10", "3", "1.2"), ("ALP", "03-10", "239", "120")],
            "06-01",
            "met",
        ),
        ([("ALT", "02-10", "120", "40"), ("BILI", "02-10", "3", "1.2")], "06-01", "not met"),
        ([("ALT", "04-10", "120", "40"), ("BILI", "04-10", "3", "1.2")], "06-01", "not met"),
    ],
)
def test_hys_law_is_a_combination_of_laboratory_values(
    labs: list[tuple[str, str, str, str | None]], now: str, expected: str
) -> None:
    facts = SubjectFacts(labs=tuple(lab(*each) for each in labs))
    assert answer(ask_subject(IMA402, facts, now=now)) == expected


def test_hys_law_tells_the_first_time_that_it_held_and_knows_no_later_sample() -> None:
    labs = (lab("ALT", "03-10", "120", "40"), lab("BILI", "03-12", "2.4", "1.2"), lab("ALT", "03-11", "200", "40"))
    found = ask_subject(IMA402, SubjectFacts(labs=labs)).met[0]
    assert found.facts == (
        "ALT 120 U/L of 10-Mar-2026 (ALT or AST ≥ 3 × ULN, which is 120)",
        "BILI 2.4 U/L of 12-Mar-2026 (BILI ≥ 2 × ULN, which is 2.4)",
    )
    assert answer(ask_subject(IMA402, SubjectFacts(labs=labs), now="03-11T20:00")) == "undecided"


def test_the_published_cases_of_hys_law_come_out_of_the_protocol_file(reference: Path) -> None:
    long = WindowRule(days=400)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for case in json.loads(
        (reference / "dose-safety-hys-law-cases.json").read_text(encoding="utf-8"), parse_float=Decimal
    )["cases"]:
        labs = tuple(
            LabFact(
                each["test"],
                PartialDate.of((start + timedelta(days=each["day"])).date()),
                Decimal(each["value"]),
                "U/L",
                Decimal(each["uln"]),
            )
            for each in case["labs"]
        )
        found = ask_subject(
            IMA402, SubjectFacts(labs=labs), now="2027-06-01", within=window(long, dose("2026-01-01"), now="2027-06-01")
        )
        assert (found.answer is Answer.MET) == case["expect"]["potential_hys_law"], case["id"]


def test_a_raised_baseline_moves_the_limit() -> None:
    rule = criterion('labs = { all = [{ test = "ALT", at_least = 3, times = "ULN or baseline" }] }')
    raised = SubjectFacts(labs=(lab("ALT", "03-10", "200", "40", baseline="80"),))
    assert answer(ask_subject(rule, raised)) == "not met"
    assert answer(ask_subject(rule, SubjectFacts(labs=(lab("ALT", "03-10", "240", "40", baseline="80"),)))) == "met"


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        ("20", "10^9/L", "met"),
        ("20000", "/uL", "met"),
        ("25", "10^9/L", "not met"),
        ("30", "10^3/uL", "not met"),
        ("20", "mg/dL", "undecided"),
        ("20", "a cupful", "undecided"),
    ],
)
def test_a_limit_is_compared_in_its_own_unit(value: str, unit: str, expected: str) -> None:
    rule = criterion('labs = { all = [{ test = "PLAT", below = 25, unit = "10^9/L" }] }')
    assert answer(ask_subject(rule, SubjectFacts(labs=(lab("PLAT", "03-10", value, unit=unit),)))) == expected


@pytest.mark.parametrize(
    ("second", "third", "expected"),
    [
        ("related toxicity", "related toxicity", "met"),
        ("related toxicity", "holiday", "not met"),
        ("related toxicity", "", "undecided"),
        ("related toxicity", None, "undecided"),
    ],
)
def test_doses_missed_for_related_toxicity(second: str, third: str | None, expected: str) -> None:
    doses = (
        dose("03-02T10:00", planned="03-02"),
        dose(planned="03-09", missed=second),
        dose(planned="03-16", missed=third),
        dose("03-23", planned="03-23"),
    )
    assert answer(ask_subject(IMA402, SubjectFacts(doses=doses))) == expected


def test_only_the_first_doses_that_the_protocol_names_are_counted() -> None:
    rule = criterion("missed_doses = { at_least = 2, of = 3 }")
    fine = (dose("03-02T10:00", planned="03-02"), dose("03-09", planned="03-09"), dose(planned="03-16", missed="x"))
    facts = SubjectFacts(doses=(dose(planned="03-23", missed="x"), *fine))
    assert answer(ask_subject(rule, facts)) == "not met"


def test_a_dose_that_does_not_come_is_late_at_a_known_time() -> None:
    rule = criterion('dose_delay = { longer_than = "14 d", for = "related toxicity" }')
    first, second = dose("03-02T10:00", planned="03-02"), Exposure(planned=on("03-09"))
    assert answer(ask_subject(rule, SubjectFacts(doses=(first, second)), now="03-09T08:00")) == "not met"
    unexplained = ask_subject(rule, SubjectFacts(doses=(first, second)), now="03-24")
    assert unexplained.undecided[0].missing == ("why the dose of 09-Mar-2026 is late",)
    because = SubjectFacts(doses=(first, replace(second, reason="Related toxicity")))
    found = ask_subject(rule, because, now="03-12")
    assert (answer(found), found.until) == ("undecided", at("03-24"))
    assert answer(ask_subject(rule, because, now="03-24")) == "met"


def test_transfusions_are_counted_inside_the_window() -> None:
    rule = criterion('interventions = { kind = "platelet transfusion", at_least = 2 }')
    two = SubjectFacts(
        interventions=(
            Intervention("Platelet transfusion", on("03-04")),
            Intervention("platelet transfusion", on("03-20")),
        )
    )
    one_late = SubjectFacts(interventions=(two.interventions[0], Intervention("platelet transfusion", on("04-20"))))
    assert answer(ask_subject(rule, two)) == "met"
    assert answer(ask_subject(rule, one_late)) == "not met"


# -- the question, and what must always hold ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grades", "asked"),
    [
        (["1 03-04"], True),
        (["2 02-01"], False),
        (["1 02-01", "2 03-05"], True),
        (["1 2026-02"], False),
        (["1 2026-03"], True),
        (["2 04-10"], False),
    ],
)
def test_the_question_is_put_whenever_a_grade_begins_or_worsens_or_may_have(grades: list[str], asked: bool) -> None:
    assert question_arises(event(NAUSEA, GUT, *grades), window()) is asked


def test_nothing_is_dose_limiting_before_a_dose() -> None:
    assert question_arises(event(NAUSEA, GUT, "3 03-04"), None) is False


def test_an_answer_says_why_not_clause_by_clause() -> None:
    found = ask(IMA402, event(NAUSEA, GUT, "2 03-04", **RELATED))
    by_id = {each.id: each for each in found.criteria}
    assert by_id["nonhaematological"].facts == ("the highest grade is 2, and the criterion begins at grade 3",)
    assert by_id["crs"].facts == ("Nausea is not one of its terms",)


@st.composite
def courses(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Grades with the hours between which they ran, on a clock of the DLT period, without breaks."""
    edges = sorted(draw(st.sets(st.integers(0, 400), min_size=2, max_size=5)))
    return [(draw(st.integers(0, 4)), begin, end) for begin, end in itertools.pairwise(edges)]


def story(course: list[tuple[int, int, int]]) -> list[str]:
    start = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - wall time of the site

    def moment(hours: int) -> str:
        return PartialDate.of(start + timedelta(hours=hours)).iso

    return [f"{grade} {moment(begin)} {moment(end)}" for grade, begin, end in course]


RANK = {"not met": 0, "undecided": 1, "met": 2}


@settings(max_examples=60, deadline=None)
@given(
    courses(),
    st.integers(0, 4),
    st.integers(0, 100),
    st.sampled_from([CRS_RULE[0], *criterion("grade = 3"), *criterion("grade = 4")]),
)
def test_a_worse_course_is_never_less_dose_limiting(
    course: list[tuple[int, int, int]], index: int, longer: int, rule: object
) -> None:
    """Raising the last grade, or letting it last longer, never takes a DLT away.

    (Raising an early grade can: it is the worsening that counts, and a toxicity above the limit from the start has its
    duration in one piece; so only the end of the course is made worse here.)
    """
    last_grade, begin, end = course[-1]
    worse = [*course[:-1], (max(last_grade, index), begin, end + longer)]
    before = ask((rule,), event(CRS, IMMUNE, *story(course)))  # type: ignore[arg-type]
    after = ask((rule,), event(CRS, IMMUNE, *story(worse)))  # type: ignore[arg-type]
    assert RANK[answer(after)] >= RANK[answer(before)]


@settings(max_examples=60, deadline=None)
@given(courses(), st.integers(1, 500), st.integers(0, 500))
def test_what_is_met_stays_met_as_time_passes(course: list[tuple[int, int, int]], first: int, more: int) -> None:
    told = event(CRS, IMMUNE, *story(course))
    start = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - wall time of the site
    earlier = PartialDate.of(start + timedelta(hours=first)).iso
    later = PartialDate.of(start + timedelta(hours=first + more)).iso
    if ask(CRS_RULE, told, now=earlier).answer is Answer.MET:
        assert ask(CRS_RULE, told, now=later).answer is Answer.MET


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 600), st.integers(0, 120))
def test_an_undecided_duration_is_decided_exactly_when_it_says(began: int, later: int) -> None:
    start = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - wall time of the site
    onset = PartialDate.of(start + timedelta(hours=began))
    now = PartialDate.of(start + timedelta(hours=began + later)).iso
    found = ask(CRS_RULE, event(CRS, IMMUNE, f"3 {onset.iso}"), now=now)
    if found.answer is Answer.UNDECIDED:
        assert found.until is not None
        moment = PartialDate.of(found.until.astimezone(BERLIN))
        just_before = PartialDate.of(found.until.astimezone(BERLIN) - timedelta(minutes=1))
        assert ask(CRS_RULE, event(CRS, IMMUNE, f"3 {onset.iso}"), now=moment.iso).answer is Answer.MET
        assert ask(CRS_RULE, event(CRS, IMMUNE, f"3 {onset.iso}"), now=just_before.iso).answer is Answer.UNDECIDED
