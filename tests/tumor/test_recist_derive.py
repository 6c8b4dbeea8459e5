"""`manage.py recist_derive`: files in, one whole file or every problem out."""

import csv
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.tumor.management.commands.recist_derive import Command

TU = """USUBJID,TULNKID,TUSTRESC,TULOC,TUEVAL,TUEVALID,TUMETHOD
101-01,T01,TARGET,LIVER,INVESTIGATOR,,CT SCAN
"""
TR = """USUBJID,TRLNKID,TRGRPID,TRTESTCD,TRSTRESC,TRSTRESN,TRSTRESU,TRDTC,VISIT,VISITNUM,TREVAL,TREVALID
101-01,T01,TARGET,LDIAM,50,50,mm,2026-01-10,SCREENING,1,INVESTIGATOR,
101-01,T01,TARGET,LDIAM,30,30,mm,2026-02-21,WEEK 6,2,INVESTIGATOR,
101-01,T01,TARGET,LDIAM,36,36,mm,2026-04-04,WEEK 12,3,INVESTIGATOR,
"""


class Files:
    """The files of one call in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.tu, self.tr, self.out = folder / "tu.csv", folder / "tr.csv", folder / "rs.csv"
        self.tu.write_text(TU, encoding="utf-8")
        self.tr.write_text(TR, encoding="utf-8")

    def derive(self, *options: str) -> list[dict[str, str]]:
        call_command(Command(), "--tu", str(self.tu), "--tr", str(self.tr), "--out", str(self.out), *options)
        with self.out.open(encoding="utf-8", newline="") as table:
            return list(csv.DictReader(table))

    def refusal(self, *options: str) -> str:
        with pytest.raises(CommandError) as refused:
            self.derive(*options)
        return str(refused.value)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def overall(rows: list[dict[str, str]]) -> list[str]:
    return [row["RSSTRESC"] for row in rows if row["RSTESTCD"] == "OVRLRESP"]


def best(rows: list[dict[str, str]]) -> list[str]:
    return [row["RSSTRESC"] for row in rows if row["RSTESTCD"] == "BESTRESP"]


def test_lesions_go_in_and_responses_come_out(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    rows = files.derive()
    assert overall(rows) == ["PR", "PD"]
    assert best(rows) == ["PR", "SD"]
    assert rows[7]["RULE"] == "PD: +20 % and +6 mm from nadir 30 mm, WEEK 6"
    assert capsys.readouterr().out == f"Responses derived into {files.out}; subjects: 1.\n"


def test_the_conventions_are_options(files: Files, tmp_path: Path) -> None:
    assert best(files.derive("--sd-days", "60")) == ["PR", "PD"]
    assert overall(files.derive("--criteria", "irecist")) == ["iPR", "iUPD"]
    kept = TR.replace("36,36", "35.9,35.9").replace("30,30", "32,32")
    files.tr.write_text(kept, encoding="utf-8")
    assert overall(files.derive()) == ["PR", "SD"]
    assert overall(files.derive("--pr-until-pd")) == ["PR", "PR"]
    dates = tmp_path / "ref.csv"
    dates.write_text("USUBJID,RFSTDTC\n101-01,2026-02-01\n", encoding="utf-8")
    assert best(files.derive("--reference-date", str(dates), "--sd-days", "63")) == ["PR", "NE"]


def test_confirmation_can_be_wider_or_narrower(files: Files) -> None:
    held = TR.replace("36,36", "31,31")
    files.tr.write_text(held, encoding="utf-8")
    assert best(files.derive("--confirm-days", "42")) == ["PR", "PR"]
    assert best(files.derive("--confirm-days", "43")) == ["PR", "SD"]
    between = held.replace("2026-04-04,WEEK 12,3", "2026-06-20,WEEK 24,4") + (
        "101-01,T01,TARGET,LDIAM,NE,,,2026-04-04,WEEK 12,3,INVESTIGATOR,\n"
    )
    files.tr.write_text(between, encoding="utf-8")
    assert best(files.derive()) == ["PR", "PR"]
    assert best(files.derive("--max-ne", "0")) == ["PR", "SD"]


def test_a_file_with_a_byte_order_mark_is_read(files: Files) -> None:
    files.tr.write_text("\ufeff" + TR, encoding="utf-8")
    assert overall(files.derive()) == ["PR", "PD"]


def test_every_problem_is_told_and_what_stood_at_out_still_stands(files: Files) -> None:
    files.out.write_text("kept", encoding="utf-8")
    files.tr.write_text(TR.replace("30,30", "30,thirty").replace("36,36,mm", "36,36,inch"), encoding="utf-8")
    assert files.refusal() == (
        "TR row 3: LDIAM of lesion T01 is 'thirty' in TRSTRESN, which is not a number.\n"
        "TR row 4: LDIAM of lesion T01 is in 'inch'; only mm and cm are known."
    )
    assert files.out.read_text(encoding="utf-8") == "kept"
    assert sorted(path.name for path in files.out.parent.iterdir()) == ["rs.csv", "tr.csv", "tu.csv"]


def test_missing_columns_of_both_tables_are_told_together(files: Files) -> None:
    files.tu.write_text(TU.replace("TULOC", "SITE"), encoding="utf-8")
    files.tr.write_text("", encoding="utf-8")
    said = files.refusal().splitlines()
    assert said[:2] == ["TU has no column TULOC.", "TR has no column USUBJID."]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"USUBJID\xff\xfe", "A table is not UTF-8 text. Save it as CSV in UTF-8."),
        (b'USUBJID,"' + b"x" * 200_000, "A table is not CSV: "),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_a_sentence(files: Files, content: bytes, said: str) -> None:
    files.tr.write_bytes(content)
    assert files.refusal().startswith(said)


def test_a_file_that_is_not_there_is_named(files: Files) -> None:
    files.tu.unlink()
    assert files.refusal() == f"{files.tu}: No such file or directory."


def test_a_place_where_nothing_can_be_written_is_named(files: Files, tmp_path: Path) -> None:
    files.out = tmp_path / "nowhere" / "rs.csv"
    assert files.refusal() == f"The folder {tmp_path / 'nowhere'} does not exist. Create it or name another one."
    files.out = tmp_path
    assert files.refusal() == f"{tmp_path} is a folder. Name a file."


def test_an_option_that_is_no_number_is_refused(files: Files) -> None:
    assert "'-3' is not a whole number from 0 on" in files.refusal("--sd-days=-3")


def test_objections_to_the_baseline_forbid_nothing_and_are_kept_on_request(
    files: Files, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files.tr.write_text(TR.replace("50,50", "9,9"), encoding="utf-8")
    files.derive("--findings", str(tmp_path / "findings.txt"))
    assert (tmp_path / "findings.txt").read_text(encoding="utf-8") == (
        "Subject 101-01, INVESTIGATOR: Target lesion T01 measures 9 mm; it is measurable from 10 mm on.\n"
    )
    files.derive()
    assert "not kept; name a file with --findings" in capsys.readouterr().out


def test_the_command_needs_neither_database_nor_queue() -> None:
    assert Command.requires_system_checks == []
    assert Command.requires_migrations_checks is False
