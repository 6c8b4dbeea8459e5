"""Reading subject-level data: what is taken, and that every fault is named at once."""

from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from clinical.recist.responses import Response
from clinical.summaries.subject_data import UnreadableData, read

SUBJECT = {
    "subject": "S-1",
    "part": "escalation",
    "dose_level": "DL1",
    "lymphodepletion_start": "2026-01-01",
    "infusion_date": "2026-01-07",
    "death_date": None,
    "last_known_alive": "2026-06-01",
    "data_cutoff": "2026-12-31",
}
EVENT = {
    "subject": "S-1",
    "term": "Nausea",
    "ctcae_or_astct_grade": 2,
    "related_to": "unrelated",
    "serious": False,
    "dlt": False,
    "grading_system": "CTCAE v5.0",
    "onset_date": "2026-01-09",
}
SCAN = {
    "subject": "S-1",
    "assessment_date": "2026-02-20",
    "target_sum_mm": 41,
    "non_target": "non-CR/non-PD",
    "new_lesion": False,
}


def document(**changes: dict[str, Any]) -> dict[str, Any]:
    """One subject, one event, one scan, with some values changed."""
    records = {"subjects": SUBJECT, "adverse_events": EVENT, "tumor_assessments": SCAN}
    return {name: [{**deepcopy(record), **changes.get(name, {})}] for name, record in records.items()}


def problems(data: object) -> tuple[str, ...]:
    with pytest.raises(UnreadableData) as refused:
        read(data)
    return refused.value.problems


def test_values_keep_their_kind() -> None:
    data = read(document(tumor_assessments={"target_sum_mm": Decimal("40.5")}))
    assert data.subjects[0].infused_on == date(2026, 1, 7)
    assert (data.assessments[0].sum_mm, data.assessments[0].non_target) == (Decimal("40.5"), Response.NON_CR_NON_PD)
    assert (len(data.treated), len(data.infused)) == (1, 1)


def test_whoever_began_lymphodepletion_was_treated_and_not_infused() -> None:
    data = read(document(subjects={"infusion_date": None}))
    assert (len(data.treated), len(data.infused)) == (1, 0)
    assert not read(document(subjects={"infusion_date": None, "lymphodepletion_start": None})).treated


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"subjects": {"part": ""}}, "subjects 1 (S-1): part is missing."),
        (
            {"subjects": {"death_date": "2026-03"}},
            "subjects 1 (S-1): death_date must be a full date like 2026-03-15, not '2026-03'.",
        ),
        (
            {"subjects": {"infusion_date": "2025-12-01"}},
            "subjects 1 (S-1): infusion_date 2025-12-01 lies before lymphodepletion_start 2026-01-01.",
        ),
        ({"adverse_events": {"ctcae_or_astct_grade": 6}}, "grade must be 0 to 5 or null, not 6."),
        ({"adverse_events": {"dlt": "no"}}, "dlt must be true or false, not 'no'."),
        ({"adverse_events": {"subject": "S-9"}}, "Subject S-9 has an adverse event and is not among the subjects."),
        ({"tumor_assessments": {"target_sum_mm": "41 mm"}}, "must be a number of millimetres or null, not '41 mm'."),
        ({"tumor_assessments": {"target_sum_mm": -1}}, "must be a number of millimetres or null, not -1."),
        ({"tumor_assessments": {"non_target": "better"}}, "non_target must be one of cr, "),
        ({"tumor_assessments": {"assessment_date": None}}, "assessment_date is missing."),
        (
            {"subjects": {"death_date": "2026-02-01"}},
            "Subject S-1 died on 2026-02-01 and was assessed on 2026-02-20.",
        ),
    ],
)
def test_a_fault_is_named_with_its_place(changes: dict[str, dict[str, Any]], problem: str) -> None:
    found = problems(document(**changes))
    assert len(found) == 1
    assert problem in found[0]


def test_every_fault_is_named_at_once() -> None:
    found = problems(
        document(subjects={"part": None}, adverse_events={"term": None}, tumor_assessments={"new_lesion": 0})
    )
    assert len(found) == 3


def test_two_readings_of_one_scan_contradict_each_other_and_a_repeated_one_does_not() -> None:
    data = document()
    data["tumor_assessments"].append({**SCAN})
    assert len(read(data).assessments) == 1
    data["tumor_assessments"].append({**SCAN, "target_sum_mm": 50})
    assert problems(data) == ("Subject S-1 has two different assessments on 2026-02-20.",)


def test_a_subject_listed_twice_is_refused() -> None:
    data = document()
    data["subjects"].append({**SUBJECT})
    assert problems(data) == ("Subject S-1 is listed twice.",)


@pytest.mark.parametrize("data", [None, [], "text", {"subjects": 1}, {"subjects": [1]}])
def test_anything_else_than_the_three_lists_is_refused(data: object) -> None:
    assert problems(data)


@pytest.mark.parametrize(
    ("records", "name"),
    [
        ("subjects", "infusion_date"),
        ("subjects", "death_date"),
        ("adverse_events", "ctcae_or_astct_grade"),
        ("tumor_assessments", "target_sum_mm"),
    ],
)
def test_a_name_left_out_is_not_the_same_as_nothing_known(records: str, name: str) -> None:
    data = document()
    data[records][0][f"{name}s"] = data[records][0].pop(name)
    assert problems(data) == (f"{records} 1 (S-1): there is no {name}; write null where nothing is known.",)
