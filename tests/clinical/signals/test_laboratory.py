"""When a laboratory grade speaks."""

from datetime import date

import pytest

from clinical.signals.laboratory import LAB_SHIFT, GradedLabFacts
from clinical.signals.signal import Severity


@pytest.mark.parametrize(
    ("grade", "baseline", "severity"),
    [
        (1, 0, None),
        (2, 0, Severity.REVIEW),
        (2, 1, None),
        (3, 1, Severity.URGENT),
        (3, 2, Severity.URGENT),
        (3, 3, None),  # grade 3 before treatment was not reached under it
        (4, 3, None),
        (2, None, Severity.REVIEW),  # no baseline counts as grade 0
        (1, None, None),
        (None, 0, None),
        (0, 0, None),
    ],
)
def test_a_grade_two_above_baseline_or_newly_severe_is_told(
    grade: int | None, baseline: int | None, severity: Severity | None
) -> None:
    facts = GradedLabFacts("101-003", "Hypokalemia", grade, baseline, "2.9 mmol/L", date(2026, 3, 4), "C1D8")
    assert [each.severity for each in LAB_SHIFT(facts)] == ([] if severity is None else [severity])


def test_the_sentence_says_whether_an_event_is_entered() -> None:
    facts = GradedLabFacts("101-003", "Hypokalemia", 3, 0, "2.9 mmol/L", date(2026, 3, 4), "C1D8")
    (told,) = LAB_SHIFT(facts)
    assert told.sentence == (
        "Hypokalemia of subject 101-003 is grade 3 (baseline: grade 0). No matching adverse event is entered."
    )


def test_what_the_treatment_always_brings_is_left_out_where_the_trial_names_it() -> None:
    facts = GradedLabFacts("101-003", "Lymphocyte count decreased", 4, 0, "0.1 10^9/L", date(2026, 3, 4), "LD-3")
    settings = LAB_SHIFT.settings_from({"expected": ["Lymphocyte count decreased"]})
    assert LAB_SHIFT(facts, settings) == ()
    assert LAB_SHIFT(facts) != ()
