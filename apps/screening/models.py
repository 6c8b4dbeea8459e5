"""Pages of screening, episodes of screening, and screen failures."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.access.models import SiteOwned
from apps.core.measured_field import MeasuredField
from apps.core.partial_date_field import PartialDateField
from apps.core.walls import add_trigger, immutable
from apps.subjects.models import SITE_FROM_SUBJECT, Subject
from apps.visits.models import CrfLine, CrfModel


class YesNo(models.TextChoices):
    """The answers of SDTM's code list NY that a page offers."""

    YES = "Y", "Yes"
    NO = "N", "No"


class YesNoUnknown(models.TextChoices):
    YES = "Y", "Yes"
    NO = "N", "No"
    UNKNOWN = "U", "Unknown"


class WithdrawalScope(models.TextChoices):
    """What a subject who withdraws consent still allows. What was collected before stays in any case."""

    TREATMENT = "treatment", "Treatment stops; visits and follow-up go on"
    VISITS = "visits", "Visits stop too; safety and survival follow-up go on"
    EVERYTHING = "everything", "Nothing further is collected"


class Consent(CrfModel):
    """One informed consent, as signed: which version, when, explained by whom, and its withdrawal."""

    version = models.CharField("version of the consent form", max_length=40, null=True)
    given = PartialDateField("given on, with time", time=True, null=True)
    explained_by = models.CharField("explained by", max_length=200, null=True)
    copy_given = models.CharField("copy given to the subject", max_length=1, choices=YesNo.choices, null=True)
    withdrawn = PartialDateField("withdrawn on", time=True, null=True)
    withdrawal_scope = models.CharField(
        "what the withdrawal covers", max_length=20, choices=WithdrawalScope.choices, null=True
    )

    class Meta:
        verbose_name = "informed consent"
        constraints = [
            models.CheckConstraint(name="consent_copy_is_yes_or_no", condition=Q(copy_given__in=YesNo.values)),
            models.CheckConstraint(
                name="consent_withdrawal_scope_is_known", condition=Q(withdrawal_scope__in=WithdrawalScope.values)
            ),
        ]


class Sex(models.TextChoices):
    """SDTM code list SEX."""

    FEMALE = "F", "Female"
    MALE = "M", "Male"
    UNDIFFERENTIATED = "UNDIFFERENTIATED", "Undifferentiated"
    UNKNOWN = "U", "Unknown"


class Race(models.TextChoices):
    """SDTM code list RACE, and the answers that stand in for one."""

    WHITE = "WHITE", "White"
    BLACK = "BLACK OR AFRICAN AMERICAN", "Black or African American"
    ASIAN = "ASIAN", "Asian"
    AMERICAN_INDIAN = "AMERICAN INDIAN OR ALASKA NATIVE", "American Indian or Alaska Native"
    PACIFIC = "NATIVE HAWAIIAN OR OTHER PACIFIC ISLANDER", "Native Hawaiian or other Pacific Islander"
    OTHER = "OTHER", "Other"
    NOT_REPORTED = "NOT REPORTED", "Not reported"
    UNKNOWN = "UNKNOWN", "Unknown"


class Ethnicity(models.TextChoices):
    """SDTM code list ETHNIC."""

    HISPANIC = "HISPANIC OR LATINO", "Hispanic or Latino"
    NOT_HISPANIC = "NOT HISPANIC OR LATINO", "Not Hispanic or Latino"
    NOT_REPORTED = "NOT REPORTED", "Not reported"
    UNKNOWN = "UNKNOWN", "Unknown"


OLDEST = 120


class Demographics(CrfModel):
    """Who the subject is, as far as a trial may know: born when (or how old), sex, ethnicity; races are lines."""

    collected = PartialDateField("collected on", null=True)
    birth = PartialDateField(
        "date of birth", null=True, help_text="As much of it as the country's law lets you record."
    )
    age = models.PositiveSmallIntegerField(
        "age in years", null=True, help_text="Only where no date of birth may be recorded."
    )
    sex = models.CharField("sex", max_length=20, choices=Sex.choices, null=True)
    ethnicity = models.CharField("ethnicity", max_length=40, choices=Ethnicity.choices, null=True)
    race_other = models.CharField("other race, in words", max_length=200, null=True)

    class Meta:
        verbose_name = "demographics"
        verbose_name_plural = "demographics"
        constraints = [
            models.CheckConstraint(name="demographics_age_is_of_a_person", condition=Q(age__lte=OLDEST)),
            models.CheckConstraint(name="demographics_sex_is_known", condition=Q(sex__in=Sex.values)),
            models.CheckConstraint(name="demographics_ethnicity_is_known", condition=Q(ethnicity__in=Ethnicity.values)),
        ]


class RaceLine(CrfLine):
    """One race that the subject named; there may be several."""

    kind = "races"

    race = models.CharField("race", max_length=60, choices=Race.choices, null=True)

    class Meta(CrfLine.Meta):
        verbose_name = "race"
        constraints = [
            *CrfLine.Meta.constraints,
            models.CheckConstraint(name="race_is_known", condition=Q(race__in=Race.values)),
        ]


class MedicalHistory(CrfModel):
    """One disease or operation before the trial; a log entry."""

    derived = ("lowest_term", "preferred_term", "high_term", "high_group", "body_system")

    term = models.CharField("disease or finding", max_length=200, null=True)
    began = PartialDateField("began", null=True)
    ended = PartialDateField("ended", null=True)
    ongoing = models.CharField("ongoing", max_length=1, choices=YesNo.choices, null=True)
    grade = models.PositiveSmallIntegerField(
        "grade at entry (CTCAE)", choices=[(grade, str(grade)) for grade in range(1, 5)], null=True
    )
    collected = PartialDateField("collected on", null=True)
    lowest_term = models.CharField("MedDRA lowest level term", max_length=200, null=True, editable=False)
    preferred_term = models.CharField("MedDRA preferred term", max_length=200, null=True, editable=False)
    high_term = models.CharField("MedDRA high level term", max_length=200, null=True, editable=False)
    high_group = models.CharField("MedDRA high level group term", max_length=200, null=True, editable=False)
    body_system = models.CharField("MedDRA system organ class", max_length=200, null=True, editable=False)

    class Meta:
        verbose_name = "medical history"
        verbose_name_plural = "medical history"
        constraints = [
            models.CheckConstraint(name="medical_history_ongoing_is_yes_or_no", condition=Q(ongoing__in=YesNo.values)),
            models.CheckConstraint(name="medical_history_grade_is_1_to_4", condition=Q(grade__range=(1, 4))),
        ]


class Stage(models.TextChoices):
    """Overall stage at entry (AJCC), without the subdivisions that differ between tumors."""

    I = "STAGE I", "I"  # noqa: E741  # the Roman numeral is the stage
    II = "STAGE II", "II"
    III = "STAGE III", "III"
    IV = "STAGE IV", "IV"
    UNKNOWN = "UNKNOWN", "Unknown"


class DiseaseHistory(CrfModel):
    """The tumor that brings the subject into the trial."""

    diagnosis = models.CharField("diagnosis", max_length=200, null=True)
    diagnosed_on = PartialDateField("first diagnosed", null=True)
    histology = models.CharField("histology", max_length=200, null=True)
    stage = models.CharField("stage at entry", max_length=20, choices=Stage.choices, null=True)
    liver_metastases = models.CharField("liver metastases", max_length=1, choices=YesNoUnknown.choices, null=True)
    brain_metastases = models.CharField("brain metastases", max_length=1, choices=YesNoUnknown.choices, null=True)
    prior_lines = models.PositiveSmallIntegerField("prior lines of systemic therapy", null=True)

    class Meta:
        verbose_name = "disease history"
        verbose_name_plural = "disease histories"
        constraints = [
            models.CheckConstraint(name="disease_stage_is_known", condition=Q(stage__in=Stage.values)),
            models.CheckConstraint(
                name="liver_metastases_answered", condition=Q(liver_metastases__in=YesNoUnknown.values)
            ),
            models.CheckConstraint(
                name="brain_metastases_answered", condition=Q(brain_metastases__in=YesNoUnknown.values)
            ),
            models.CheckConstraint(name="prior_lines_are_few", condition=Q(prior_lines__lte=30)),
        ]


class TherapyKind(models.TextChoices):
    SYSTEMIC = "SYSTEMIC", "Systemic therapy"
    RADIOTHERAPY = "RADIOTHERAPY", "Radiotherapy"
    SURGERY = "SURGERY", "Surgery"
    CELL_THERAPY = "CELL THERAPY", "Cell therapy"
    OTHER = "OTHER", "Other"


class TherapySetting(models.TextChoices):
    NEOADJUVANT = "NEOADJUVANT", "Neoadjuvant"
    ADJUVANT = "ADJUVANT", "Adjuvant"
    ADVANCED = "ADVANCED", "Advanced or metastatic"
    UNKNOWN = "UNKNOWN", "Unknown"


class BestResponse(models.TextChoices):
    CR = "CR", "Complete response"
    PR = "PR", "Partial response"
    SD = "SD", "Stable disease"
    PD = "PD", "Progressive disease"
    NE = "NE", "Not evaluable"
    UNKNOWN = "UNKNOWN", "Unknown"


class WhyEnded(models.TextChoices):
    COMPLETED = "COMPLETED", "Completed as planned"
    PROGRESSION = "PROGRESSIVE DISEASE", "Progression"
    TOXICITY = "ADVERSE EVENT", "Toxicity"
    OTHER = "OTHER", "Other"
    UNKNOWN = "UNKNOWN", "Unknown"


class PriorTherapy(CrfModel):
    """One earlier treatment of the tumor; a log entry."""

    therapy = models.CharField("therapy or regimen", max_length=200, null=True)
    type = models.CharField("type", max_length=20, choices=TherapyKind.choices, null=True)
    line = models.PositiveSmallIntegerField("line of therapy", null=True)
    setting = models.CharField("setting", max_length=20, choices=TherapySetting.choices, null=True)
    began = PartialDateField("began", null=True)
    ended = PartialDateField("ended", null=True)
    best_response = models.CharField("best response", max_length=20, choices=BestResponse.choices, null=True)
    why_ended = models.CharField("why it ended", max_length=30, choices=WhyEnded.choices, null=True)

    class Meta:
        verbose_name = "prior anticancer therapy"
        verbose_name_plural = "prior anticancer therapies"
        constraints = [
            models.CheckConstraint(name="prior_therapy_type_is_known", condition=Q(type__in=TherapyKind.values)),
            models.CheckConstraint(name="prior_therapy_setting_known", condition=Q(setting__in=TherapySetting.values)),
            models.CheckConstraint(
                name="prior_therapy_response_known", condition=Q(best_response__in=BestResponse.values)
            ),
            models.CheckConstraint(name="prior_therapy_end_is_known", condition=Q(why_ended__in=WhyEnded.values)),
        ]


class Biomarkers(CrfModel):
    """The markers that decide about taking part; each is a line, asked by the protocol's form."""

    class Meta:
        verbose_name = "biomarkers"
        verbose_name_plural = "biomarkers"


class Interpretation(models.TextChoices):
    POSITIVE = "POSITIVE", "Positive"
    NEGATIVE = "NEGATIVE", "Negative"
    NOT_EVALUABLE = "NOT EVALUABLE", "Not evaluable"


class BiomarkerResult(CrfLine):
    """The result of one marker; its key is the marker (HLA, PRAME)."""

    kind = "markers"

    reported = models.CharField("result as reported", max_length=100, null=True)
    score = MeasuredField("H-score", null=True)
    interpretation = models.CharField("positive or negative", max_length=20, choices=Interpretation.choices, null=True)
    method = models.CharField("method", max_length=100, null=True)
    laboratory = models.CharField("laboratory", max_length=200, null=True)
    collected = PartialDateField("specimen collected", null=True)

    class Meta(CrfLine.Meta):
        verbose_name = "biomarker"
        constraints = [
            *CrfLine.Meta.constraints,
            models.CheckConstraint(name="h_score_is_0_to_300", condition=Q(score__range=(0, 300))),
            models.CheckConstraint(
                name="biomarker_interpretation_known", condition=Q(interpretation__in=Interpretation.values)
            ),
        ]


class Answer(models.TextChoices):
    """The investigator's answer to a criterion: whether its statement holds. An exclusion that is met keeps out."""

    MET = "MET", "Met"
    NOT_MET = "NOT MET", "Not met"
    NOT_ASSESSED = "NOT ASSESSED", "Not assessed"
    NOT_APPLICABLE = "NOT APPLICABLE", "Not applicable"


class Eligibility(CrfModel):
    """The criteria of one gate as the site answers them; the signature under them is `enrollment`'s."""

    assessed = PartialDateField("assessed on", null=True)

    class Meta:
        verbose_name = "eligibility"
        verbose_name_plural = "eligibility"


class CriterionAnswer(CrfLine):
    """The answer to one criterion; its key is the criterion's number (I4)."""

    kind = "answers"

    answer = models.CharField("answer", max_length=20, choices=Answer.choices, null=True)
    comment = models.CharField("comment", max_length=500, null=True)

    class Meta(CrfLine.Meta):
        verbose_name = "criterion"
        verbose_name_plural = "criteria"
        constraints = [
            *CrfLine.Meta.constraints,
            models.CheckConstraint(name="criterion_answer_is_known", condition=Q(answer__in=Answer.values)),
        ]


class ScreeningEpisode(SiteOwned):
    """One time that a subject is screened: the first, or again after a screen failure. The subject keeps its number."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="screening_episodes")
    number = models.PositiveSmallIntegerField()
    from_gate = models.CharField("first gate that is passed anew", max_length=40)
    began_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["subject", "number"], name="screening_episodes_are_numbered")]

    def __str__(self) -> str:
        return f"{self.subject} screening {self.number}"


@immutable
class ScreenFailure(SiteOwned):
    """The end of an episode without enrolment."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="screen_failures")
    episode = models.OneToOneField(ScreeningEpisode, on_delete=models.PROTECT, related_name="failure")
    failed_at = models.DateTimeField()
    comment = models.CharField(max_length=500, default="")
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    recorder_name = models.CharField(max_length=200)

    def __str__(self) -> str:
        return f"screen failure of {self.episode}"


@immutable
class FailedCriterion(SiteOwned):
    """A criterion because of which a subject is not enrolled, as worded in the subject's protocol version."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    failure = models.ForeignKey(ScreenFailure, on_delete=models.PROTECT, related_name="criteria")
    number = models.CharField(max_length=10)
    gate = models.CharField(max_length=40)
    text = models.TextField()
    was_answered = models.BooleanField("the site's answers on the criteria page say so")

    class Meta:
        verbose_name_plural = "failed criteria"
        constraints = [models.UniqueConstraint(fields=["failure", "number"], name="criterion_fails_once")]

    def __str__(self) -> str:
        return f"{self.number} of {self.failure}"


for _model in (ScreeningEpisode, ScreenFailure, FailedCriterion):
    add_trigger(_model, "aa_site_from_subject", SITE_FROM_SUBJECT)
