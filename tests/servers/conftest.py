"""Folders that PostgreSQL's account can reach, also when root runs the tests."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def data() -> Iterator[Path]:
    """An empty data folder for servers, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="trialsite-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
