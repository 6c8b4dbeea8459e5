"""The examples in the docstrings are true."""

import doctest
from types import ModuleType

import pytest

from clinical import eligibility
from clinical.protocol import loading, places, problems, schedule


@pytest.mark.parametrize(
    "module", [eligibility, loading, places, problems, schedule], ids=lambda module: module.__name__
)
def test_examples_are_true(module: ModuleType) -> None:
    outcome = doctest.testmod(module)
    assert outcome.attempted > 0
    assert outcome.failed == 0
