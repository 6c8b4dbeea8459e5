"""What every command over `clinical/` does with files and options it cannot use: sentences, exit code 1, no file."""

import re
from pathlib import Path

import pytest

from apps.core.engine_command import EngineCommand
from apps.dashboard.management.commands import trial_tables
from apps.escalation.management.commands import dose_design
from apps.labs.management.commands import grade_labs
from apps.safety.management.commands import ctcae_terms
from apps.tumor.management.commands import recist_derive

COMMANDS: dict[str, tuple[type[EngineCommand], str]] = {
    "recist_derive": (recist_derive.Command, "--tu {table} --tr {table} --out {out}.csv"),
    "grade_labs": (grade_labs.Command, "{table} --out {out}.csv"),
    "dose_design": (dose_design.Command, "advise --design boin --state {table} --out {out}.csv"),
    "trial_tables": (trial_tables.Command, "{table} --out {out}"),
    "ctcae_terms": (ctcae_terms.Command, "5.0 {table} --out {out}.txt"),
}
TABLES = {"missing": None, "empty": b"", "of other columns": b"a,b\n1,2\n", "not UTF-8": b"\xff\xfe\x00"}
WRONG_OPTIONS = {
    "recist_derive": "--criteria recist-9",
    "grade_labs": "--units metric",
    "dose_design": "--fast",
    "trial_tables": "--sd-days soon",
    "ctcae_terms": "--version-of-sheet 7",
}


def refusal(name: str, words: str, capsys: pytest.CaptureFixture[str]) -> str:
    command, _ = COMMANDS[name]
    with pytest.raises(SystemExit) as end:
        command().run_from_argv(["manage.py", name, *words.split()])
    assert end.value.code == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    return told.err


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("kind", TABLES)
def test_a_table_that_cannot_be_read_is_refused_in_sentences(
    name: str, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, out = tmp_path / "table.csv", tmp_path / "out"
    content = TABLES[kind]
    if content is not None:
        table.write_bytes(content)
    told = refusal(name, COMMANDS[name][1].format(table=table, out=out), capsys)
    assert re.fullmatch(r"CommandError: ([A-Z/].*\.\n)+", told), told
    assert [path.name for path in tmp_path.iterdir()] == ([] if content is None else ["table.csv"])


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_that_is_not_known_is_refused_and_named(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = COMMANDS[name][1].format(table=tmp_path / "table.csv", out=tmp_path / "out")
    told = refusal(name, f"{words} {WRONG_OPTIONS[name]}", capsys)
    assert WRONG_OPTIONS[name].split()[0] in told


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "trial_tables"])
def test_a_table_and_a_folder_that_are_not_there_are_named_together(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = COMMANDS[name][1].format(table=tmp_path / "table.csv", out=tmp_path / "nowhere" / "out")
    told = refusal(name, words, capsys)
    assert "table.csv: No such file or directory." in told
    assert "nowhere does not exist. Create it or name another one." in told


def test_tables_go_into_a_folder_that_can_be_made_and_a_file_is_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "ipd.json"
    document.write_text('{"subjects": [], "adverse_events": [], "tumor_assessments": []}', encoding="utf-8")
    assert "File exists" in refusal("trial_tables", f"{document} --out {document}", capsys)
