"""The watch between subjects of a dose level."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.protocol.design import Stagger
from clinical.stagger import earliest_first_dose

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "others", "sentinels", "hours_given", "earliest"),
    [
        (168, 0, 1, (), None),
        (168, 0, 1, (0,), 168),
        (168, 0, 1, (0, 170), 168),  # long over: the third subject need not wait
        (168, 24, 1, (0, 170), 194),
        (168, 24, 1, (0, 48), 168),  # dosed too early, the sentinel is still watched
        (168, 24, 2, (0, 170), 338),
        (0, 0, 1, (0,), None),
    ],
)
def test_the_next_subject_waits_for_whoever_is_still_watched(
    first: int, others: int, sentinels: int, hours_given: tuple[int, ...], earliest: int | None
) -> None:
    rule = Stagger(first_to_second_hours=first, between_others_hours=others, sentinel_subjects=sentinels)
    doses = [START + timedelta(hours=hours) for hours in hours_given]
    expected = None if earliest is None else START + timedelta(hours=earliest)
    assert earliest_first_dose(rule, doses) == expected


@given(st.lists(st.integers(0, 2000), max_size=6), st.integers(0, 2000), st.integers(0, 3))
def test_a_further_dose_never_brings_the_next_one_forward(hours: list[int], more: int, sentinels: int) -> None:
    rule = Stagger(first_to_second_hours=168, between_others_hours=168, sentinel_subjects=sentinels)
    doses = [START + timedelta(hours=each) for each in hours]
    before = earliest_first_dose(rule, doses)
    after = earliest_first_dose(rule, [*doses, START + timedelta(hours=more)])
    assert after is not None
    assert before is None or after >= before
