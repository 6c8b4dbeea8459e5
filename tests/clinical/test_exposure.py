"""Doses received against doses planned."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.exposure import Dose, body_surface_area, cells_per_square_metre, counts_as_full, dose_intensity
from clinical.protocol.design import StepKind

PLAN = (2, 9, 16, 23)


def plan(amount: str = "10") -> list[Dose]:
    return [Dose(planned_on=date(2026, 3, day), planned=Decimal(amount)) for day in PLAN]


def received(*doses: tuple[int, str]) -> list[Dose]:
    return [Dose(given_on=date(2026, 3, day), given=Decimal(amount)) for day, amount in doses]


@pytest.mark.parametrize(
    ("doses", "through", "cumulative", "relative"),
    [
        ([(2, "10"), (9, "10")], 9, "20", "100.0"),
        ([(2, "10"), (9, "5")], 9, "15", "75.0"),
        ([(2, "10"), (16, "10")], 16, "20", "66.7"),
        ([(2, "10")], 9, "10", "50.0"),
        ([(2, "12")], 2, "12", "120.0"),
    ],
)
def test_intensity_is_what_was_received_of_what_was_due_by_then(
    doses: list[tuple[int, str]], through: int, cumulative: str, relative: str
) -> None:
    found = dose_intensity([*plan(), *received(*doses)], through=date(2026, 3, through))
    assert (found.cumulative, found.relative) == (Decimal(cumulative), Decimal(relative))


@pytest.mark.parametrize(
    ("doses", "reason"),
    [
        ([Dose(given_on=date(2026, 3, 2))], "the amount of a dose is missing"),
        ([Dose(planned_on=date(2026, 3, 2), given_on=date(2026, 3, 2), given=Decimal(1))], "the plan is a range"),
        ([Dose(given_on=date(2026, 3, 2), given=Decimal(1))], "no dose was due"),
    ],
)
def test_intensity_that_cannot_be_said_is_not_guessed(doses: list[Dose], reason: str) -> None:
    found = dose_intensity(doses, through=date(2026, 3, 2))
    assert found.relative is None
    assert found.reason.startswith(reason)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 28), st.integers(1, 50)), max_size=6), st.integers(2, 28))
def test_a_further_dose_never_lowers_the_totals(doses: list[tuple[int, int]], through: int) -> None:
    day = date(2026, 3, through)
    rows = [*plan(), *received(*((at, str(amount)) for at, amount in doses))]
    before, after = dose_intensity(rows, through=day), dose_intensity([*rows, *received((2, "1"))], through=day)
    assert after.cumulative > before.cumulative
    assert after.relative is not None
    assert before.relative is not None
    assert after.relative > before.relative


@pytest.mark.parametrize(
    ("planned", "amount", "lower", "full"),
    [
        (StepKind.FULL, "1", "0.33", True),
        (StepKind.FULL, "0.34", "0.33", True),
        (StepKind.FULL, "0.33", "0.33", False),
        (StepKind.FULL, None, "0.33", True),
        (StepKind.FULL, "0.5", None, True),
        (StepKind.PRIMING, "0.1", "0.33", False),
        (StepKind.INTERMEDIATE, "1", "0.33", True),
        (StepKind.PRIMING, None, "0.33", False),
        (None, "0.33", "0.33", False),
        (None, "1", "0.33", True),
        (None, "0.5", None, True),
        (StepKind.FIXED, "0.5", None, True),
    ],
)
def test_a_dose_is_full_by_plan_and_by_what_was_given(
    planned: StepKind | None, amount: str | None, lower: str | None, full: bool
) -> None:
    found = counts_as_full(
        planned=planned,
        given=None if amount is None else Decimal(amount),
        target=Decimal(1),
        largest_lower=None if lower is None else Decimal(lower),
    )
    assert found is full


def test_cells_and_body_surface() -> None:
    assert cells_per_square_metre(cells=Decimal("0.962"), body_surface=Decimal("1.85")) == Decimal("0.52")
    assert body_surface_area(height_cm=Decimal(160), weight_kg=Decimal(60)) == Decimal("1.63")
