"""Asking for datasets, making them in the background, fetching the file."""

from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from apps.core import events as core_events
from apps.core.action import Action
from apps.core.actor import Actor, system_actor
from apps.core.refusal import Refusal
from apps.core.transactions import acting, note_in_trail
from apps.core.whole_file import whole_file
from apps.exports import images, packing
from apps.exports.events import ExportRequested
from apps.exports.models import ExportJob, Format, JobState
from apps.study.models import Study
from clinical.sdtm.shaping import UnfitForTransport

KEPT = timedelta(days=30)
"""How long a file can be fetched; the cut stays, so the same file can be made again."""


SAY_PROGRESS = """
    with acting as (select set_config('trialsite.studies', %s, true))
    insert into exports_exportprogress (job_id, study_id, done, total)
    select %s, %s, %s, %s from acting
    on conflict (job_id) do update set done = excluded.done, total = excluded.total
"""


class NothingToExport(Refusal):
    """No site, or no format, that the person may export."""


class NotReady(Refusal):
    """There is no file to fetch: not yet, or no more."""


@transaction.atomic
def request_export(
    *,
    actor: Actor,
    study: Study,
    site_ids: Iterable[int],
    formats: Iterable[str],
    at: datetime,
    as_of: datetime | None = None,
) -> ExportJob:
    """Ask for the datasets of some sites, as the data stand now or as they stood at a moment.

    The cut is fixed here: what is entered while the worker is busy is not in the file.
    """
    actor.require(Action.EXPORT_DATASETS)
    scope = sorted(actor.sites_where(Action.EXPORT_DATASETS) & frozenset(site_ids))
    wanted = [kind for kind in Format.values if kind in set(formats)]
    if not scope:
        raise NothingToExport("No site is chosen whose data you may export. Choose at least one site.")
    if not wanted:
        raise NothingToExport("No format is chosen. Choose XPT, CSV or both.")
    if as_of is not None and as_of > at:
        raise NothingToExport("That moment has not come yet. Choose one in the past, or leave it empty for now.")
    cut = images.cut_at(as_of) if as_of else images.newest_cut()
    job = ExportJob.objects.create(
        study=study,
        asked_by_id=actor.user_id,
        asked_by_name=actor.name,
        asked_at=at,
        site_ids=scope,
        formats=wanted,
        cut_block=cut.position,
        cut_at=cut.at,
    )
    note_in_trail(act="export_requested", about={"key": str(job.pk), "sites": scope, "formats": wanted})
    core_events.announce(ExportRequested(study_id=study.pk, site_id=scope[0], at=at, job=job.pk), actor=actor)
    return job


@core_events.in_background(ExportRequested)
def make_export(payload: dict[str, Any], actor: Actor) -> None:
    """Make the file of a job. A worker that dies leaves nothing; the next begins again and makes the same bytes."""
    job = ExportJob.objects.select_for_update().select_related("study").get(pk=payload["job"])
    if job.state != JobState.QUEUED:
        return
    at = timezone.now()
    remove_expired(study=job.study, at=at)
    order = packing.Order(
        study=job.study,
        site_ids=frozenset(job.site_ids),
        formats=tuple(job.formats),
        cut=images.Cut(job.cut_block, job.cut_at),
        asked_by=job.asked_by_name,
    )
    reader = system_actor(f"Datasets for {job.asked_by_name}", study_id=job.study_id, site_ids=job.site_ids)
    path = file_of(job)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(prefix="export-") as scratch:
            folder = Path(scratch)
            with acting(reader, place="exports.make_export"):
                made = packing.make_datasets(order, folder, tell=_teller(job))
            with whole_file(path, mode="wb") as out:
                packing.zip_folder(folder, out, at=job.cut_at)
    except (UnfitForTransport, Refusal) as told:
        job.state, job.problems, job.finished_at = JobState.FAILED, [str(each) for each in told.problems], at
        job.save(update_fields=["state", "problems", "finished_at"])
        return
    job.state, job.finished_at, job.expires_at = JobState.DONE, at, at + KEPT
    job.manifest, job.rows = made.manifest, made.rows
    job.file_name, job.file_size, job.sha256 = path.name, path.stat().st_size, packing.sha256(path)
    job.save(
        update_fields=["state", "finished_at", "expires_at", "manifest", "rows", "file_name", "file_size", "sha256"]
    )


def _teller(job: ExportJob) -> Callable[[int, int], None]:
    """Say how far the reading has got, on a connection of its own: the job's transaction shows nothing yet."""
    last = -1

    def tell(done: int, total: int) -> None:
        nonlocal last
        percent = done * 100 // total if total else 100
        if percent == last:
            return
        last = percent
        with closing(connection.copy()) as aside, aside.cursor() as cursor:
            cursor.execute(SAY_PROGRESS, [f"{{{job.study_id}}}", job.pk, job.study_id, done, total])

    return tell


def file_of(job: ExportJob) -> Path:
    """Where a job's file lies: under no address of the web server, reached through `fetch_export` only."""
    stamp = job.cut_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    return Path(settings.EXPORT_DIR) / job.study.code / f"{job.study.code}-sdtm-{stamp}-{job.pk}.zip"


@transaction.atomic
def fetch_export(*, actor: Actor, job: ExportJob, at: datetime) -> Path:
    """The file of a job that the actor may fetch; each fetch is noted in the trail."""
    actor.require(Action.EXPORT_DATASETS)
    path = file_of(job)
    if job.state != JobState.DONE:
        raise NotReady("This file is not ready yet. Wait until its row says so.")
    if job.expires_at is None or job.expires_at <= at or not path.exists():
        raise NotReady("This file is no longer kept. Ask for the datasets again as of the same moment.")
    note_in_trail(act="export_fetched", about={"key": str(job.pk), "sha256": job.sha256})
    return path


def remove_expired(*, study: Study, at: datetime) -> None:
    """Take files away whose time is over; who asked for them and what they held stays."""
    for job in ExportJob.objects.filter(study=study, state=JobState.DONE, expires_at__lte=at):
        job.study = study
        file_of(job).unlink(missing_ok=True)
