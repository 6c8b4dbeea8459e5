"""Files of others: exactly the published ones, with their licence."""

import hashlib
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
RECORD = json.loads((ROOT / "static" / "vendor" / "VENDORED.json").read_text())


@pytest.mark.parametrize("path", RECORD)
def test_a_vendored_file_is_the_published_one(path: str) -> None:
    assert hashlib.sha256((ROOT / path).read_bytes()).hexdigest() == RECORD[path]["sha256"]


def test_nothing_unrecorded_lies_among_the_vendored_files() -> None:
    lying = {str(file.relative_to(ROOT)) for file in (ROOT / "static" / "vendor").rglob("*") if file.is_file()}
    assert lying - RECORD.keys() == {"static/vendor/VENDORED.json"}
