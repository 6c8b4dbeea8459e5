"""Lesions, tumor assessments with what was seen of each lesion, and the responses the system derives from them."""

from django.db import models
from django.db.models import Q

from apps.access.models import SiteOwned
from apps.core.measured_field import MeasuredField
from apps.core.partial_date_field import IsPossiblePartialDate, PartialDateField
from apps.core.walls import add_trigger, immutable
from apps.subjects.models import SITE_FROM_SUBJECT, Subject
from apps.tumor.terms import Location, Method
from apps.visits.models import CrfLine, CrfModel, FormRecord


class YesNo(models.TextChoices):
    """Yes and no as the datasets write them."""

    YES = "Y", "Yes"
    NO = "N", "No"


class Kind(models.TextChoices):
    """What a lesion was chosen as when it was first identified (TUSTRESC); it never changes."""

    TARGET = "TARGET", "Target"
    NON_TARGET = "NON-TARGET", "Non-target"
    NEW = "NEW", "New lesion"


class Laterality(models.TextChoices):
    """The side of a paired organ (TULAT)."""

    LEFT = "LEFT", "Left"
    RIGHT = "RIGHT", "Right"
    BILATERAL = "BILATERAL", "Both sides"


class Lesion(CrfModel):
    """One lesion that an evaluator follows.

    The name (T1, NT2, N1; T1.1 for a part that broke off T1) is allotted once and never changes or is used again, so
    that a diameter can never come to stand for another lesion.
    """

    derived = ("subject_id", "lesion_id", "parent_id")

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="lesions", null=True, editable=False)
    lesion_id = models.CharField("lesion", max_length=20, null=True, editable=False)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, related_name="parts", null=True, editable=False)
    evaluator = models.CharField("evaluator", max_length=40, null=True)
    kind = models.CharField("kind of lesion", max_length=10, choices=Kind.choices, null=True)
    location = models.CharField("organ or region", max_length=60, choices=Location.choices, null=True)
    laterality = models.CharField("side", max_length=10, choices=Laterality.choices, null=True)
    location_detail = models.CharField("where exactly", max_length=200, null=True)
    node = models.CharField("lymph node", max_length=1, choices=YesNo.choices, null=True)
    method = models.CharField("method", max_length=60, choices=Method.choices, null=True)
    slice_mm = MeasuredField("slice thickness, mm", null=True)
    identified = PartialDateField("date of the scan that first showed it", null=True)
    identified_at = models.CharField("identified at visit", max_length=20, null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "evaluator", "lesion_id"], name="lesion_name_is_used_once"),
            models.CheckConstraint(name="lesion_kind_is_known", condition=Q(kind=None) | Q(kind__in=Kind.values)),
            models.CheckConstraint(
                name="lesion_laterality_is_known", condition=Q(laterality=None) | Q(laterality__in=Laterality.values)
            ),
            models.CheckConstraint(name="lesion_node_is_yes_or_no", condition=Q(node=None) | Q(node__in=YesNo.values)),
            models.CheckConstraint(
                name="lesion_identified_is_a_date",
                condition=Q(identified=None) | Q(IsPossiblePartialDate("identified")),
            ),
        ]

    def __str__(self) -> str:
        return f"lesion {self.lesion_id or 'not named yet'} ({self.record_id})"

    @property
    def is_node(self) -> bool:
        return self.node == YesNo.YES


class Response(models.TextChoices):
    """A response as the investigator states it (RSSTRESC, codelist ONCRSR)."""

    CR = "CR", "Complete response (CR)"
    PR = "PR", "Partial response (PR)"
    SD = "SD", "Stable disease (SD)"
    NON_CR_NON_PD = "NON-CR/NON-PD", "Neither CR nor PD"
    PD = "PD", "Progressive disease (PD)"
    NE = "NE", "Not evaluable (NE)"
    NONE = "NONE", "No such lesion"


class NewLesions(models.TextChoices):
    """Whether a lesion that was not there at baseline is seen (NEWLPROG)."""

    YES = "Y", "Yes"
    NO = "N", "No"
    EQUIVOCAL = "EQUIVOCAL", "Equivocal"


class TumorAssessment(CrfModel):
    """One assessment of all lesions by one evaluator, with the responses that the evaluator states."""

    evaluator = models.CharField("evaluator", max_length=40, null=True)
    scanned = PartialDateField("date of the scan", null=True)
    method = models.CharField("method", max_length=60, choices=Method.choices, null=True)
    target_response = models.CharField("target lesions", max_length=20, choices=Response.choices, null=True)
    non_target_response = models.CharField("non-target lesions", max_length=20, choices=Response.choices, null=True)
    new_lesions = models.CharField("new lesions", max_length=20, choices=NewLesions.choices, null=True)
    overall_response = models.CharField("overall response", max_length=20, choices=Response.choices, null=True)
    why_different = models.CharField("why the assessment differs from the system's", max_length=500, null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="tumor_assessment_scanned_is_a_date",
                condition=Q(scanned=None) | Q(IsPossiblePartialDate("scanned")),
            ),
            models.CheckConstraint(
                name="tumor_assessment_responses_are_known",
                condition=Q(overall_response=None) | Q(overall_response__in=Response.values),
            ),
        ]


class LesionState(models.TextChoices):
    """What one assessment says about one lesion beside a diameter (TUMSTATE)."""

    PRESENT = "PRESENT", "Present"
    ABSENT = "ABSENT", "Absent"
    TOO_SMALL = "TOO SMALL TO MEASURE", "Too small to measure"
    MERGED = "TUMOR MERGED", "Merged into another lesion"
    EQUIVOCAL = "EQUIVOCAL", "Equivocal"
    INCREASED = "INCREASED", "Larger, not unequivocally"
    PROGRESSED = "UNEQUIVOCAL", "Unequivocal progression"
    PROGRESSED_FURTHER = "FURTHER UNEQUIVOCAL INCREASE", "Unequivocal progression, larger still"
    NOT_EVALUABLE = "NOT EVALUABLE", "Not evaluable"
    NOT_DONE = "NOT DONE", "Not done"


class LesionMeasurement(CrfLine):
    """What an assessment says about one lesion; its key is the lesion's name (T1).

    Longest diameter and short axis are measures of their own and all are kept. `diameter_mm` is for evaluators who
    report one diameter and not which; where it stands it is the one that counts.
    """

    kind = "lesions"
    derived = ("lesion_id", "lesion_kind", "lesion_is_node")

    lesion = models.ForeignKey(Lesion, on_delete=models.PROTECT, related_name="measurements", null=True, editable=False)
    lesion_kind = models.CharField(max_length=10, choices=Kind.choices, null=True, editable=False)
    lesion_is_node = models.BooleanField(default=False, editable=False)
    longest_mm = MeasuredField("longest diameter, mm", null=True)
    short_axis_mm = MeasuredField("short axis, mm", null=True)
    diameter_mm = MeasuredField("diameter, mm", null=True)
    state = models.CharField("state", max_length=30, choices=LesionState.choices, null=True)
    reason = models.CharField("why not measured", max_length=200, null=True)

    class Meta(CrfLine.Meta):
        verbose_name = "lesion measurement"
        constraints = [
            *CrfLine.Meta.constraints,
            models.CheckConstraint(
                name="lesion_measurement_state_is_known", condition=Q(state=None) | Q(state__in=LesionState.values)
            ),
            models.CheckConstraint(
                name="lesion_measurement_longest_is_not_negative", condition=Q(longest_mm=None) | Q(longest_mm__gte=0)
            ),
            models.CheckConstraint(
                name="lesion_measurement_short_axis_is_not_negative",
                condition=Q(short_axis_mm=None) | Q(short_axis_mm__gte=0),
            ),
            models.CheckConstraint(
                name="lesion_measurement_diameter_is_not_negative",
                condition=Q(diameter_mm=None) | Q(diameter_mm__gte=0),
            ),
        ]


class SystemResponse(SiteOwned):
    """What the system derives for one assessment by RECIST 1.1, and by iRECIST where the protocol says so."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="system_responses")
    record = models.OneToOneField(FormRecord, on_delete=models.PROTECT, related_name="system_response")
    evaluator = models.CharField(max_length=40)
    position = models.PositiveSmallIntegerField("place among the evaluator's assessments; 0 is the baseline")
    scanned = PartialDateField()
    target = models.CharField(max_length=20, null=True)
    non_target = models.CharField(max_length=20, null=True)
    new_lesion = models.CharField(max_length=20, null=True)
    overall = models.CharField(max_length=20, null=True)
    rule = models.CharField("the reason in words", max_length=1000, default="")
    is_complete = models.BooleanField("every target was evaluated")
    sum_mm = MeasuredField(null=True)
    baseline_mm = MeasuredField(null=True)
    nadir_mm = MeasuredField(null=True)
    nadir_visit = models.CharField(max_length=100, default="")
    change_baseline_pct = MeasuredField(null=True)
    change_nadir_pct = MeasuredField(null=True)
    change_nadir_mm = MeasuredField(null=True)
    progressed_on = PartialDateField(null=True)
    immune_overall = models.CharField("overall response by iRECIST", max_length=20, null=True)
    immune_rule = models.CharField("the reason by iRECIST in words", max_length=1000, default="")
    is_current = models.BooleanField("false once the assessment no longer counts", default=True)

    class Meta:
        indexes = [models.Index(name="responses_of_subject", fields=["subject", "evaluator", "position"])]

    def __str__(self) -> str:
        return f"{self.subject} {self.evaluator} {self.scanned}: {self.overall or 'baseline'}"


class SubjectResponse(SiteOwned):
    """What one evaluator's assessments of a subject amount to so far."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="best_responses")
    evaluator = models.CharField(max_length=40)
    best = models.CharField("best overall response", max_length=20)
    best_reason = models.CharField(max_length=500, default="")
    confirmed_best = models.CharField("best overall response, confirmed", max_length=20)
    confirmed_reason = models.CharField(max_length=500, default="")
    best_change_pct = MeasuredField("best change of the sum from baseline, %", null=True)
    progressed_on = PartialDateField("first progression by the system", null=True)
    immune_best = models.CharField("best overall response by iRECIST", max_length=20, null=True)
    assessments = models.PositiveSmallIntegerField("assessments after baseline")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "evaluator"], name="subject_response_is_one_per_evaluator")
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.evaluator}: {self.confirmed_best}"


@immutable
class ResponseChange(SiteOwned):
    """A response of the system that became another one because an earlier page was corrected."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="response_changes")
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="response_changes")
    caused_by = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="responses_changed", null=True)
    old = models.CharField(max_length=20)
    new = models.CharField(max_length=20)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="response_changes_of_subject", fields=["subject", "at"])]

    def __str__(self) -> str:
        return f"{self.subject}: {self.old} became {self.new} ({self.pk})"


for _model in (SystemResponse, SubjectResponse, ResponseChange):
    add_trigger(_model, "aa_site_from_subject", SITE_FROM_SUBJECT)
add_trigger(Lesion, "ab_name_is_kept", "before update on {table} for each row execute function keep_lesion_name()")
