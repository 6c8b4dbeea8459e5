"""The tables: denominators, worst grades, and the synthetic IMA203 data with its conventions."""

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from clinical.recist.responses import Response
from clinical.summaries.proportions import Proportion
from clinical.summaries.subject_data import AssessmentRecord, EventRecord, SubjectRecord, TrialData, read
from clinical.summaries.tables import Table, all_tables

START = date(2026, 1, 1)


def subject(name: str, level: str = "DL1", *, part: str = "escalation", infused: bool = True) -> SubjectRecord:
    day_zero = START + timedelta(days=6) if infused else None
    return SubjectRecord(name, part, level, START, day_zero, None, START + timedelta(days=300), None)


def event(name: str, term: str, grade: int | None, *, scale: str = "CTCAE v5.0", dlt: bool = False) -> EventRecord:
    return EventRecord(name, term, grade, scale, "unrelated", False, dlt, None)


def rows(data: TrialData, name: str) -> list[dict[str, str]]:
    """A table of the data as dictionaries by column."""
    table = next(table for table in all_tables(data) if table.name == name)
    return as_dicts(table)


def as_dicts(table: Table) -> list[dict[str, str]]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


@pytest.fixture(scope="module")
def ima203(reference: Path) -> TrialData:
    text = (reference / "trial-ima203-synthetic-ipd.json").read_text(encoding="utf-8")
    return read(json.loads(text, parse_float=Decimal))


def test_a_subject_counts_once_at_the_worst_grade_of_a_term() -> None:
    events = (event("S-1", "Nausea", 1), event("S-1", "Nausea", 3), event("S-2", "Nausea", None))
    line = rows(TrialData((subject("S-1"), subject("S-2")), events, ()), "adverse_events")[1]
    assert (line["preferred_term"], line["any_grade_subjects"], line["any_grade_percent"]) == ("Nausea", "2", "100.0")
    assert (line["grade_3_or_more_subjects"], line["worst_grade_1"], line["worst_grade_3"]) == ("1", "0", "1")


def test_safety_counts_whoever_was_treated_and_response_whoever_was_infused() -> None:
    data = TrialData((subject("S-1"), subject("S-2", infused=False)), (event("S-2", "Nausea", 2),), ())
    assert rows(data, "adverse_events")[0]["treated"] == "2"
    assert {row["denominator"] for row in rows(data, "response") if row["measure"] == "ORR"} == {"1"}


def test_an_untreated_subject_is_in_no_denominator() -> None:
    untreated = SubjectRecord("S-2", "escalation", "DL1", None, None, None, None, None)
    data = TrialData((subject("S-1"), untreated), (event("S-2", "Nausea", 2),), ())
    assert rows(data, "adverse_events") == []
    assert rows(data, "disposition")[-1]["treated"] == "1"


def test_crs_graded_by_ctcae_is_counted_and_has_no_astct_grade() -> None:
    events = (
        event("S-1", "Cytokine release syndrome", 3, scale="CTCAE v5.0"),
        event("S-2", "Cytokine release syndrome", 2, scale="ASTCT 2019"),
        event("S-2", "Cytokine release syndrome", 1, scale="ASTCT 2019"),
    )
    found = rows(TrialData((subject("S-1"), subject("S-2")), events, ()), "crs_and_icans")
    counts = {row["astct_grade"]: row["subjects"] for row in found if row["syndrome"] == "CRS"}
    assert counts == {
        "any": "2", "1": "0", "2": "1", "3": "0", "4": "0", "5": "0", "3 or more": "0", "no ASTCT grade": "1",
    }  # fmt: skip


def test_dose_levels_stand_in_their_natural_order_with_totals() -> None:
    data = TrialData((subject("S-1", "DL10"), subject("S-2", "DL9"), subject("S-3", "DL10", part="extension")), (), ())
    found = [(row["part"], row["dose_level"], row["treated"]) for row in rows(data, "disposition")]
    assert found == [
        ("escalation", "DL9", "1"),
        ("escalation", "DL10", "1"),
        ("escalation", "all", "2"),
        ("extension", "DL10", "1"),
        ("extension", "all", "1"),
        ("all", "DL9", "1"),
        ("all", "DL10", "2"),
        ("all", "all", "3"),
    ]


def test_two_dlts_of_one_subject_are_one_subject_with_dlt() -> None:
    events = (event("S-1", "Sepsis", 4, dlt=True), event("S-1", "Rash", 3, dlt=True))
    found = rows(TrialData((subject("S-1"), subject("S-2")), events, ()), "dose_limiting_toxicity")
    assert (found[-1]["evaluable"], found[-1]["subjects_with_dlt"], found[-1]["percent"]) == ("2", "1", "50.0")
    assert found[-1]["dlts"] == "S-1: Sepsis, grade 4; S-1: Rash, grade 3"


def test_a_pending_responder_leaves_the_confirmed_rate_and_stays_in_the_rate() -> None:
    def scan(name: str, day: int, mm: int) -> AssessmentRecord:
        return AssessmentRecord(name, START + timedelta(days=6 + day), Decimal(mm), Response.NON_CR_NON_PD, False)

    scans = (scan("S-1", -5, 50), scan("S-1", 42, 20), scan("S-2", -5, 50), scan("S-2", 42, 20), scan("S-2", 84, 20))
    data = TrialData((subject("S-1"), subject("S-2"), subject("S-3")), (), scans)
    measures = {row["measure"]: row for row in rows(data, "response") if row["group"] == "all"}
    assert (measures["ORR"]["subjects"], measures["ORR"]["denominator"]) == ("2", "3")
    assert (measures["cORR"]["subjects"], measures["cORR"]["denominator"]) == ("1", "2")
    assert measures["BOR NE"]["subjects"] == "1"


def test_a_trial_without_anybody_has_tables_without_percentages() -> None:
    measures = rows(TrialData((), (), ()), "response")
    assert {(row["denominator"], row["percent"]) for row in measures} == {("0", "")}


@pytest.mark.parametrize(
    ("count", "total", "lower", "upper"),
    [
        (0, 10, "0.0", "30.8"),
        (10, 10, "69.2", "100.0"),
        (1, 1, "2.5", "100.0"),
        (5, 20, "8.7", "49.1"),
        (3, 27, "2.4", "29.2"),
    ],
)
def test_the_exact_interval_is_that_of_the_tables(count: int, total: int, lower: str, upper: str) -> None:
    assert Proportion(count, total).interval() == (Decimal(lower), Decimal(upper))


def test_of_nobody_there_is_no_share() -> None:
    assert (Proportion(0, 0).percent, Proportion(0, 0).interval()) == (None, None)


def test_ima203_denominators_are_41_40_and_38(ima203: TrialData) -> None:
    assert {row["treated"] for row in rows(ima203, "adverse_events")} == {"41"}
    measures = {row["measure"]: row for row in rows(ima203, "response") if row["group"] == "all"}
    assert (measures["ORR"]["subjects"], measures["ORR"]["denominator"]) == ("21", "40")
    assert (measures["cORR"]["subjects"], measures["cORR"]["denominator"]) == ("11", "38")
    assert (measures["ORR"]["ci_lower_percent"], measures["ORR"]["ci_upper_percent"]) == ("36.1", "68.5")


def test_ima203_best_responses_add_up_to_everybody_infused(ima203: TrialData) -> None:
    for group in ("all", "phase 1a", "phase 1b"):
        measures = {row["measure"]: row for row in rows(ima203, "response") if row["group"] == group}
        best = [int(row["subjects"]) for name, row in measures.items() if name.startswith("BOR ")]
        assert sum(best) == int(measures["ORR"]["denominator"])


def test_ima203_has_one_dlt_at_the_second_dose_level(ima203: TrialData) -> None:
    found = {row["dose_level"]: row["subjects_with_dlt"] for row in rows(ima203, "dose_limiting_toxicity")}
    assert found == {"DL1": "0", "DL2": "1", "DL3": "0", "DL4": "0", "DL5": "0", "all": "1"}


def test_ima203_times_have_medians_with_intervals(ima203: TrialData) -> None:
    found = {
        (row["endpoint"], row["population"]): row for row in rows(ima203, "time_to_event") if row["group"] == "all"
    }
    confirmed = found["DOR", "confirmed responders"]
    assert (confirmed["subjects"], confirmed["events"], confirmed["median_months"]) == ("11", "6", "4.4")
    assert confirmed["ci_upper_months"] == "NR"
    assert found["OS", "infused"]["subjects"] == "40"


def test_ima203_every_infused_subject_is_in_the_waterfall_and_the_swimmer(ima203: TrialData) -> None:
    names = {each.name for each in ima203.infused}
    assert {row["subject"] for row in rows(ima203, "waterfall")} == names
    assert {row["subject"] for row in rows(ima203, "swimmer")} == names
