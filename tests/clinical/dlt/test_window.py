"""The DLT window: from which dose, how long, and what steps, delays and missing times do to it."""

from dataclasses import replace

import pytest

from clinical.dlt.verdict import Truth
from clinical.dlt.window import StepDosing, WindowEnd, WindowRule, dlt_window
from tests.clinical.dlt.casebook import BERLIN, FIRST_DOSE, at, dose, on, window

STEPS = (dose("03-02T10:00", full=False), dose("03-09T10:00", full=False), dose("03-16T10:00"))


def test_day_one_is_the_day_of_the_dose_and_the_window_ends_with_its_last_day() -> None:
    found = window()
    assert found.day(at("03-02T23:00")) == 1
    assert found.day(at("03-29T08:00")) == 28
    assert (found.length_days, found.closes) == (28, at("03-30T00:00"))
    assert not found.is_over(at("03-29T23:59"))
    assert found.is_over(at("03-30T00:00"))


def test_a_window_may_end_at_the_hour_of_the_dose() -> None:
    found = window(WindowRule(days=28, end=WindowEnd.HOUR_OF_DOSE))
    # The clocks went forward on the 29th; ten o'clock stays ten o'clock.
    assert found.closes == at("03-30T10:00")
    assert found.length_days == 28


def test_there_is_no_window_before_the_first_dose() -> None:
    assert dlt_window(WindowRule(days=28), [dose(planned="03-02")], at=at("04-01"), zone=BERLIN) is None
    assert dlt_window(WindowRule(days=28), [FIRST_DOSE], at=at("03-02T09:59"), zone=BERLIN) is None


@pytest.mark.parametrize(
    ("step_dosing", "opens", "day_one", "closes"),
    [
        (StepDosing.IGNORE, "03-02T10:00", "03-02T10:00", "03-30"),
        (StepDosing.EXTEND, "03-02T10:00", "03-02T10:00", "04-13"),
        (StepDosing.RESTART, "03-02T10:00", "03-16T10:00", "04-13"),
    ],
)
def test_the_first_full_dose_extends_or_restarts_the_window(
    step_dosing: StepDosing, opens: str, day_one: str, closes: str
) -> None:
    found = window(WindowRule(days=28, step_dosing=step_dosing), *STEPS)
    assert (found.opens, found.day_one, found.closes) == (on(opens), on(day_one), at(closes))


def test_a_restart_may_leave_the_priming_steps_out() -> None:
    rule = WindowRule(days=28, step_dosing=StepDosing.RESTART, priming_counts=False)
    found = window(rule, *STEPS)
    assert found.holds(on("03-10"), "fever").truth is Truth.NO
    assert found.holds(on("03-16"), "fever").truth is Truth.YES
    waiting = window(rule, *STEPS[:2], now="03-12")
    assert waiting.holds(on("03-10"), "fever").facts == (
        "fever began before the first full dose, from which this protocol counts",
    )


def test_a_window_stays_open_for_a_full_dose_only_as_long_as_the_protocol_waits() -> None:
    rule = WindowRule(days=28, step_dosing=StepDosing.EXTEND)
    assert window(rule, *STEPS[:2], now="06-01").closes is None
    limited = WindowRule(days=28, step_dosing=StepDosing.EXTEND, full_dose_within_days=42)
    assert window(limited, *STEPS[:2], now="04-12").closes is None
    gone = window(limited, *STEPS[:2], now="04-14")
    assert (gone.closes, gone.reached_full_dose) == (at("04-13"), False)


def test_a_late_dose_extends_the_window_when_the_protocol_says_so() -> None:
    doses = (FIRST_DOSE, dose("03-14", planned="03-09"), dose(planned="03-16", missed="holiday"))
    assert window(WindowRule(days=28), *doses).closes == at("03-30")
    extended = window(WindowRule(days=28, delays_extend=True), *doses)
    assert (extended.closes, extended.length_days) == (at("04-04"), 33)


def test_a_dose_delayed_by_toxicity_extends_nothing() -> None:
    late = dose("03-14", planned="03-09")
    because = (FIRST_DOSE, replace(late, reason="Related toxicity"))
    assert window(WindowRule(days=28, delays_extend=True), *because).closes == at("03-30")
    always = WindowRule(days=28, delays_extend=True, delays_not_extending=())
    assert window(always, *because).closes == at("04-04")


def test_priming_again_makes_the_next_full_dose_the_anchor() -> None:
    again = (*STEPS, dose("03-30T10:00", full=False), dose("04-06T10:00"))
    rule = WindowRule(days=28, step_dosing=StepDosing.RESTART, repriming_restarts=True)
    assert window(rule, *again).day_one == on("04-06T10:00")
    assert window(WindowRule(days=28, step_dosing=StepDosing.RESTART), *again).day_one == on("03-16T10:00")


@pytest.mark.parametrize(
    ("first_dose", "onset", "truth"),
    [
        ("03-02T10:00", "03-02", Truth.YES),
        ("03-02T10:00", "03-02T09:00", Truth.NO),
        ("03-02", "03-02T09:00", Truth.YES),
        ("03-02", "03-01", Truth.NO),
        ("2026-03", "03-15", Truth.OPEN),
        ("2026-03", "04-01", Truth.OPEN),
        ("03-02T10:00", "2026", Truth.OPEN),
    ],
)
def test_an_onset_is_placed_as_exactly_as_the_dates_allow(first_dose: str, onset: str, truth: Truth) -> None:
    assert window(WindowRule(days=28), dose(first_dose)).holds(on(onset), "fever").truth is truth


def test_a_protocol_may_ask_for_the_time_on_the_day_of_the_dose() -> None:
    found = window(WindowRule(days=28, dose_day_counts=False)).holds(on("03-02"), "fever")
    assert found.missing == ("the time on which fever began (02-Mar-2026 can be inside or outside the DLT period)",)


def test_doses_may_be_listed_in_any_order() -> None:
    assert window(WindowRule(days=28), *reversed(STEPS)).day_one == on("03-02T10:00")
