"""When a dose level speaks: the design's stop, classes of events, changed counts, doses too high, frequent terms."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from clinical.escalation.advice import Action, Advice
from clinical.escalation.three_plus_three import ThreePlusThree
from clinical.escalation.trial import DoseLevel, Trial, outcomes
from clinical.signals.dose_level import (
    BAYES_TOX_STOP,
    COHORT_STOP_BOUNDARY,
    DOSE_ABOVE_APPROVED,
    EVALUABILITY_CHANGED,
    FREQUENCY_BY_COHORT,
    SEQUENTIAL_BOUNDARY,
    BayesSettings,
    DoseFacts,
    DoseLevelFacts,
    EventClass,
    EventClassFacts,
    SequentialSettings,
    SignedCountFacts,
    TermCountFacts,
    dose_level_facts,
)
from clinical.signals.signal import Severity, reconcile

LEVEL = DoseLevelFacts(dose_level="DL 3", design="3+3", evaluable=3, dlts=1, stop_at=2)


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({}, False),
        ({"dlts": 2}, True),
        ({"dlts": 2, "evaluable": 2}, True),  # the third subject is still in the window: safety moves early
        ({"stop_at": None, "design_stops": True}, True),
        ({"stop_at": None, "overdose_probability": Decimal("0.2499")}, False),
        ({"stop_at": None, "overdose_probability": Decimal("0.25")}, True),
        ({"stop_at": None}, False),
    ],
)
def test_a_dose_level_stops_at_the_boundary_of_its_design(changes: dict[str, Any], fires: bool) -> None:
    assert bool(COHORT_STOP_BOUNDARY(replace(LEVEL, **changes))) is fires


def test_a_third_dlt_reopens_the_stop() -> None:
    two = COHORT_STOP_BOUNDARY(replace(LEVEL, dlts=2))
    three = COHORT_STOP_BOUNDARY(replace(LEVEL, dlts=3))
    assert len(reconcile(standing=[each.standing for each in two], now=three).reopened) == 1
    one = COHORT_STOP_BOUNDARY(LEVEL)
    assert reconcile(standing=[each.standing for each in two], now=one).retracted


@pytest.mark.parametrize(
    ("dlts", "undecided", "words"),
    [
        (2, 0, "stops DL 3: 2 DLTs in 3 evaluable subjects. Nobody"),
        (2, 1, "stops DL 3: 1 DLT in 3 evaluable subjects, and 1 possible DLT under review. Nobody"),
        (2, 2, "stops DL 3: 0 DLTs in 3 evaluable subjects, and 2 possible DLTs under review. Nobody"),
    ],
)
def test_a_stop_tells_decided_dlts_from_possible_ones(dlts: int, undecided: int, words: str) -> None:
    (told,) = COHORT_STOP_BOUNDARY(replace(LEVEL, dlts=dlts, undecided=undecided))
    assert words in told.sentence


def test_a_stop_names_who_counts_undecided_and_who_is_not_yet_dosed() -> None:
    (told,) = COHORT_STOP_BOUNDARY(replace(LEVEL, dlts=2, undecided=1, not_yet_dosed=("101-009",)))
    assert [str(fact) for fact in told.facts] == [
        "DLTs: 1 of 3 evaluable subjects",
        "Counted as DLT until adjudicated: 1",
        "Stop at: 2 DLTs",
        "Not yet dosed: 101-009",
    ]


@pytest.mark.parametrize(
    ("cohorts", "stopped"),
    [
        ("1NNN", []),
        ("1NNN 2NNT", []),
        ("1NNN 2NTT", ["dose level 2"]),
        ("1NNN 2NTT 1NNN", ["dose level 2"]),  # it stays closed after the committee has moved on
        ("1TT", ["dose level 1"]),
    ],
)
def test_what_three_plus_three_rules_out_is_stopped(cohorts: str, stopped: list[str]) -> None:
    facts = dose_level_facts(outcomes(cohorts).with_levels(5), ThreePlusThree(), name="3+3")
    assert [each.dose_level for each in facts if COHORT_STOP_BOUNDARY(each)] == stopped


def test_candidates_under_review_suspend_the_level_now_open() -> None:
    level = DoseLevel(treated=3, evaluable=1, dlts=1, pending=2, undecided=1)
    trial = Trial((level,))
    (facts,) = dose_level_facts(trial, ThreePlusThree(), name="3+3", not_yet_dosed={1: ("101-009",)})
    (told,) = COHORT_STOP_BOUNDARY(facts)
    assert (facts.dlts, facts.undecided) == (2, 1)
    assert "Not yet dosed: 101-009" in map(str, told.facts)


class OverdoseModel:
    """A design that knows the probability of overdosing at three levels and advises the lowest."""

    def advise(self, trial: Trial) -> Advice:
        numbers = {"over_1": 0.05, "over_2": 0.31, "over_3": 0.7}
        return Advice(Action.DE_ESCALATE, 1, "P(over) is too high.", is_for_safety=True, numbers=numbers)


def test_a_model_stops_the_level_now_open_by_its_overdose_probability() -> None:
    levels = (DoseLevel(treated=3, evaluable=3), DoseLevel(treated=3, evaluable=3, dlts=1), DoseLevel())
    facts = dose_level_facts(Trial(levels, current=2), OverdoseModel(), name="BLRM")
    assert [each.overdose_probability for each in facts] == [None, Decimal("0.3100")]
    assert [bool(COHORT_STOP_BOUNDARY(each)) for each in facts] == [False, True]


def test_every_dose_level_that_the_event_logs_rule_out_is_stopped(reference: Path) -> None:
    """Two DLTs stop a level of 3+3 from the event on, also while others are pending; a retraction lifts the stop."""
    cases = json.loads((reference / "dose-event-log-cases.json").read_text(encoding="utf-8"))["cases"]
    for case in cases:
        if case["config"]["design"] != "3+3":
            continue
        for step in case["steps"]:
            counts = step["counts_by_dose"]
            levels = tuple(
                DoseLevel(
                    treated=each["treated"],
                    evaluable=each["dlt"] + each["complete_no_dlt"],
                    dlts=each["dlt"],
                    pending=each["pending"],
                )
                for each in (
                    counts.get(str(number), {"treated": 0, "dlt": 0, "complete_no_dlt": 0, "pending": 0})
                    for number in range(1, case["config"]["n_doses"] + 1)
                )
            )
            facts = dose_level_facts(Trial(levels, step["current_dose"]), ThreePlusThree(), name="3+3")
            stopped = {each.dose_level for each in facts if COHORT_STOP_BOUNDARY(each)}
            toxic = [number for number, level in enumerate(levels, start=1) if level.dlts >= 2]
            tried = [number for number, level in enumerate(levels, start=1) if level.was_tried]
            expected = {f"dose level {number}" for number in tried if toxic and number >= toxic[0]}
            assert stopped == expected, case["id"]


@pytest.mark.parametrize(
    ("with_event", "evaluable", "fires"),
    [(2, 2, False), (3, 3, True), (3, 4, True), (3, 5, False), (4, 5, True), (0, 30, False)],
)
def test_the_bayesian_rule_speaks_above_its_cutoff_and_from_three_subjects(
    with_event: int, evaluable: int, fires: bool
) -> None:
    facts = EventClassFacts("expansion", EventClass.SEVERE_CRS, with_event, evaluable)
    settings = BayesSettings(event_class="CRS of grade 3 or more")
    assert bool(BAYES_TOX_STOP(facts, settings)) is fires


def test_a_class_is_held_to_its_own_limit_only() -> None:
    facts = EventClassFacts("expansion", EventClass.ANY_ICANS, 3, 3)
    assert BAYES_TOX_STOP(facts) == ()
    assert SEQUENTIAL_BOUNDARY(facts) == ()
    assert BAYES_TOX_STOP(facts, BayesSettings(event_class="ICANS of any grade"))


@pytest.mark.parametrize(
    ("with_event", "evaluable", "fires"), [(3, 3, False), (4, 4, True), (4, 5, False), (5, 5, True), (11, 25, True)]
)
def test_the_sequential_boundary_speaks_at_its_count(with_event: int, evaluable: int, fires: bool) -> None:
    facts = EventClassFacts("expansion", EventClass.DLT, with_event, evaluable)
    assert bool(SEQUENTIAL_BOUNDARY(facts, SequentialSettings())) is fires


def test_between_looks_in_groups_the_last_look_counts() -> None:
    settings = SequentialSettings(acceptable_rate=Decimal("0.25"), planned=40, group_size=5)
    fires = [bool(SEQUENTIAL_BOUNDARY(EventClassFacts("all", EventClass.DLT, 4, n), settings)) for n in (4, 5, 7, 10)]
    assert fires == [False, True, True, False]


SIGNED = SignedCountFacts("1", "DL 2", date(2026, 4, 1), 6, 1, 6, 1, "escalate to DL 3", "escalate to DL 3")


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({}, None),
        ({"evaluable": 5}, Severity.REVIEW),
        ({"dlts": 2, "advice_now": "de-escalate to DL 1"}, Severity.CRITICAL),
        ({"advice_now": "stay at DL 2"}, Severity.CRITICAL),
    ],
)
def test_a_changed_count_behind_a_signed_decision_is_told(changes: dict[str, Any], severity: Severity | None) -> None:
    told = EVALUABILITY_CHANGED(replace(SIGNED, **changes))
    assert [each.severity for each in told] == ([] if severity is None else [severity])


DOSE = DoseFacts(
    subject="101-003",
    administration="C1D1",
    level=2,
    level_name="DL 2",
    released_level=2,
    released_level_name="DL 2",
    unit="mg",
    amount=Decimal("0.6"),
    released_amount=Decimal("0.6"),
    when=date(2026, 3, 4),
)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, ""),
        ({"level": 1, "level_name": "DL 1"}, ""),
        (
            {"level": 3, "level_name": "DL 3"},
            "Subject 101-003 was dosed at DL 3, above DL 2, the highest level released.",
        ),
        ({"amount": Decimal("0.61")}, "Subject 101-003 was dosed at DL 2, with 0.61 mg; 0.6 mg is released."),
        ({"level_is_closed": True, "was_given": False}, "Subject 101-003 was assigned to DL 2, which is closed."),
        ({"amount": None}, ""),
    ],
)
def test_a_dose_above_what_is_released_is_told(changes: dict[str, Any], sentence: str) -> None:
    assert [each.sentence for each in DOSE_ABOVE_APPROVED(replace(DOSE, **changes))] == ([sentence] if sentence else [])


@pytest.mark.parametrize(
    ("with_term", "subjects", "others", "other_subjects", "grade_4", "questions"),
    [
        (4, 6, 1, 20, 0, ["frequency"]),
        (2, 3, 0, 20, 0, []),  # too few for a comparison
        (4, 6, 12, 20, 0, []),
        (4, 6, 0, 0, 0, []),  # nobody to compare with
        (2, 6, 2, 20, 2, ["grade 4"]),
        (5, 6, 1, 20, 2, ["frequency", "grade 4"]),
    ],
)
def test_a_term_frequent_or_grave_in_one_cohort_is_told(
    with_term: int, subjects: int, others: int, other_subjects: int, grade_4: int, questions: list[str]
) -> None:
    facts = TermCountFacts("DL 3", "Rash", with_term, subjects, others, other_subjects, grade_4)
    assert [dict(each.scope.parts)["question"] for each in FREQUENCY_BY_COHORT(facts)] == questions
