"""A trial as its protocol defines it: everything the other rooms ask, typed, frozen and already checked."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Protocol, TypeVar

from clinical.dlt import criteria as dlt_criteria
from clinical.protocol import conduct, design, pages, schedule, submission
from clinical.protocol.keys import CODE, Faults, key

#: Enough of the open end of a schedule for a page or a plot; whoever needs more asks for it.
ONE_YEAR = 366


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where the numbers of the file come from. The comment beside each number says which kind it is."""

    sourced: str = key("what is taken from published sources, and which")
    recalled: str = key("what is recalled from memory and unverified")
    placeholder: str = key("what is a reasonable invention, to be replaced by the protocol's own")


@dataclass(frozen=True, kw_only=True)
class Study:
    """The trial itself."""

    code: str = key("the code of the study (STUDYID)", shape=CODE)
    title: str = key("its title")
    phase: str = key("its phase, an SDTM term such as PHASE I TRIAL", codelist="TPHASE")
    sponsor: str = key("the sponsor")
    sponsor_zone: str = key("the sponsor's time zone, such as Europe/Berlin")
    indication: str = key("the disease studied")
    version: str = key("the version of this file, such as 1.0", shape=r"[0-9]+(\.[0-9]+)*")
    effective: date | None = key("from when the version holds; none until approval sets it", default=None)
    changes: str = key("what this version changes, in a sentence for whoever signs it")
    registry: str | None = key("its number in the registry", default=None)
    planned_subjects: int | None = key("how many subjects are planned", default=None, least=1)
    transferred_as: str | None = key(
        "the STUDYID in datasets that a running study is brought over from, where it is not the code", default=None
    )
    provenance: Provenance = key("where the numbers come from")


@dataclass(frozen=True, kw_only=True)
class Dlt:
    """What is dose limiting, and when."""

    period: design.DltPeriod = key("the time in which a toxicity can be dose limiting")
    exposure: design.MinimumExposure | None = key(
        "what a subject without a DLT must have received to count", default=None
    )
    conventions: design.DltConventions = key(
        "what protocols settle differently about grades and time", default=design.DltConventions()
    )
    criteria: tuple[dlt_criteria.Criterion, ...] = key(
        "the criteria, in the language of docs/clinical/dlt.md", name="criterion", read_by=dlt_criteria.parse_criteria
    )


@dataclass(frozen=True)
class PlannedDose:
    """What a subject of a dose level is to get of one product at one visit."""

    product: str
    kind: design.StepKind
    unit: str
    amount: Decimal | None
    range_from: Decimal | None = None
    range_to: Decimal | None = None
    times_a_day: int = 1


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One version of a trial's protocol."""

    study: Study = key("the trial itself")
    products: tuple[design.Product, ...] = key("what is given", name="product")
    regimens: tuple[design.Regimen, ...] = key("how doses reach their target", name="regimen", default=())
    parts: tuple[design.Part, ...] = key("the parts of the trial", name="part")
    dose_levels: tuple[design.DoseLevel, ...] = key("the ladder", name="dose_level", default=())
    cohorts: tuple[design.Cohort, ...] = key("groups of subjects treated alike", name="cohort")
    escalation: design.Escalation = key("the escalation design and the rules around it")
    dlt: Dlt | None = key("what is dose limiting, and when; none for a trial without", default=None)
    anchors: tuple[schedule.Anchor, ...] = key("moments that visits are counted from", name="anchor")
    gates: tuple[conduct.Gate, ...] = key("steps with consent, criteria and signature, in order", name="gate")
    epochs: tuple[submission.Epoch, ...] = key("periods of the trial, in order", name="epoch")
    visits: tuple[schedule.Visit, ...] = key("single visits", name="visit")
    cycles: tuple[schedule.Cycle, ...] = key("templates of visits that repeat", name="cycle", default=())
    imaging: tuple[schedule.Imaging, ...] = key("scans on a calendar of their own", default=())
    unscheduled: schedule.Unscheduled = key("visits nobody planned", default=schedule.Unscheduled())
    day_labels: schedule.DayLabels = key("how days are named on pages")
    forms: tuple[pages.Form, ...] = key("what is asked", name="form")
    panels: tuple[pages.Panel, ...] = key("lab panels", name="panel", default=())
    codelists: tuple[pages.Codelist, ...] = key("the answers that choices offer", name="codelist")
    expected_ranges: tuple[pages.ExpectedRange, ...] = key(
        "ranges outside which a value is confirmed", name="expected_range", default=()
    )
    criteria: tuple[conduct.Criterion, ...] = key("inclusion and exclusion criteria", name="criterion", default=())
    screening: conduct.Screening = key("numbering and screening again")
    safety: conduct.Safety = key("adverse events and their clocks")
    alerts: tuple[conduct.AlertRule, ...] = key("safety signals that are switched on", name="alert", default=())
    recist: conduct.Recist | None = key("the conventions of tumor assessment", default=None)
    evaluators: tuple[conduct.Evaluator, ...] = key("who assesses tumors", name="evaluator", default=())
    dictionaries: tuple[conduct.Dictionary, ...] = key("dictionaries and their versions", name="dictionary")
    sdv: conduct.Sdv = key("the plan of source data verification", default=conduct.Sdv())
    not_collected: tuple[conduct.NotCollected, ...] = key("what this trial does not have", default=())
    deviations: tuple[conduct.DeviationCategory, ...] = key(
        "kinds of protocol deviations", name="deviation", default=()
    )
    elements: tuple[submission.Element, ...] = key("building blocks of the arms", name="element", default=())
    arms: tuple[submission.Arm, ...] = key("planned paths through the trial", name="arm", default=())
    summary: tuple[submission.Summary, ...] = key("trial summary parameters", default=())

    def faults(self) -> Faults:
        """Gates and evaluators that everything else leans on."""
        if not self.gates:
            yield "gate", "A trial needs at least one gate: the consent that begins it."
        if self.gates and not any(gate.opens_enrolment for gate in self.gates):
            yield "gate", "No gate has `opens_enrolment = true`, so no subject could ever be enrolled."
        if self.recist is not None and not any(evaluator.at_site for evaluator in self.evaluators):
            yield "evaluator", "Tumors are assessed, but no evaluator has `at_site = true`: name the investigator."

    def product(self, code: str) -> design.Product:
        """The product of that code."""
        return _the(self.products, code)

    def form(self, code: str) -> pages.Form:
        """The form of that code."""
        return _the(self.forms, code)

    def panel(self, code: str) -> pages.Panel:
        """The lab panel of that code."""
        return _the(self.panels, code)

    def codelist(self, code: str) -> pages.Codelist:
        """The code list of that code."""
        return _the(self.codelists, code)

    def anchor(self, code: str) -> schedule.Anchor:
        """The anchor of that code."""
        return _the(self.anchors, code)

    def gate(self, code: str) -> conduct.Gate:
        """The gate of that code."""
        return _the(self.gates, code)

    def cohort(self, code: str) -> design.Cohort:
        """The cohort of that code."""
        return _the(self.cohorts, code)

    def dose_level(self, number: int) -> design.DoseLevel:
        """The dose level of that number."""
        return next(level for level in self.dose_levels if level.number == number)

    def level_received(self, *, product: str, amount: Decimal) -> design.DoseLevel | None:
        """The highest level whose dose was reached; none when it stayed below the whole ladder.

        A cell product that grew less than planned counts at the level it reached, not at the level it was meant for.
        """
        reached = [
            level
            for level in self.dose_levels
            if level.product == product and amount >= (level.range_from if level.target is None else level.target)  # type: ignore[operator]  # a level without a target has a range
        ]
        return reached[-1] if reached else None

    def criteria_of(self, gate: str) -> tuple[conduct.Criterion, ...]:
        """The criteria asked at a gate, in the order of the file."""
        return tuple(criterion for criterion in self.criteria if criterion.gate == gate)

    def forms_of(self, page: pages.Page) -> tuple[pages.Form, ...]:
        """The forms of this trial behind which a typed page stands."""
        return tuple(form for form in self.forms if form.page is page)

    def analyte(self, test: str) -> pages.Analyte | None:
        """The analyte of that test code, from whichever panel has it."""
        return next((each for panel in self.panels for each in panel.analytes if each.test == test), None)

    def visits_for(
        self, *, part: str | None = None, through_day: int = ONE_YEAR, cycles: bool = True
    ) -> tuple[schedule.PlannedVisit, ...]:
        """The schedule written out, in the order of the datasets' visit numbers.

        Visits that repeat are given up to `through_day` days after their anchor; visits of other parts are left out.
        """
        asked = (part, through_day, cycles)
        if asked not in self._written_out:
            visits = self._visits(part, timedelta(days=through_day), cycles)
            self._written_out[asked] = tuple(sorted(visits, key=lambda visit: visit.number))
        return self._written_out[asked]

    @cached_property
    def _written_out(self) -> dict[tuple[str | None, int, bool], tuple[schedule.PlannedVisit, ...]]:
        """Schedules once written out. A definition never changes, so they hold as long as it does."""
        return {}

    def _visits(self, part: str | None, through: timedelta, cycles: bool) -> Iterator[schedule.PlannedVisit]:
        anchors: Mapping[str, schedule.Anchor] = {anchor.code: anchor for anchor in self.anchors}
        for visit in self.visits:
            if part is None or not visit.parts or part in visit.parts:
                yield schedule.planned(visit, anchors.get(visit.anchor or ""))
        if not cycles:
            return
        for template in self.cycles:
            if part is None or not template.parts or part in template.parts:
                yield from schedule.repeated(template, through=through)
        for calendar in self.imaging:
            if part is None or not calendar.parts or part in calendar.parts:
                yield from schedule.scans(calendar, through=through)

    def planned_doses(self, *, level: int, visit: str) -> tuple[PlannedDose, ...]:
        """What a subject of a dose level is to get at a visit, product by product.

        A step dose is a share of the level's target, so the same visit has different doses at different levels. A visit
        that no step names gets the dose of the later visits, if one of its forms records that product.
        """
        dose_level = self.dose_level(level)
        regimen: design.Regimen = _the(self.regimens, dose_level.regimen)
        named = [step for step in regimen.steps if visit in step.visits]
        already = {step.product for step in named}
        dosed_here = self._products_dosed_at(visit)
        later = [
            step
            for step in regimen.steps
            if step.later_visits and step.product not in already and step.product in dosed_here
        ]
        return tuple(_planned(step, dose_level) for step in named + later)

    def _products_dosed_at(self, visit: str) -> frozenset[str]:
        # A visit far down the schedule has the forms of its template.
        return self._products_by_visit.get(visit, self._products_of_cycles)

    @cached_property
    def _products_by_visit(self) -> dict[str, frozenset[str]]:
        return {visit.code: self._products_on(visit.forms) for visit in self.visits_for()}

    @cached_property
    def _products_of_cycles(self) -> frozenset[str]:
        return self._products_on([form for template in self.cycles for each in template.visits for form in each.forms])

    def _products_on(self, forms: Collection[str]) -> frozenset[str]:
        return frozenset(form.product for form in self.forms if form.code in forms and form.product)


def _planned(step: design.Step, level: design.DoseLevel) -> PlannedDose:
    if step.amount is not None:
        return PlannedDose(step.product, step.kind, step.unit or level.unit, step.amount, times_a_day=step.times_a_day)
    fraction = step.fraction or Decimal(0)
    return PlannedDose(
        product=step.product,
        kind=step.kind,
        unit=level.unit,
        amount=None if level.target is None else fraction * level.target,
        range_from=None if level.range_from is None else fraction * level.range_from,
        range_to=None if level.range_to is None else fraction * level.range_to,
        times_a_day=step.times_a_day,
    )


class _Coded(Protocol):
    @property
    def code(self) -> str: ...


_Entry = TypeVar("_Entry", bound=_Coded)


def _the(entries: tuple[_Entry, ...], code: str) -> _Entry:
    """The entry of that code. Codes that the file itself names exist: loading saw to that."""
    for entry in entries:
        if entry.code == code:
            return entry
    raise KeyError(code)
