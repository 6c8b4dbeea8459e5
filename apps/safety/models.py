"""Adverse events with their grades over time, the judgements on dose-limiting toxicity, reports of serious events.

What the sponsor adds (adjudications, triage, reports to the authority) stands in tables of its own, never on the page.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from apps.access.models import SiteOwned
from apps.core.partial_date_field import IsPossiblePartialDate, PartialDateField
from apps.core.walls import add_trigger, immutable
from apps.study.models import Study
from apps.subjects.models import SITE_FROM_SUBJECT, Subject
from apps.visits.models import CrfLine, CrfModel, FormRecord
from clinical.clocks import Report
from clinical.triage import Determination

YES_NO = ((True, "Yes"), (False, "No"))


class Outcome(models.TextChoices):
    """How an event ended, in the words of the datasets (AEOUT)."""

    RECOVERED = "RECOVERED/RESOLVED", "Recovered or resolved"
    RECOVERED_WITH_SEQUELAE = "RECOVERED/RESOLVED WITH SEQUELAE", "Recovered or resolved with sequelae"
    RECOVERING = "RECOVERING/RESOLVING", "Recovering or resolving"
    NOT_RECOVERED = "NOT RECOVERED/NOT RESOLVED", "Not recovered or not resolved"
    FATAL = "FATAL", "Fatal"
    UNKNOWN = "UNKNOWN", "Unknown"


class Severity(models.TextChoices):
    """The three words, where a protocol grades so (AESEV)."""

    MILD = "MILD", "Mild"
    MODERATE = "MODERATE", "Moderate"
    SEVERE = "SEVERE", "Severe"


class Interest(models.TextChoices):
    """Kinds of events that get special attention (AECAT)."""

    CRS = "CYTOKINE RELEASE SYNDROME", "Cytokine release syndrome"
    ICANS = "NEUROTOXICITY", "Neurotoxicity (ICANS)"
    CYTOPENIA = "CYTOPENIA", "Prolonged cytopenia"
    INFECTION = "SERIOUS INFECTION", "Serious infection"
    INFUSION_REACTION = "INFUSION REACTION", "Infusion reaction"
    LIVER_INJURY = "LIVER INJURY", "Liver injury"
    TUMOR_LYSIS = "TUMOR LYSIS SYNDROME", "Tumor lysis syndrome"
    SECOND_CANCER = "SECOND PRIMARY MALIGNANCY", "Second primary malignancy"


class OtherCause(models.TextChoices):
    """What else than a product of the trial may have caused an event (AERELNST)."""

    DISEASE = "DISEASE UNDER STUDY", "The disease under study"
    LYMPHODEPLETION = "LYMPHODEPLETION", "Lymphodepletion"
    OTHER_ILLNESS = "CONCURRENT ILLNESS", "Another illness"
    OTHER_DRUG = "CONCOMITANT MEDICATION", "Another medication"
    PROCEDURE = "PROCEDURE", "A procedure"
    OTHER = "OTHER", "Something else"


class Action(models.TextChoices):
    """What was done with a product because of an event (AEACN)."""

    NOT_CHANGED = "DOSE NOT CHANGED", "Dose not changed"
    REDUCED = "DOSE REDUCED", "Dose reduced"
    INTERRUPTED = "DRUG INTERRUPTED", "Interrupted or delayed"
    WITHDRAWN = "DRUG WITHDRAWN", "Withdrawn"
    INCREASED = "DOSE INCREASED", "Dose increased"
    NOT_APPLICABLE = "NOT APPLICABLE", "Not applicable"
    UNKNOWN = "UNKNOWN", "Unknown"


class Scale(models.TextChoices):
    """The scale that a grade is read from."""

    CTCAE = "CTCAE", "CTCAE"
    ASTCT = "ASTCT", "ASTCT (CRS, ICANS)"


class Grade(models.IntegerChoices):
    """How bad an event is; serious is another question."""

    MILD = 1, "1"
    MODERATE = 2, "2"
    SEVERE = 3, "3"
    LIFE_THREATENING = 4, "4"
    DEATH = 5, "5"


class DltStanding(models.TextChoices):
    """Where the question of dose-limiting toxicity stands for one event."""

    NOT_ASKED = "not_asked", "Not in the DLT period"
    NOT_MET = "not_met", "No criterion met"
    UNDECIDED = "undecided", "Undecided"
    SUGGESTED = "suggested", "Criterion met"
    SITE_REPORTED = "site_reported", "Reported by the site"
    CONFIRMED = "confirmed", "Confirmed DLT"
    REJECTED = "rejected", "Not a DLT"


class AdverseEvent(CrfModel):
    """One untoward medical occurrence, as the investigator reports it. Its grades over time are lines."""

    term = models.CharField("reported term", max_length=200, null=True)
    ctcae_term = models.CharField("CTCAE term", max_length=120, null=True)
    onset = PartialDateField("began", time=True, null=True)
    is_ongoing = models.BooleanField("ongoing", choices=YES_NO, null=True)
    ended = PartialDateField("ended", time=True, null=True)
    outcome = models.CharField(max_length=40, choices=Outcome.choices, null=True)
    severity = models.CharField(max_length=10, choices=Severity.choices, null=True)
    site_aware_at = PartialDateField(
        "site became aware of seriousness", time=True, null=True, help_text="Day and time: the 24 hours run from here."
    )
    is_serious = models.BooleanField("serious", choices=YES_NO, null=True)
    results_in_death = models.BooleanField("results in death", choices=YES_NO, null=True)
    is_life_threatening = models.BooleanField("life threatening", choices=YES_NO, null=True)
    needs_hospital = models.BooleanField("hospital admission or longer stay", choices=YES_NO, null=True)
    disables = models.BooleanField("persistent disability", choices=YES_NO, null=True)
    is_congenital = models.BooleanField("congenital anomaly", choices=YES_NO, null=True)
    is_other_important = models.BooleanField("other medically important event", choices=YES_NO, null=True)
    relation = models.CharField("relation to study treatment", max_length=40, null=True)
    other_cause = models.CharField("other cause", max_length=40, choices=OtherCause.choices, null=True)
    was_treated = models.BooleanField("treatment given", choices=YES_NO, null=True)
    treatment = models.CharField("treatment and other action", max_length=200, null=True)
    interest = models.CharField("of special interest", max_length=40, choices=Interest.choices, null=True)
    part_of = models.PositiveSmallIntegerField("symptom of adverse event no.", null=True)

    ctcae_code = models.CharField(max_length=10, null=True)
    soc = models.CharField("system organ class", max_length=120, null=True)
    maximum_grade = models.PositiveSmallIntegerField(null=True)
    current_grade = models.PositiveSmallIntegerField(null=True)
    is_related = models.BooleanField("related to a study product", null=True)
    dlt = models.CharField("dose-limiting", max_length=20, choices=DltStanding.choices, default=DltStanding.NOT_ASKED)
    dlt_due_at = models.DateTimeField("when time alone makes it a candidate", null=True)

    derived = ("ctcae_code", "soc", "maximum_grade", "current_grade", "is_related", "dlt", "dlt_due_at")

    class Meta:
        verbose_name = "adverse event"
        constraints = [
            models.CheckConstraint(
                name="adverse_event_onset_is_a_date", condition=Q(onset=None) | Q(IsPossiblePartialDate("onset"))
            ),
            models.CheckConstraint(
                name="adverse_event_ended_is_a_date", condition=Q(ended=None) | Q(IsPossiblePartialDate("ended"))
            ),
            models.CheckConstraint(
                name="adverse_event_aware_at_is_a_date",
                condition=Q(site_aware_at=None) | Q(IsPossiblePartialDate("site_aware_at")),
            ),
            models.CheckConstraint(
                name="adverse_event_outcome_is_known", condition=Q(outcome=None) | Q(outcome__in=Outcome.values)
            ),
            models.CheckConstraint(
                name="adverse_event_severity_is_known", condition=Q(severity=None) | Q(severity__in=Severity.values)
            ),
        ]
        indexes = [
            models.Index(name="adverse_event_listing", fields=["site", "-onset_earliest"]),
            models.Index(name="adverse_event_by_grade", fields=["site", "maximum_grade"]),
        ]


class GradePeriod(CrfLine):
    """The grade of an event from one moment to the next. A change of grade is a further period, not a new event."""

    kind = "grade_periods"

    grade = models.PositiveSmallIntegerField(choices=Grade.choices, null=True)
    began = PartialDateField("from", time=True, null=True)
    ended = PartialDateField("until", time=True, null=True)
    scale = models.CharField("scale", max_length=10, choices=Scale.choices, null=True)

    graded_by = models.CharField("scale and version", max_length=20, null=True)

    derived = ("graded_by",)

    class Meta(CrfLine.Meta):
        verbose_name = "grade period"
        constraints = [
            *CrfLine.Meta.constraints,
            models.CheckConstraint(
                name="grade_period_grade_is_1_to_5", condition=Q(grade=None) | Q(grade__in=Grade.values)
            ),
            models.CheckConstraint(
                name="grade_period_began_is_a_date", condition=Q(began=None) | Q(IsPossiblePartialDate("began"))
            ),
            models.CheckConstraint(
                name="grade_period_ended_is_a_date", condition=Q(ended=None) | Q(IsPossiblePartialDate("ended"))
            ),
        ]


class Attribution(CrfLine):
    """One product's part in an event, and what was done with it. The key is the product's code."""

    kind = "attributions"

    relation = models.CharField(max_length=40, null=True)
    action = models.CharField("action taken", max_length=20, choices=Action.choices, null=True)

    class Meta(CrfLine.Meta):
        verbose_name = "attribution"


class ReportState(models.TextChoices):
    DRAFT = "draft", "Not reported yet"
    REPORTED = "reported", "Reported to the sponsor"


class SeriousEventReport(SiteOwned):
    """The report of a serious event to the sponsor. Its clock is computed from the page and these moments each time."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="serious_event_reports")
    record = models.OneToOneField(FormRecord, on_delete=models.PROTECT, related_name="serious_event_report")
    state = models.CharField(max_length=10, choices=ReportState.choices, default=ReportState.DRAFT)
    drafted_at = models.DateTimeField()
    reported_at = models.DateTimeField(null=True)
    reported_by = models.CharField(max_length=200, default="")
    event_at = models.DateTimeField("when a serious event with a term was here", null=True)
    fatal_known_at = models.DateTimeField("since when it is here as fatal or life threatening", null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="serious_event_report_has_its_moment",
                condition=Q(state=ReportState.DRAFT, reported_at=None)
                | Q(state=ReportState.REPORTED, reported_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject} report of record {self.record_id}: {self.get_state_display()}"


@immutable
class DltAnswer(SiteOwned):
    """The investigator's answer on one event (or, without record, on the subject's other facts). The latest counts."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="dlt_answers")
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="dlt_answers", null=True)
    is_dlt = models.BooleanField()
    criterion = models.CharField("id of the protocol's criterion", max_length=60, default="")
    reason = models.CharField(max_length=1000, default="")
    basis = models.CharField("what the system said then", max_length=300)
    answered_at = models.DateTimeField()
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    answered_by_name = models.CharField(max_length=200)

    class Meta:
        indexes = [models.Index(name="dlt_answers_of_subject", fields=["subject", "answered_at"])]

    def __str__(self) -> str:
        return (
            f"{self.subject} {self.answered_by_name} {self.answered_at:%d-%b-%Y}: {'DLT' if self.is_dlt else 'no DLT'}"
        )


class Judgement(models.TextChoices):
    CONFIRMED = "confirmed", "Confirmed as a DLT"
    REJECTED = "rejected", "Not a DLT"


@immutable
class DltAdjudication(SiteOwned):
    """The sponsor's signed decision on one candidate. Only a new signed decision takes one back."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="dlt_adjudications")
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="dlt_adjudications", null=True)
    judgement = models.CharField(max_length=10, choices=Judgement.choices)
    criterion = models.CharField("id of the protocol's criterion", max_length=60, default="")
    reason = models.CharField(max_length=1000)
    basis = models.CharField("what the system said then", max_length=300)
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, related_name="replaced_by", null=True)
    adjudicated_at = models.DateTimeField()
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    signer_name = models.CharField(max_length=200)
    signer_role = models.CharField(max_length=200)
    meaning = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.CheckConstraint(name="dlt_adjudication_is_one_of_two", condition=Q(judgement__in=Judgement.values)),
            models.CheckConstraint(name="dlt_adjudication_has_a_reason", condition=~Q(reason="")),
            models.UniqueConstraint(
                name="dlt_candidate_is_first_judged_once",
                fields=["subject", "record"],
                condition=Q(replaces=None),
                nulls_distinct=False,
            ),
        ]
        indexes = [models.Index(name="dlt_adjudications_of_subject", fields=["subject", "adjudicated_at"])]

    def __str__(self) -> str:
        return f"{self.subject} {self.signer_name} {self.adjudicated_at:%d-%b-%Y}: {self.get_judgement_display()}"


# -- the sponsor's triage of serious events ----------------------------------------------------------------------------


@immutable
class ReferenceInformation(models.Model):
    """One version of a study product's reference safety information, against which expectedness is judged.

    A mistyped version is corrected by a further row that replaces it; what was judged against it still names it.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    product = models.CharField("code of the study product", max_length=40)
    version = models.CharField(max_length=60)
    in_force_from = models.DateField()
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, related_name="replaced_by", null=True)
    reason = models.CharField("why it was corrected", max_length=1000, default="")
    entered_at = models.DateTimeField()
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    entered_by_name = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="reference_information_is_entered_once",
                fields=["study", "product", "version", "in_force_from"],
                condition=Q(replaces=None),
            ),
            models.CheckConstraint(name="reference_information_is_named", condition=~Q(version="") & ~Q(product="")),
            models.CheckConstraint(
                name="reference_information_correction_has_a_reason", condition=Q(replaces=None) | ~Q(reason="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.study} {self.product} {self.version}, in force from {self.in_force_from:%d-%b-%Y}"


@immutable
class Triage(SiteOwned):
    """How the sponsor sees one serious event. A changed mind is a further record that replaces the one before."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="triages")
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="triages")
    is_serious = models.BooleanField()
    is_fatal = models.BooleanField("fatal or life threatening")
    fatal_known_at = models.DateTimeField("when the sponsor learnt that", null=True)
    determination = models.CharField(
        "what followed then", max_length=20, choices=[(each.value, each.words) for each in Determination]
    )
    reason = models.CharField(max_length=1000)
    basis = models.CharField("what the page said then", max_length=500)
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, related_name="replaced_by", null=True)
    triaged_at = models.DateTimeField()
    triaged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    triaged_by_name = models.CharField(max_length=200)
    triaged_by_role = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.CheckConstraint(name="triage_has_a_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="triage_determination_is_known",
                condition=Q(determination__in=[each.value for each in Determination]),
            ),
            models.CheckConstraint(
                name="triage_knows_only_a_fatal_event_as_fatal",
                condition=Q(fatal_known_at=None) | Q(is_fatal=True, fatal_known_at__lte=F("triaged_at")),
            ),
            models.UniqueConstraint(name="event_is_first_triaged_once", fields=["record"], condition=Q(replaces=None)),
        ]
        indexes = [models.Index(name="triages_of_subject", fields=["subject", "triaged_at"])]

    def __str__(self) -> str:
        when = f"{self.triaged_at:%d-%b-%Y %H:%M}"
        return f"{self.subject} {self.triaged_by_name} {when}: {self.get_determination_display()}"


@immutable
class ProductTriage(SiteOwned):
    """What one triage says of one study product, beside what the investigator said of it then: both are transmitted."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    triage = models.ForeignKey(Triage, on_delete=models.PROTECT, related_name="products")
    product = models.CharField("code of the study product", max_length=40)
    is_related = models.BooleanField("related, as the sponsor sees it")
    investigator_related = models.BooleanField("related, as the investigator saw it then", null=True)
    is_expected = models.BooleanField("expected", null=True)
    reference = models.ForeignKey(ReferenceInformation, on_delete=models.PROTECT, related_name="+", null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="triage_says_one_thing_of_a_product", fields=["triage", "product"]),
            models.CheckConstraint(
                name="expectedness_is_judged_against_a_reference",
                condition=Q(is_expected=None, reference=None) | Q(is_expected__isnull=False, reference__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.triage}, {self.product}"


@immutable
class AuthorityReport(SiteOwned):
    """One report on an event that went to the authority: number 0 is the initial one, then its follow-ups.

    A wrong moment is corrected by a further row of the same number; so is a report that was never sent.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="authority_reports")
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="authority_reports")
    number = models.PositiveSmallIntegerField()
    answers = ArrayField(
        models.CharField(max_length=20, choices=[(each.value, each.value) for each in Report]),
        verbose_name="which due reports it was sent as",
    )
    authority = models.CharField("authority or its gateway", max_length=100)
    was_sent = models.BooleanField(default=True)
    submitted_at = models.DateTimeField()
    reason = models.CharField("why it was corrected", max_length=1000, default="")
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, related_name="replaced_by", null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    recorded_by_name = models.CharField(max_length=200)
    recorded_by_role = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="authority_report_has_its_own_number", fields=["record", "number"], condition=Q(replaces=None)
            ),
            models.CheckConstraint(
                name="authority_report_answers_are_known",
                condition=Q(answers__contained_by=[each.value for each in Report]),
            ),
            models.CheckConstraint(
                name="authority_report_initial_one_answers_something", condition=~Q(number=0) | ~Q(answers=[])
            ),
            models.CheckConstraint(name="authority_report_names_the_authority", condition=~Q(authority="")),
            models.CheckConstraint(
                name="authority_report_was_recorded_after_it_went_out",
                condition=Q(submitted_at__lte=F("recorded_at")),
            ),
            models.CheckConstraint(
                name="authority_report_correction_has_a_reason",
                condition=Q(replaces=None, was_sent=True) | (Q(replaces__isnull=False) & ~Q(reason="")),
            ),
        ]
        indexes = [models.Index(name="authority_reports_of_event", fields=["record", "number"])]

    def __str__(self) -> str:
        return f"{self.subject} report {self.number} of record {self.record_id}, row {self.pk}"


for _model in (SeriousEventReport, DltAnswer, DltAdjudication, Triage, ProductTriage, AuthorityReport):
    add_trigger(_model, "aa_site_from_subject", SITE_FROM_SUBJECT)
    add_trigger(
        _model, "ab_study_from_subject", "before insert on {table} for each row execute function study_from_subject()"
    )
