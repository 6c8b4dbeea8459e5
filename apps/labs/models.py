"""Laboratories with their reference ranges, lab panels with their results, and what changed a grade afterwards."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.access.models import SiteOwned
from apps.core.measured_field import MeasuredField
from apps.core.partial_date_field import IsPossiblePartialDate, PartialDateField
from apps.core.walls import add_trigger, immutable
from apps.labs.reported import NOT_DONE
from apps.study.models import Site
from apps.subjects.models import SITE_FROM_SUBJECT, Subject
from apps.visits.models import CrfLine, CrfModel


class YesNo(models.TextChoices):
    """Yes and no as the datasets write them."""

    YES = "Y", "Yes"
    NO = "N", "No"


class Sex(models.TextChoices):
    """The sexes that reference ranges tell apart."""

    FEMALE = "F", "Female"
    MALE = "M", "Male"


class Laboratory(SiteOwned):
    """A laboratory that a site sends samples to. It keeps its results and ranges when the site stops using it."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="laboratories")
    name = models.CharField("name of the laboratory", max_length=200)
    is_in_use = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "laboratories"
        constraints = [
            models.UniqueConstraint(fields=["site", "name"], name="laboratory_name_is_unique_at_its_site"),
        ]

    def __str__(self) -> str:
        return self.name


class RangeState(models.TextChoices):
    """Where a reference range stands between the site that proposes it and the data manager who approves it."""

    PROPOSED = "proposed", "Proposed"
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"
    REPLACED = "replaced", "Replaced by a correction"


class ReferenceRange(SiteOwned):
    """A laboratory's normal range of one analyte, for a sex and an age where it tells them apart, over a time.

    The limits of a range never change: a correction is another row that names the one it replaces, so that every grade
    can say which range it was judged by. No two approved ranges hold for one sample (the database refuses it).
    """

    laboratory = models.ForeignKey(Laboratory, on_delete=models.PROTECT, related_name="ranges")
    analyte = models.CharField("test code", max_length=8)
    sex = models.CharField(max_length=1, choices=Sex.choices, null=True)
    age_from = models.PositiveSmallIntegerField("from this age, in years", null=True)
    age_to = models.PositiveSmallIntegerField("up to and including this age, in years", null=True)
    unit = models.CharField(max_length=30)
    low = MeasuredField("lower limit of normal", null=True)
    high = MeasuredField("upper limit of normal", null=True)
    effective_from = models.DateField("holds from")
    effective_to = models.DateField("holds until and including", null=True)
    state = models.CharField(max_length=10, choices=RangeState.choices, default=RangeState.PROPOSED)
    replaces = models.ForeignKey("self", on_delete=models.PROTECT, related_name="replaced_by", null=True)
    proposed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    proposer_name = models.CharField(max_length=200)
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    decider_name = models.CharField(max_length=200, default="")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=300, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(name="reference_range_state_is_known", condition=Q(state__in=RangeState.values)),
            models.CheckConstraint(name="reference_range_sex_is_known", condition=Q(sex=None) | Q(sex__in=Sex.values)),
            models.CheckConstraint(
                name="reference_range_has_a_limit", condition=Q(low__isnull=False) | Q(high__isnull=False)
            ),
            models.CheckConstraint(
                name="reference_range_ends_above_its_begin",
                condition=Q(low=None) | Q(high=None) | Q(low__lt=F("high")),
            ),
            models.CheckConstraint(
                name="reference_range_ages_are_in_order",
                condition=Q(age_from=None) | Q(age_to=None) | Q(age_from__lte=F("age_to")),
            ),
            models.CheckConstraint(
                name="reference_range_dates_are_in_order",
                condition=Q(effective_to=None) | Q(effective_from__lte=F("effective_to")),
            ),
            models.CheckConstraint(
                name="reference_range_is_not_approved_by_its_proposer",
                condition=Q(decided_by=None) | Q(proposed_by=None) | ~Q(proposed_by=F("decided_by")),
            ),
        ]
        indexes = [models.Index(name="ranges_of_analyte", fields=["laboratory", "analyte", "state"])]

    def __str__(self) -> str:
        return f"{self.laboratory} {self.analyte} {self.sex or ''} from {self.effective_from} ({self.pk})"


class Fasting(models.TextChoices):
    """Whether the subject fasted before the sample (LBFAST)."""

    YES = "Y", "Yes"
    NO = "N", "No"
    UNKNOWN = "U", "Unknown"


class LabPanel(CrfModel):
    """One sample sent to one laboratory, with the results of a panel of the protocol.

    The column is named like the field because the path of a captured value is the name of its column.
    """

    laboratory = models.ForeignKey(
        Laboratory, on_delete=models.PROTECT, related_name="panels", null=True, db_column="laboratory"
    )
    collected = PartialDateField("date and time of collection", time=True, null=True)
    fasting = models.CharField("fasting", max_length=1, choices=Fasting.choices, null=True)
    sample_id = models.CharField("sample number", max_length=40, null=True)

    class Meta:
        verbose_name = "lab panel"
        constraints = [
            models.CheckConstraint(
                name="lab_panel_collected_is_a_date",
                condition=Q(collected=None) | Q(IsPossiblePartialDate("collected")),
            ),
            models.CheckConstraint(
                name="lab_panel_fasting_is_known", condition=Q(fasting=None) | Q(fasting__in=Fasting.values)
            ),
        ]


class Flag(models.TextChoices):
    """Where a result lies against its reference range (LBNRIND)."""

    LOW = "LOW", "Low"
    NORMAL = "NORMAL", "Normal"
    HIGH = "HIGH", "High"


class RangeSource(models.TextChoices):
    """Whose range a result was judged by."""

    LABORATORY = "laboratory", "the laboratory's range"
    PROTOCOL = "protocol", "the protocol's default range"


class LabResult(CrfLine):
    """One analyte of a panel; its key is the test code (ALT).

    `reported` is what the laboratory's report says, with its `<` or words. All that is read from it is derived and
    computed anew whenever the result, its unit, laboratory, collection date, the subject's sex or a range changes.
    """

    kind = "results"
    derived = (
        "operator",
        "value",
        "standard_value",
        "standard_unit",
        "low",
        "high",
        "standard_low",
        "standard_high",
        "range_source",
        "reference_range_id",
        "flag",
        "times_uln",
        "grade",
        "grade_term",
        "grade_version",
        "also_grades",
        "question",
        "clause",
        "baseline_id",
    )

    reported = models.CharField("result", max_length=200, null=True)
    unit = models.CharField("unit", max_length=30, null=True)
    clinically_significant = models.CharField("clinically significant", max_length=1, choices=YesNo.choices, null=True)
    not_done_reason = models.CharField("why not done", max_length=200, null=True)

    operator = models.CharField(max_length=2, null=True)
    value = MeasuredField(null=True)
    standard_value = MeasuredField("value in the trial's unit", null=True)
    standard_unit = models.CharField(max_length=30, null=True)
    low = MeasuredField("lower limit of normal, in the unit of the result", null=True)
    high = MeasuredField("upper limit of normal, in the unit of the result", null=True)
    standard_low = MeasuredField("lower limit of normal, in the trial's unit", null=True)
    standard_high = MeasuredField("upper limit of normal, in the trial's unit", null=True)
    range_source = models.CharField(max_length=10, choices=RangeSource.choices, null=True)
    reference_range = models.ForeignKey(ReferenceRange, on_delete=models.PROTECT, related_name="results", null=True)
    flag = models.CharField(max_length=6, choices=Flag.choices, null=True)
    times_uln = MeasuredField("times the upper limit of normal", null=True)
    grade = models.PositiveSmallIntegerField("CTCAE grade", null=True)
    grade_term = models.CharField("CTCAE term", max_length=100, null=True)
    grade_version = models.CharField("version of CTCAE", max_length=10, null=True)
    also_grades = models.JSONField("grades that the answer to the question would make", default=list)
    question = models.CharField("what would make another grade", max_length=500, null=True)
    clause = models.CharField("the clause that decided, in words", max_length=500, null=True)
    baseline = models.ForeignKey("self", on_delete=models.PROTECT, related_name="compared", null=True)

    class Meta(CrfLine.Meta):
        verbose_name = "laboratory result"
        constraints = [
            *CrfLine.Meta.constraints,
            models.CheckConstraint(
                name="lab_result_significance_is_known",
                condition=Q(clinically_significant=None) | Q(clinically_significant__in=YesNo.values),
            ),
            models.CheckConstraint(name="lab_result_grade_is_0_to_5", condition=Q(grade=None) | Q(grade__range=(0, 5))),
            models.CheckConstraint(name="lab_result_flag_is_known", condition=Q(flag=None) | Q(flag__in=Flag.values)),
        ]
        indexes = [models.Index(name="results_of_test", fields=["site", "key"])]

    @property
    def is_not_done(self) -> bool:
        """Whether the test is declared not done."""
        return self.reported == NOT_DONE


@immutable
class GradeChange(SiteOwned):
    """A grade that changed although nobody touched the result: a corrected range, the sex, a later baseline."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="lab_grade_changes")
    result = models.ForeignKey(LabResult, on_delete=models.PROTECT, related_name="grade_changes")
    old_grade = models.PositiveSmallIntegerField(null=True)
    old_term = models.CharField(max_length=100, null=True)
    new_grade = models.PositiveSmallIntegerField(null=True)
    new_term = models.CharField(max_length=100, null=True)
    why = models.CharField(max_length=300)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="grade_changes_of_subject", fields=["subject", "at"])]

    def __str__(self) -> str:
        return f"{self.result.key} of {self.subject}: grade {self.old_grade} became {self.new_grade} ({self.pk})"


add_trigger(GradeChange, "aa_site_from_subject", SITE_FROM_SUBJECT)
add_trigger(
    ReferenceRange,
    "aa_site_from_laboratory",
    "before insert on {table} for each row execute function site_from_laboratory()",
)
add_trigger(
    ReferenceRange,
    "ba_no_overlap",
    "before insert or update on {table} for each row execute function refuse_overlapping_range()",
)
