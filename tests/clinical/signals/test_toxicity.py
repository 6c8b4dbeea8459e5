"""When a toxicity speaks: DLTs, unjudged candidates, undecided windows, severe CRS and ICANS."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from clinical.signals.signal import Severity, reconcile
from clinical.signals.toxicity import (
    CRS_GE3,
    DLT_CANDIDATE_UNJUDGED,
    DLT_REPORTED,
    DLT_WINDOW_INCOMPLETE,
    ICANS_GE3,
    Answer,
    EpisodeFacts,
    EpisodeSettings,
    ToxicityFacts,
    Verdict,
    WindowFacts,
)

ENTERED = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
EVENT = ToxicityFacts(
    subject="101-003",
    event="AE-2",
    term="Neutropenia",
    grade=4,
    began=date(2026, 3, 3),
    dose_level="DL 2",
    in_window=True,
    related=True,
    at=ENTERED,
    entered_at=ENTERED,
)
CLAUSE = "grade 4 neutropenia for more than 7 days"


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({}, False),
        ({"criterion": CLAUSE}, True),
        ({"answer": Answer.YES}, True),
        ({"answer": Answer.YES, "in_window": False}, True),  # the investigator's judgement is looked at
        ({"criterion": CLAUSE, "answer": Answer.NO}, True),  # "no" does not silence the definition
        ({"criterion": CLAUSE, "in_window": False}, False),
        ({"criterion": CLAUSE, "in_window": None}, True),  # an onset that cannot be placed may lie inside
        ({"criterion": CLAUSE, "verdict": Verdict.REJECTED}, False),
        ({"answer": Answer.YES, "verdict": Verdict.REJECTED}, False),
        ({"verdict": Verdict.CONFIRMED}, True),
    ],
)
def test_a_dlt_is_told_when_recorded_confirmed_or_by_definition(changes: dict[str, Any], fires: bool) -> None:
    assert bool(DLT_REPORTED(replace(EVENT, **changes))) is fires


def test_a_dlt_stays_one_signal_from_suspicion_to_confirmation() -> None:
    suspected = DLT_REPORTED(replace(EVENT, criterion=CLAUSE))
    confirmed = DLT_REPORTED(replace(EVENT, criterion=CLAUSE, verdict=Verdict.CONFIRMED))
    changes = reconcile(standing=[each.standing for each in suspected], now=confirmed)
    assert (len(changes.updated), changes.raised, changes.retracted) == (1, (), ())
    rejected = DLT_REPORTED(replace(EVENT, criterion=CLAUSE, verdict=Verdict.REJECTED))
    assert reconcile(standing=[each.standing for each in confirmed], now=rejected).retracted


def test_a_dlt_names_subject_term_grade_level_and_clause() -> None:
    (told,) = DLT_REPORTED(replace(EVENT, criterion=CLAUSE))
    assert told.sentence == "Neutropenia, grade 4, of subject 101-003 at DL 2 meets the protocol's DLT definition."
    assert [str(fact) for fact in told.facts] == [
        "Event: Neutropenia, grade 4 (03-Mar-2026)",
        "Dose level: DL 2",
        "Inside the DLT window: yes",
        "Related to study treatment: yes",
        "DLT by the investigator: unanswered",
        "Adjudication: not adjudicated",
        f"Clause met: {CLAUSE}",
    ]


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({}, True),
        ({"grade": 3}, True),
        ({"grade": 2}, False),
        ({"grade": None}, False),
        ({"related": None}, True),  # a missing relation counts as related until answered
        ({"related": False}, False),
        ({"in_window": None}, True),
        ({"in_window": False}, False),
        ({"answer": Answer.NO}, False),
        ({"answer": Answer.YES}, False),
        ({"verdict": Verdict.UNDER_REVIEW}, False),
    ],
)
def test_a_severe_related_event_in_the_window_asks_to_be_judged(changes: dict[str, Any], fires: bool) -> None:
    assert bool(DLT_CANDIDATE_UNJUDGED(replace(EVENT, **changes))) is fires


def test_the_question_is_asked_again_after_a_day_and_then_stays_the_same() -> None:
    asked = DLT_CANDIDATE_UNJUDGED(EVENT)
    again = DLT_CANDIDATE_UNJUDGED(replace(EVENT, at=ENTERED + timedelta(hours=24)))
    later = DLT_CANDIDATE_UNJUDGED(replace(EVENT, at=ENTERED + timedelta(hours=90)))
    changes = reconcile(standing=[each.standing for each in asked], now=again)
    assert (len(changes.raised), len(changes.superseded)) == (1, 1)
    assert reconcile(standing=[each.standing for each in again], now=later).is_empty


def test_a_window_that_closed_undecided_says_what_is_open_and_until_when() -> None:
    facts = WindowFacts("101-003", "DL 2", date(2026, 3, 30), True, ("grade 4 neutropenia runs",), "07-Apr-2026 14:00")
    (told,) = DLT_WINDOW_INCOMPLETE(facts)
    assert told.sentence == (
        "The DLT window of subject 101-003 closed on 30-Mar-2026 undecided. It will be decided 07-Apr-2026 14:00."
    )
    assert DLT_WINDOW_INCOMPLETE(replace(facts, has_closed=False)) == ()
    assert DLT_WINDOW_INCOMPLETE(replace(facts, undecided=())) == ()


@pytest.mark.parametrize("rule", [CRS_GE3, ICANS_GE3], ids=lambda rule: rule.id)
@pytest.mark.parametrize(
    ("grade", "signs", "fires"),
    [
        (2, (), False),
        (2, ("oxygen",), False),
        (3, (), True),
        (5, (), True),
        (None, (), False),
        (None, ("vasopressor",), True),  # no grade, and the worst case of all
    ],
)
def test_severe_and_ungradable_episodes_are_reviewed_now(
    rule: Any, grade: int | None, signs: tuple[str, ...], fires: bool
) -> None:
    told = rule(EpisodeFacts("101-003", "1", grade, date(2026, 3, 4), signs, ("temperature",)))
    assert bool(told) is fires
    assert all(each.severity is Severity.CRITICAL for each in told)


def test_grade_4_after_grade_3_reopens_the_same_signal() -> None:
    facts = EpisodeFacts("101-003", "1", 3, date(2026, 3, 4))
    standing = [each.standing for each in CRS_GE3(facts)]
    changes = reconcile(standing=standing, now=CRS_GE3(replace(facts, grade=4)))
    assert len(changes.reopened) == 1


def test_a_trial_may_review_from_grade_2() -> None:
    facts = EpisodeFacts("101-003", "1", 2, date(2026, 3, 4))
    assert CRS_GE3(facts, EpisodeSettings(minimum_grade=2))
