"""What is asked: forms and the typed pages behind them, extra items, lab panels, code lists and expected ranges."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from clinical.protocol.keys import CODE, SDTM_NAME, SNAKE, Faults, key

LONGEST_LABEL = 40


class Page(StrEnum):
    """The typed pages that the system knows. A form of a trial is one of them with its parameters."""

    CONSENT = "consent"
    DEMOGRAPHICS = "demographics"
    MEDICAL_HISTORY = "medical_history"
    DISEASE_HISTORY = "disease_history"
    PRIOR_THERAPY = "prior_therapy"
    PERFORMANCE_STATUS = "performance_status"
    BIOMARKERS = "biomarkers"
    ELIGIBILITY = "eligibility"
    VITAL_SIGNS = "vital_signs"
    LAB_PANEL = "lab_panel"
    ECG = "ecg"
    ADMINISTRATION = "administration"
    CELL_PRODUCT = "cell_product"
    NEUROTOXICITY = "icans_crs"
    ADVERSE_EVENT = "adverse_event"
    CONCOMITANT_MEDICATION = "concomitant_medication"
    LESION = "lesion"
    TUMOR_ASSESSMENT = "tumor_assessment"
    NEW_ANTICANCER_THERAPY = "new_anticancer_therapy"
    DISPOSITION = "disposition"
    DEATH = "death"
    SURVIVAL_FOLLOW_UP = "survival_follow_up"


#: Pages with one record per entry that belong to the subject, not to a visit.
LOGS = frozenset(
    {
        Page.MEDICAL_HISTORY,
        Page.PRIOR_THERAPY,
        Page.ADVERSE_EVENT,
        Page.CONCOMITANT_MEDICATION,
        Page.LESION,
        Page.NEW_ANTICANCER_THERAPY,
    }
)


class ItemType(StrEnum):
    """What the answer to an extra item is."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    CHOICE = "choice"
    YES_NO = "yes_no"


NUMBERS = frozenset({ItemType.INTEGER, ItemType.DECIMAL})


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where the answer goes in the datasets, or why it goes nowhere. Everything captured leaves."""

    dataset: str | None = key("the dataset, such as VS", default=None, shape=r"[A-Z]{2}")
    variable: str | None = key("the variable of that dataset that holds it", default=None, shape=SDTM_NAME)
    qualifier: str | None = key(
        "the name (QNAM) under which SUPP-- of that dataset holds it", default=None, shape=SDTM_NAME
    )
    finding: str | None = key("the test code (FATESTCD) under which FA holds it", default=None, shape=SDTM_NAME)
    excluded: str | None = key("why it is in no dataset", default=None)

    def faults(self) -> Faults:
        """Exactly one place, and the dataset that it belongs to."""
        places = (self.variable, self.qualifier, self.finding, self.excluded)
        if sum(place is not None for place in places) != 1:
            yield "", "Say one of `variable`, `qualifier`, `finding` or `excluded`: where the answer goes."
        if self.dataset is None and self.excluded is None:
            yield "dataset", "Missing: the dataset it belongs to. Add `dataset`."


@dataclass(frozen=True, kw_only=True)
class Item:
    """A question that this trial adds to a typed page."""

    code: str = key("the name under which the answer is kept, in small letters", shape=SNAKE)
    label: str = key("the question as it is shown; 40 characters where it becomes a dataset's label")
    type: ItemType = key("what the answer is")
    target: Target = key("where the answer goes in the datasets")
    required: bool = key("whether a page can be complete without it", default=True)
    unit: str | None = key("the unit of the number", default=None)
    least: Decimal | None = key("the smallest number expected; a smaller one is confirmed, not refused", default=None)
    most: Decimal | None = key("the largest number expected", default=None)
    codelist: str | None = key("the code list of a choice", default=None, refers_to="codelist")

    def faults(self) -> Faults:
        """Choices have lists, numbers have ranges the right way round, labels fit where they must."""
        if (self.type is ItemType.CHOICE) != (self.codelist is not None):
            yield "codelist", "A choice needs a `codelist`, and only a choice has one."
        if self.type not in NUMBERS and (self.least is not None or self.most is not None or self.unit is not None):
            yield "type", "Only a number has a unit and a range. Remove them, or make it an integer or a decimal."
        if self.least is not None and self.most is not None and self.least > self.most:
            yield "most", f"The range ends at {self.most}, below its begin {self.least}. Swap them."
        if (self.target.qualifier or self.target.finding) and len(self.label) > LONGEST_LABEL:
            yield (
                "label",
                f"The label has {len(self.label)} characters; a dataset's label holds {LONGEST_LABEL}. Shorten it.",
            )


@dataclass(frozen=True, kw_only=True)
class Point:
    """One of several times at which a measurement is taken within a visit."""

    name: str = key("the time point in words (VSTPT)")
    number: Decimal = key("its number (VSTPTNUM)")
    position: str | None = key("the position of the subject, an SDTM term (VSPOS)", default=None, codelist="POSITION")
    elapsed: str | None = key("the time since the reference, as an ISO 8601 duration (VSELTM)", default=None)
    reference: str | None = key("what that time is counted from (VSTPTREF)", default=None)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A vital sign (or other measurement) that a form asks for."""

    test: str = key("the test code (VSTESTCD, EGTESTCD)", shape=SDTM_NAME)
    unit: str = key("the unit in which it is recorded first")
    units: tuple[str, ...] = key("other units that are accepted", default=())
    location: str | None = key("where it is taken, an SDTM term (VSLOC)", default=None, codelist="LOC")
    points: tuple[Point, ...] = key("the times within a visit; once when absent", name="point", default=())
    required: bool = key("whether a page can be complete without it", default=True)


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form of this trial: a typed page with its title and parameters."""

    code: str = key("the code of the form, in small letters", shape=SNAKE)
    page: Page = key("the typed page behind it")
    title: str = key("its title")
    panel: str | None = key("the lab panel of a lab form", default=None, refers_to="panel")
    product: str | None = key("the product of an administration form", default=None, refers_to="product")
    gate: str | None = key("the gate of a consent or eligibility form", default=None, refers_to="gate")
    measurements: tuple[Measurement, ...] = key("what is measured", name="measurement", default=())
    biomarkers: tuple[str, ...] = key("the biomarkers a biomarker form asks for", default=())
    items: tuple[Item, ...] = key("the questions this trial adds", name="item", default=())
    leave_out: tuple[str, ...] = key("fields of the typed page that this trial does not ask", default=())
    repeats: bool = key("whether a visit may hold it more than once", default=False)

    @property
    def is_log(self) -> bool:
        """One record per entry, belonging to the subject and not to a visit."""
        return self.page in LOGS

    def faults(self) -> Faults:
        """A form has the parameter that its page needs, and only that."""
        needs = {
            "panel": (self.panel, {Page.LAB_PANEL}),
            "product": (self.product, {Page.ADMINISTRATION, Page.CELL_PRODUCT}),
            "gate": (self.gate, {Page.CONSENT, Page.ELIGIBILITY}),
        }
        for name, (given, pages) in needs.items():
            if self.page in pages and given is None:
                yield name, f"Missing: a form of the page {self.page.value} names its {name}. Add `{name}`."
            if self.page not in pages and given is not None:
                yield name, f"A form of the page {self.page.value} has no {name}. Remove it."
        if self.page is Page.VITAL_SIGNS and not self.measurements:
            yield "measurement", "Missing: what is measured. Add at least one `measurement`."
        if self.page is Page.BIOMARKERS and not self.biomarkers:
            yield "biomarkers", "Missing: which biomarkers are asked. Add `biomarkers`."
        codes = [item.code for item in self.items]
        for index, code in enumerate(codes):
            if code in codes[:index]:
                yield (
                    f"item[{index + 1}].code",
                    f"“{code}” is already the code of another item of this form. Rename one.",
                )


@dataclass(frozen=True, kw_only=True)
class Term:
    """One answer of a code list."""

    value: str = key("the value that is kept and exported")
    label: str = key("what is shown")


@dataclass(frozen=True, kw_only=True)
class Codelist:
    """The answers that a choice offers, in their order."""

    code: str = key("the code of the list", shape=CODE)
    terms: tuple[Term, ...] = key("the answers", name="term")
    extensible: bool = key("whether another answer may be written", default=False)

    def faults(self) -> Faults:
        """A choice between nothing is none; no value stands twice."""
        if not self.terms:
            yield "term", "A code list needs at least one term."
        values = [term.value for term in self.terms]
        for index, value in enumerate(values):
            if value in values[:index]:
                yield f"term[{index + 1}].value", f"“{value}” stands in this list twice. Remove one."


class Sex(StrEnum):
    """The sexes that reference ranges tell apart."""

    FEMALE = "F"
    MALE = "M"


@dataclass(frozen=True, kw_only=True)
class DefaultRange:
    """A reference range used until the site's laboratory has stated its own."""

    low: Decimal | None = key("the lower limit of normal", default=None)
    high: Decimal | None = key("the upper limit of normal", default=None)
    sex: Sex | None = key("the sex it holds for; both when absent", default=None)

    def faults(self) -> Faults:
        """A range has at least one end, and they are the right way round."""
        if self.low is None and self.high is None:
            yield "", "A range needs `low`, `high` or both."
        if self.low is not None and self.high is not None and self.low >= self.high:
            yield "high", f"The range ends at {self.high}, not above its begin {self.low}. Swap them."


class ResultType(StrEnum):
    """How a laboratory result is written."""

    NUMBER = "number"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True)
class Analyte:
    """A row of a lab panel."""

    test: str = key("the test code (LBTESTCD)", shape=SDTM_NAME)
    label: str = key("what the row is called")
    unit: str = key("the unit offered first; “1” for a number without one")
    units: tuple[str, ...] = key("other units that are accepted", default=())
    type: ResultType = key("whether the result is a number or words", default=ResultType.NUMBER)
    ranges: tuple[DefaultRange, ...] = key("default reference ranges in the first unit", name="range", default=())
    optional: bool = key("whether the row may be left empty", default=False)
    category: str | None = key("the category (LBCAT), where it is not the panel's", default=None)

    def range_for(self, sex: str | None) -> DefaultRange | None:
        """The default range for a subject; a range of one sex is not used for a subject whose sex is unknown."""
        own = [each for each in self.ranges if each.sex is not None and each.sex.value == sex]
        return next(iter(own + [each for each in self.ranges if each.sex is None]), None)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A lab panel, its analytes in the order of the grid."""

    code: str = key("the code of the panel", shape=CODE)
    title: str = key("its title")
    category: str = key("the category in the datasets (LBCAT)")
    specimen: str = key("the specimen (LBSPEC)")
    analytes: tuple[Analyte, ...] = key("the rows, in order", name="analyte")

    def faults(self) -> Faults:
        """No analyte stands twice."""
        tests = [analyte.test for analyte in self.analytes]
        for index, test in enumerate(tests):
            if test in tests[:index]:
                yield f"analyte[{index + 1}].test", f"{test} stands in this panel twice. Remove one."


@dataclass(frozen=True, kw_only=True)
class ExpectedRange:
    """A range outside which a value is confirmed by whoever enters it. It is never refused for that."""

    code: str = key("the code of the check, by which its queries are known", shape=CODE)
    form: str = key("the form it belongs to", refers_to="form")
    field: str = key("the field, as a path such as `results/ALT/value`", shape=r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*")
    unit: str = key("the unit in which the range is meant")
    least: Decimal | None = key("the smallest value expected", default=None)
    most: Decimal | None = key("the largest value expected", default=None)

    def faults(self) -> Faults:
        """A range has at least one end, and they are the right way round."""
        if self.least is None and self.most is None:
            yield "", "An expected range needs `least`, `most` or both."
        if self.least is not None and self.most is not None and self.least > self.most:
            yield "most", f"The range ends at {self.most}, below its begin {self.least}. Swap them."
