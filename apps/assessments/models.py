"""Vital signs."""

from django.db import models

from apps.core.measured_field import MeasuredField
from apps.core.partial_date_field import PartialDateField
from apps.visits.models import CrfLine, CrfModel


class VitalSigns(CrfModel):
    """Vital signs taken at one time."""

    taken = PartialDateField("date and time taken", time=True, null=True)

    class Meta:
        verbose_name = "vital signs"
        verbose_name_plural = "vital signs"


class VitalResult(CrfLine):
    """One vital sign; its key is the test code (SYSBP), with the time point's number where there are several (SYSBP.2)."""

    kind = "results"

    value = MeasuredField("result", null=True)
    unit = models.CharField("unit", max_length=20, null=True)

    class Meta(CrfLine.Meta):
        verbose_name = "vital sign"
