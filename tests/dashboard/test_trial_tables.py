"""`manage.py trial_tables`: every table or none, and every problem in words."""

import csv
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.dashboard.management.commands.trial_tables import Command

TABLES = {
    "disposition",
    "dose_limiting_toxicity",
    "safety_overview",
    "adverse_events",
    "crs_and_icans",
    "response",
    "time_to_event",
    "survival_curves",
    "waterfall",
    "swimmer",
}
SUBJECT = {
    "subject": "S-1",
    "part": "escalation",
    "dose_level": "DL1",
    "lymphodepletion_start": "2026-01-01",
    "infusion_date": "2026-01-07",
    "death_date": None,
    "last_known_alive": "2026-06-01",
}


def write(path: Path, document: object) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def run(data: Path, out: Path, *options: str) -> None:
    call_command(Command(), str(data), "--out", str(out), *options)


def test_every_table_is_a_csv_file_with_a_header(tmp_path: Path) -> None:
    document = {"subjects": [SUBJECT], "adverse_events": [], "tumor_assessments": []}
    run(write(tmp_path / "ipd.json", document), tmp_path / "tables")
    assert {path.name for path in (tmp_path / "tables").iterdir()} == {f"{name}.csv" for name in TABLES}
    with (tmp_path / "tables" / "disposition.csv").open(encoding="utf-8", newline="") as table:
        last = list(csv.DictReader(table))[-1]
    assert (last["part"], last["dose_level"], last["infused"]) == ("all", "all", "1")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "is not JSON"),
        ("[]", "must hold one object"),
        ('{"subjects": [{}], "adverse_events": [], "tumor_assessments": []}', "subjects 1: part is missing."),
        ("\udcff", "is not UTF-8"),
    ],
)
def test_bad_data_is_refused_in_words_and_nothing_is_written(tmp_path: Path, text: str, problem: str) -> None:
    data = tmp_path / "ipd.json"
    data.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CommandError, match=problem):
        run(data, tmp_path / "tables")
    assert not (tmp_path / "tables").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"ipd\.json: No such file"):
        run(tmp_path / "ipd.json", tmp_path / "tables")


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    document = {"subjects": [], "adverse_events": [], "tumor_assessments": []}
    data = write(tmp_path / "ipd.json", document)
    with pytest.raises(CommandError, match=r"ipd\.json: File exists"):
        run(data, data)


def test_the_days_of_confirmation_are_an_option(tmp_path: Path) -> None:
    def scan(day: str, mm: int) -> dict[str, object]:
        reading = {"target_sum_mm": mm, "non_target": "non-CR/non-PD", "new_lesion": False}
        return {"subject": "S-1", "assessment_date": day, **reading}

    scans = [scan("2026-01-01", 50), scan("2026-02-20", 20), scan("2026-03-12", 20)]
    data = write(tmp_path / "ipd.json", {"subjects": [SUBJECT], "adverse_events": [], "tumor_assessments": scans})
    confirmed = []
    for days in ("28", "20"):
        run(data, tmp_path / days, "--confirm-days", days)
        with (tmp_path / days / "response.csv").open(encoding="utf-8", newline="") as table:
            confirmed += [row["subjects"] for row in csv.DictReader(table) if row["measure"] == "cORR"][:1]
    assert confirmed == ["0", "1"]
