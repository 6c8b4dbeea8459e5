"""Questions about exports."""

from django.db.models import QuerySet
from django.http import Http404

from apps.core.action import Action
from apps.core.actor import Actor
from apps.exports.models import ExportJob, ExportProgress
from apps.study.models import Site


def jobs(*, actor: Actor) -> QuerySet[ExportJob]:
    """The exports that the actor may fetch, newest first."""
    return ExportJob.objects.visible_to(actor).order_by("-asked_at", "-pk")


def job_or_404(*, actor: Actor, pk: int) -> ExportJob:
    found = jobs(actor=actor).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def progress(found: list[ExportJob]) -> dict[int, ExportProgress]:
    """How far the worker has got with each of these jobs."""
    return {each.job_id: each for each in ExportProgress.objects.filter(job_id__in=[job.pk for job in found])}


def sites(*, actor: Actor) -> list[Site]:
    """The sites whose datasets the actor may take."""
    allowed = actor.sites_where(Action.EXPORT_DATASETS)
    return list(Site.objects.filter(study_id=actor.study_id, pk__in=allowed).order_by("number"))
