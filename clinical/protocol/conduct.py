"""How the trial is run: gates and eligibility, safety, tumor response, evaluators, review, what was not collected."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from clinical.protocol.keys import CODE, SDTM_NAME, SNAKE, Faults, ParameterValue, key

#: What a machine check can ask of a subject. Laboratory results are asked as `lab.` and the test code.
FACTS: Mapping[str, str] = {
    "age": "Age",
    "sex": "Sex",
    "ecog": "ECOG performance status",
    "consent": "Informed consent",
    "hla": "HLA type",
    "prame": "PRAME expression",
    "measurable_disease": "Measurable disease",
    "lvef": "Left ventricular ejection fraction",
    "creatinine_clearance": "Creatinine clearance",
    "pregnancy_test": "Pregnancy test",
    "liver_metastases": "Liver metastases",
    "brain_metastases": "Brain metastases",
    "weight": "Weight",
    "oxygen_saturation": "Oxygen saturation",
    "qtcf": "QTcF",
    "prior_lines": "Prior lines of therapy",
}
LAB_FACT = "lab."


class AeCollection(StrEnum):
    """Which adverse events are recorded from a gate on."""

    NONE = "none"
    PROCEDURE_RELATED = "procedure related"
    SERIOUS = "serious"
    ALL = "all"


@dataclass(frozen=True, kw_only=True)
class Gate:
    """A step a subject passes with consent, criteria and a signature; gates are passed in the order of the file."""

    code: str = key("the code of the gate", shape=CODE)
    title: str = key("its title")
    sign_off: str = key("the role that signs it")
    ae_collection: AeCollection = key("which adverse events are recorded once its consent is given")
    consent_form: str | None = key(
        "the consent form; none where an earlier consent covers it", default=None, refers_to="form"
    )
    eligibility_form: str | None = key("the form with its criteria", default=None, refers_to="form")
    opens_enrolment: bool = key("whether a cohort place can be asked for once it is signed", default=False)


class CriterionKind(StrEnum):
    """What a criterion does to a subject for whom its statement is true."""

    INCLUSION = "inclusion"
    EXCLUSION = "exclusion"


@dataclass(frozen=True, kw_only=True)
class Instead:
    """Another limit in the presence of something, such as liver metastases."""

    when: str = key("the fact that must be true")
    at_least: Decimal | None = key("the limit then", default=None)
    at_most: Decimal | None = key("the limit then", default=None)
    at_least_times_uln: Decimal | None = key("the limit then, in upper limits of normal", default=None)
    at_most_times_uln: Decimal | None = key("the limit then, in upper limits of normal", default=None)


@dataclass(frozen=True, kw_only=True)
class MachineCheck:
    """What the system can say about a criterion, shown beside the investigator's answer and never instead of it."""

    fact: str = key("what is looked at: a fact such as `age`, or `lab.` and a test code")
    at_least: Decimal | None = key("true from this value on", default=None)
    at_most: Decimal | None = key("true up to this value", default=None)
    at_least_times_uln: Decimal | None = key("true from this many upper limits of normal on", default=None)
    at_most_times_uln: Decimal | None = key("true up to this many upper limits of normal", default=None)
    one_of: tuple[str, ...] = key("true for one of these answers", default=())
    true: bool | None = key("true when the fact is so (true) or is not so (false)", default=None, name="is")
    unit: str | None = key("the unit of the limit", default=None)
    within_days: int | None = key("how many days old the fact may be at most", default=None, least=0)
    instead: tuple[Instead, ...] = key("other limits under a condition", default=())

    def faults(self) -> Faults:
        """A check says what would make it true, about something the system knows."""
        limits = (self.at_least, self.at_most, self.at_least_times_uln, self.at_most_times_uln)
        ways = (any(limit is not None for limit in limits), bool(self.one_of), self.true is not None)
        if sum(ways) != 1:
            yield "", "Say what makes it true: limits (`at_least`, `at_most` ...), or `one_of`, or `is`."
        for name, fact in [
            ("fact", self.fact),
            *((f"instead[{n + 1}].when", each.when) for n, each in enumerate(self.instead)),
        ]:
            if not fact.startswith(LAB_FACT) and fact not in FACTS:
                yield (
                    name,
                    f"No page gives the fact “{fact}”. Use one of {', '.join(FACTS)}, or `lab.` and a test code.",
                )


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """An inclusion or exclusion criterion."""

    number: str = key("its number, as in I1 or E3", shape=r"[A-Z]{1,3}[0-9]{1,3}[a-z]?")
    kind: CriterionKind = key("inclusion or exclusion")
    text: str = key("the criterion as the protocol words it")
    gate: str = key("the gate at which it is asked", refers_to="gate")
    name: str = key("a name of at most 40 characters for the datasets (IETEST)")
    may_not_apply: bool = key("whether it can be answered with “not applicable”", default=False)
    checks: tuple[MachineCheck, ...] = key(
        "machine checks: an inclusion needs all of them, an exclusion is met by any", name="check", default=()
    )

    def faults(self) -> Faults:
        """The name fits where the datasets keep it."""
        if len(self.name) > 40:
            yield "name", f"The name has {len(self.name)} characters; the datasets hold 40. Shorten it."


@dataclass(frozen=True, kw_only=True)
class Screening:
    """How subjects are numbered and screened again."""

    subject_number: str = key(
        "how a screening number is written, with {site} and {sequence} in it", default="{site}-{sequence:03}"
    )
    rescreen_limit: int = key("how often a subject may be screened again", default=1, least=0)
    rescreen_after_days: int = key("days that must have passed before", default=0, least=0)
    window_days: int | None = key("days from consent within which screening ends", default=None, least=1)
    new_consent_on_rescreen: bool = key("whether screening again needs a new consent", default=True)

    def faults(self) -> Faults:
        """Two subjects must not get the same number."""
        if "{site}" not in self.subject_number or "{sequence" not in self.subject_number:
            yield "subject_number", "Write {site} and {sequence} where they go, or two subjects get the same number."


class SeverityScale(StrEnum):
    """The scale on which the investigator states how bad an event is."""

    CTCAE = "ctcae"
    THREE_WORDS = "mild-moderate-severe"


@dataclass(frozen=True, kw_only=True)
class Dictionary:
    """A dictionary and its version."""

    name: str = key("the dictionary: CTCAE, MedDRA, WHODrug, ASTCT")
    version: str = key("its version")
    shipped: bool = key(
        "whether the system brings its content; a licensed dictionary is loaded by whoever holds the licence"
    )


@dataclass(frozen=True, kw_only=True)
class Safety:
    """How adverse events are recorded and how fast serious ones travel."""

    severity: SeverityScale = key("the scale of severity")
    relation_terms: str = key("the code list of relations to a product", refers_to="codelist")
    related_terms: tuple[str, ...] = key("the answers that make an event related")
    treatment_emergent_from: str = key("the anchor from which events are treatment emergent", refers_to="anchor")
    collect_until_days: int = key("days after the last dose in which all events are recorded", least=0)
    serious_until_days: int = key("days after the last dose in which serious ones are recorded", least=0)
    sae_hours: int = key("hours from the site's awareness to the sponsor", default=24, least=1)
    sae_reminder_hours: tuple[int, ...] = key("hours at which the site is reminded before that", default=(12, 20))
    susar_days: int = key("days to the authority", default=15, least=1)
    susar_fatal_days: int = key("days to the authority when fatal or life threatening", default=7, least=1)
    not_serious: tuple[str, ...] = key("admissions and events exempt from seriousness, in words", default=())


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """A safety signal that this trial has switched on."""

    rule: str = key("the id of the rule", shape=r"[A-Z][A-Z0-9_]*")
    parameters: Mapping[str, ParameterValue] = key(
        "what the trial sets differently from the rule's default", default={}
    )


class Criteria(StrEnum):
    """The response criteria."""

    RECIST = "RECIST 1.1"
    IRECIST = "iRECIST"


@dataclass(frozen=True, kw_only=True)
class Recist:
    """The conventions of tumor assessment that trials choose."""

    criteria: Criteria = key("the criteria that decide")
    also: tuple[Criteria, ...] = key("criteria computed beside them", default=())
    most_targets: int = key("most target lesions", default=5, least=1)
    most_per_organ: int = key("most target lesions in one organ", default=2, least=1)
    nodes_are_one_organ: bool = key("whether all lymph nodes count as one organ", default=True)
    measurable_mm: Decimal = key("shortest measurable diameter", default=Decimal(10), least=0)
    measurable_node_mm: Decimal = key("shortest measurable short axis of a node", default=Decimal(15), least=0)
    normal_node_mm: Decimal = key("short axis below which a node is normal", default=Decimal(10), least=0)
    too_small_mm: Decimal = key("what a lesion counts that is too small to measure", default=Decimal(5), least=0)
    sd_days: int = key("days from the reference date before stable disease counts", least=0)
    confirm_days: int = key("days after which a response is confirmed; 0 without confirmation", least=0)
    most_not_evaluable: int = key(
        "assessments not evaluable allowed between a response and its confirmation", default=1, least=0
    )
    pr_until_pd: bool = key("whether a partial response, once reached, stands until progression", default=False)
    censor_at_new_therapy: bool = key("whether endpoints are censored at new anticancer therapy", default=True)
    missed_scans_censor: int = key("missed assessments in a row before progression that censor it", default=2, least=1)
    baseline_days: int = key("days before the first dose in which a baseline scan may lie", least=0)
    reference_anchor: str = key("the anchor that durations count from", refers_to="anchor")


@dataclass(frozen=True, kw_only=True)
class Evaluator:
    """Who assesses tumors."""

    code: str = key("the code of the evaluator", shape=SNAKE)
    title: str = key("who it is")
    eval: str = key("the evaluator in the datasets (TUEVAL), an SDTM term", codelist="EVAL")
    eval_id: str | None = key("which of several (TUEVALID)", default=None)
    at_site: bool = key("whether the site enters the assessment", default=False)


class SdvExtent(StrEnum):
    """How much of a form is verified against the source."""

    ALL = "all"
    FIRST_SUBJECTS = "first subjects"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class SdvRule:
    """Source data verification of some forms; the first rule that names a form holds for it."""

    forms: tuple[str, ...] = key("the forms", refers_to="form")
    extent: SdvExtent = key("how much is verified")
    subjects: int | None = key("the first how many subjects of a site", default=None, least=1)

    def faults(self) -> Faults:
        """First subjects: how many."""
        if (self.extent is SdvExtent.FIRST_SUBJECTS) != (self.subjects is not None):
            yield "subjects", "“first subjects” needs `subjects`, and only that does."


@dataclass(frozen=True, kw_only=True)
class Sdv:
    """The plan of source data verification. Serious events and DLT data are always verified whole."""

    rest: SdvExtent = key("what holds for forms that no rule names", default=SdvExtent.NONE)
    rules: tuple[SdvRule, ...] = key("the rules", name="rule", default=())


@dataclass(frozen=True, kw_only=True)
class NotCollected:
    """Something the system could hold and this trial does not have. Nothing is invented in its place."""

    what: str = key("what is missing, in words")
    reason: str = key("why")
    page: str | None = key("the typed page concerned", default=None, shape=SNAKE)
    field: str | None = key("the field of that page; none for the whole page", default=None)
    variable: str | None = key("the dataset's variable that stays empty, such as DM.RFICDTC", default=None)


@dataclass(frozen=True, kw_only=True)
class DeviationCategory:
    """A kind of protocol deviation."""

    code: str = key("the code of the category", shape=SDTM_NAME)
    title: str = key("its title (DVDECOD)")
    important: bool = key("whether such a deviation is important unless someone says otherwise", default=False)
    opened_by_system: bool = key("whether the system opens it by itself", default=False)
