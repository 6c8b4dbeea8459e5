"""protocol_check and protocol_diff: every fault, exit 1, sentences for files that are none."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.clinical.protocol.trial_files import PROTOCOLS, SMALL


def check(path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    call_command("protocol_check", str(path))
    return capsys.readouterr().out


def test_a_file_without_faults_can_be_approved(capsys: pytest.CaptureFixture[str]) -> None:
    out = check(PROTOCOLS / "IMA402" / "1.0.toml", capsys)
    assert "can be approved: IMA402 version 1.0, 10 dose levels" in out


def test_every_fault_is_printed_with_its_place(tmp_path: Path) -> None:
    draft = tmp_path / "draft.toml"
    draft.write_text(SMALL.replace("before = 1", 'before = "one"').replace("target = 25", "target = 5"))
    with pytest.raises(CommandError) as refused:
        call_command("protocol_check", str(draft))
    lines = str(refused.value).splitlines()
    assert [line.split(": ")[1].split(", ")[1] for line in lines[:2]] == ["dose_level[2]", "visit[2].window.before"]
    assert lines[-1] == f"{draft} has 2 faults."


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "The file is empty"),
        (b"[study", "This is not TOML"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "not a UTF-8 text file"),
        (b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!", "This is not TOML"),
        (b"a = 1\x00", "not a text file"),
    ],
)
def test_what_is_no_protocol_is_one_sentence(content: bytes, says: str, tmp_path: Path) -> None:
    draft = tmp_path / "draft.toml"
    draft.write_bytes(content)
    with pytest.raises(CommandError, match=says):
        call_command("protocol_check", str(draft))


def test_a_missing_file_and_a_folder_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no file .*Check the path"):
        call_command("protocol_check", str(tmp_path / "none.toml"))
    with pytest.raises(CommandError, match="is a folder"):
        call_command("protocol_check", str(tmp_path))


def test_an_amendment_is_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = tmp_path / "1.0.toml", tmp_path / "1.1.toml"
    before.write_text(SMALL)
    after.write_text(SMALL.replace('version = "1.0"', 'version = "1.1"').replace("days = 21 }", "days = 28 }"))
    call_command("protocol_diff", str(before), str(after))
    assert capsys.readouterr().out == "dlt.period.days changes from 21 to 28.\n"
    call_command("protocol_diff", str(before), str(before))
    assert capsys.readouterr().out == "Nothing changes but the version.\n"


def test_a_faulty_file_is_not_compared(tmp_path: Path) -> None:
    before, after = tmp_path / "1.0.toml", tmp_path / "1.1.toml"
    before.write_text(SMALL)
    after.write_text("[study")
    with pytest.raises(CommandError, match="Only files without faults are compared"):
        call_command("protocol_diff", str(before), str(after))


def test_the_command_line_exits_1_with_neither_database_nor_queue(tmp_path: Path) -> None:
    draft = tmp_path / "draft.toml"
    draft.write_text("[study")
    environment = {"PATH": "/usr/bin:/bin", "DJANGO_SETTINGS_MODULE": "trialsite.settings"}
    root = PROTOCOLS.parent
    ran = subprocess.run(
        [sys.executable, str(root / "manage.py"), "protocol_check", str(draft)],
        capture_output=True,
        text=True,
        cwd=root,
        env=environment,
        check=False,
    )
    assert ran.returncode == 1
    assert "This is not TOML" in ran.stderr
    assert ran.stdout == ""
