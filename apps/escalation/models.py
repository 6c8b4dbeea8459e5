"""What the dose-escalation committee decided, with what it saw."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.walls import immutable
from apps.enrollment.models import Cohort
from apps.study.models import ProtocolVersion, Study


class DecisionKind(models.TextChoices):
    """What a committee decides on a cohort."""

    ESCALATE = "escalate", "Escalate"
    EXPAND = "expand", "Expand"
    STAY = "stay", "Stay"
    DE_ESCALATE = "de-escalate", "De-escalate"
    STOP = "stop", "Stop"


@immutable
class CommitteeDecision(models.Model):
    """One signed decision: what, why, by whom, and the advice and counts that were shown at that moment.

    It never changes. A later decision on the same cohort stands beside it; `shown` keeps the counts per dose level.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="committee_decisions")
    protocol_version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    part = models.CharField("part of the trial", max_length=20)
    cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="committee_decisions")
    dose_level = models.SmallIntegerField("dose level judged")
    kind = models.CharField(max_length=20, choices=DecisionKind.choices)
    next_cohort = models.ForeignKey(Cohort, on_delete=models.PROTECT, related_name="+", null=True)
    next_level = models.SmallIntegerField("dose level of the next subjects", null=True)
    rationale = models.TextField()
    attendees = models.JSONField("who took part: name and role in the committee", default=list)
    design = models.CharField("design that advised", max_length=40)
    parameters = models.JSONField("its parameters", default=dict)
    advice = models.CharField("the advice in short", max_length=60)
    advice_reason = models.TextField("the advice in words")
    follows_advice = models.BooleanField()
    shown = models.JSONField("counts per dose level as they were shown", default=list)
    eliminated = models.JSONField("dose levels ruled out from here on", default=list)
    data_cut_at = models.DateTimeField()
    decided_at = models.DateTimeField()
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signer_name = models.CharField(max_length=200)
    signer_role = models.CharField(max_length=200)
    meaning = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.CheckConstraint(name="committee_decision_is_known", condition=Q(kind__in=DecisionKind.values)),
            models.CheckConstraint(name="committee_decision_has_its_rationale", condition=~Q(rationale="")),
            models.CheckConstraint(
                name="committee_decision_cut_is_not_later", condition=Q(data_cut_at__lte=models.F("decided_at"))
            ),
        ]
        indexes = [models.Index(name="committee_decisions_of_study", fields=["study", "decided_at"])]

    def __str__(self) -> str:
        return f"{self.study} {self.cohort.code} {self.get_kind_display()} {self.decided_at:%d-%b-%Y %H:%M}"
