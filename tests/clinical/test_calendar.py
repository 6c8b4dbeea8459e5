"""Study days, protocol days, visit windows and the clocks of the sites."""

import doctest
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical import calendar
from clinical.calendar import (
    FirstDay,
    Phase,
    VisitPlan,
    VisitWindow,
    cycle_day,
    day_of_label,
    moments_of,
    place_visit,
    protocol_day,
    study_day,
    visit_window,
)
from clinical.partial_date import PartialDate

BERLIN = ZoneInfo("Europe/Berlin")
FIRST_DOSE = date(2026, 3, 2)
DAYS = st.dates(date(2024, 1, 1), date(2028, 12, 31))


def days(count: int) -> timedelta:
    return timedelta(days=count)


def on(text: str) -> PartialDate:
    return PartialDate.parse(text)


def test_the_examples_in_the_module_hold() -> None:
    assert doctest.testmod(calendar).failed == 0


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-03-02", 1),
        ("2026-03-01", -1),
        ("2026-03-03", 2),
        ("2026-02-28", -2),
        ("2026-03-02T08:00", 1),
        ("2026-03", None),
        ("2026", None),
    ],
)
def test_the_study_day_has_no_day_zero_and_needs_a_full_date(when: str, expected: int | None) -> None:
    assert study_day(on(when), reference=FIRST_DOSE) == expected


@pytest.mark.parametrize(
    ("day", "with_zero", "without"),
    [("2026-03-02", 0, 1), ("2026-03-03", 1, 2), ("2026-03-01", -1, -1), ("2026-02-24", -6, -6)],
)
def test_a_protocol_may_call_the_infusion_day_zero(day: str, with_zero: int, without: int) -> None:
    when = date.fromisoformat(day)
    assert protocol_day(when, anchor=FIRST_DOSE, first=FirstDay.ZERO) == with_zero
    assert protocol_day(when, anchor=FIRST_DOSE, first=FirstDay.ONE) == without


def test_a_protocol_without_day_zero_refuses_it() -> None:
    with pytest.raises(ValueError, match="no day 0"):
        day_of_label(0, anchor=FIRST_DOSE, first=FirstDay.ONE)


@given(DAYS, DAYS, st.sampled_from(FirstDay))
def test_a_label_and_its_date_are_inverse(day: date, anchor: date, first: FirstDay) -> None:
    label = protocol_day(day, anchor=anchor, first=first)
    assert day_of_label(label, anchor=anchor, first=first) == day
    assert first is FirstDay.ZERO or label != 0


def test_a_cycle_goes_on_until_the_next_is_given() -> None:
    starts = [date(2026, 3, 2), date(2026, 4, 6)]
    assert cycle_day(date(2026, 3, 1), cycle_starts=starts) is None
    assert cycle_day(date(2026, 3, 9), cycle_starts=starts) == (1, 8)
    assert cycle_day(date(2026, 4, 6), cycle_starts=starts) == (2, 1)


C1D8 = VisitPlan(offset=days(7), early=days(1), late=days(1))


def test_a_window_has_a_target_and_two_ends() -> None:
    window = visit_window(C1D8, anchor=on("2026-03-02T10:00"))
    assert window == VisitWindow(target=date(2026, 3, 9), earliest=date(2026, 3, 8), latest=date(2026, 3, 10))
    assert str(window) == "08-Mar-2026 to 10-Mar-2026"


def test_a_visit_of_several_days_ends_with_its_last() -> None:
    lymphodepletion = VisitPlan(offset=days(-6), duration=days(3))
    window = visit_window(lymphodepletion, anchor=on("2026-03-16"))
    assert window is not None
    assert (window.earliest, window.latest) == (date(2026, 3, 10), date(2026, 3, 13))


def test_an_anchor_without_its_day_gives_no_window() -> None:
    assert visit_window(C1D8, anchor=on("2026-03")) is None


@pytest.mark.parametrize(
    ("today", "phase", "left"),
    [("2026-03-07", "ahead", 3), ("2026-03-08", "open", 2), ("2026-03-10", "open", 0), ("2026-03-11", "overdue", -1)],
)
def test_a_window_opens_and_is_overdue(today: str, phase: str, left: int) -> None:
    window = visit_window(C1D8, anchor=on("2026-03-02"))
    assert window is not None
    day = date.fromisoformat(today)
    assert (window.phase(day), window.days_left(day)) == (Phase(phase), left)


@pytest.mark.parametrize(
    ("actual", "anchor", "told"),
    [
        ("2026-03-10", "2026-03-02", "in the window"),
        ("2026-03-10T23:59", "2026-03-02T10:00", "in the window"),
        ("2026-03-11", "2026-03-02", "1 day after the window"),
        ("2026-03-06", "2026-03-02", "2 days before the window"),
        ("2026-03", "2026-03-02", "may be outside the window: the dates are not exact enough"),
        ("2026-04", "2026-03-02", "22 days after the window"),
        ("2026-03-09", "2026-03", "may be outside the window: the dates are not exact enough"),
    ],
)
def test_a_visit_is_placed_for_every_day_its_date_can_mean(actual: str, anchor: str, told: str) -> None:
    assert str(place_visit(on(actual), C1D8, anchor=on(anchor), zone=BERLIN)) == told


@pytest.mark.parametrize(
    ("actual", "told"),
    [
        ("2026-03-02T14:00", "in the window"),
        ("2026-03-02T14:15", "in the window"),
        ("2026-03-02T14:16", "1 min after the window"),
        ("2026-03-02T12:30", "1 h 15 min before the window"),
        ("2026-03-02", "may be outside the window: the dates are not exact enough"),
    ],
)
def test_a_sample_four_hours_after_the_infusion_is_placed_by_the_minute(actual: str, told: str) -> None:
    tolerance = timedelta(minutes=15)
    plan = VisitPlan(offset=timedelta(hours=4), early=tolerance, late=tolerance)
    assert str(place_visit(on(actual), plan, anchor=on("2026-03-02T10:00"), zone=BERLIN)) == told


def test_a_sample_by_the_hour_elapses_over_the_change_of_the_clocks() -> None:
    plan = VisitPlan(offset=timedelta(hours=12))
    evening = on("2026-03-28T22:00")
    assert str(place_visit(on("2026-03-29T11:00"), plan, anchor=evening, zone=BERLIN)) == "in the window"
    assert str(place_visit(on("2026-03-29T10:00"), plan, anchor=evening, zone=BERLIN)) == "1 h before the window"


@given(DAYS, DAYS, st.integers(-30, 90), st.integers(0, 7), st.integers(0, 7))
def test_the_window_and_the_placement_agree(actual: date, anchor: date, offset: int, early: int, late: int) -> None:
    plan = VisitPlan(offset=days(offset), early=days(early), late=days(late))
    window = visit_window(plan, anchor=PartialDate.of(anchor))
    assert window is not None
    placed = str(place_visit(PartialDate.of(actual), plan, anchor=PartialDate.of(anchor), zone=BERLIN))
    assert (placed == "in the window") == (window.earliest <= actual <= window.latest)


def test_a_wall_time_can_be_one_moment_two_or_none() -> None:
    assert moments_of(datetime(2026, 3, 28, 2, 30), BERLIN) == (datetime(2026, 3, 28, 1, 30, tzinfo=UTC),)  # noqa: DTZ001 - wall time
    assert len(moments_of(datetime(2025, 10, 26, 2, 30), BERLIN)) == 2  # noqa: DTZ001 - wall time
    assert moments_of(datetime(2026, 3, 29, 2, 30), BERLIN) == ()  # noqa: DTZ001 - wall time
    with pytest.raises(ValueError, match="no zone of its own"):
        moments_of(datetime(2026, 3, 29, 2, 30, tzinfo=UTC), BERLIN)
