"""Casebooks are read at a cut, with the same number of queries for every subject and memory that does not grow."""

import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.exports import images
from apps.exports.casebooks import book
from apps.exports.casebooks.reading import SubjectReading
from apps.exports.images import Cut
from apps.subjects.models import Subject
from apps.visits import schedule, services
from apps.visits.models import FormRecord, Visit
from clinical.partial_date import PartialDate
from clinical.sdtm.facts import Casebook
from tests import scenarios

NOW = Cut(None, datetime(2026, 6, 1, tzinfo=UTC))


def with_vital_signs(trial: scenarios.Trial, *, records: int = 1, temperature: str = "98.6") -> Subject:
    """A subject with some pages of vital signs at one visit."""
    subject = scenarios.subject(trial)
    with trial.acting_as("chidi") as actor:
        schedule.plan_visits(subject=subject)
        visit = Visit.objects.filter(subject=subject).order_by("number")[0]
        schedule.start_visit(actor=actor, visit=visit, took_place=PartialDate.parse("2026-03-02"), at=scenarios.NOON)
        for repeat in range(1, records + 1):
            record = FormRecord.objects.filter(visit=visit, form="vital_signs", repeat=repeat).first()
            record = record or services.open_record(
                actor=actor,
                subject=subject,
                form="vital_signs",
                visit=visit,
                protocol_version=trial.version,
                at=scenarios.NOON,
                repeat=repeat,
            )
            texts = {"taken": "2026-03-02T10:00", "results/TEMP/value": temperature, "results/TEMP/unit": "F"}
            services.save_values(actor=actor, record=record, texts=texts, at=scenarios.NOON)
    return subject


def read(trial: scenarios.Trial, cut: Cut = NOW, *, by: str = "chidi") -> list[Casebook]:
    with trial.acting_as(by) as actor:
        shared = book.study_at(trial.study, site_ids=actor.site_ids, cut=cut)
        return list(book.casebooks(book.subjects(trial.study, site_ids=actor.site_ids, cut=cut), shared))


def test_a_casebook_holds_what_was_entered_with_its_standard_unit(ima402: scenarios.Trial) -> None:
    subject = with_vital_signs(ima402)
    (casebook,) = read(ima402)
    (finding,) = casebook.vital_signs
    assert (finding.test_code, finding.result, finding.unit) == ("TEMP", "98.6", "F")
    assert (str(finding.standard), finding.standard_unit) == ("37.00", "C")
    assert finding.collected == "2026-03-02T10:00"
    assert casebook.subject.unique_id == f"IMA402-{subject.number}"
    assert casebook.subject.no_arm_reason == "NOT ASSIGNED"


def test_another_sites_subject_is_in_nobodys_casebooks(ima402: scenarios.Trial) -> None:
    with_vital_signs(ima402)
    assert read(ima402, by="iris") == []


def test_a_subject_costs_the_same_number_of_queries_however_much_it_holds(ima402: scenarios.Trial) -> None:
    asked = {}
    for records in (1, 6):
        subject = with_vital_signs(ima402, records=records)
        with ima402.acting_as("chidi") as actor:
            shared = book.study_at(ima402.study, site_ids=actor.site_ids, cut=NOW)
            with CaptureQueriesContext(connection) as queries:
                made = book.casebook(SubjectReading(subject, shared))
        assert len(made.vital_signs) == records
        asked[records] = len(queries)
    assert asked[6] == asked[1] < 60


def test_memory_does_not_grow_with_the_subjects(ima402: scenarios.Trial) -> None:
    """The casebooks of three times as many subjects, read one after another, need no more memory at their peak."""
    for _ in range(4):
        with_vital_signs(ima402, records=3)

    def peak(times: int) -> int:
        with ima402.acting_as("chidi") as actor:
            shared = book.study_at(ima402.study, site_ids=actor.site_ids, cut=NOW)
            found = book.subjects(ima402.study, site_ids=actor.site_ids, cut=NOW) * times
            tracemalloc.start()
            for _ in book.casebooks(found, shared):
                pass
            _, highest = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        return highest

    peak(1)  # what is read once a process
    assert peak(6) < 1.3 * peak(2)


def test_an_earlier_cut_shows_the_rows_as_they_stood(committed: str, tmp_path: Path) -> None:
    trial = scenarios.trial("IMA402")
    subject = with_vital_signs(trial, temperature="98.6")
    with trial.acting_as("chidi"):
        first = images.newest_cut()
    with trial.acting_as("chidi", reason="Transcription error") as actor:
        record = FormRecord.objects.get(subject=subject, form="vital_signs")
        services.save_value(
            actor=actor, record=record, path="results/TEMP/value", text="99.9", seen=None, at=scenarios.NOON
        )
    later = with_vital_signs(trial)
    with trial.acting_as("chidi"):
        second = images.newest_cut()
    assert [each.vital_signs[0].result for each in read(trial, first)] == ["98.6"]
    assert [each.vital_signs[0].result for each in read(trial, second)] == ["99.9", "98.6"]
    assert later.number > subject.number

    once, again = tmp_path / "once", tmp_path / "again"
    moment = first.at.isoformat()
    call_command("export_datasets", "IMA402", "--out", str(once), "--as-of", moment, verbosity=0)
    call_command("export_datasets", "IMA402", "--out", str(again), "--as-of", moment, verbosity=0)
    assert {path.name: path.read_bytes() for path in once.iterdir()} == {
        path.name: path.read_bytes() for path in again.iterdir()
    }
    assert "98.6" in (once / "vs.csv").read_text(encoding="utf-8")
    call_command("export_datasets", "IMA402", "--out", str(once), "--format", "csv", "--site", "101", verbosity=0)
    assert "99.9" in (once / "vs.csv").read_text(encoding="utf-8")
    assert not (once / "vs.xpt").exists()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--format", "json"], "The format 'json' is not offered. Use xpt, csv or both."),
        (["--as-of", "yesterday"], "'yesterday' is not a date and time. Write it like 2026-03-15T14:00."),
        (["--as-of", "2999-01-01"], "The moment of --as-of has not come yet."),
        (["--as-of", "1999-01-01"], "Nothing had been recorded by 01-Jan-1999"),
        (["--site", "999"], "Study IMA402 has no site 999."),
    ],
)
def test_what_cannot_be_exported_is_said_and_nothing_is_written(
    ima402: scenarios.Trial, tmp_path: Path, options: list[str], sentence: str
) -> None:
    with pytest.raises(CommandError) as error:
        call_command("export_datasets", "IMA402", "--out", str(tmp_path / "out"), *options)
    assert sentence in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_files_is_left_alone(committed: str, tmp_path: Path) -> None:
    trial = scenarios.trial("IMA203", at=timezone.now())
    with trial.acting_as("chidi"):
        images.newest_cut()
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(CommandError, match="holds other files"):
        call_command("export_datasets", "IMA203", "--out", str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
