"""Administrations of the trial's products, and the cell product from apheresis to release."""

from django.db import models

from apps.assessments.constraints import is_a_date, not_negative, one_of
from apps.assessments.models import YesNo
from apps.core.measured_field import MeasuredField
from apps.core.partial_date_field import PartialDateField
from apps.visits.models import CrfLine, CrfModel


class Modification(models.TextChoices):
    """What was different from the plan."""

    NONE = "NONE", "None"
    DELAYED = "DELAYED", "Delayed"
    REDUCED = "REDUCED", "Reduced"
    OMITTED = "OMITTED", "Omitted"
    INTERRUPTED = "INTERRUPTED", "Interrupted"


class ModificationReason(models.TextChoices):
    """Why a dose was not as planned; the first is the word that DLT criteria on missed doses ask for."""

    RELATED_TOXICITY = "RELATED TOXICITY", "Toxicity related to study treatment"
    ADVERSE_EVENT = "ADVERSE EVENT", "Adverse event, not related"
    DISEASE = "DISEASE", "Disease"
    SUBJECT_DECISION = "SUBJECT DECISION", "Decision of the subject"
    LOGISTICS = "LOGISTICS", "Scheduling, supply or preparation"
    DOSING_ERROR = "DOSING ERROR", "Dosing error"
    OTHER = "OTHER", "Other"


class Step(models.TextChoices):
    """Where a dose stands on the way to the level's target; fixed where no target is meant."""

    PRIMING = "priming", "Priming dose"
    INTERMEDIATE = "intermediate", "Intermediate dose"
    FULL = "full", "Full dose"
    FIXED = "fixed", "Fixed dose"


class Administration(CrfModel):
    """One dose of one product at a visit: what was planned, and what was given.

    One record is one dose. Where a visit has several of a product (interleukin-2 twice a day for five days), the
    protocol's form repeats and each dose is a repeat of it. The planned columns are the system's: from the subject's
    dose level and the visit, kept as they were when the page was first completed.
    """

    was_given = models.CharField("dose given", max_length=1, choices=YesNo.choices, null=True)
    dose = MeasuredField("actual dose", null=True)
    unit = models.CharField("unit", max_length=20, null=True)
    started = PartialDateField("start", time=True, null=True)
    ended = PartialDateField("end", time=True, null=True)
    modification = models.CharField("modification", max_length=12, choices=Modification.choices, null=True)
    modification_reason = models.CharField(
        "reason for the modification", max_length=20, choices=ModificationReason.choices, null=True
    )
    modification_detail = models.CharField("reason in words", max_length=200, null=True)
    lot = models.CharField("lot", max_length=60, null=True)
    route = models.CharField("route", max_length=40, null=True)
    volume = MeasuredField("volume", null=True)
    product = models.CharField(max_length=40, default="")
    step = models.CharField(max_length=12, choices=Step.choices, null=True)
    planned_on = models.DateField(null=True)
    planned_dose = MeasuredField("planned dose", null=True)
    planned_from = MeasuredField("planned dose, lower end of the range", null=True)
    planned_to = MeasuredField("planned dose, upper end of the range", null=True)
    planned_unit = models.CharField(max_length=20, null=True)
    planned_level = models.SmallIntegerField("dose level of the plan", null=True)
    level_received = models.SmallIntegerField("dose level reached by the dose", null=True)

    derived = (
        "product",
        "step",
        "planned_on",
        "planned_dose",
        "planned_from",
        "planned_to",
        "planned_unit",
        "planned_level",
        "level_received",
    )

    class Meta:
        verbose_name = "administration"
        constraints = [
            one_of("administration", "was_given", YesNo),
            not_negative("administration", "dose"),
            is_a_date("administration", "started"),
            is_a_date("administration", "ended"),
            one_of("administration", "modification", Modification),
            one_of("administration", "modification_reason", ModificationReason),
            not_negative("administration", "volume"),
            one_of("administration", "step", Step),
        ]
        indexes = [models.Index(name="doses_by_time", fields=["product", "started_earliest"])]


class Manufacture(models.TextChoices):
    """Where a cell product stands."""

    IN_MANUFACTURE = "IN MANUFACTURE", "In manufacture"
    FAILED = "FAILED", "Manufacture failed"
    RERUN = "RERUN", "Manufactured again"
    RELEASED = "RELEASED", "Released"
    RELEASED_OUT_OF_SPECIFICATION = "RELEASED OUT OF SPECIFICATION", "Out of specification, release documented"


class CellProduct(CrfModel):
    """An autologous cell product: apheresis, manufacture, chain of identity, and how many cells it holds.

    Its infusion is an Administration; here stands what is infused. The level is the one that the cells reach per square
    metre of a dated body surface, not the one it was made for.
    """

    apheresis = PartialDateField("leukapheresis", time=True, null=True)
    apheresis_number = models.CharField("apheresis number (chain of identity)", max_length=60, null=True)
    manufacture = models.CharField("manufacture", max_length=30, choices=Manufacture.choices, null=True)
    manufacture_on = PartialDateField("since", null=True)
    out_of_specification = models.CharField("what is out of specification", max_length=300, null=True)
    release_document = models.CharField("document of the release", max_length=100, null=True)
    lot = models.CharField("lot", max_length=60, null=True)
    transduced_cells = MeasuredField("transduced cells", null=True)
    body_surface = MeasuredField("body surface area", null=True)
    body_surface_on = PartialDateField("body surface area measured on", null=True)
    product = models.CharField(max_length=40, default="")
    cells_per_m2 = MeasuredField("transduced cells per m²", null=True)
    level_reached = models.SmallIntegerField("dose level reached", null=True)

    derived = ("product", "cells_per_m2", "level_reached")

    class Meta:
        verbose_name = "cell product"
        constraints = [
            is_a_date("cell_product", "apheresis"),
            one_of("cell_product", "manufacture", Manufacture),
            is_a_date("cell_product", "manufacture_on"),
            not_negative("cell_product", "transduced_cells"),
            not_negative("cell_product", "body_surface"),
            is_a_date("cell_product", "body_surface_on"),
        ]


class ProductBag(CrfLine):
    """One bag of a cell product, from its label to the bedside."""

    kind = "bags"

    bag = models.CharField("bag", max_length=60, null=True)
    expires = PartialDateField("expiry", null=True)
    thawed = PartialDateField("thawed", time=True, null=True)
    volume = MeasuredField("volume", null=True)

    class Meta(CrfLine.Meta):
        verbose_name = "bag"
        constraints = [
            *CrfLine.Meta.constraints,
            is_a_date("bag", "expires"),
            is_a_date("bag", "thawed"),
            not_negative("bag", "volume"),
        ]
