"""Cohort state from subject events: safety moves early, escalation waits."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.escalation.accelerated_titration import AcceleratedTitration
from clinical.escalation.advice import Action, Design
from clinical.escalation.boin import Boin
from clinical.escalation.cohort import Event, Happening, Standing, Step, replay, standing, trial_on
from clinical.escalation.three_plus_three import ThreePlusThree
from clinical.escalation.trial import DoseLevel

WINDOW_DAYS = 28
DOSED = Event(0, Happening.FIRST_DOSE, "S1", level=1)


def where(*later: Event, day: int) -> Standing:
    return standing([DOSED, *later], day=day, window_days=WINDOW_DAYS)


def test_the_window_ends_on_its_last_day_and_not_one_later() -> None:
    assert where(day=27) is Standing.PENDING
    assert where(day=28) is Standing.COMPLETE
    assert where(Event(27, Happening.DLT, "S1"), day=27) is Standing.DLT
    assert where(Event(28, Happening.DLT, "S1"), day=28) is Standing.COMPLETE


def test_a_dlt_reported_late_counts_by_its_onset() -> None:
    assert where(Event(40, Happening.DLT, "S1", onset_day=20), day=40) is Standing.DLT


def test_a_dropout_inside_the_window_leaves_the_denominator_unless_there_was_a_dlt() -> None:
    left = Event(12, Happening.NOT_EVALUABLE, "S1")
    dlt = Event(9, Happening.DLT, "S1")
    assert where(left, day=30) is Standing.NOT_EVALUABLE
    assert where(dlt, left, day=30) is Standing.DLT
    assert where(left, Event(15, Happening.DLT, "S1"), day=30) is Standing.DLT
    assert where(Event(29, Happening.NOT_EVALUABLE, "S1"), day=30) is Standing.COMPLETE


def test_a_retracted_dlt_gives_the_subject_back_to_where_he_would_have_been() -> None:
    dlt, retracted = Event(9, Happening.DLT, "S1"), Event(20, Happening.DLT_RETRACTED, "S1")
    assert where(dlt, retracted, day=20) is Standing.PENDING
    assert where(dlt, retracted, day=28) is Standing.COMPLETE
    assert where(dlt, Event(12, Happening.NOT_EVALUABLE, "S1"), retracted, day=30) is Standing.NOT_EVALUABLE
    assert where(dlt, Event(11, Happening.DLT, "S1"), retracted, day=30) is Standing.DLT


def test_a_candidate_is_undecided_until_confirmed_or_rejected() -> None:
    candidate = Event(26, Happening.DLT_SUSPECTED, "S1")
    assert where(candidate, day=40) is Standing.UNDECIDED
    assert where(candidate, Event(41, Happening.DLT_RETRACTED, "S1"), day=41) is Standing.COMPLETE
    assert where(candidate, Event(41, Happening.DLT, "S1", onset_day=26), day=41) is Standing.DLT


def test_pending_subjects_bring_the_share_of_the_window_observed_and_backfill_its_mark() -> None:
    events = [DOSED, Event(14, Happening.FIRST_DOSE, "S2", level=1, is_backfill=True)]
    level = trial_on(21, events, levels=[DoseLevel(label="0.5 mg")], window_days=WINDOW_DAYS).here
    assert level.follow_up == (0.75, 0.25)
    assert (level.label, level.pending, level.backfill_pending) == ("0.5 mg", 2, 1)


def test_grades_inside_the_window_reach_the_titration() -> None:
    events = [
        DOSED,
        Event(3, Happening.TOXICITY, "S1", grade=2),
        Event(30, Happening.TOXICITY, "S1", grade=4),
        Event(31, Happening.COMMITTEE_DECISION, level=2),
        Event(32, Happening.FIRST_DOSE, "S2", level=2),
        Event(33, Happening.TOXICITY, "S2", grade=2),
        Event(60, Happening.TIME_PASSES),
    ]
    steps = list(replay(events, AcceleratedTitration(), levels=[DoseLevel()] * 3, window_days=WINDOW_DAYS))
    assert steps[-1].trial[1].worst_grades == (2,)
    assert [str(step.advice) for step in steps] == [
        "wait", "wait", "escalate to 2", "escalate to 2", "wait", "expand 2", "expand 2",
    ]  # fmt: skip


def test_what_a_design_ruled_out_stays_ruled_out_until_a_dlt_is_retracted() -> None:
    events = [
        *(Event(0, Happening.FIRST_DOSE, f"S{n}", level=1) for n in range(3)),
        Event(28, Happening.COMMITTEE_DECISION, level=2),
        *(Event(29, Happening.FIRST_DOSE, f"S{n}", level=2) for n in range(3, 6)),
        Event(30, Happening.DLT, "S3"),
        Event(31, Happening.DLT, "S4"),
        Event(32, Happening.COMMITTEE_DECISION, level=1),
        Event(40, Happening.DLT_RETRACTED, "S4"),
    ]
    steps = list(replay(events, ThreePlusThree(), levels=[DoseLevel()] * 3, window_days=WINDOW_DAYS))
    assert str(steps[-2].advice) == "de-escalate to 1"
    assert steps[-2].current_after == 1
    assert steps[-1].trial.eliminated == frozenset()
    assert steps[-1].advice.action is Action.ESCALATE


def decision(step: Step) -> str:
    """The step in the words of the reference: an elimination is named as such."""
    return "ELIMINATE" if step.advice.eliminates and step.advice.mtd is None else step.advice.action.upper()


def event_of(row: dict[str, Any]) -> Event:
    level = row.get("dose_level", row.get("to_level", 0))
    return Event(row["day"], Happening(row["event"]), row.get("pt", ""), level, is_backfill=row.get("backfill", False))


def counts_of(step: Step) -> dict[str, dict[str, int]]:
    return {
        str(number): {
            "treated": level.treated,
            "dlt": level.dlts,
            "complete_no_dlt": level.evaluable - level.dlts,
            "pending": level.pending,
            "not_evaluable": level.not_evaluable,
        }
        for number, level in enumerate(step.trial.levels, start=1)
        if level.was_tried
    }


def replayed(case: dict[str, Any], design: Design) -> list[Step]:
    config = case["config"]
    events = [event_of(row["after_event"]) for row in case["steps"]]
    levels = [DoseLevel()] * config["n_doses"]
    return list(replay(events, design, levels=levels, window_days=config["dlt_window_days"]))


def test_published_event_logs_of_3_plus_3(reference: Path) -> None:
    cases = json.loads((reference / "dose-event-log-cases.json").read_text())["cases"]
    for case in (case for case in cases if case["config"]["design"] == "3+3"):
        for step, row in zip(replayed(case, ThreePlusThree()), case["steps"], strict=True):
            assert counts_of(step) == row["counts_by_dose"], (case["id"], row)
            assert step.advice.action.upper() == row["decision"], (case["id"], row)
            assert step.current_after == row.get("current_dose_after", row["current_dose"]), (case["id"], row)


def test_published_event_logs_of_boin(reference: Path) -> None:
    cases = json.loads((reference / "dose-event-log-cases.json").read_text())["cases"]
    for case in (case for case in cases if case["config"]["design"] == "BOIN"):
        design = Boin(target=case["config"]["target"])
        for step, row in zip(replayed(case, design), case["steps"], strict=True):
            assert counts_of(step) == row["counts_by_dose"], (case["id"], row)
            assert decision(step) == row["decision"], (case["id"], row)
            assert step.current_after == row.get("current_dose_after", row["current_dose"]), (case["id"], row)


@st.composite
def event_logs(draw: st.DrawFn) -> list[Event]:
    """Whatever a site may enter: doses, DLTs reported late or taken back, departures."""
    log: list[Event] = []
    day = 0
    dosed: dict[str, int] = {}
    for number in range(draw(st.integers(1, 14))):
        day += draw(st.integers(0, 12))
        if not dosed or draw(st.booleans()):
            subject = f"S{number}"
            dosed[subject] = day
            first = Event(day, Happening.FIRST_DOSE, subject, draw(st.integers(1, 3)), is_backfill=draw(st.booleans()))
            log.append(first)
            continue
        subject = draw(st.sampled_from(sorted(dosed)))
        happening = draw(
            st.sampled_from([Happening.DLT, Happening.DLT_SUSPECTED, Happening.DLT_RETRACTED, Happening.NOT_EVALUABLE])
        )
        log.append(Event(day, happening, subject, onset_day=draw(st.integers(dosed[subject], day))))
    return log


@settings(max_examples=60, deadline=None)
@given(event_logs())
def test_the_counts_after_any_sequence_of_events_are_those_of_a_count_from_scratch(log: list[Event]) -> None:
    levels = (DoseLevel(),) * 3
    steps = list(replay(log, ThreePlusThree(), levels=levels, window_days=28))
    for number, step in enumerate(steps, start=1):
        afresh = trial_on(step.event.day, log[:number], levels=levels, window_days=28)
        assert step.trial.levels == afresh.levels
        assert sum(level.treated for level in afresh.levels) == len({event.subject for event in log[:number]})
