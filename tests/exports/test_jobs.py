"""Export jobs: asked for within one's sites, made by the worker, fetched by those who may."""

import csv
import hashlib
import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import pyreadstat
import pytest
from django.test import Client
from django.utils import timezone

from apps.access import services as access_services
from apps.access.roles import Role
from apps.audit.models import AuditEvent
from apps.core import outbox
from apps.core.models import OutboxMessage
from apps.core.refusal import NotAllowed
from apps.core.transactions import acting, acting_everywhere
from apps.exports import selectors, services
from apps.exports.models import ExportJob, JobState
from apps.visits import schedule
from apps.visits import services as entry
from apps.visits.models import FormRecord, Visit
from clinical.partial_date import PartialDate
from tests import scenarios

BACKEND = "apps.accounts.backends.EmailBackend"


@pytest.fixture
def trial(committed: str, settings: object, tmp_path: Path) -> scenarios.Trial:
    """A trial whose commits are real (only those can be sealed), with a subject and vital signs at each site."""
    settings.EXPORT_DIR = tmp_path / "exports"  # type: ignore[attr-defined]  # pytest-django's settings
    built = scenarios.trial("IMA402")
    for by, value in (("chidi", "38.6"), ("iris", "36.8")):
        subject = scenarios.subject(built, by=by)
        with built.acting_as(by) as actor:
            schedule.plan_visits(subject=subject)
            visit = Visit.objects.filter(subject=subject).order_by("number")[0]
            schedule.start_visit(
                actor=actor, visit=visit, took_place=PartialDate.parse("2026-03-02"), at=scenarios.NOON
            )
            record = schedule.open_form(actor=actor, visit=visit, form="vital_signs", at=scenarios.NOON)
            texts = {"taken": "2026-03-02T10:00", "results/TEMP/value": value}
            entry.save_values(actor=actor, record=record, texts=texts, at=scenarios.NOON)
    return built


def asked(trial: scenarios.Trial, by: str = "sven", sites: tuple[str, ...] = ("101", "202")) -> ExportJob:
    with trial.acting_as(by) as actor:
        return services.request_export(
            actor=actor,
            study=trial.study,
            site_ids=[trial.sites[number].pk for number in sites],
            formats=["xpt", "csv"],
            at=timezone.now(),
        )


def made(trial: scenarios.Trial, job: ExportJob, by: str = "sven") -> ExportJob:
    outbox.drain()
    with trial.acting_as(by):
        job.refresh_from_db()
    assert job.state == JobState.DONE, job.problems
    return job


def archive(job: ExportJob) -> zipfile.ZipFile:
    return zipfile.ZipFile(services.file_of(job))


def test_the_worker_makes_the_file_with_its_manifest(trial: scenarios.Trial, tmp_path: Path) -> None:
    job = made(trial, asked(trial))
    with archive(job) as files:
        manifest = json.loads(files.read("manifest.json"))
        for dataset in manifest["datasets"]:
            for file in dataset["files"]:
                assert hashlib.sha256(files.read(file["name"])).hexdigest() == file["sha256"]
        (tmp_path / "vs.xpt").write_bytes(files.read("vs.xpt"))
        rows = list(csv.DictReader(io.StringIO(files.read("vs.csv").decode())))
    frame, _ = pyreadstat.read_xport(str(tmp_path / "vs.xpt"))
    assert list(frame["VSORRES"]) == ["38.6", "36.8"]
    assert [row["VSORRES"] for row in rows] == ["38.6", "36.8"]
    assert manifest["asked_by"] == "Sven Olsen"
    assert manifest["sites"] == ["101", "202"]
    assert manifest["cut"]["position"] == job.cut_block
    assert [each["version"] for each in manifest["protocol_versions"]] == ["1.0"]
    assert job.sha256 == hashlib.sha256(services.file_of(job).read_bytes()).hexdigest()


def test_the_cut_is_fixed_when_the_datasets_are_asked_for(trial: scenarios.Trial) -> None:
    job = asked(trial)
    with trial.acting_as("chidi") as actor:
        record = FormRecord.objects.get(form="vital_signs")
        entry.save_value(
            actor=actor, record=record, path="results/TEMP/value", text="40.1", seen=None, at=timezone.now()
        )
    with archive(made(trial, job)) as files:
        assert "40.1" not in files.read("vs.csv").decode()
    with archive(made(trial, asked(trial))) as files:
        assert "40.1" in files.read("vs.csv").decode()


def test_the_same_cut_gives_the_same_bytes_again(trial: scenarios.Trial) -> None:
    first = made(trial, asked(trial))
    with trial.acting_as("sven") as actor:
        again = services.request_export(
            actor=actor,
            study=trial.study,
            site_ids=first.site_ids,
            formats=first.formats,
            at=timezone.now(),
            as_of=first.cut_at,
        )
    assert made(trial, again).sha256 == first.sha256


def test_a_message_delivered_twice_makes_nothing_new(trial: scenarios.Trial) -> None:
    job = made(trial, asked(trial))
    with acting_everywhere("test"):
        OutboxMessage.objects.update(delivered_at=None)
    outbox.drain()
    with trial.acting_as("sven"):
        again = ExportJob.objects.get(pk=job.pk)
    assert again.finished_at == job.finished_at


def test_a_worker_killed_half_way_leaves_no_file_and_the_next_begins_again(
    trial: scenarios.Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = asked(trial)

    def killed(*_: object, **__: object) -> None:
        raise SystemExit(137)

    with monkeypatch.context() as patch:
        patch.setattr("apps.exports.packing.zip_folder", killed)
        with pytest.raises(SystemExit):
            outbox.drain()
    assert list(services.file_of(job).parent.glob("*")) == []
    assert services.file_of(made(trial, job)).exists()


def test_a_person_of_one_site_gets_that_site_only(trial: scenarios.Trial) -> None:
    _give_site_role(trial)
    job = made(trial, asked(trial, by="sina"), by="sina")
    assert job.site_ids == [trial.sites["101"].pk]
    with archive(job) as files:
        assert [row["SITEID"] for row in csv.DictReader(io.StringIO(files.read("dm.csv").decode()))] == ["101"]


def _give_site_role(trial: scenarios.Trial) -> None:
    """Sina manages data at site 101 only."""
    with acting(trial.system(), place="test") as actor:
        trial.people["sina"] = scenarios._person("sina", "Sina Vogel", scenarios.NOON)
        access_services.give_role(
            actor=actor,
            user=trial.people["sina"],
            study=trial.study,
            role=Role.DATA_MANAGER,
            site=trial.sites["101"],
            at=scenarios.NOON,
        )


def test_nobody_of_one_site_sees_or_fetches_a_wider_file(trial: scenarios.Trial) -> None:
    _give_site_role(trial)
    job = made(trial, asked(trial))
    with trial.acting_as("sina") as actor:
        assert list(selectors.jobs(actor=actor)) == []
    client = Client()
    client.force_login(trial.people["sina"], backend=BACKEND)
    assert client.get(f"/IMA402/exports/{job.pk}/").status_code == 404
    assert client.get(f"/IMA402/exports/{job.pk}/file/").status_code == 404


@pytest.mark.parametrize("name", ["chidi", "amara", "noor", "mora"])
def test_a_role_that_does_not_export_is_refused(trial: scenarios.Trial, name: str) -> None:
    with pytest.raises(NotAllowed):
        asked(trial, by=name)


def test_an_empty_scope_is_refused_with_the_reason(trial: scenarios.Trial) -> None:
    with pytest.raises(services.NothingToExport, match="Choose at least one site"):
        asked(trial, sites=())


def test_asking_and_fetching_are_in_the_trail(trial: scenarios.Trial) -> None:
    job = made(trial, asked(trial))
    client = Client()
    client.force_login(trial.people["sven"], backend=BACKEND)
    response = client.get(f"/IMA402/exports/{job.pk}/file/")
    assert hashlib.sha256(b"".join(response.streaming_content)).hexdigest() == job.sha256  # type: ignore[attr-defined]
    with trial.acting_as("agnes"):
        notes = list(AuditEvent.objects.filter(operation="N", table__startswith="export").order_by("pk"))
    assert [(note.table, note.user_name) for note in notes] == [
        ("export_requested", "Sven Olsen"),
        ("export_fetched", "Sven Olsen"),
    ]


def test_a_file_whose_time_is_over_is_taken_away_and_says_how_to_make_it_again(trial: scenarios.Trial) -> None:
    job = made(trial, asked(trial))
    later = timezone.now() + services.KEPT + timedelta(days=1)
    with trial.acting_as("sven") as actor, pytest.raises(services.NotReady, match="as of the same moment"):
        services.fetch_export(actor=actor, job=job, at=later)
    with trial.acting_as("sven"):
        services.remove_expired(study=trial.study, at=later)
    assert not services.file_of(job).exists()


def test_the_page_asks_and_shows_progress_until_the_file_is_there(trial: scenarios.Trial) -> None:
    client = Client()
    client.force_login(trial.people["sven"], backend=BACKEND)
    sites = [str(site.pk) for site in trial.sites.values()]
    response = client.post("/IMA402/exports/", {"sites": sites, "formats": ["csv"]}, follow=True)
    assert "Waiting for the worker" in response.content.decode()
    assert 'hx-trigger="every 2s"' in response.content.decode()
    outbox.drain()
    page = client.get(response.request["PATH_INFO"]).content.decode()
    assert "Download IMA402-sdtm-" in page
    assert "every 2s" not in page
    refused = client.post("/IMA402/exports/", {"formats": ["csv"]})
    assert refused.status_code == 422
    assert "Choose at least one site" in refused.content.decode()
