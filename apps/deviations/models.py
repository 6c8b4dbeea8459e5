"""Protocol deviations."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.access.models import SiteOwned
from apps.core.partial_date_field import IsPossiblePartialDate, PartialDateField
from apps.core.walls import add_trigger
from apps.study.models import Study
from apps.subjects.models import SITE_FROM_SUBJECT, Subject
from apps.visits.models import FormRecord


class State(models.TextChoices):
    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"
    CORRECTED = "corrected", "Withdrawn: the fact was corrected"


class Origin(models.TextChoices):
    """Who saw it. What the sponsor's side sees is its own assessment and changes no clinical value."""

    SYSTEM = "system", "System"
    SITE = "site", "Site"
    SPONSOR = "sponsor", "Sponsor's side"


class Deviation(SiteOwned):
    """Something that differed from the protocol. One fact has one row, known by its key."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+", editable=False)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="deviations")
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="deviations", null=True)
    category = models.CharField("category code of the protocol", max_length=40)
    term = models.CharField("what differed", max_length=500)
    is_important = models.BooleanField("important", default=False)
    cause = models.CharField(max_length=1000, default="")
    action_taken = models.CharField(max_length=1000, default="")
    occurred = PartialDateField("when it happened", time=True, null=True)
    origin = models.CharField(max_length=10, choices=Origin.choices)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    opened_by_name = models.CharField(max_length=200)
    opened_at = models.DateTimeField()
    key = models.CharField("the fact it follows from", max_length=200, null=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    closed_by_name = models.CharField(max_length=200, default="")
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "key"], name="deviation_of_a_fact_is_one"),
            models.CheckConstraint(name="deviation_state_is_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="deviation_origin_is_known", condition=Q(origin__in=Origin.values)),
            models.CheckConstraint(
                name="deviation_of_the_system_has_a_key", condition=~Q(origin=Origin.SYSTEM) | Q(key__isnull=False)
            ),
            models.CheckConstraint(
                name="deviation_occurred_is_a_date",
                condition=Q(occurred=None) | Q(IsPossiblePartialDate("occurred")),
            ),
        ]
        indexes = [models.Index(name="deviations_listing", fields=["site", "state", "-id"])]

    def __str__(self) -> str:
        return f"{self.subject} {self.category}: {self.term}"

    @property
    def title(self) -> str:
        """The category in the protocol's words."""
        listed = self.subject.protocol_version.definition.deviations
        return next((each.title for each in listed if each.code == self.category), self.category)


add_trigger(Deviation, "aa_site_from_subject", SITE_FROM_SUBJECT)
add_trigger(
    Deviation, "ab_study_from_subject", "before insert on {table} for each row execute function study_from_subject()"
)
