"""The traceability table names code and tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TABLE = (ROOT / "docs" / "compliance" / "traceability.md").read_text(encoding="utf-8")
PLACES = sorted(set(re.findall(r"`((?:apps|clinical|tests|trialsite)/[\w./-]+)`", TABLE)))


@pytest.mark.parametrize("place", PLACES)
def test_every_place_that_the_table_names_exists(place: str) -> None:
    assert (ROOT / place).exists()
