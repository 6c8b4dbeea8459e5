"""Alerts: each safety signal once, what became of it, and who was told."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.actor import Actor
from apps.core.walls import immutable
from apps.study.models import Site, Study
from apps.subjects.models import Subject
from apps.visits.models import FormRecord
from clinical.signals.signal import Severity


class State(models.TextChoices):
    """What people have done about an alert."""

    NEW = "new", "New"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    CLOSED = "closed", "Closed"


class Hold(models.TextChoices):
    """Whether the facts behind an alert still hold."""

    STANDS = "stands", "Stands"
    SUPERSEDED = "superseded", "Gave way to a later warning"
    RETRACTED = "retracted", "Retracted: the facts no longer hold"


class Outcome(models.TextChoices):
    """What looking into an alert came to."""

    ACTION_TAKEN = "action_taken", "Confirmed, action taken"
    NO_ACTION = "no_action", "Confirmed, no action needed"
    NOT_A_CONCERN = "not_a_concern", "Reviewed, no safety concern"
    DATA_CORRECTED = "data_corrected", "The data were wrong and are corrected"


class AlertQuerySet(models.QuerySet["Alert"]):
    def visible_to(self, actor: Actor) -> Self:
        """Alerts of the actor's sites; those on the whole study only for people who work study-wide."""
        mine = Q(site_id__in=actor.site_ids)
        if actor.is_system or any(grant.site_id is None for grant in actor.grants):
            mine |= Q(site=None)
        return self.filter(mine, study_id=actor.study_id)


class Alert(models.Model):
    """One safety signal: a rule, what it is about, and the crossing. It exists once, however often the rule fires.

    What the rule says now stands here; how it came to it, and what people did, is the history in `AlertEvent`.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="alerts")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", null=True)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="alerts", null=True)
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="alerts", null=True)
    rule = models.CharField(max_length=40)
    rule_version = models.CharField(max_length=10)
    scope = models.CharField("what it is about", max_length=400)
    crossing = models.CharField("what was crossed", max_length=200)
    key = models.CharField(max_length=700)
    fingerprint = models.CharField("digest of what it says", max_length=64)
    severity = models.PositiveSmallIntegerField(choices=[(each.value, each.name.capitalize()) for each in Severity])
    extent = models.IntegerField(default=0)
    sentence = models.TextField()
    facts = models.JSONField("label, value and date of each fact, in words", default=list)
    recipients = models.JSONField("trial roles the rule addresses, in words", default=list)
    effect = models.CharField("what the system does besides telling people", max_length=200)
    state = models.CharField(max_length=15, choices=State.choices, default=State.NEW)
    hold = models.CharField("whether the facts still hold", max_length=15, choices=Hold.choices, default=Hold.STANDS)
    outcome = models.CharField(max_length=20, choices=Outcome.choices, default="")
    raised_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    retracted_at = models.DateTimeField("when its facts ceased to hold", null=True)

    objects: Any = AlertQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="alert_signal_exists_once", fields=["study", "key"]),
            models.CheckConstraint(name="alert_state_is_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(
                name="alert_retracted_has_its_moment",
                condition=Q(hold=Hold.STANDS, retracted_at=None)
                | Q(hold__in=[Hold.SUPERSEDED, Hold.RETRACTED], retracted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="alert_closed_has_an_outcome",
                condition=Q(state=State.CLOSED, outcome__in=Outcome.values) | (~Q(state=State.CLOSED) & Q(outcome="")),
            ),
            models.CheckConstraint(
                name="alert_on_a_subject_belongs_to_its_site", condition=Q(subject=None) | Q(site__isnull=False)
            ),
        ]
        indexes = [
            models.Index(name="alerts_by_urgency", fields=["study", "state", "-severity", "-updated_at"]),
            models.Index(name="alerts_to_reconcile", fields=["subject", "rule"]),
        ]

    def __str__(self) -> str:
        return f"{self.rule} {self.scope}"


class EventKind(models.TextChoices):
    """One step in the life of an alert. The first five are the system's, the last two people's."""

    RAISED = "raised", "Raised"
    UPDATED = "updated", "Updated"
    REOPENED = "reopened", "Reopened"
    SUPERSEDED = "superseded", "Gave way to a later warning"
    RETRACTED = "retracted", "Retracted"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    CLOSED = "closed", "Closed"


@immutable
class AlertEvent(models.Model):
    """What happened to an alert, with what it said at that moment and, for people's acts, their note."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", null=True)
    alert = models.ForeignKey(Alert, on_delete=models.PROTECT, related_name="history")
    kind = models.CharField(max_length=15, choices=EventKind.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    by_name = models.CharField(max_length=200)
    note = models.CharField(max_length=1000, default="")
    outcome = models.CharField(max_length=20, choices=Outcome.choices, default="")
    rule_version = models.CharField(max_length=10)
    severity = models.PositiveSmallIntegerField(choices=[(each.value, each.name.capitalize()) for each in Severity])
    sentence = models.TextField()
    facts = models.JSONField(default=list)
    fingerprint = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.CheckConstraint(name="alert_event_kind_is_known", condition=Q(kind__in=EventKind.values)),
            models.CheckConstraint(
                name="alert_acknowledged_by_a_person_with_a_note",
                condition=~Q(kind=EventKind.ACKNOWLEDGED) | (Q(by__isnull=False) & ~Q(note="")),
            ),
        ]
        indexes = [models.Index(name="alert_history", fields=["alert", "id"])]

    def __str__(self) -> str:
        return f"{self.alert} {self.get_kind_display()} {self.at:%d-%b-%Y %H:%M}"


class Notice(models.Model):
    """A mail owed to one person because an alert was raised or reopened; sent at least once, under one Message-ID."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", null=True)
    event = models.ForeignKey(AlertEvent, on_delete=models.PROTECT, related_name="notices")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    person_name = models.CharField(max_length=200)
    message_id = models.CharField("Message-ID", max_length=200)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="alert_notice_is_owed_once", fields=["event", "person"])]

    def __str__(self) -> str:
        return f"notice to {self.person_name}: {self.event}"
