"""What the protocol plans for a subject: which dose of which product, at which visit and repeat, on which day."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from apps.dosing.models import Administration
from apps.subjects.models import Subject
from apps.visits.models import FormRecord, Visit
from clinical.exposure import counts_as_full
from clinical.partial_date import PartialDate
from clinical.protocol.definition import Definition, PlannedDose
from clinical.protocol.design import StepKind
from clinical.protocol.pages import Form, Page
from clinical.protocol.schedule import AnchorSource, PlannedVisit


@dataclass(frozen=True)
class DoseDue:
    """One dose that the schedule has for a subject: `repeat` counts the doses of a product within a visit."""

    visit: Visit
    form: Form
    repeat: int
    planned: PlannedDose | None
    day: date | None

    @property
    def product(self) -> str:
        return self.form.product or ""


def definition_of(subject: Subject) -> Definition:
    return subject.protocol_version.definition


def escalated_product(definition: Definition) -> str | None:
    """The product that the DLT period and the ladder are about; none for a trial without either."""
    if definition.dlt is not None:
        if definition.dlt.exposure is not None:
            return definition.dlt.exposure.product
        anchored = definition.anchor(definition.dlt.period.anchor).product
        if anchored is not None:
            return anchored
    if definition.dose_levels:
        return definition.dose_levels[0].product
    return next((product.code for product in definition.products if product.study_product), None)


def planned_dose(definition: Definition, *, level: int | None, visit: str, product: str) -> PlannedDose | None:
    """The dose of a product at a visit for a dose level; None where none is planned or the level is not known yet."""
    if level is None or all(each.number != level for each in definition.dose_levels):
        return None
    doses = definition.planned_doses(level=level, visit=visit)
    return next((dose for dose in doses if dose.product == product), None)


def dose_count(planned_visit: PlannedVisit, form: Form, dose: PlannedDose | None) -> int:
    """How many doses a visit has: one, or one for each day and time of day where its form repeats."""
    if not form.repeats:
        return 1
    return (planned_visit.duration.days + 1) * (dose.times_a_day if dose else 1)


def planned_day(
    planned_visit: PlannedVisit,
    visit: Visit,
    *,
    repeat: int,
    dose: PlannedDose | None,
    moments: Mapping[str, PartialDate],
) -> date | None:
    """The day of the plan: counted from the anchor as it stands now, so that a corrected first dose moves the plan.

    Repeating cycles keep the date that the calendar gave them, because a delay may have moved it.
    """
    anchor = moments.get(planned_visit.anchor or "")
    first = visit.planned_date
    if planned_visit.cycle is None and anchor is not None and anchor.full_date and planned_visit.offset is not None:
        first = anchor.full_date + planned_visit.offset
    if first is None:
        return None
    return first + timedelta(days=(repeat - 1) // (dose.times_a_day if dose else 1))


def doses_due(
    subject: Subject, *, visits: Mapping[str, Visit], moments: Mapping[str, PartialDate]
) -> Iterator[DoseDue]:
    """Every dose that the schedule has for a subject, in the order of the visits."""
    definition, level = definition_of(subject), subject.dose_level
    forms = {form.code: form for form in definition.forms_of(Page.ADMINISTRATION)}
    has_plan = any(each.number == level for each in definition.dose_levels)
    for planned_visit in definition.visits_for(part=subject.part):
        visit = visits.get(planned_visit.code)
        dosing = [forms[code] for code in planned_visit.forms if code in forms]
        if visit is None or not dosing:
            continue
        doses = definition.planned_doses(level=level, visit=visit.code) if has_plan and level is not None else ()
        by_product = {dose.product: dose for dose in doses}
        for form in dosing:
            dose = by_product.get(form.product or "")
            if has_plan and dose is None:
                continue  # this level's regimen gives the product at other visits only
            for repeat in range(1, dose_count(planned_visit, form, dose) + 1):
                day = planned_day(planned_visit, visit, repeat=repeat, dose=dose, moments=moments)
                yield DoseDue(visit, form, repeat, dose, day)


def planned_columns(record: FormRecord, *, moments: Mapping[str, PartialDate]) -> dict[str, object]:
    """The planned columns of an administration, from the subject's dose level and the visit as they are now."""
    subject, visit = record.subject, record.visit
    definition = record.protocol_version.definition
    product = definition.form(record.form).product or ""
    columns: dict[str, object] = dict.fromkeys(
        ("step", "planned_on", "planned_dose", "planned_from", "planned_to", "planned_unit")
    )
    columns |= {"product": product, "planned_level": subject.dose_level}
    if visit is None:
        return columns
    dose = planned_dose(definition, level=subject.dose_level, visit=visit.code, product=product)
    planned_visit = next((each for each in definition.visits_for(part=subject.part) if each.code == visit.code), None)
    if planned_visit is not None:
        columns["planned_on"] = planned_day(planned_visit, visit, repeat=record.repeat, dose=dose, moments=moments)
    if dose is not None:
        columns |= {
            "step": dose.kind.value,
            "planned_dose": dose.amount,
            "planned_from": dose.range_from,
            "planned_to": dose.range_to,
            "planned_unit": dose.unit,
        }
    return columns


def received_level(definition: Definition, row: Administration) -> int | None:
    """The level that the amount given reached, in the ladder's own unit."""
    if row.dose is None or row.was_given != "Y":
        return None
    if row.unit not in {level.unit for level in definition.dose_levels if level.product == row.product}:
        return None
    reached = definition.level_received(product=row.product, amount=row.dose)
    return reached.number if reached else None


def is_full(definition: Definition, row: Administration) -> bool:
    """Whether the dose was one of the intended size, or (not given yet) is planned as one."""
    target, lower = _sizes(definition, row.planned_level, row.product)
    comparable = row.unit is None or row.planned_unit is None or row.unit == row.planned_unit
    given = row.dose if row.was_given == "Y" and comparable else None
    step = StepKind(row.step) if row.step else None
    return counts_as_full(planned=step, given=given, target=target, largest_lower=lower)


def is_planned_full(due: DoseDue | None) -> bool:
    """Whether a dose still to come is to be one of the intended size."""
    kind = due.planned.kind if due and due.planned else StepKind.FULL
    return kind in (StepKind.FULL, StepKind.FIXED)


def _sizes(definition: Definition, level: int | None, product: str) -> tuple[Decimal | None, Decimal | None]:
    """The target of a level and the largest step below it, where the level's product is stepped."""
    found = next((each for each in definition.dose_levels if each.number == level), None)
    if found is None or found.target is None or found.product != product:
        return None, None
    regimen = next(each for each in definition.regimens if each.code == found.regimen)
    shares = [step.fraction for step in regimen.steps if step.product == product and step.fraction is not None]
    lower = [share * found.target for share in shares if share < max(shares)]
    return found.target, max(lower, default=None)


def anchors_of_doses(definition: Definition) -> list[tuple[str, AnchorSource, str]]:
    """The protocol's anchors that doses fix: code, which dose, product."""
    sources = (AnchorSource.FIRST_DOSE, AnchorSource.FIRST_FULL_DOSE, AnchorSource.LAST_DOSE)
    return [(each.code, each.source, each.product or "") for each in definition.anchors if each.source in sources]
