"""Subject, its status timeline, and the consents that gates ask for."""

from django.db import models
from django.db.models import Q

from apps.access.models import SiteOwned
from apps.core.partial_date_field import IsPossiblePartialDate, PartialDateField
from apps.core.walls import add_trigger, deletable, immutable, owned_by_triggers, unaudited
from apps.study.models import ProtocolVersion, Site, Study


class Status(models.TextChoices):
    """Where a subject stands in the trial."""

    SCREENING = "screening", "In screening"
    ELIGIBLE = "eligible", "Eligible"
    SCREEN_FAILED = "screen_failed", "Screen failure"
    ENROLLED = "enrolled", "Enrolled"
    ON_TREATMENT = "on_treatment", "On treatment"
    FOLLOW_UP = "follow_up", "In follow-up"
    COMPLETED = "completed", "Completed"
    WITHDRAWN = "withdrawn", "Withdrawn"
    DIED = "died", "Died"


class Subject(SiteOwned):
    """One person in one study, known here by number only.

    Part, cohort and dose level are projections that `enrollment` writes, so that every page can say where a subject is.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="subjects")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="subjects")
    number = models.CharField("subject ID", max_length=40)
    screening_number = models.CharField(max_length=40)
    enrolment_number = models.CharField(max_length=40, null=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.SCREENING)
    protocol_version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="subjects")
    part = models.CharField("part of the trial", max_length=20, null=True)
    cohort = models.CharField("cohort code", max_length=20, null=True)
    dose_level = models.SmallIntegerField(null=True)
    entered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="subject_number_is_unique_in_its_study"),
            models.UniqueConstraint(fields=["study", "screening_number"], name="screening_number_is_never_used_again"),
            models.CheckConstraint(name="subject_status_is_known", condition=Q(status__in=Status.values)),
        ]
        indexes = [models.Index(name="subject_listing", fields=["site", "number"])]

    def __str__(self) -> str:
        return self.number


@immutable
class StatusChange(SiteOwned):
    """One step of a subject's way through the trial, with when it happened there."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="status_changes")
    status = models.CharField(max_length=20, choices=Status.choices)
    at = models.DateTimeField()
    why = models.CharField(max_length=500, default="")

    class Meta:
        indexes = [models.Index(name="status_timeline", fields=["subject", "at"])]

    def __str__(self) -> str:
        return f"{self.subject} {self.get_status_display()} {self.at:%d-%b-%Y}"


@deletable(because="a projection of the pages: a moment that did not happen after all goes, the trail keeps it")
class Anchor(SiteOwned):
    """A named moment of a subject that visits and windows hang on: consent, first dose, infusion.

    The floors that know of the moment write it (dosing the first dose); the calendar only reads it.
    """

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="anchors")
    name = models.CharField(max_length=40)
    moment = PartialDateField(time=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "name"], name="anchor_is_one_moment_per_subject"),
            models.CheckConstraint(name="anchor_moment_is_a_date", condition=Q(IsPossiblePartialDate("moment"))),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.name} {self.moment}"


class ConsentGate(SiteOwned):
    """Consent as gates see it: for which purpose, under which version, since when, withdrawn when.

    The consent *page* is a form record in `screening`, which projects each completed page into this table.
    """

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="consents")
    purpose = models.CharField(max_length=40)
    version = models.CharField(max_length=40)
    given = PartialDateField(time=True)
    withdrawn = PartialDateField(time=True, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "purpose", "version"], name="consent_version_is_given_once"),
            models.CheckConstraint(name="consent_given_is_a_date", condition=Q(IsPossiblePartialDate("given"))),
        ]

    def __str__(self) -> str:
        return f"{self.subject} consent to {self.purpose}, version {self.version}"


@owned_by_triggers
@unaudited(because="a counter; the numbers it gave out are on the subjects")
class ScreeningSequence(models.Model):
    """The last screening sequence that a site allotted."""

    site = models.OneToOneField(Site, on_delete=models.PROTECT, primary_key=True, related_name="+")
    last_allotted = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"screening sequence of {self.site}"


SITE_FROM_SUBJECT = "before insert on {table} for each row execute function site_from_subject()"
for _model in (StatusChange, Anchor, ConsentGate):
    add_trigger(_model, "aa_site_from_subject", SITE_FROM_SUBJECT)
