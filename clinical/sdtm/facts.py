"""The facts of a trial as the datasets need them: what a casebook holds, already read and at one cut.

Everything is optional that a site may leave open; nothing is imputed. Dates are ISO 8601 texts to the precision that is
known ("2026", "2026-03", "2026-03-15", "2026-03-15T14:05"), in the site's own time. Coded answers are given in the
terms of the controlled terminology. `reference` is the lasting name of a line within its subject (the record and line
of the CRF) and becomes --SPID; extra items and comments find their parent by it.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from clinical.sdtm.derivations import ElementPeriod

IsoText = str


# ------------------------------------------------------------------------------------------------------ the subject


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Who takes part, where, since when, and in which arm."""

    study: str
    subject_number: str  # SUBJID, within the study
    unique_id: str  # USUBJID, across the sponsor's studies
    site: str
    country: str  # ISO 3166 alpha-3
    screening_number: str | None = None
    investigator_id: str | None = None
    investigator_name: str | None = None
    birth: IsoText | None = None
    age: int | None = None  # in years, where it was collected; otherwise derived from a full date of birth
    sex: str | None = None
    races: tuple[str, ...] = ()
    race_other: str | None = None
    ethnicity: str | None = None
    demographics_collected: IsoText | None = None
    arm_code: str | None = None  # the planned arm: in a dose escalation the assigned level
    arm: str | None = None
    actual_arm_code: str | None = None
    actual_arm: str | None = None
    no_arm_reason: str | None = None  # ARMNRS: SCREEN FAILURE, NOT ASSIGNED, ASSIGNED, NOT TREATED, ...
    unplanned_arm: str | None = None  # ACTARMUD
    cohort: str | None = None
    dose_level: str | None = None
    died: IsoText | None = None
    participation_ended: IsoText | None = None
    elements: tuple[ElementPeriod, ...] = ()


@dataclass(frozen=True)
class Visit:
    """A visit as the datasets name it. Unscheduled visits follow their neighbour: 3.1 after 3."""

    number: Decimal
    name: str
    planned_day: int | None = None


@dataclass(frozen=True, kw_only=True)
class SubjectVisit:
    """What became of a visit of a subject."""

    visit: Visit
    occurred: bool
    began: IsoText | None = None
    ended: IsoText | None = None
    is_planned: bool = True
    not_occurred_reason: str | None = None
    contact: str | None = None  # CNTMODE: IN PERSON, TELEPHONE CALL, ...
    unplanned_reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Consent:
    """A consent given: to the trial, or to a part of it that asks for its own."""

    reference: str
    given: IsoText | None
    document_version: str | None = None
    activity: str | None = None  # what a separate consent is for; None is the trial itself


@dataclass(frozen=True, kw_only=True)
class Milestone:
    """A disposition event or protocol milestone: enrolled, end of treatment, end of study, death."""

    reference: str
    term: str  # in the investigator's words
    decoded: str  # DSDECOD
    category: str = "DISPOSITION EVENT"
    subcategory: str | None = None  # STUDY TREATMENT or STUDY PARTICIPATION
    when: IsoText | None = None
    recorded: IsoText | None = None
    visit: Visit | None = None


@dataclass(frozen=True, kw_only=True)
class CriterionAnswer:
    """One eligibility criterion as answered; the datasets hold only those that the subject did not fulfil."""

    code: str  # IETESTCD
    text: str
    category: str  # INCLUSION or EXCLUSION
    answer: str | None  # Y or N, to the criterion as it is worded
    assessed: IsoText | None = None
    visit: Visit | None = None
    reference: str = ""


# ------------------------------------------------------------------------------------------------------ events, drugs


@dataclass(frozen=True, kw_only=True)
class MedicalCoding:
    """The dictionary's words for a term (MedDRA); empty until it is coded, never filled by us."""

    preferred_term: str | None = None
    preferred_code: int | None = None
    lowest_term: str | None = None
    lowest_code: int | None = None
    high_term: str | None = None
    high_code: int | None = None
    high_group: str | None = None
    high_group_code: int | None = None
    body_system: str | None = None
    body_system_code: int | None = None


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """A line of medical history: the tumor under study, earlier therapy's diagnosis, another disease."""

    reference: str
    term: str
    coding: MedicalCoding = MedicalCoding()
    category: str | None = None
    subcategory: str | None = None
    began: IsoText | None = None
    ended: IsoText | None = None
    ongoing_at: IsoText | None = None  # the day it was still there: the moment of asking
    occurred: bool | None = None  # only where the CRF asks for it by name
    not_asked_reason: str | None = None
    severity: str | None = None  # AESEV's words, where a three-word scale was collected
    grade: int | None = None
    collected: IsoText | None = None
    visit: Visit | None = None


@dataclass(frozen=True, kw_only=True)
class Procedure:
    """Something done to the subject that is no medicine: leukapheresis, biopsy, earlier surgery or radiotherapy."""

    reference: str
    name: str
    decoded: str | None = None
    category: str | None = None
    indication: str | None = None
    location: str | None = None
    occurred: bool | None = None  # only where the CRF asks for it by name
    began: IsoText | None = None
    ended: IsoText | None = None
    visit: Visit | None = None


@dataclass(frozen=True, kw_only=True)
class SurvivalStatus:
    """Whether the subject was known to be alive at one contact of the follow-up."""

    reference: str
    status: str | None  # ALIVE, DEAD, UNKNOWN
    asked: IsoText | None = None
    visit: Visit | None = None


@dataclass(frozen=True, kw_only=True)
class Medication:
    """A medicine other than study treatment, before or during the trial; premedication too."""

    reference: str
    name: str
    decoded: str | None = None
    category: str | None = None
    indication: str | None = None
    drug_class: str | None = None
    drug_class_code: str | None = None
    dose: Decimal | None = None
    dose_text: str | None = None
    unit: str | None = None
    form: str | None = None
    frequency: str | None = None
    route: str | None = None
    began: IsoText | None = None
    ended: IsoText | None = None
    ongoing_at: IsoText | None = None
    began_before_study: bool | None = None
    collected: IsoText | None = None
    visit: Visit | None = None


@dataclass(frozen=True, kw_only=True)
class Administration:
    """One planned or given dose of a product of the trial.

    `is_study_treatment` is the protocol's word: the bispecific, the cell product, lymphodepletion and interleukin-2 are
    exposure (EC, EX); premedication and supportive drugs are concomitant medication (CM).
    """

    reference: str
    product: str
    is_study_treatment: bool = True
    is_placebo: bool = False  # a dose of 0 is then a dose like any other
    category: str | None = None  # such as LYMPHODEPLETION
    planned_dose: Decimal | None = None
    planned_on: IsoText | None = None
    was_given: bool | None = None  # None: not yet known
    not_given_reason: str | None = None
    dose: Decimal | None = None
    unit: str | None = None
    form: str | None = None
    frequency: str | None = "ONCE"
    route: str | None = None
    location: str | None = None
    lot: str | None = None
    began: IsoText | None = None
    ended: IsoText | None = None
    adjustment_reason: str | None = None  # why the dose differs from the plan
    step: str | None = None  # of step dosing: "Priming 1", "Target"
    visit: Visit | None = None


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """The investigator's judgement of one product's part in an event, and what was done with that product."""

    product: str
    relation: str | None = None
    action: str | None = None  # ACN


@dataclass(frozen=True, kw_only=True)
class GradePeriod:
    """The grade of an event from one moment to the next."""

    reference: str
    grade: int | None
    began: IsoText | None = None
    ended: IsoText | None = None


@dataclass(frozen=True, kw_only=True)
class DoseLimitingJudgement:
    """Whether an event is dose-limiting, by one judge; several judges stand side by side."""

    reference: str
    evaluator: str  # INVESTIGATOR, CLINICAL STUDY SPONSOR, ADJUDICATION COMMITTEE
    answer: str | None  # Y, N or U
    criterion: str | None = None
    judged: IsoText | None = None


@dataclass(frozen=True, kw_only=True)
class AdverseEvent:
    """One untoward medical occurrence, with its grades over time and each product's part in it."""

    reference: str
    term: str
    coding: MedicalCoding = MedicalCoding()
    toxicity_term: str | None = None  # the CTCAE term
    category: str | None = None  # of special interest: CYTOKINE RELEASE SYNDROME, ...
    severity: str | None = None  # AESEV, where a three-word scale was collected
    began: IsoText | None = None
    ended: IsoText | None = None
    ongoing_at: IsoText | None = None
    outcome: str | None = None
    is_serious: bool | None = None
    is_fatal: bool | None = None
    is_life_threatening: bool | None = None
    needs_hospital: bool | None = None
    disables: bool | None = None
    is_congenital: bool | None = None
    is_other_important: bool | None = None
    is_cancer: bool | None = None
    is_overdose: bool | None = None
    was_treated: bool | None = None
    other_action: str | None = None
    relation: str | None = None  # where the CRF asks once, not per product
    action: str | None = None
    relation_to_other: str | None = None  # AERELNST: disease, procedure, another drug
    attributions: tuple[Attribution, ...] = ()
    grades: tuple[GradePeriod, ...] = ()
    dose_limiting: tuple[DoseLimitingJudgement, ...] = ()
    aware: IsoText | None = None  # when the site became aware of its seriousness
    collected: IsoText | None = None

    @property
    def maximum_grade(self) -> int | None:
        """The worst grade the event ever had; AETOXGR."""
        return max((period.grade for period in self.grades if period.grade is not None), default=None)


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """A departure from the protocol."""

    reference: str
    term: str
    decoded: str | None = None
    category: str | None = None
    began: IsoText | None = None
    ended: IsoText | None = None
    is_important: bool | None = None
    cause: str | None = None
    action: str | None = None
    effect_on_evaluability: str | None = None


# ------------------------------------------------------------------------------------------------------ findings


@dataclass(frozen=True, kw_only=True)
class TimePoint:
    """A planned moment within a visit, relative to a dose: "4 h after end of infusion"."""

    name: str
    number: Decimal
    elapsed: str | None = None  # ISO 8601 duration, PT4H or -PT15M
    anchor: str | None = None
    anchor_at: IsoText | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One measurement or observation: what was asked, what was found, when."""

    reference: str
    test_code: str
    test: str | None = None  # taken from the terminology where the code is known
    category: str | None = None
    subcategory: str | None = None
    result: str | None = None  # as reported, with its operator
    unit: str | None = None
    standard: Decimal | str | None = None
    standard_unit: str | None = None
    not_done_reason: str | None = None
    is_not_done: bool = False
    collected: IsoText | None = None
    visit: Visit | None = None
    time_point: TimePoint | None = None
    method: str | None = None
    position: str | None = None
    location: str | None = None
    laterality: str | None = None
    is_clinically_significant: bool | None = None


@dataclass(frozen=True, kw_only=True)
class LabResult(Finding):
    """One laboratory result with the laboratory's range and its toxicity grade."""

    specimen: str | None = None
    laboratory: str | None = None
    loinc: str | None = None
    range_low: str | None = None  # as the laboratory writes it, in `unit`
    range_high: str | None = None
    standard_low: Decimal | None = None
    standard_high: Decimal | None = None
    indicator: str | None = None  # NRIND
    fasting: bool | None = None
    toxicity_term: str | None = None
    toxicity_grade: int | None = None
    toxicity_reason: str | None = None  # the clause that decided, in words


@dataclass(frozen=True, kw_only=True)
class Biomarker:
    """A genomic marker that decides eligibility: HLA type, PRAME expression."""

    reference: str
    test_code: str  # GFTESTCD
    test: str | None = None
    detail: str | None = None  # GFTSDTL: GENOTYPE, NORMALIZED LEVEL, ...
    symbol: str | None = None  # the gene: HLA-A, PRAME
    result: str | None = None
    unit: str | None = None
    interpretation: str | None = None  # POSITIVE or NEGATIVE by the trial's threshold
    specimen: str | None = None  # GENSMP: DNA, mRNA
    specimen_reference: str | None = None
    method: str | None = None
    laboratory: str | None = None
    collected: IsoText | None = None
    visit: Visit | None = None
    is_not_done: bool = False
    not_done_reason: str | None = None


# ------------------------------------------------------------------------------------------------------ tumors


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Who assessed: the investigator, or one of several independent readers."""

    evaluator: str = "INVESTIGATOR"
    evaluator_id: str | None = None  # RADIOLOGIST 1, ...
    is_accepted: bool | None = None  # whose assessment counts, where an adjudicator chose


@dataclass(frozen=True, kw_only=True)
class Lesion:
    """A lesion as identified by one reader."""

    reference: str
    link: str  # T01, NT02, N01: the same on every measurement of it
    kind: str  # TARGET, NON-TARGET, NEW
    reader: Reader = Reader()
    location: str | None = None
    location_text: str | None = None  # where in that organ, in the reader's words
    laterality: str | None = None
    direction: str | None = None
    method: str | None = None
    identified: IsoText | None = None
    visit: Visit | None = None


@dataclass(frozen=True, kw_only=True)
class LesionMeasurement:
    """One lesion at one assessment: its diameters in millimetres, or its state."""

    reference: str
    link: str
    kind: str
    reader: Reader = Reader()
    assessment: str | None = None  # joins measurements and responses of one assessment (--LNKGRP)
    diameter_mm: Decimal | None = None
    longest_mm: Decimal | None = None
    short_axis_mm: Decimal | None = None
    is_too_small: bool = False
    state: str | None = None  # TRPROPRS: PRESENT, ABSENT, UNEQUIVOCAL, ...
    not_evaluable_reason: str | None = None
    is_not_done: bool = False
    method: str | None = None
    assessed: IsoText | None = None
    visit: Visit | None = None


@dataclass(frozen=True, kw_only=True)
class DiameterSum:
    """The sum of the target diameters at one assessment, computed from its measurements."""

    reference: str
    sum_mm: Decimal
    reader: Reader = Reader()
    assessment: str | None = None
    assessed: IsoText | None = None
    visit: Visit | None = None


@dataclass(frozen=True, kw_only=True)
class TumorResponse:
    """One reader's response at one assessment, or over all of them (best response has no visit)."""

    reference: str
    test_code: str  # OVRLRESP, TRGRESP, NTRGRESP, NEWLPROG, BESTRESP
    response: str | None
    criteria: str = "RECIST 1.1"
    reader: Reader = Reader()
    assessment: str | None = None
    is_derived: bool = False  # computed by rule, standing beside what the reader said
    reason: str | None = None
    is_not_done: bool = False
    not_done_reason: str | None = None
    assessed: IsoText | None = None
    visit: Visit | None = None


# ------------------------------------------------------------------------------------------------------ what is left


@dataclass(frozen=True, kw_only=True)
class ExtraItem:
    """A value of an item that a protocol added to a page, with the target its protocol file names.

    `dataset` and `variable` name a variable of the guide, a supplemental qualifier (a name the guide does not have), or
    a test of FA (dataset "FA": `variable` is the test code and `object` what it is about).
    """

    reference: str
    dataset: str
    variable: str
    label: str
    value: str
    unit: str | None = None
    parent: str | None = None  # the reference of the line it stands beside; DM needs none
    object: str | None = None
    category: str | None = None
    collected: IsoText | None = None
    visit: Visit | None = None
    origin: str = "CRF"  # QORIG, where it leaves as a supplement
    evaluator: str = ""  # QEVAL, where it is a judgement


@dataclass(frozen=True, kw_only=True)
class Comment:
    """Free text about a record, or about the subject when it has no parent."""

    text: str
    dataset: str | None = None
    parent: str | None = None
    evaluator: str | None = None
    written: IsoText | None = None  # leaves only with a comment about the subject


@dataclass(frozen=True, kw_only=True)
class Casebook:
    """Everything one subject's casebook holds, at one cut."""

    subject: Subject
    visits: tuple[SubjectVisit, ...] = ()
    consents: tuple[Consent, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    criteria: tuple[CriterionAnswer, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    medications: tuple[Medication, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    administrations: tuple[Administration, ...] = ()
    adverse_events: tuple[AdverseEvent, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    lab_results: tuple[LabResult, ...] = ()
    vital_signs: tuple[Finding, ...] = ()
    ecgs: tuple[Finding, ...] = ()
    performance_status: tuple[Finding, ...] = ()
    biomarkers: tuple[Biomarker, ...] = ()
    lesions: tuple[Lesion, ...] = ()
    measurements: tuple[LesionMeasurement, ...] = ()
    sums: tuple[DiameterSum, ...] = ()
    responses: tuple[TumorResponse, ...] = ()
    survival: tuple[SurvivalStatus, ...] = ()
    extra_items: tuple[ExtraItem, ...] = ()
    comments: tuple[Comment, ...] = ()


# ------------------------------------------------------------------------------------------------------ the design


@dataclass(frozen=True)
class Element:
    """A building block of the trial: screening, treatment at a level, follow-up."""

    code: str
    name: str
    start_rule: str
    end_rule: str | None = None
    duration: str | None = None


@dataclass(frozen=True)
class ArmStep:
    """One element on the path of an arm."""

    order: int
    element: str
    epoch: str
    branch: str | None = None
    transition: str | None = None


@dataclass(frozen=True)
class Arm:
    """One planned path through the trial; in a dose escalation each dose level is an arm."""

    code: str
    name: str
    steps: tuple[ArmStep, ...]


@dataclass(frozen=True)
class PlannedVisit:
    """A visit of the schedule; without arm it holds for all."""

    visit: Visit
    start_rule: str
    end_rule: str | None = None
    arm: str | None = None


@dataclass(frozen=True)
class Criterion:
    """An eligibility criterion as worded in one version of the protocol."""

    code: str
    text: str
    category: str
    version: str | None = None
    subcategory: str | None = None


@dataclass(frozen=True)
class SummaryParameter:
    """One characteristic of the trial (TS), or why it has none (null flavor of ISO 21090, such as NA or PINF)."""

    code: str
    value: str | None = None
    null_flavor: str | None = None
    value_code: str | None = None
    dictionary: str | None = None
    dictionary_version: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class TrialDesign:
    """The plan of the trial as the datasets describe it."""

    study: str
    elements: tuple[Element, ...] = ()
    arms: tuple[Arm, ...] = ()
    visits: tuple[PlannedVisit, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    summary: tuple[SummaryParameter, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Conventions:
    """What sponsors decide differently; each has the default that fits the two trials shipped here."""

    performance_status_domain: str = "QS"  # or RS, the home of clinical classifications since SDTMIG 3.4
    reference_products: tuple[str, ...] = ()  # whose first dose is study day 1; none named: any study treatment
    products: tuple[str, ...] = ()  # in the protocol's order; numbers the answers per product in SUPPAE
    flags_last_before_exposure: bool = True
    same_day_is_before_exposure: bool = True
    relations_strongest_first: tuple[str, ...] = field(
        default=(
            *("RELATED", "DEFINITE", "DEFINITELY RELATED", "PROBABLE", "PROBABLY RELATED", "POSSIBLE"),
            *("POSSIBLY RELATED", "UNKNOWN", "REMOTE", "UNLIKELY", "UNLIKELY RELATED", "NOT RELATED", "NONE"),
        )
    )
