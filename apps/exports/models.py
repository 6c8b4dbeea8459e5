"""Export jobs with their files, and where brought-over data came from."""

from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.access.models import SiteOwned
from apps.core.actor import Actor
from apps.core.walls import add_trigger, immutable, unaudited
from apps.study.models import Study
from apps.subjects.models import SITE_FROM_SUBJECT, Subject
from apps.visits.models import FormRecord


class JobState(models.TextChoices):
    QUEUED = "queued", "Waiting for the worker"
    DONE = "done", "Ready"
    FAILED = "failed", "Could not be made"


class Format(models.TextChoices):
    """What a dataset can leave as."""

    XPT = "xpt", "SAS transport (XPT version 5)"
    CSV = "csv", "CSV"


class ExportJobs(models.QuerySet["ExportJob"]):
    def visible_to(self, actor: Actor) -> Self:
        """Jobs of the actor's study whose every site is one of the actor's: a wider file is not theirs to fetch."""
        return self.filter(study_id=actor.study_id, site_ids__contained_by=sorted(actor.site_ids))


class ExportJob(models.Model):
    """One request for datasets: its scope is fixed when it is asked for, its cut is a sealed position of the trail."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="exports")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    asked_by_name = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    site_ids = ArrayField(models.BigIntegerField())
    formats = ArrayField(models.CharField(max_length=10, choices=Format.choices))
    cut_block = models.BigIntegerField("sealed position of the trail")
    cut_at = models.DateTimeField("when that position was sealed")
    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField("when the file is taken away", null=True)
    rows = models.PositiveIntegerField(null=True)
    manifest = models.JSONField(null=True)
    file_name = models.CharField(max_length=200, default="")
    file_size = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, default="")
    problems = ArrayField(models.TextField(), default=list)

    objects = ExportJobs.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="export_job_state_is_known", condition=Q(state__in=JobState.values)),
            models.CheckConstraint(name="export_job_has_a_scope", condition=~Q(site_ids=[])),
            models.CheckConstraint(
                name="export_job_done_has_its_file",
                condition=~Q(state=JobState.DONE) | (~Q(sha256="") & Q(manifest__isnull=False)),
            ),
        ]
        indexes = [models.Index(name="export_jobs_of_study", fields=["study", "-asked_at"])]

    def __str__(self) -> str:
        return f"{self.study} datasets as of {self.cut_at:%Y-%m-%d %H:%M:%S} UTC"


@unaudited(because="how far the worker has got, told outside the job's own transaction; no fact of the trial")
class ExportProgress(models.Model):
    """How many subjects of a running job are read. Written on a connection of its own, so that it shows meanwhile."""

    job_id = models.BigIntegerField(primary_key=True)
    study_id = models.BigIntegerField()
    done = models.PositiveIntegerField()
    total = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.done} of {self.total} subjects of export {self.job_id}"


@immutable
class SubjectOrigin(SiteOwned):
    """The identifiers under which a brought-over subject is already known; the datasets keep giving them out."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    subject = models.OneToOneField(Subject, on_delete=models.PROTECT, related_name="origin")
    unique_id = models.CharField("USUBJID", max_length=60)
    subject_number = models.CharField("SUBJID", max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "unique_id"], name="unique_id_is_brought_over_once")]

    def __str__(self) -> str:
        return self.unique_id


@immutable
class BroughtOverRow(SiteOwned):
    """One row of a transferred dataset and the form record it went into.

    The natural key names the row whatever its place in the file, the digest its content: the same row again changes
    nothing, the same key with another content is a conflict.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="brought_over_rows", null=True)
    dataset = models.CharField(max_length=8)
    natural_key = models.CharField(max_length=300)
    digest = models.CharField(max_length=64)
    file = models.CharField(max_length=100)
    row = models.PositiveIntegerField("row of that file, from 1")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "dataset", "natural_key"], name="a_row_is_brought_over_once")
        ]

    def __str__(self) -> str:
        return f"{self.file} row {self.row}: {self.dataset} {self.natural_key}"


@immutable
class TransferredTerm(SiteOwned):
    """The dictionary's words for an event, a disease or a medicine, as they came with brought-over data."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    record = models.OneToOneField(FormRecord, on_delete=models.PROTECT, related_name="transferred_term")
    lowest_term = models.CharField(max_length=200, default="")
    preferred_term = models.CharField(max_length=200, default="")
    high_term = models.CharField(max_length=200, default="")
    high_group = models.CharField(max_length=200, default="")
    body_system = models.CharField(max_length=200, default="")
    drug_class = models.CharField(max_length=200, default="")

    def __str__(self) -> str:
        return f"transferred term of {self.record_id}"


for _model in (SubjectOrigin, BroughtOverRow, TransferredTerm):
    add_trigger(_model, "aa_site_from_subject", SITE_FROM_SUBJECT)
