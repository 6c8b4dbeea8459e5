"""Fixtures for every test. The database harness is in `tests/harness.py`."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _reference_folder() -> Path | None:
    """The external truth: tables published by others, kept outside the project."""
    named = os.environ.get("TRIALSITE_REFERENCE")
    if named:
        return Path(named)
    return next((marker.parent for marker in ROOT.parent.glob("*/reference/README-cdisc.md")), None)


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of published reference data, where this machine has it; the small tables in `tests/` need none."""
    folder = _reference_folder()
    if folder is None or not folder.is_dir():
        pytest.skip("the published reference data is not on this machine (set TRIALSITE_REFERENCE to its folder)")
    return folder
