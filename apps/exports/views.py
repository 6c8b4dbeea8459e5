"""Datasets: asking for them, watching them being made, fetching the file."""

from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from apps.access.views import StudyView
from apps.core.action import Action
from apps.core.refusal import Refusal
from apps.exports import selectors, services
from apps.exports.models import ExportJob, Format, JobState
from apps.visits.overlays import StatusWord

PAGE = 50
WORDS = {
    JobState.QUEUED: StatusWord(1, JobState.QUEUED.label, "clock", "info"),
    JobState.DONE: StatusWord(2, JobState.DONE.label, "check", "ok"),
    JobState.FAILED: StatusWord(3, JobState.FAILED.label, "cross", "error"),
}
BEING_MADE = StatusWord(1, "Being made", "half", "info")


class NotAMoment(Refusal):
    """The moment typed is none."""


class Exports(StudyView):
    """The exports made, and the form that asks for another."""

    action = Action.EXPORT_DATASETS
    template = "exports/export_list.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        page = Paginator(selectors.jobs(actor=self.actor), PAGE).get_page(request.GET.get("page"))
        found = list(page.object_list)
        sites = selectors.sites(actor=self.actor)
        numbers = {site.pk: site.number for site in sites}
        progress = selectors.progress(found)
        rows = [_row(job, progress.get(job.pk), numbers) for job in found]
        return self.page(
            {
                "page": page,
                "rows": rows,
                "sites": sites,
                "formats": Format.choices,
                "waits": any(job.state == JobState.QUEUED for job in found),
                "typed": request.POST,
                "chosen_sites": request.POST.getlist("sites") or [str(site.pk) for site in sites],
                "chosen_formats": request.POST.getlist("formats") or Format.values,
            },
            fragment="table",
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        job = services.request_export(
            actor=self.actor,
            study=self.study,
            site_ids=[int(site) for site in request.POST.getlist("sites") if site.isdigit()],
            formats=request.POST.getlist("formats"),
            as_of=self._moment(request.POST.get("as_of", "")),
            at=timezone.now(),
        )
        return redirect("export", study=self.study.code, job=job.pk)

    def _moment(self, text: str) -> datetime | None:
        """The moment typed, in UTC unless it says otherwise; none for an empty field."""
        if not text.strip():
            return None
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError as problem:
            raise NotAMoment(f"“{text}” is not a date and time. Type it like 2026-03-15 14:00 (UTC).") from problem
        return moment if moment.tzinfo else timezone.make_aware(moment)


class ExportPage(StudyView):
    """One export: its cut, its scope, its files with their checksums."""

    action = Action.EXPORT_DATASETS
    template = "exports/export.html"

    def get(self, request: HttpRequest, job: int) -> HttpResponse:
        found = selectors.job_or_404(actor=self.actor, pk=job)
        numbers = {site.pk: site.number for site in selectors.sites(actor=self.actor)}
        return self.page(_row(found, selectors.progress([found]).get(found.pk), numbers), fragment="state")


class ExportFile(StudyView):
    """The file of an export, to those who may fetch it."""

    action = Action.EXPORT_DATASETS

    def get(self, request: HttpRequest, job: int) -> Any:
        found = selectors.job_or_404(actor=self.actor, pk=job)
        path = services.fetch_export(actor=self.actor, job=found, at=timezone.now())
        return FileResponse(path.open("rb"), as_attachment=True, filename=path.name, content_type="application/zip")


def _row(job: ExportJob, progress: Any, numbers: dict[int, str]) -> dict[str, Any]:
    """What a page says about a job."""
    is_being_made = job.state == JobState.QUEUED and progress is not None
    return {
        "job": job,
        "word": BEING_MADE if is_being_made else WORDS[JobState(job.state)],
        "progress": progress if is_being_made else None,
        "site_numbers": ", ".join(sorted(numbers.get(site, "?") for site in job.site_ids)),
        "format_words": ", ".join(kind.upper() for kind in job.formats),
        "is_kept": job.expires_at is not None and job.expires_at > timezone.now(),
    }
