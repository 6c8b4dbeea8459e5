"""Can this subject be counted: for escalation, and for stopping."""

from decimal import Decimal

import pytest

from clinical.dlt.evaluability import (
    Adjudication,
    Counts,
    Departure,
    Evaluability,
    ExposureMinimum,
    Ruling,
    State,
    evaluate_subject,
    reversed_after,
)
from clinical.dlt.evaluation import assess_all
from clinical.dlt.facts import Exposure, SubjectFacts, ToxicityEvent
from clinical.dlt.window import StepDosing, WindowRule, dlt_window
from tests.clinical.dlt.casebook import (
    BERLIN,
    FIRST_DOSE,
    FOUR_WEEKS,
    GUT,
    INVESTIGATIONS,
    NAUSEA,
    NEUTROPENIA,
    at,
    criteria_of,
    dose,
    event,
    on,
)

CRITERIA = criteria_of("IMA402")
LATE_NEUTROPENIA = event(NEUTROPENIA, INVESTIGATIONS, "4 03-27T14:00")
ALREADY_MET = event(NAUSEA, GUT, "3 03-04T08:00 03-09T08:00", relations={"IMA402": True})
MILD = event(NAUSEA, GUT, "2 03-04 03-09")


def state(
    *events: ToxicityEvent,
    now: str,
    rulings: tuple[Adjudication, ...] = (),
    doses: tuple[Exposure, ...] = (FIRST_DOSE,),
    rule: WindowRule = FOUR_WEEKS,
    **more: object,
) -> Evaluability:
    window = dlt_window(rule, doses, at=at(now), zone=BERLIN)
    found = assess_all(criteria=CRITERIA, window=window, facts=SubjectFacts(events=events, doses=doses), at=at(now))
    return evaluate_subject(
        window=window,
        assessments=found,
        adjudications=rulings,
        doses=doses,
        at=at(now),
        **more,  # type: ignore[arg-type]
    )


def ruled(ruling: Ruling, on_day: str, *, basis: str | None = None, id: str = "AE1") -> Adjudication:
    return Adjudication(event_id=id, ruling=ruling, at=at(on_day), basis=basis)


@pytest.mark.parametrize(
    ("now", "expected", "escalation", "stopping"),
    [
        ("03-01", State.NOT_DOSED, Counts.NOTHING, Counts.NOTHING),
        ("03-02T10:00", State.IN_WINDOW, Counts.PENDING, Counts.PENDING),
        ("03-29T23:59", State.IN_WINDOW, Counts.PENDING, Counts.PENDING),
        ("03-30", State.EVALUABLE_NO_DLT, Counts.NO_DLT, Counts.NO_DLT),
    ],
)
def test_a_subject_without_toxicity_is_evaluable_when_the_window_is_over(
    now: str, expected: State, escalation: Counts, stopping: Counts
) -> None:
    found = state(MILD, now=now)
    assert (found.state, found.for_escalation, found.for_stopping) == (expected, escalation, stopping)


def test_the_board_says_the_day() -> None:
    assert str(state(now="03-13")) == "In window, day 12 of 28"


def test_a_duration_that_still_runs_when_the_window_closes_leaves_the_subject_undecided() -> None:
    found = state(LATE_NEUTROPENIA, now="03-30")
    assert found.state is State.WINDOW_CLOSED_UNDECIDED
    assert (found.for_escalation, found.for_stopping) == (Counts.PENDING, Counts.DLT)
    assert found.until == at("04-03T14:00")
    assert "Qualifies Friday 03-Apr-2026 14:00" in str(found)


def test_a_duration_that_ends_in_time_leaves_no_dlt() -> None:
    over = event(NEUTROPENIA, INVESTIGATIONS, "4 03-27T14:00 04-02T14:00")
    assert state(over, now="04-05").state is State.EVALUABLE_NO_DLT


def test_what_the_engine_finds_stays_a_candidate_until_the_adjudicator_decides() -> None:
    assert state(ALREADY_MET, now="03-20").state is State.IN_WINDOW
    assert state(ALREADY_MET, now="03-20").for_stopping is Counts.DLT
    closed = state(ALREADY_MET, now="04-01")
    assert (closed.state, closed.candidates) == (State.WINDOW_CLOSED_UNDECIDED, ("AE1",))
    assert str(closed) == "Window closed, undecided: a possible DLT awaits its decision"


@pytest.mark.parametrize(
    ("ruling", "now", "expected"),
    [
        (Ruling.SITE_REPORTED, "04-01", State.WINDOW_CLOSED_UNDECIDED),
        (Ruling.UNDER_REVIEW, "04-01", State.WINDOW_CLOSED_UNDECIDED),
        (Ruling.CONFIRMED, "03-12", State.EVALUABLE_DLT),
        (Ruling.CONFIRMED, "04-01", State.EVALUABLE_DLT),
        (Ruling.REJECTED, "03-12", State.IN_WINDOW),
        (Ruling.REJECTED, "04-01", State.EVALUABLE_NO_DLT),
    ],
)
def test_the_adjudicators_decision_moves_the_subject(ruling: Ruling, now: str, expected: State) -> None:
    assert state(ALREADY_MET, now=now, rulings=(ruled(ruling, "03-11"),)).state is expected


def test_the_site_may_report_a_dlt_that_no_criterion_meets() -> None:
    found = state(MILD, now="04-01", rulings=(ruled(Ruling.SITE_REPORTED, "03-11"),))
    assert (found.state, found.for_stopping) == (State.WINDOW_CLOSED_UNDECIDED, Counts.DLT)


def test_only_a_later_signed_decision_reverses_a_confirmed_dlt() -> None:
    rulings = (ruled(Ruling.CONFIRMED, "03-11"), ruled(Ruling.REJECTED, "03-25"))
    assert state(ALREADY_MET, now="03-20", rulings=rulings).state is State.EVALUABLE_DLT
    assert state(ALREADY_MET, now="04-01", rulings=rulings).state is State.EVALUABLE_NO_DLT
    assert reversed_after(rulings, decided_at=at("03-20")) == ("AE1",)
    assert reversed_after(rulings, decided_at=at("03-26")) == ()


def test_a_rejection_covers_only_the_facts_that_it_was_given() -> None:
    rejected = (ruled(Ruling.REJECTED, "03-28", basis="undecided: neutropenia, grade 4"),)
    assert state(LATE_NEUTROPENIA, now="04-01", rulings=rejected).state is State.EVALUABLE_NO_DLT
    # On 3 April the seven days are over: the criterion is met, and the matter is open again.
    assert state(LATE_NEUTROPENIA, now="04-04", rulings=rejected).state is State.WINDOW_CLOSED_UNDECIDED


def test_a_running_duration_is_pending_inside_the_window_and_a_dlt_for_stopping_after_it() -> None:
    assert state(LATE_NEUTROPENIA, now="03-28").for_stopping is Counts.PENDING
    assert state(LATE_NEUTROPENIA, now="03-30").for_stopping is Counts.DLT


def test_a_confirmed_dlt_whose_facts_change_stands_and_is_shown_again() -> None:
    confirmed = (ruled(Ruling.CONFIRMED, "03-11", basis="met: nonhaematological, grade 3"),)
    assert state(ALREADY_MET, now="03-20", rulings=confirmed).ruled_on_other_facts == ()
    corrected = state(MILD, now="03-20", rulings=confirmed)
    assert (corrected.state, corrected.ruled_on_other_facts) == (State.EVALUABLE_DLT, ("AE1",))


def test_a_subject_who_leaves_early_without_dlt_is_replaced() -> None:
    found = state(MILD, now="03-20", departure=Departure(on("03-10"), "withdrew consent"))
    assert found.may_be_replaced
    assert str(found) == "Not evaluable: withdrew consent on 10-Mar-2026"


def test_a_subject_who_leaves_early_with_a_dlt_counts() -> None:
    left = {"departure": Departure(on("03-12"), "withdrew consent")}
    confirmed = (ruled(Ruling.CONFIRMED, "03-11"),)
    assert state(ALREADY_MET, now="03-20", rulings=confirmed, **left).state is State.EVALUABLE_DLT
    assert state(ALREADY_MET, now="03-20", **left).state is State.WINDOW_CLOSED_UNDECIDED


def test_leaving_after_the_window_changes_nothing_and_an_unknown_day_is_asked_for() -> None:
    assert state(MILD, now="05-01", departure=Departure(on("04-10"), "progression")).state is State.EVALUABLE_NO_DLT
    unclear = state(MILD, now="05-01", departure=Departure(on("2026"), "lost to follow-up"))
    assert (unclear.state, unclear.for_escalation) == (State.WINDOW_CLOSED_UNDECIDED, Counts.PENDING)
    assert "the day of “lost to follow-up”" in unclear.reason


def test_an_under_dosed_subject_is_not_evaluable_unless_there_is_a_dlt() -> None:
    doses = (FIRST_DOSE, dose(planned="03-09", missed="holiday"), dose(planned="03-16", missed="holiday"))
    minimum = {"minimum": ExposureMinimum(fraction=Decimal("0.5"))}
    found = state(MILD, now="04-01", doses=doses, **minimum)
    assert str(found) == "Not evaluable: 1 of 3 planned doses were given, less than 50 %"
    confirmed = (ruled(Ruling.CONFIRMED, "03-11"),)
    assert state(MILD, now="04-01", doses=doses, rulings=confirmed, **minimum).state is State.EVALUABLE_DLT


def test_a_subject_who_never_leaves_the_priming_steps_is_not_counted_at_the_target() -> None:
    priming = (dose("03-02T10:00", full=False), dose("03-09T10:00", full=False))
    rule = WindowRule(days=28, step_dosing=StepDosing.EXTEND, full_dose_within_days=28)
    assert str(state(now="03-20", doses=priming, rule=rule)) == "In window, day 19, the first full dose awaited"
    assert str(state(now="04-01", doses=priming, rule=rule)) == "Not evaluable: the full dose was never reached"


def test_what_the_site_has_not_entered_keeps_escalation_waiting() -> None:
    found = state(MILD, now="04-01", missing=("the visit of day 28",))
    assert (found.state, found.for_escalation, found.for_stopping) == (
        State.WINDOW_CLOSED_UNDECIDED,
        Counts.PENDING,
        Counts.DLT,
    )
    assert found.reason == "needs the visit of day 28"
