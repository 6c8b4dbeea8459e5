"""What is given, to whom and how the dose rises: products, regimens, dose levels, cohorts, escalation, DLT period."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from clinical.dlt.evaluability import ExposureMinimum
from clinical.dlt.evaluation import Conventions
from clinical.dlt.window import StepDosing, WindowEnd, WindowRule
from clinical.protocol.keys import CODE, Faults, ParameterValue, key


class ProductKind(StrEnum):
    """What a product is given for."""

    STUDY_DRUG = "study drug"
    CELL_PRODUCT = "cell product"
    LYMPHODEPLETION = "lymphodepletion"
    PREMEDICATION = "premedication"
    SUPPORTIVE = "supportive"
    COMPARATOR = "comparator"


@dataclass(frozen=True, kw_only=True)
class Product:
    """Something the protocol has given to a subject."""

    code: str = key("the code of the product, as SDTM's treatment name (EXTRT)", shape=CODE)
    name: str = key("the name shown on pages")
    kind: ProductKind = key("what the product is given for")
    route: str = key("the route of administration, an SDTM term such as INTRAVENOUS", codelist="ROUTE")
    form: str = key("the dose form, an SDTM term such as INJECTION, SOLUTION", codelist="FRM")
    unit: str = key("the unit in which a dose is recorded")
    for_attribution: bool = key("whether the relation of an adverse event to this product is asked", default=True)
    study_product: bool = key("whether a relation to it makes an event related to study treatment", default=False)
    frequency: str | None = key("the dosing frequency, an SDTM term such as QD", default=None, codelist="FREQ")


class StepKind(StrEnum):
    """Where a dose stands on the way to the intended dose."""

    PRIMING = "priming"
    INTERMEDIATE = "intermediate"
    FULL = "full"
    FIXED = "fixed"


@dataclass(frozen=True, kw_only=True)
class Step:
    """The dose of one product at some visits: a share of the level's target, or an amount of its own."""

    product: str = key("the product that is given", refers_to="product")
    kind: StepKind = key("priming, intermediate or full on the way to the target; fixed where no target is meant")
    visits: tuple[str, ...] = key("the visits at which this dose is planned", default=(), refers_to="visit")
    later_visits: bool = key("whether it is also the dose of every later dosing visit of the product", default=False)
    fraction: Decimal | None = key("the share of the dose level's target", default=None, least=0)
    amount: Decimal | None = key("the amount, where it does not follow from the target", default=None, least=0)
    unit: str | None = key("the unit of the amount", default=None)
    times_a_day: int = key("how often on each of these days", default=1, least=1, most=24)

    def faults(self) -> Faults:
        """A step says how much exactly once, and when at least once."""
        if (self.fraction is None) == (self.amount is None):
            yield "", "A step needs either `fraction` (of the target) or `amount`, and not both."
        if self.amount is not None and self.unit is None:
            yield "unit", "Missing: the unit of the amount. Add `unit`."
        if not self.visits and not self.later_visits:
            yield "visits", "Nothing says when this step is given. Name its visits, or set `later_visits = true`."


@dataclass(frozen=True, kw_only=True)
class Regimen:
    """How a dose level's target is reached and kept. A dose level is a regimen, not a number."""

    code: str = key("the code by which dose levels name the regimen", shape=CODE)
    title: str = key("the regimen in a few words")
    steps: tuple[Step, ...] = key("the doses, in the order in which they are given", name="step")


@dataclass(frozen=True, kw_only=True)
class DoseLevel:
    """One rung of the ladder: a target, as an amount or (cell products) as a range, and the regimen that reaches it."""

    number: int = key(
        "the place on the ladder; 1 is the starting dose and 0 or less stands below it", least=-2, most=60
    )
    label: str = key("what the committee calls the level")
    regimen: str = key("the regimen that reaches the target", refers_to="regimen")
    product: str = key("the product whose dose is the level", refers_to="product")
    unit: str = key("the unit of the target")
    target: Decimal | None = key("the target dose", default=None, least=0)
    range_from: Decimal | None = key("the lowest dose that counts as this level", default=None, least=0)
    range_to: Decimal | None = key("the highest dose that counts as this level", default=None, least=0)

    def faults(self) -> Faults:
        """A level is an amount or a range that is not upside down."""
        has_range = self.range_from is not None and self.range_to is not None
        if (self.target is None) == (not has_range):
            yield "", "A dose level needs either `target`, or both `range_from` and `range_to`."
        if self.range_from is not None and self.range_to is not None and self.range_from >= self.range_to:
            yield "range_to", f"The range ends at {self.range_to}, not above its begin {self.range_from}. Swap them."


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the trial: escalation, extension, phase II."""

    code: str = key("the code of the part", shape=CODE)
    title: str = key("the part in a few words")
    planned_subjects: int | None = key("how many subjects are planned", default=None, least=0)


@dataclass(frozen=True, kw_only=True)
class Cohort:
    """A group of subjects treated at one dose level."""

    code: str = key("the code of the cohort", shape=CODE)
    title: str = key("what the cohort is called on pages")
    part: str = key("the part it belongs to", refers_to="part")
    capacity: int = key("how many subjects it holds once expanded", least=1, most=1000)
    first_group: int | None = key(
        "how many may be enrolled before the design asks for more; all when absent", default=None, least=1
    )
    dose_level: int | None = key("the dose level its subjects get; none for an arm without escalation", default=None)
    arm: str | None = key("the arm its subjects are planned for, where arms are not dose levels", default=None)
    backfill_capacity: int = key("how many more may be treated at a level already cleared", default=0, least=0)
    minimum_evaluable: int = key("how many DLT-evaluable subjects a decision needs", default=0, least=0)
    open_at_start: bool = key("whether it opens without a decision before it", default=False)

    def faults(self) -> Faults:
        """A cohort can hold the subjects that its own decision needs."""
        if self.first_group is not None and self.first_group > self.capacity:
            yield "first_group", f"The first group of {self.first_group} is larger than the cohort of {self.capacity}."
        if self.minimum_evaluable > self.capacity:
            yield (
                "minimum_evaluable",
                (
                    f"A decision needs {self.minimum_evaluable} evaluable subjects, the cohort holds {self.capacity}. "
                    "Lower one or raise the other."
                ),
            )


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """A design the trial could be switched to by an amendment."""

    design: str = key("the name of the design")
    parameters: Mapping[str, ParameterValue] = key("its parameters", default={})


@dataclass(frozen=True, kw_only=True)
class Stagger:
    """How long a subject is watched before the next one may be dosed."""

    first_to_second_hours: int = key("hours between the first two subjects of a level", default=0, least=0)
    between_others_hours: int = key("hours between any later two", default=0, least=0)
    sentinel_subjects: int = key("how many subjects of a level the first figure applies to", default=1, least=0)


class PendingRule(StrEnum):
    """What undecided outcomes hold back. Movement to less dose never waits."""

    ESCALATION_WAITS = "escalation waits"
    SUSPEND_ACCRUAL = "suspend accrual"


@dataclass(frozen=True, kw_only=True)
class Pending:
    """What happens while outcomes of treated subjects are undecided."""

    rule: PendingRule = key("what undecided outcomes hold back")
    suspend_above: Decimal | None = key(
        "the share of undecided outcomes above which accrual is suspended", default=None, least=0, most=1
    )

    def faults(self) -> Faults:
        """Suspension needs its share."""
        if self.rule is PendingRule.SUSPEND_ACCRUAL and self.suspend_above is None:
            yield "suspend_above", "Missing: the share above which accrual is suspended. Add `suspend_above`."


@dataclass(frozen=True, kw_only=True)
class Increment:
    """How far one escalation may go."""

    before_percent: Decimal = key("the largest rise in percent until the event", least=0)
    event: str = key("the event after which rises are smaller")
    after_percent: Decimal = key("the largest rise in percent from then on", least=0)


@dataclass(frozen=True, kw_only=True)
class Slots:
    """How places in a cohort are kept."""

    reservation_days: int = key("days after which a reserved place falls back", default=14, least=1)
    waiting_list: bool = key("whether sites may queue for a full cohort", default=True)
    release_by: str = key("the role that releases a slot after the investigator's signature", default="medical monitor")


@dataclass(frozen=True, kw_only=True)
class Escalation:
    """The escalation design and the rules around it."""

    design: str = key("the name of the design, such as 3+3, BOIN or BLRM; “none” where no dose is escalated")
    parameters: Mapping[str, ParameterValue] = key("the design's parameters", default={})
    alternatives: tuple[Alternative, ...] = key("designs it could be switched to", name="alternative", default=())
    skip_levels: bool = key("whether an untried level may be skipped", default=False)
    within_subject: bool = key("whether a subject's own dose level may rise", default=False)
    stagger: Stagger = key("the watch between subjects", default=Stagger())
    pending: Pending | None = key("what undecided outcomes hold back", default=None)
    increment: Increment | None = key("how far one escalation may go", default=None)
    slots: Slots = key("how places in a cohort are kept", default=Slots())
    committee: tuple[str, ...] = key("the roles that sign each decision", default=())


class StepRule(StrEnum):
    """What step dosing does to the DLT period."""

    FIRST_DOSE = "from first dose"
    RESTART = "restart at first full dose"
    EXTEND = "extend to days after first full dose"


class CountsAgainst(StrEnum):
    """The dose level that a DLT is charged to."""

    ASSIGNED = "level assigned"
    RECEIVED = "level received"


class DelayRule(StrEnum):
    """What a dose delay not caused by toxicity does to the DLT period."""

    KEEPS = "keeps its end"
    EXTENDS = "extends by the delay"


@dataclass(frozen=True, kw_only=True)
class DltPeriod:
    """The time in which a toxicity can be dose limiting."""

    anchor: str = key("the anchor at which the period begins", refers_to="anchor")
    days: int = key("how many days it lasts", least=1, most=400)
    steps: StepRule = key("what step dosing does to the period", default=StepRule.FIRST_DOSE)
    full_dose_anchor: str | None = key("the anchor of the first full dose", default=None, refers_to="anchor")
    on_delay: DelayRule = key("what a dose delay does to the period", default=DelayRule.KEEPS)
    delays_not_extending: tuple[str, ...] = key(
        "reasons of a delay that never prolong the period, in the words of the administration page",
        default=("related toxicity",),
    )
    ends: WindowEnd = key(
        "when the last day is over: with the calendar day, or at the hour of the dose", default=WindowEnd.MIDNIGHT
    )
    dose_day_counts: bool = key(
        "whether an onset known only to be on the day of the dose is inside the period", default=True
    )
    priming_counts: bool = key(
        "whether toxicity before a period that restarts at the full dose is looked at as well", default=True
    )
    full_dose_within_days: int | None = key(
        "days from the first dose after which a full dose is no longer waited for; always waited for when absent",
        default=None,
        least=1,
    )
    repriming_restarts: bool = key(
        "whether the period starts anew when a subject is primed again within it", default=False
    )
    counts_against: CountsAgainst = key("the level a DLT is charged to", default=CountsAgainst.ASSIGNED)

    def faults(self) -> Faults:
        """A period that step dosing moves needs to know where the first full dose is."""
        if self.steps is not StepRule.FIRST_DOSE and self.full_dose_anchor is None:
            yield "full_dose_anchor", f"The period {self.steps.value}, so name the anchor of that dose."
        if self.steps is StepRule.FIRST_DOSE and (self.full_dose_within_days is not None or self.repriming_restarts):
            name = "repriming_restarts" if self.full_dose_within_days is None else "full_dose_within_days"
            yield name, "The period counts from the first dose, so no full dose is waited for. Remove it."
        if not self.priming_counts and self.steps is not StepRule.RESTART:
            yield "priming_counts", "Priming is left out only where the period restarts at the first full dose."

    @property
    def rule(self) -> WindowRule:
        """The period as the DLT rules read it."""
        return WindowRule(
            days=self.days,
            step_dosing=STEP_DOSING[self.steps],
            end=self.ends,
            priming_counts=self.priming_counts,
            full_dose_within_days=self.full_dose_within_days,
            delays_extend=self.on_delay is DelayRule.EXTENDS,
            delays_not_extending=self.delays_not_extending,
            repriming_restarts=self.repriming_restarts,
            dose_day_counts=self.dose_day_counts,
        )


STEP_DOSING: Mapping[StepRule, StepDosing] = {
    StepRule.FIRST_DOSE: StepDosing.IGNORE,
    StepRule.EXTEND: StepDosing.EXTEND,
    StepRule.RESTART: StepDosing.RESTART,
}


@dataclass(frozen=True, kw_only=True)
class MinimumExposure:
    """What a subject without a DLT must have received to count."""

    product: str = key("the product that is counted", refers_to="product")
    doses: int = key("how many planned doses must have been given", default=1, least=1)
    fraction: Decimal = key(
        "the share of the planned total that must have been given", default=Decimal(0), least=0, most=1
    )
    full_dose: bool = key(
        "whether one dose of the intended size must be among them, not only priming doses", default=True
    )

    @property
    def minimum(self) -> ExposureMinimum:
        """The exposure as the evaluability rules read it."""
        return ExposureMinimum(doses=self.doses, fraction=self.fraction, full_dose=self.full_dose)


@dataclass(frozen=True, kw_only=True)
class DltConventions:
    """What protocols settle differently about grades and time, beside the criteria themselves."""

    first_day_counts: bool = key("whether dates from the 15th to the 22nd are 8 days rather than 7", default=False)
    worse_than_at_opening: bool = key(
        "whether a toxicity there before the period must exceed its grade of that time; else any worsening counts",
        default=False,
    )
    haematological_terms: tuple[str, ...] = key(
        "the CTCAE terms that are haematological wherever CTCAE keeps them; its blood counts when absent", default=()
    )
    haematological_socs: tuple[str, ...] = key(
        "the system organ classes that are haematological; that of blood and lymph when absent", default=()
    )

    def of(self, study_products: tuple[str, ...]) -> Conventions:
        """The conventions as the DLT rules read them; `study_products` are those that make an event related."""
        usual = Conventions(
            study_products=study_products,
            first_day_counts=self.first_day_counts,
            worse_than_at_opening=self.worse_than_at_opening,
        )
        return replace(
            usual,
            haematological_terms=self.haematological_terms or usual.haematological_terms,
            haematological_socs=self.haematological_socs or usual.haematological_socs,
        )
