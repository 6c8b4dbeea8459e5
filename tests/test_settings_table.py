"""The table of settings and the code say the same."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READS = re.compile(r"""(?:environ(?:ment)?(?:\.get\(|\.setdefault\(|\[)|_flag\()\s*["']([A-Z_]+)["']""")
NOT_SETTINGS = {"DJANGO_SETTINGS_MODULE"}


def read_in_code() -> set[str]:
    files = [*(ROOT / "trialsite").rglob("*.py"), *(ROOT / "apps").rglob("*.py")]
    return {name for file in files for name in READS.findall(file.read_text())} - NOT_SETTINGS


def in_table() -> set[str]:
    rows = [line.split("|")[1] for line in (ROOT / "docs" / "settings.md").read_text().splitlines() if line[:2] == "| "]
    return {name for cell in rows for name in re.findall(r"`([A-Z_]{4,})`", cell)}


def test_every_variable_the_code_reads_is_in_the_table() -> None:
    assert read_in_code() - in_table() == set()


def test_every_variable_in_the_table_is_read() -> None:
    # The supervisor names this one by a constant.
    assert in_table() - read_in_code() - {"DATABASE_OWNER_URL"} == set()
