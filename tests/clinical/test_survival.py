"""Kaplan-Meier against published figures and against a second implementation written from the definition."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from math import exp, log, sqrt
from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.survival import Observation, in_months, kaplan_meier

# Acute myelogenous leukaemia, maintained and not maintained (Miller 1997): weeks, and whether the relapse was seen.
MAINTAINED = [
    (9, 1), (13, 1), (13, 0), (18, 1), (23, 1), (28, 0), (31, 1), (34, 1), (45, 0), (48, 1), (161, 0),
]  # fmt: skip
NOT_MAINTAINED = [
    (5, 1), (5, 1), (8, 1), (8, 1), (12, 1), (16, 0), (23, 1), (27, 1), (30, 1), (33, 1), (43, 1), (45, 1),
]  # fmt: skip


def observed(pairs: Sequence[tuple[int, int]]) -> list[Observation]:
    return [Observation(time, bool(event)) for time, event in pairs]


def by_definition(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int, Fraction, float | None, float | None]]:
    """Time, at risk, survival and log-log limits: exact products and Greenwood sums, without any library."""
    z = NormalDist().inv_cdf(0.975)
    survival, greenwood = Fraction(1), Fraction(0)
    rows = []
    for time in sorted({time for time, _ in pairs}):
        at_risk = sum(1 for other, _ in pairs if other >= time)
        events = sum(event for other, event in pairs if other == time)
        survival *= Fraction(at_risk - events, at_risk)
        if 0 < survival < 1:
            greenwood += Fraction(events, at_risk * (at_risk - events))
            height = log(-log(survival))
            width = z * sqrt(greenwood) / -log(survival)
            rows.append((time, at_risk, survival, exp(-exp(height + width)), exp(-exp(height - width))))
        else:
            rows.append((time, at_risk, survival, None, None))
    return rows


@pytest.mark.parametrize(
    ("pairs", "heights", "median"),
    [
        (MAINTAINED, [0.909, 0.818, 0.716, 0.614, 0.614, 0.491, 0.368, 0.368, 0.184, 0.184], 31),
        (NOT_MAINTAINED, [0.833, 0.667, 0.583, 0.583, 0.486, 0.389, 0.292, 0.194, 0.097, 0.0], 23),
    ],
)
def test_the_leukaemia_curves_are_the_published_ones(
    pairs: list[tuple[int, int]], heights: list[float], median: int
) -> None:
    curve = kaplan_meier(observed(pairs))
    assert [round(step.survival, 3) for step in curve.steps] == heights
    assert curve.median.time == median


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1)), min_size=1, max_size=25))
def test_curve_and_band_agree_with_the_definition(pairs: list[tuple[int, int]]) -> None:
    curve = kaplan_meier(observed(pairs))
    for step, (time, at_risk, survival, lower, upper) in zip(curve.steps, by_definition(pairs), strict=True):
        assert (step.time, step.at_risk) == (time, at_risk)
        assert step.survival == pytest.approx(float(survival), abs=1e-12)
        assert step.lower == (None if lower is None else pytest.approx(lower, abs=1e-9))
        assert step.upper == (None if upper is None else pytest.approx(upper, abs=1e-9))
    exact = next((time for time, _, survival, _, _ in by_definition(pairs) if survival <= Fraction(1, 2)), None)
    assert curve.median.time == exact


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1)), min_size=1, max_size=25))
def test_survival_never_rises_and_stays_in_its_band(pairs: list[tuple[int, int]]) -> None:
    curve = kaplan_meier(observed(pairs))
    heights = [step.survival for step in curve.steps]
    assert heights == sorted(heights, reverse=True)
    for step in curve.steps:
        if step.lower is not None and step.upper is not None:
            assert step.lower <= step.survival <= step.upper


def test_the_median_is_met_at_exactly_one_half() -> None:
    """Eight subjects, four events: the product of four fractions is one half, whatever the floating point says."""
    curve = kaplan_meier([Observation(time, time <= 4) for time in range(1, 9)])
    assert curve.median.time == 4


def test_a_median_that_is_not_reached_has_no_time() -> None:
    median = kaplan_meier([Observation(3, True), Observation(5, False), Observation(9, False)]).median
    assert (median.time, median.upper) == (None, None)


def test_number_at_risk_counts_those_who_leave_on_the_day() -> None:
    curve = kaplan_meier(observed(MAINTAINED))
    assert [curve.at_risk(week) for week in (0, 9, 13, 14, 161, 162)] == [11, 11, 10, 8, 1, 0]
    assert curve.survival_at(12) == pytest.approx(10 / 11)
    assert curve.survival_at(13) == pytest.approx(9 / 11)
    assert curve.survival_at(0) == 1.0


def test_nobody_observed_is_an_empty_curve() -> None:
    curve = kaplan_meier([])
    assert (curve.subjects, curve.events, curve.median.time, curve.survival_at(7)) == (0, 0, None, 1.0)


@pytest.mark.parametrize("share", [0, 1, -0.5])
def test_a_quantile_outside_the_curve_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        kaplan_meier(observed(MAINTAINED)).quantile(share)


def test_a_negative_time_and_a_certain_confidence_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        kaplan_meier([Observation(-1, True)])
    with pytest.raises(ValueError, match="confidence"):
        kaplan_meier(observed(MAINTAINED), confidence=1)


def test_months_have_one_decimal() -> None:
    assert [in_months(days) for days in (0, 30, 365, None)] == [Decimal("0.0"), Decimal("1.0"), Decimal("12.0"), None]
