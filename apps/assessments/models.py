"""Visit procedures: vital signs, performance status, ECG, CRS and ICANS observation, medicines, the ends of a trial."""

from django.db import models

from apps.assessments.constraints import between, is_a_date, not_negative, one_of
from apps.core.measured_field import MeasuredField
from apps.core.partial_date_field import PartialDateField
from apps.visits.models import CrfLine, CrfModel
from clinical import astct


class YesNo(models.TextChoices):
    """The answer to a plain question, as the datasets write it."""

    YES = "Y", "Yes"
    NO = "N", "No"


class VitalSigns(CrfModel):
    """Vital signs taken at one time."""

    taken = PartialDateField("date and time taken", time=True, null=True)

    class Meta:
        verbose_name = "vital signs"
        verbose_name_plural = "vital signs"


class VitalResult(CrfLine):
    """One vital sign; its key is the test code (SYSBP), with the number of the time point where there are several."""

    kind = "results"

    value = MeasuredField("result", null=True)
    unit = models.CharField("unit", max_length=20, null=True)

    class Meta(CrfLine.Meta):
        verbose_name = "vital sign"


class Ecog(models.IntegerChoices):
    """Performance status of the Eastern Cooperative Oncology Group (Oken et al., Am J Clin Oncol 1982;5:649)."""

    FULLY_ACTIVE = 0, "0 – fully active, as before the disease"
    RESTRICTED = 1, "1 – no strenuous activity, but walks and does light work"
    SELF_CARE = 2, "2 – cares for self, no work; up more than half of the day"
    LIMITED_SELF_CARE = 3, "3 – limited self-care; in bed or chair more than half of the day"
    DISABLED = 4, "4 – no self-care; in bed or chair all day"
    DEAD = 5, "5 – dead"


class PerformanceStatus(CrfModel):
    """ECOG performance status on one day."""

    assessed = PartialDateField("date assessed", null=True)
    ecog = models.PositiveSmallIntegerField("ECOG performance status", choices=Ecog.choices, null=True)

    class Meta:
        verbose_name = "performance status"
        verbose_name_plural = "performance status"
        constraints = [is_a_date("performance", "assessed"), between("performance", "ecog", 0, 5)]


class EcgInterpretation(models.TextChoices):
    """How the whole ECG was read."""

    NORMAL = "NORMAL", "Normal"
    ABNORMAL_NOT_SIGNIFICANT = "ABNORMAL, NOT CLINICALLY SIGNIFICANT", "Abnormal, not clinically significant"
    ABNORMAL_SIGNIFICANT = "ABNORMAL, CLINICALLY SIGNIFICANT", "Abnormal, clinically significant"
    NOT_EVALUABLE = "NOT EVALUABLE", "Not evaluable"


class Ecg(CrfModel):
    """A 12-lead ECG and its reading."""

    taken = PartialDateField("date and time taken", time=True, null=True)
    interpretation = models.CharField("reading", max_length=40, choices=EcgInterpretation.choices, null=True)
    finding = models.CharField("what is abnormal", max_length=300, null=True)

    class Meta:
        verbose_name = "ECG"
        constraints = [is_a_date("ecg", "taken"), one_of("ecg", "interpretation", EcgInterpretation)]


class EcgResult(CrfLine):
    """One measurement of an ECG; its key is the test code (QTCFAG), with the number of the time point if several."""

    kind = "results"

    value = MeasuredField("result", null=True)
    unit = models.CharField("unit", max_length=20, null=True)

    class Meta(CrfLine.Meta):
        verbose_name = "ECG measurement"


def _coded(
    words: type[astct.Oxygen | astct.Consciousness | astct.Seizure | astct.Motor | astct.Edema],
) -> list[tuple[str, str]]:
    """The answers of the consensus: kept by their name, shown in its words."""
    return [(each.name, f"{each.value[:1].upper()}{each.value[1:]}") for each in words]


class ToxicityObservation(CrfModel):
    """One bedside observation for CRS and ICANS, by the items of the ASTCT consensus.

    Grades are derived from this and the subject's earlier observations: a fever once treated needs no fever afterwards.
    """

    observed = PartialDateField("date and time observed", time=True, null=True)
    temperature = MeasuredField("temperature", null=True)
    fever_treated = models.CharField(
        "antipyretic or anticytokine drug given at or before this time", max_length=1, choices=YesNo.choices, null=True
    )
    hypotension = models.CharField("hypotension", max_length=1, choices=YesNo.choices, null=True)
    vasopressors = models.PositiveSmallIntegerField(
        "vasopressors, without vasopressin", choices=[(0, "None"), (1, "One"), (2, "Two or more")], null=True
    )
    vasopressin = models.CharField("vasopressin", max_length=1, choices=YesNo.choices, null=True)
    oxygen = models.CharField("oxygen given by", max_length=30, choices=_coded(astct.Oxygen), null=True)
    oxygen_flow = MeasuredField("oxygen flow", null=True)
    ice_orientation = models.PositiveSmallIntegerField(
        "ICE: orientation to year, month, city, hospital (0 to 4)", choices=[(n, str(n)) for n in range(5)], null=True
    )
    ice_naming = models.PositiveSmallIntegerField(
        "ICE: names three objects (0 to 3)", choices=[(n, str(n)) for n in range(4)], null=True
    )
    ice_commands = models.PositiveSmallIntegerField(
        "ICE: follows a command (0 or 1)", choices=[(n, str(n)) for n in range(2)], null=True
    )
    ice_writing = models.PositiveSmallIntegerField(
        "ICE: writes a sentence (0 or 1)", choices=[(n, str(n)) for n in range(2)], null=True
    )
    ice_attention = models.PositiveSmallIntegerField(
        "ICE: counts backwards from 100 by ten (0 or 1)", choices=[(n, str(n)) for n in range(2)], null=True
    )
    consciousness = models.CharField("consciousness", max_length=30, choices=_coded(astct.Consciousness), null=True)
    seizure = models.CharField("seizure", max_length=30, choices=_coded(astct.Seizure), null=True)
    motor = models.CharField("motor findings", max_length=30, choices=_coded(astct.Motor), null=True)
    edema = models.CharField("edema of the brain", max_length=30, choices=_coded(astct.Edema), null=True)
    ice_score = models.PositiveSmallIntegerField("ICE score", null=True)
    crs_grade = models.PositiveSmallIntegerField("CRS grade, ASTCT", null=True)
    crs_reason = models.CharField(max_length=300, default="")
    icans_grade = models.PositiveSmallIntegerField("ICANS grade, ASTCT", null=True)
    icans_reason = models.CharField(max_length=300, default="")

    derived = ("ice_score", "crs_grade", "crs_reason", "icans_grade", "icans_reason")

    class Meta:
        verbose_name = "CRS and ICANS observation"
        constraints = [
            is_a_date("toxicity_observation", "observed"),
            one_of("toxicity_observation", "fever_treated", YesNo),
            one_of("toxicity_observation", "hypotension", YesNo),
            between("toxicity_observation", "vasopressors", 0, 2),
            one_of("toxicity_observation", "vasopressin", YesNo),
            not_negative("toxicity_observation", "oxygen_flow"),
            between("toxicity_observation", "ice_orientation", 0, 4),
            between("toxicity_observation", "ice_naming", 0, 3),
            between("toxicity_observation", "ice_commands", 0, 1),
            between("toxicity_observation", "ice_writing", 0, 1),
            between("toxicity_observation", "ice_attention", 0, 1),
        ]


class GivenFor(models.TextChoices):
    """What a medicine was given for."""

    ADVERSE_EVENT = "ADVERSE EVENT", "Adverse event"
    MEDICAL_HISTORY = "MEDICAL HISTORY", "Medical history"
    PROPHYLAXIS = "PROPHYLAXIS", "Prophylaxis"
    OTHER = "OTHER", "Other"


class ConcomitantMedication(CrfModel):
    """One medicine beside study treatment, from its start to its end: a new dose is a new entry."""

    name = models.CharField("medicine", max_length=200, null=True)
    indication = models.CharField("indication", max_length=200, null=True)
    given_for = models.CharField("given for", max_length=20, choices=GivenFor.choices, null=True)
    linked_entry = models.PositiveIntegerField("entry number of that adverse event or history", null=True)
    dose = MeasuredField("dose", null=True)
    dose_text = models.CharField("dose in words, where it is no number", max_length=60, null=True)
    unit = models.CharField("unit", max_length=20, null=True)
    form = models.CharField("dose form", max_length=40, null=True)
    route = models.CharField("route", max_length=40, null=True)
    frequency = models.CharField("frequency", max_length=20, null=True)
    started = PartialDateField("started", time=True, null=True)
    ended = PartialDateField("ended", time=True, null=True)
    is_ongoing = models.CharField("ongoing", max_length=1, choices=YesNo.choices, null=True)

    class Meta:
        verbose_name = "concomitant medication"
        constraints = [
            one_of("medication", "given_for", GivenFor),
            not_negative("medication", "dose"),
            is_a_date("medication", "started"),
            is_a_date("medication", "ended"),
            one_of("medication", "is_ongoing", YesNo),
        ]


class TherapyKind(models.TextChoices):
    """Kinds of anticancer therapy."""

    CHEMOTHERAPY = "CHEMOTHERAPY", "Chemotherapy"
    TARGETED = "TARGETED THERAPY", "Targeted therapy"
    IMMUNOTHERAPY = "IMMUNOTHERAPY", "Immunotherapy"
    CELL_THERAPY = "CELL THERAPY", "Cell therapy"
    HORMONAL = "HORMONAL THERAPY", "Hormonal therapy"
    RADIOTHERAPY = "RADIOTHERAPY", "Radiotherapy"
    SURGERY = "SURGERY", "Surgery"
    OTHER = "OTHER", "Other"


class NewAnticancerTherapy(CrfModel):
    """Anticancer therapy after study treatment; from its start on, response and progression are censored."""

    treatment = models.CharField("therapy", max_length=200, null=True)
    therapy_kind = models.CharField("kind", max_length=20, choices=TherapyKind.choices, null=True)
    started = PartialDateField("started", null=True)
    ended = PartialDateField("ended", null=True)
    is_ongoing = models.CharField("ongoing", max_length=1, choices=YesNo.choices, null=True)

    class Meta:
        verbose_name = "new anticancer therapy"
        verbose_name_plural = "new anticancer therapies"
        constraints = [
            one_of("new_therapy", "therapy_kind", TherapyKind),
            is_a_date("new_therapy", "started"),
            is_a_date("new_therapy", "ended"),
            one_of("new_therapy", "is_ongoing", YesNo),
        ]


class Ending(models.TextChoices):
    """What a disposition page ends (DSSCAT), or that it records a milestone."""

    TREATMENT = "STUDY TREATMENT", "Study treatment"
    PARTICIPATION = "STUDY PARTICIPATION", "Study participation"
    MILESTONE = "PROTOCOL MILESTONE", "Protocol milestone"


class Disposition(CrfModel):
    """How and when study treatment or taking part ended; the protocol's code list holds the reasons."""

    happened = PartialDateField("date", null=True)
    reason = models.CharField("reason", max_length=60, null=True)
    detail = models.CharField("in the investigator's words", max_length=200, null=True)
    ending = models.CharField("what ended", max_length=20, choices=Ending.choices, default=Ending.MILESTONE)

    derived = ("ending",)

    class Meta:
        verbose_name = "disposition"
        constraints = [is_a_date("disposition", "happened"), one_of("disposition", "ending", Ending)]


class DeathCause(models.TextChoices):
    """What a subject died of, as trials tabulate it."""

    DISEASE = "DISEASE UNDER STUDY", "Disease under study"
    ADVERSE_EVENT = "ADVERSE EVENT", "Adverse event"
    OTHER = "OTHER", "Other"
    UNKNOWN = "UNKNOWN", "Unknown"


class Relation(models.TextChoices):
    """Whether something is related, where nobody may know."""

    YES = "Y", "Yes"
    NO = "N", "No"
    UNKNOWN = "U", "Unknown"


class Death(CrfModel):
    """The death of a subject."""

    died = PartialDateField("date of death", time=True, null=True)
    cause = models.CharField("cause of death", max_length=200, null=True)
    cause_kind = models.CharField("kind of cause", max_length=20, choices=DeathCause.choices, null=True)
    is_related = models.CharField("related to study treatment", max_length=1, choices=Relation.choices, null=True)
    adverse_event = models.PositiveIntegerField("entry number of the fatal adverse event", null=True)
    autopsy = models.CharField("autopsy done", max_length=1, choices=Relation.choices, null=True)

    class Meta:
        verbose_name = "death"
        constraints = [
            is_a_date("death", "died"),
            one_of("death", "cause_kind", DeathCause),
            one_of("death", "is_related", Relation),
            one_of("death", "autopsy", Relation),
        ]


class SurvivalStatus(models.TextChoices):
    """What a contact of the follow-up found (SSSTRESC)."""

    ALIVE = "ALIVE", "Alive"
    DEAD = "DEAD", "Dead"
    UNKNOWN = "UNKNOWN", "Unknown"


class ContactMode(models.TextChoices):
    """How the contact was made (CNTMODE)."""

    IN_PERSON = "IN PERSON", "In person"
    TELEPHONE = "TELEPHONE CALL", "Telephone call"
    RECORD = "RECORD", "Medical record or registry"
    OTHER = "OTHER", "Other"


class SurvivalFollowUp(CrfModel):
    """One contact of the survival follow-up."""

    contacted = PartialDateField("date of contact", null=True)
    contact_mode = models.CharField("contact by", max_length=20, choices=ContactMode.choices, null=True)
    status = models.CharField("survival status", max_length=10, choices=SurvivalStatus.choices, null=True)
    last_known_alive = PartialDateField("last known alive", null=True)

    class Meta:
        verbose_name = "survival follow-up"
        constraints = [
            is_a_date("survival", "contacted"),
            one_of("survival", "contact_mode", ContactMode),
            one_of("survival", "status", SurvivalStatus),
            is_a_date("survival", "last_known_alive"),
        ]
