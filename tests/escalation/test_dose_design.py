"""`manage.py dose_design`: the documented examples, the formats, and bad input with every problem named."""

import csv
import json
import re
import shlex
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.escalation.management.commands.dose_design import Command
from clinical.escalation.catalogue import CATALOGUE

DOCUMENT = Path(__file__).resolve().parents[2] / "docs/clinical/escalation.md"
EXAMPLES = re.findall(r"```console\n\$ manage\.py dose_design (.*?)\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
MODELS = {
    "crm": ["--target", "0.3", "--skeleton", "0.1", "0.2", "0.3"],
    "tite-crm": ["--target", "0.3", "--halfwidth", "0.05", "--nu", "2"],
    "blrm": ["--doses", "1", "2", "4", "--dref", "2", "--prior-mean", "-1", "0", "--prior-sd", "2", "1"],
}


def run(*words: str) -> str:
    screen = StringIO()
    call_command(Command(), *words, stdout=screen)
    return screen.getvalue()


def numbers(text: str) -> list[Any]:
    """The cells, as numbers where they are, so that a last binary digit does not decide."""
    return [
        pytest.approx(float(cell)) if re.fullmatch(r"-?\d+\.\d+", cell) else cell
        for row in csv.reader(StringIO(text))
        for cell in row
    ]


@pytest.mark.parametrize(("words", "output"), EXAMPLES)
def test_the_documented_examples_are_what_the_command_writes(words: str, output: str, tmp_path: Path) -> None:
    arguments = shlex.split(words)
    out = tmp_path / arguments[-1]
    run(*arguments[:-1], str(out))
    assert numbers(out.read_text()) == numbers(output)


def test_there_is_an_example_of_every_task() -> None:
    assert {words.split()[0] for words, _ in EXAMPLES} == {"table", "advise", "simulate"}


def test_json_holds_the_same_rows_as_csv(tmp_path: Path) -> None:
    for suffix in ("csv", "json"):
        run("table", "--design", "mtpi-2", "--max-n", "3", "--out", str(tmp_path / f"table.{suffix}"))
    rows = json.loads((tmp_path / "table.json").read_text())
    with (tmp_path / "table.csv").open(newline="") as table:
        assert list(csv.DictReader(table)) == [{name: str(value) for name, value in row.items()} for row in rows]


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_every_design_simulates_by_name(name: str) -> None:
    written = run(
        "simulate", "--design", name, *MODELS.get(name, []), "--p-true", "0.1", "0.2", "0.4", "--ntrial", "20"
    )
    assert [row["level"] for row in csv.DictReader(StringIO(written))][-1] == "all"


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_every_design_advises_by_name(name: str) -> None:
    written = run("advise", "--design", name, *MODELS.get(name, []), "--outcomes", "1NNN", "--levels", "3")
    assert next(csv.DictReader(StringIO(written)))["advice"] == "escalate to 2"


def test_a_state_table_is_advised_on(tmp_path: Path) -> None:
    state = tmp_path / "state.csv"
    state.write_text(
        "label,treated,evaluable,dlts,pending,follow_up\n0.5 mg,3,3,0,0,\n1 mg,3,2,0,1,0.5\n2 mg,0,0,0,0,\n"
    )
    written = run("advise", "--design", "tite-boin", "--state", str(state))
    assert next(csv.DictReader(StringIO(written)))["advice"] == "escalate to 3"


def test_an_event_log_is_replayed(tmp_path: Path) -> None:
    events = tmp_path / "events.csv"
    events.write_text(
        "day,event,subject,level\n0,first_dose,S1,1\n0,first_dose,S2,1\n0,first_dose,S3,1\n27,dlt,S1,\n28,dlt,S2,\n"
    )
    written = run("advise", "--design", "3+3", "--events", str(events), "--levels", "3", "--window-days", "28")
    assert [row["action"] for row in csv.DictReader(StringIO(written))] == ["wait"] * 4 + ["expand"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["table", "--design", "boin", "--target", "x", "--p-saf", "y"], ["target “x” is not", "p-saf “y” is not"]),
        (["table", "--design", "keyboard", "--p-saf", "0.1", "--offset", "0.1"], ["not use p-saf", "not use offset"]),
        (["table", "--design", "crm", *MODELS["crm"]], ["no decision table"]),
        (["table", "--design", "boin", "--max-n", "0"], ["max-n must be at least 1"]),
        (["simulate", "--design", "boin", "--target", "2"], ["target DLT rate", "needs p-true"]),
        (["simulate", "--design", "crm", *MODELS["crm"], "--p-true", "0.1", "0.2"], ["3 dose levels, but 2"]),
        (["simulate", "--design", "boin", "--exact", "--p-true", "0.1"], ["Only 3+3"]),
        (["advise", "--design", "3+3"], ["exactly one of --state, --outcomes and --events"]),
        (["advise", "--design", "3+3", "--outcomes", "1NNN 2XX"], ["Not a cohort: “2XX”"]),
        (["advise", "--design", "3+3", "--outcomes", "1NNN", "--current", "4"], ["current dose level is 4"]),
    ],
)
def test_bad_input_writes_nothing_and_names_every_problem(words: list[str], told: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    with pytest.raises(CommandError) as refused:
        run(*words, "--out", str(out))
    assert all(sentence in str(refused.value) for sentence in told)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            "table --design boing --target x --max-n 0",
            ["no design “boing”", "target “x” is not a number", "max-n must be at least 1"],
        ),
        (
            "table --design boin --target x --p-saf 0.4 --cutoff-eli 7 --max-n many",
            ["target “x” is not a number", "cutoff-eli must lie between", "max-n “many” is not a whole number"],
        ),
        (
            "table --design crm --target 2 --nu 2.5 --skeleton 0.2 z --max-n 501",
            ["nu “2.5” is not a whole", "skeleton “0.2 z” is not a list", "The target DLT", "no decision table", "500"],
        ),
        (
            "table --design blrm --doses 4 2 --dref nan --prior-sd 0 1 --ewoc 3",
            ["dref “nan”", "needs prior-mean", "doses must be ascending", "prior standard deviations", "(ewoc)"],
        ),
        (
            "table --design 3+3 --variant sideways --target 0.3",
            ["does not use target", "variant “sideways” is none of"],
        ),
        (
            "simulate --design tite-crm --model x --method y --halfwidth 0.3 --target 0.2 --nu 9 --p-true 9 --seed -1",
            [
                "model “x”",
                "method “y”",
                "half-width",
                "nu, the prior",
                "p-true",
                "seed",
            ],
        ),
        (
            "simulate --design '3 + 3' --p-true 0.1 ? --ntrial 0 --start-level 3 --exact",
            ["no design “3 + 3”", "p-true “0.1 ?”", "At least one trial", "start level"],
        ),
        (
            "advise --design bion --state nowhere.csv --current x --target y",
            ["no design “bion”", "nowhere.csv: No such file", "current “x”", "target “y”"],
        ),
        (
            "advise --design crm --target 2 --skeleton 0.1 0.2 --outcomes 1NNN --levels 3 --current 4 --eliminated 1.5",
            ["2 dose levels, but 3", "current dose level is 4", "The target DLT rate", "eliminated “1.5”"],
        ),
        ("table --design tite-boin --max-pending-fraction 7 --offset 1", ["max-pending-fraction must", "offset must"]),
        ("advise --design boin --outcomes 1NNN --eliminated 2", ["Eliminated dose levels: 2"]),
        (
            "advise --design boin --events nowhere.csv --window-days 0 --cohortsize 0",
            ["needs --levels", "nowhere.csv: No such file", "window-days must", "A cohort needs"],
        ),
    ],
)
def test_one_refusal_names_every_fault(words: str, told: list[str]) -> None:
    with pytest.raises(CommandError) as refused:
        run(*shlex.split(words))
    assert [sentence for sentence in told if sentence not in str(refused.value)] == []


def test_a_number_that_cannot_be_read_is_blamed_for_nothing_else() -> None:
    with pytest.raises(CommandError) as refused:
        run("table", "--design", "boin", "--target", "x", "--p-saf", "0.4", "--p-tox", "0.2")
    assert str(refused.value) == "target “x” is not a number."


def test_a_place_that_cannot_be_written_to_is_named_with_the_other_faults(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for place, told in (
        ("table.txt", "must end in .csv or .json"),
        ("nowhere/table.csv", "does not exist. Create it"),
        ("folder.csv", "is a folder. Name a file"),
    ):
        with pytest.raises(CommandError, match=rf"(?s){told}.*no design “boing”"):
            run("table", "--design", "boing", "--out", str(tmp_path / place))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "there are no dose levels"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b'treated,evaluable,dlts\n"3,3,0\n', "is not a CSV table"),
        (b"treated,evaluable\n3,3\n", "column dlts is missing"),
        (b"treated,evaluable,dlts,label\n3,3,0,1,5 mg\n", "row 2 has more cells than the header"),
        (b"treated,evaluable,dlts,worst_grades\n3,3,0,nan 2.5 7\n", "worst_grades “nan 2.5 7” holds something else"),
    ],
)
def test_a_table_that_is_none_is_refused_with_the_other_faults(content: bytes, told: str, tmp_path: Path) -> None:
    state = tmp_path / "state.csv"
    state.write_bytes(content)
    with pytest.raises(CommandError, match=rf"(?s){told}.*cutoff-eli must"):
        run("advise", "--design", "boin", "--state", str(state), "--cutoff-eli", "7")


def test_every_bad_row_of_a_table_is_named(tmp_path: Path) -> None:
    state, events = tmp_path / "state.csv", tmp_path / "events.csv"
    state.write_text("treated,evaluable,dlts\n3,3,4\n\n,,\nx,0,0\n")
    events.write_text("day,event,subject,level\n3,first_dose,S1,9\n1,dlt,S2,\n4,fainted,S1,\n")
    with pytest.raises(CommandError, match=r"(?s)row 2: .*4 DLTs among 3.*row 5: treated “x”"):
        run("advise", "--design", "boin", "--state", str(state))
    with pytest.raises(CommandError, match=r"(?s)row 2: level 9.*row 3: subject S2.*row 3: day 1.*row 4: the event"):
        run("advise", "--design", "boin", "--events", str(events), "--levels", "3", "--window-days", "28")


def test_a_mistyped_option_ends_with_exit_code_1() -> None:
    with pytest.raises(SystemExit) as end:
        Command().run_from_argv(["manage.py", "dose_design", "table", "--design", "boin", "--bogus"])
    assert end.value.code == 1


def test_tables_of_other_programs_are_read_and_a_table_has_an_end(tmp_path: Path) -> None:
    state, events, out = tmp_path / "state.csv", tmp_path / "events.csv", tmp_path / "out.csv"
    state.write_text('\ufeffDLTs, Treated,evaluable,Label\r\n0,3,3,"5, mg"\r\n,,,\r\n\r\n1,3,3,\r\n', encoding="utf-8")
    call_command(Command(), "advise", "--design", "boin", "--state", str(state), "--out", str(out))
    assert "1 of 3 subjects at level 2 had a DLT" in out.read_text(encoding="utf-8")
    events.write_text("Day,Event,Subject,Level\n0,First dose,S1,1\n9,DLT,S1,\n", encoding="utf-8")
    words = ["advise", "--design", "3+3", "--events", str(events), "--levels", "2", "--window-days", "28"]
    call_command(Command(), *words, "--out", str(out))
    assert len(out.read_text(encoding="utf-8").splitlines()) == 3
    with pytest.raises(CommandError, match="max-n must be at most 500"):
        call_command(Command(), "table", "--design", "boin", "--max-n", "100000")
    with pytest.raises(CommandError, match=r"folder .*nowhere does not exist"):
        call_command(Command(), "table", "--design", "boin", "--out", str(tmp_path / "nowhere" / "out.csv"))
