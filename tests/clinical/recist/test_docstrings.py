import doctest
from types import ModuleType

import pytest

from clinical.recist import assessment, endpoints, irecist, lesion_tables, lesions, responses, scan_date


@pytest.mark.parametrize(
    "module",
    [assessment, endpoints, irecist, lesion_tables, lesions, responses, scan_date],
    ids=lambda one: one.__name__,
)
def test_the_examples_in_the_docstrings_hold(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0
