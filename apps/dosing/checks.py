"""What must hold across the values of a dose or a cell product."""

from collections.abc import Iterator, Sequence

from apps.assessments.checks import ends_before_it_starts
from apps.assessments.models import YesNo
from apps.dosing import plan
from apps.dosing.models import Administration, CellProduct, Manufacture, Modification, ProductBag
from apps.visits.models import EntryState, FormRecord
from apps.visits.pages import Finding, Weight
from clinical.partial_date import Order, Precision

CAN_BE_INFUSED = (Manufacture.RELEASED, Manufacture.RELEASED_OUT_OF_SPECIFICATION)


def of_administration(record: FormRecord) -> Sequence[Finding]:
    row = Administration.objects.get(record=record)
    return [*_not_given(row), *_moments(row, record), *_amount(row), *_product(row, record)]


def of_cell_product(record: FormRecord) -> Sequence[Finding]:
    row = CellProduct.objects.get(record=record)
    return [*_body_surface(row), *_bags(row)]


def _not_given(row: Administration) -> Iterator[Finding]:
    if row.was_given == YesNo.NO and (row.dose or row.started or row.ended):
        sentence = "The dose was not given, and yet an amount or a time is entered. Clear them, or answer yes."
        yield Finding("was_given", sentence, Weight.BLOCKS, "given or not")
    if row.was_given == YesNo.YES and row.modification == Modification.OMITTED:
        sentence = "An omitted dose was not given. Correct one of the two answers."
        yield Finding("modification", sentence, Weight.BLOCKS, "omitted")
    if row.was_given == YesNo.YES and row.dose is not None and row.dose == 0:
        yield Finding("dose", "A dose of 0 was not given. Correct the amount, or answer no.", Weight.BLOCKS, "zero")


def _moments(row: Administration, record: FormRecord) -> Iterator[Finding]:
    definition = record.protocol_version.definition
    if ends_before_it_starts(row.started, row.ended):
        sentence = f"The dose ends {row.ended}, before it starts {row.started}. Correct one."
        yield Finding("ended", sentence, Weight.BLOCKS, "end")
    if row.started is None or row.was_given != YesNo.YES:
        return
    if row.started.precision < Precision.DAY:
        sentence = f"{row.started} leaves the day open. Visits and periods are counted from a dose: give its day."
        yield Finding("started", sentence, Weight.BLOCKS, "day")
    elif row.started.precision < Precision.MINUTE and row.product == plan.escalated_product(definition):
        sentence = "The time of day is missing. The DLT period is counted from it."
        yield Finding("started", sentence, check="time")
    visit = record.visit
    if (
        visit is not None
        and visit.took_place is not None
        and row.started.compare_days(visit.took_place) is Order.BEFORE
    ):
        sentence = f"The dose was given {row.started}, before the visit of {visit.took_place}. Correct it, or say why."
        yield Finding("started", sentence, check="before the visit")


def _amount(row: Administration) -> Iterator[Finding]:
    if row.was_given != YesNo.YES or row.dose is None or row.unit != row.planned_unit:
        return
    differs = row.planned_dose is not None and row.dose != row.planned_dose
    if row.planned_from is not None and row.planned_to is not None:
        differs = not row.planned_from <= row.dose <= row.planned_to
    if differs and row.modification in (None, Modification.NONE, Modification.DELAYED):
        sentence = f"{row.dose} {row.unit} was given and {planned_words(row)} was planned. Correct it, or say why."
        yield Finding("dose", sentence, check="differs from plan")


def _product(row: Administration, record: FormRecord) -> Iterator[Finding]:
    """What is infused is the subject's own released product."""
    cells = product_of(record.subject_id, row.product)
    if cells is None or row.was_given != YesNo.YES:
        return
    if cells.manufacture not in CAN_BE_INFUSED:
        yield Finding("was_given", "The cell product is not recorded as released. Correct one.", check="not released")
    if row.lot is not None and cells.lot is not None and row.lot != cells.lot:
        sentence = f"Lot {row.lot} was infused and {cells.lot} is this subject's product. Check the chain of identity."
        yield Finding("lot", sentence, check="identity")
    if row.dose is not None and cells.cells_per_m2 is not None:
        shown = cells.cells_per_m2.quantize(row.dose)  # to the digits that were entered
        if shown != row.dose:
            sentence = f"{row.dose} was entered; cells and body surface of the product give {shown:f}. Correct one."
            yield Finding("dose", sentence, check="differs from product")


def _body_surface(row: CellProduct) -> Iterator[Finding]:
    if row.body_surface is not None and row.body_surface == 0:
        yield Finding("body_surface", "A body surface of 0 m² cannot be right.", Weight.BLOCKS, "zero")


def _bags(row: CellProduct) -> Iterator[Finding]:
    bags = ProductBag.objects.filter(record_id=row.record_id, is_removed=False)
    for bag in bags:
        if bag.thawed is not None and bag.expires is not None and bag.thawed.compare_days(bag.expires) is Order.AFTER:
            sentence = f"Bag {bag.bag} was thawed {bag.thawed}, after its expiry {bag.expires}. Correct it, or say why."
            yield Finding(f"bags/{bag.key}/thawed", sentence, check="expired")
    if row.manufacture in CAN_BE_INFUSED and not bags:
        sentence = "A released product has at least one bag. Add its bags: they carry the identity to the bedside."
        yield Finding("manufacture", sentence, Weight.BLOCKS, "bags")


def product_of(subject_id: int, product: str) -> CellProduct | None:
    """The subject's cell product, the latest where manufacture was begun anew; None for any other kind of product."""
    rows = CellProduct.objects.filter(record__subject_id=subject_id, product=product)
    return rows.exclude(record__state__in=[EntryState.REMOVED, EntryState.NOT_DONE]).order_by("-record_id").first()


def planned_words(row: Administration) -> str:
    """The planned dose in words: `0.02 mg`, `0.04 to 0.06 10^9 cells/m2`."""
    if row.planned_dose is not None:
        return f"{row.planned_dose.normalize():f} {row.planned_unit}"
    if row.planned_from is not None and row.planned_to is not None:
        return f"{row.planned_from.normalize():f} to {row.planned_to.normalize():f} {row.planned_unit}"
    return "no dose"
