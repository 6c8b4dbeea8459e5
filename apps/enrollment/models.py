"""Cohorts and their places, slots of subjects, eligibility signatures, releases."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.access.models import SiteOwned
from apps.core.partial_date_field import PartialDateField
from apps.core.walls import add_trigger, immutable, owned_by_triggers, unaudited
from apps.screening.models import ScreeningEpisode
from apps.study.models import Study
from apps.subjects.models import SITE_FROM_SUBJECT, Subject
from apps.visits.models import FormRecord


class CohortState(models.TextChoices):
    """Where a cohort stands."""

    PLANNED = "planned", "Planned"
    OPEN = "open", "Open"
    FULL = "full", "Full"
    OBSERVING = "observing", "Observing"
    UNDER_REVIEW = "under_review", "Under review"
    CLEARED = "cleared", "Cleared"
    EXPANDED = "expanded", "Expanded"
    PAUSED = "paused", "Paused"
    CLOSED_TOXICITY = "closed_toxicity", "Closed for toxicity"
    CLOSED_OTHER = "closed_other", "Closed"


class Cohort(models.Model):
    """A group of subjects treated at one dose level, and how many places it has now.

    `capacity` is what may be enrolled now (the first group, until the design asks for more), `largest_capacity` what
    the protocol allows once expanded. `taken` and `backfill_taken` are counted by trigger from the slots, whoever
    writes them, so that the database itself keeps the capacity.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="cohorts")
    code = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    part = models.CharField(max_length=20)
    dose_level = models.SmallIntegerField(null=True)
    arm = models.CharField(max_length=40, null=True)
    position = models.PositiveSmallIntegerField("place in the protocol's list")
    state = models.CharField(max_length=20, choices=CohortState.choices, default=CohortState.PLANNED)
    capacity = models.PositiveIntegerField()
    largest_capacity = models.PositiveIntegerField()
    backfill_capacity = models.PositiveIntegerField(default=0)
    taken = models.PositiveIntegerField(default=0)
    backfill_taken = models.PositiveIntegerField(default=0)
    hold_reason = models.CharField("why no place is given now", max_length=500, default="")
    opened_at = models.DateTimeField(null=True)
    state_since = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "code"], name="cohort_code_is_unique_in_its_study"),
            models.CheckConstraint(name="cohort_state_is_known", condition=Q(state__in=CohortState.values)),
            models.CheckConstraint(
                name="cohort_holds_no_more_than_its_capacity", condition=Q(taken__lte=F("capacity"))
            ),
            models.CheckConstraint(
                name="backfill_holds_no_more_than_its_capacity",
                condition=Q(backfill_taken__lte=F("backfill_capacity")),
            ),
            models.CheckConstraint(
                name="cohort_grows_no_further_than_the_protocol", condition=Q(capacity__lte=F("largest_capacity"))
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def free(self) -> int:
        return self.capacity - self.taken

    @property
    def backfill_free(self) -> int:
        return self.backfill_capacity - self.backfill_taken


@immutable
class CohortChange(models.Model):
    """One step in a cohort's life: opened, full, held, closed, and why."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="changes")
    state = models.CharField(max_length=20, choices=CohortState.choices)
    capacity = models.PositiveIntegerField()
    why = models.CharField(max_length=500, default="")
    by = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="cohort_timeline", fields=["cohort", "at"])]

    def __str__(self) -> str:
        return f"{self.cohort} {self.get_state_display()} {self.at:%d-%b-%Y}"


@immutable
class EligibilitySignature(SiteOwned):
    """An investigator's signature under the criteria of a gate, with the answers as they stood.

    It holds as long as the page still says what was signed; after a correction the gate is signed again.
    """

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="eligibility_signatures")
    episode = models.ForeignKey(ScreeningEpisode, on_delete=models.PROTECT, related_name="signatures")
    gate = models.CharField(max_length=40)
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="+", null=True)
    answers = models.JSONField("answer, comment and what the data said, by criterion")
    batch = models.UUIDField("the proof of the password it was given with", unique=True)
    meaning = models.CharField(max_length=300)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signer_name = models.CharField(max_length=200)
    signed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="signatures_of_subject", fields=["subject", "gate"])]

    def __str__(self) -> str:
        return f"{self.subject} {self.gate} signed by {self.signer_name}"


class SlotState(models.TextChoices):
    """Where a subject's place stands."""

    REQUESTED = "requested", "On the waiting list"
    RESERVED = "reserved", "Reserved"
    CONFIRMED = "confirmed", "Confirmed"
    DOSED = "dosed", "Dosed"
    EXPIRED = "expired", "Expired"
    RELEASED = "released", "Given back"
    SCREEN_FAILED = "screen_failed", "Screen failure"


HOLDS_A_PLACE = (SlotState.RESERVED, SlotState.CONFIRMED, SlotState.DOSED)
STANDING = (SlotState.REQUESTED, *HOLDS_A_PLACE)


class Slot(SiteOwned):
    """A subject's place in a cohort, from asking for it to the first dose."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="slots")
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="slots")
    is_backfill = models.BooleanField(default=False)
    state = models.CharField(max_length=20, choices=SlotState.choices)
    planned_first_dose = PartialDateField("planned first dose", time=True, null=True)
    requested_at = models.DateTimeField()
    reserved_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    dosed_at = models.DateTimeField("first dose", null=True)
    ended_at = models.DateTimeField(null=True)
    why_ended = models.CharField(max_length=500, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(name="slot_state_is_known", condition=Q(state__in=SlotState.values)),
            models.UniqueConstraint(
                name="subject_has_one_standing_slot",
                fields=["subject"],
                condition=Q(state__in=[str(s) for s in STANDING]),
            ),
            models.CheckConstraint(
                name="slot_dosed_has_its_moment", condition=~Q(state="dosed") | Q(dosed_at__isnull=False)
            ),
        ]
        indexes = [
            models.Index(name="slots_of_cohort", fields=["cohort", "state"]),
            models.Index(name="slots_that_expire", fields=["expires_at"], condition=Q(state__in=["reserved"])),
        ]

    def __str__(self) -> str:
        return f"{self.subject} in {self.cohort}: {self.get_state_display()}"


@immutable
class SlotRelease(SiteOwned):
    """The medical monitor's release of a slot for dosing, or its refusal. The sponsor's own assessment."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    slot = models.ForeignKey(Slot, on_delete=models.PROTECT, related_name="releases")
    is_released = models.BooleanField()
    earliest_permitted = models.DateTimeField("earliest permitted first dose then", null=True)
    override_reason = models.CharField("why before that time", max_length=500, default="")
    comment = models.CharField(max_length=500, default="")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decider_name = models.CharField(max_length=200)
    decided_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{'release' if self.is_released else 'refusal'} of {self.slot} by {self.decider_name}"


@owned_by_triggers
@unaudited(because="a counter; the numbers it gave out are on the subjects")
class EnrolmentSequence(models.Model):
    """The last enrolment sequence that the study allotted."""

    study = models.OneToOneField(Study, on_delete=models.PROTECT, primary_key=True, related_name="+")
    last_allotted = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"enrolment sequence of {self.study}"


for _model in (EligibilitySignature, Slot, SlotRelease):
    add_trigger(_model, "aa_site_from_subject", SITE_FROM_SUBJECT)
add_trigger(
    Slot, "ba_count_places", "after insert or update on {table} for each row execute function count_cohort_places()"
)
add_trigger(
    Cohort, "aa_places_as_counted", "before update on {table} for each row execute function cohort_places_as_counted()"
)
