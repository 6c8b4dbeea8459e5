"""The box that says why something was not done."""

import pytest
from django.template.loader import render_to_string

from apps.core.refusal import Refusal


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (Refusal("The laboratory's range is taken."), ["The laboratory&#x27;s range is taken."]),
        (
            Refusal("This is not a range yet.", problems=["Unit: needed."]),
            ["This is not a range yet.", "Unit: needed."],
        ),
        (Refusal("Not yet.", problems=["One.", "Two."]), ["Not yet.", "One.", "Two."]),
    ],
)
def test_every_problem_is_said_once_even_a_single_one(refusal: Refusal, said: list[str]) -> None:
    box = render_to_string("components/refusal.html", {"refusal": refusal})
    assert [box.count(sentence) for sentence in said] == [1] * len(said)
