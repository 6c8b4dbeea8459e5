"""Partial dates: what they mean, how they compare, and what a typed date becomes."""

import calendar
import doctest
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical import partial_date
from clinical.partial_date import AskBack, Fit, Order, PartialDate, Precision, read_typed

TODAY, VISIT = date(2026, 6, 1), date(2026, 5, 1)


def typed(text: str) -> str:
    answer = read_typed(text, today=TODAY, visit=VISIT)
    assert isinstance(answer, PartialDate), answer
    return answer.iso


def asked(text: str) -> AskBack:
    answer = read_typed(text, today=TODAY, visit=VISIT)
    assert isinstance(answer, AskBack), answer
    return answer


def test_the_examples_in_the_module_hold() -> None:
    assert doctest.testmod(partial_date).failed == 0


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("15mar26", "2026-03-15"),
        ("15-3-2026", "2026-03-15"),
        ("15.3.26", "2026-03-15"),
        ("3/15/2026", "2026-03-15"),
        ("3/3/26", "2026-03-03"),
        ("2026/3/15", "2026-03-15"),
        ("15 Mar 2026", "2026-03-15"),
        ("  15-MARCH-2026 ", "2026-03-15"),
        ("Mar 15, 2026", "2026-03-15"),
        ("2026 mar 15", "2026-03-15"),
        ("15 Mrz 2026", "2026-03-15"),
        ("mar 2026", "2026-03"),
        ("3/2026", "2026-03"),
        ("un mar 2026", "2026-03"),
        ("UNK-MAR-2026", "2026-03"),
        ("un 3 2026", "2026-03"),
        ("un un 2026", "2026"),
        ("2026", "2026"),
        ("t", "2026-06-01"),
        ("Y", "2026-05-31"),
        ("v", "2026-05-01"),
        ("+3", "2026-05-04"),
        ("-3", "2026-04-28"),
        ("v 9:05", "2026-05-01T09:05"),
        ("15mar26 14:05", "2026-03-15T14:05"),
        ("15mar26 14:un", "2026-03-15T14"),
        ("2026-03-15T14:05", "2026-03-15T14:05"),
        ("2026-03", "2026-03"),
        ("29feb2028", "2028-02-29"),
        ("1jan58", "1958-01-01"),
        ("1jan36", "2036-01-01"),
    ],
)
def test_what_is_typed_is_kept_to_the_precision_typed(text: str, iso: str) -> None:
    assert typed(text) == iso


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3/4/26", "03-Apr-2026 or 04-Mar-2026"),
        ("3-4-2026", "Type the month in letters"),
        ("mar 26", "whether 26 is the day or the year"),
        ("15 un 2026", "A day without its month"),
        ("un 15 2026", "A day without its month"),
        ("15 mar un", "not understood"),
        ("31feb26", "Feb-2026 has 28 days"),
        ("29/2/2026", "Feb-2026 has 28 days"),
        ("2026-02-30", "Feb-2026 has 28 days"),
        ("15/2026", "There is no month 15"),
        ("15mar26 2:05 pm", "24-hour clock"),
        ("15mar26 24:00", "midnight is 00:00 of the day that begins"),
        ("mar 2026 14:05", "a time needs its day"),
        ("14:05", "needs its day"),
        ("15032026", "not understood"),
        ("15mar1", "no year of two or four digits"),
        ("15mar3026", "not a year"),
        ("soon", "not understood"),
        ("15_mar_26", "not understood"),
        ("", "Type it like"),
    ],
)
def test_what_cannot_be_kept_is_asked_back_in_words(text: str, message: str) -> None:
    assert message in asked(text).message


def test_both_readings_of_an_ambiguous_date_are_offered() -> None:
    assert [choice.iso for choice in asked("3/4/26").choices] == ["2026-04-03", "2026-03-04"]


def test_days_from_the_visit_need_the_visit_date() -> None:
    answer = read_typed("+3", today=TODAY, visit=None)
    assert isinstance(answer, AskBack)
    assert "The visit has no date yet" in answer.message


def test_a_field_says_which_part_it_misses() -> None:
    answer = read_typed("mar 2026", today=TODAY, at_least=Precision.DAY)
    assert isinstance(answer, AskBack)
    assert answer.message == "Mar-2026 leaves out the day, which is needed here. Type it like 15mar2026."


def test_a_field_offers_the_part_that_it_keeps() -> None:
    answer = read_typed("15mar2026 14:05", today=TODAY, at_most=Precision.DAY)
    assert isinstance(answer, AskBack)
    assert [choice.iso for choice in answer.choices] == ["2026-03-15"]


@pytest.mark.parametrize(
    ("text", "taken"), [("may 2026", True), ("2026", True), ("2jun26", False), ("jul 2026", False)]
)
def test_a_date_is_refused_as_future_only_when_no_day_in_it_has_come(text: str, taken: bool) -> None:
    answer = read_typed(text, today=TODAY, not_after=PartialDate.of(TODAY))
    assert isinstance(answer, PartialDate) is taken


@pytest.mark.parametrize(
    ("left", "order", "right"),
    [
        ("2026-03", "before", "2026-04"),
        ("2026", "indeterminate", "2026-03-15"),
        ("2026-03", "indeterminate", "2026-03"),
        ("2026-03-15", "same", "2026-03-15"),
        ("2026-03-15", "indeterminate", "2026-03-15T14:05"),
        ("2026-03-15T14:05", "same", "2026-03-15T14:05"),
        ("2026-03-16", "after", "2026-03-15T23:59"),
        ("2025", "before", "2026-01-01"),
    ],
)
def test_dates_compare_only_as_far_as_they_are_known(left: str, order: str, right: str) -> None:
    assert PartialDate.parse(left).compare(PartialDate.parse(right)).value == order


@pytest.mark.parametrize(
    ("value", "fit"),
    [
        ("2026-03-10", "inside"),
        ("2026-03-20T23:59", "inside"),
        ("2026-03", "possible"),
        ("2026", "possible"),
        ("2026-04", "outside"),
        ("2026-03-21", "outside"),
    ],
)
def test_a_range_is_an_error_only_when_no_day_can_be_right(value: str, fit: str) -> None:
    first, last = PartialDate.parse("2026-03-10"), PartialDate.parse("2026-03-20")
    assert PartialDate.parse(value).fit(not_before=first, not_after=last).value == fit


@pytest.mark.parametrize(
    ("iso", "shown"),
    [
        ("2026", "2026"),
        ("2026-03", "Mar-2026"),
        ("2026-03-05", "05-Mar-2026"),
        ("2026-03-05T04:05", "05-Mar-2026 04:05"),
    ],
)
def test_the_month_is_always_shown_in_letters(iso: str, shown: str) -> None:
    assert str(PartialDate.parse(iso)) == shown


@pytest.mark.parametrize(
    "text", ["2026-00", "2026-13", "2026-3", "2026-02-29", "26-03-15", "2026-03-15T24:00", "2026-", " 2026"]
)
def test_text_that_is_no_iso_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        PartialDate.parse(text)


def test_a_day_without_its_month_cannot_exist() -> None:
    with pytest.raises(ValueError, match="a day needs its month"):
        PartialDate(2026, None, 15)


def test_the_hour_that_a_clock_shows_twice_spans_an_hour() -> None:
    berlin, night = ZoneInfo("Europe/Berlin"), PartialDate.parse("2025-10-26T02:30")
    assert night.earliest_at(berlin) == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    assert night.latest_at(berlin) == datetime(2025, 10, 26, 1, 30, 59, tzinfo=UTC)


@st.composite
def partial_dates(draw: st.DrawFn) -> PartialDate:
    year, month = draw(st.integers(2024, 2026)), draw(st.integers(1, 4))
    day = draw(st.integers(1, calendar.monthrange(year, month)[1]))
    parts = (year, month, day, draw(st.integers(0, 2)), draw(st.integers(0, 2)), draw(st.integers(0, 2)))
    return PartialDate(*parts[: draw(st.integers(1, 6))])


@given(partial_dates(), partial_dates())
def test_comparison_is_the_algebra_of_intervals(left: PartialDate, right: PartialDate) -> None:
    order = left.compare(right)
    assert (order is Order.BEFORE) == (left.latest() < right.earliest())
    assert right.compare(left) is order.reversed
    if order is Order.SAME:
        assert left == right


@given(partial_dates(), partial_dates(), partial_dates())
def test_before_is_transitive(first: PartialDate, second: PartialDate, third: PartialDate) -> None:
    if first.compare(second) is Order.BEFORE and second.compare(third) is Order.BEFORE:
        assert first.compare(third) is Order.BEFORE


@given(partial_dates(), partial_dates())
def test_learning_more_never_overturns_a_certain_answer(known: PartialDate, other: PartialDate) -> None:
    for less in range(1, len(known.components)):
        vague = PartialDate(*known.components[:less])
        certain = vague.compare(other)
        if certain in (Order.BEFORE, Order.AFTER):
            assert known.compare(other) is certain


@given(partial_dates(), partial_dates(), partial_dates())
def test_fit_agrees_with_the_seconds_inside(value: PartialDate, first: PartialDate, last: PartialDate) -> None:
    fit = value.fit(not_before=first, not_after=last)
    if fit is Fit.INSIDE:
        assert first.earliest() <= value.earliest()
        assert value.latest() <= last.latest()
    if fit is Fit.OUTSIDE:
        assert value.latest() < first.earliest() or value.earliest() > last.latest()


@given(partial_dates())
def test_text_and_value_are_the_same_thing(value: PartialDate) -> None:
    assert PartialDate.parse(value.iso) == value
    typed_again = read_typed(value.iso, today=TODAY, at_most=Precision.SECOND)
    assert typed_again == value


@given(
    partial_dates().filter(
        lambda value: value.precision in (Precision.YEAR, Precision.MONTH, Precision.DAY, Precision.MINUTE)
    )
)
def test_what_is_shown_can_be_typed(value: PartialDate) -> None:
    assert read_typed(str(value), today=TODAY) == value


@given(st.text(alphabet="0123456789marunk -/.:tTyv+", max_size=14))
def test_whatever_is_typed_gets_an_answer(text: str) -> None:
    assert isinstance(read_typed(text, today=TODAY, visit=VISIT), PartialDate | AskBack)
