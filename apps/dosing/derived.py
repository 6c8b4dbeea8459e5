"""What the system fills in on dose and product pages: plan, level received, cells per square metre."""

from apps.dosing import plan
from apps.dosing.models import Administration, CellProduct
from apps.subjects.models import Anchor, Subject
from apps.visits.models import FormRecord
from clinical.exposure import cells_per_square_metre
from clinical.partial_date import PartialDate


def plan_page(record: FormRecord) -> None:
    """Give a new dose page its product, its plan, and the protocol's unit and route."""
    definition = record.protocol_version.definition
    product = definition.product(definition.form(record.form).product or "")
    columns = plan.planned_columns(record, moments=moments(record.subject))
    Administration.objects.filter(record=record).update(
        unit=columns.get("planned_unit") or product.unit, route=product.route, **columns
    )


def derive_cells(record: FormRecord) -> None:
    """Derive the cell dose of a product from its cells and the body surface, and the level that it reaches."""
    row = CellProduct.objects.get(record=record)
    definition = record.protocol_version.definition
    per_m2, level = None, None
    if row.transduced_cells is not None and row.body_surface:
        per_m2 = cells_per_square_metre(cells=row.transduced_cells, body_surface=row.body_surface)
        reached = definition.level_received(product=row.product, amount=per_m2)
        level = reached.number if reached else None
    CellProduct.objects.filter(record=record).update(cells_per_m2=per_m2, level_reached=level)


def name_product(record: FormRecord) -> None:
    """Give a new cell product page its product."""
    product = record.protocol_version.definition.form(record.form).product or ""
    CellProduct.objects.filter(record=record).update(product=product)


def keep_plan(dose: Administration, record: FormRecord) -> None:
    """Keep plan and level in step: the plan until the page was first completed, the level received always."""
    new: dict[str, object] = {}
    if record.first_completed_at is None:
        new = plan.planned_columns(record, moments=moments(record.subject))
    new["level_received"] = plan.received_level(record.protocol_version.definition, dose)
    changed = {name: value for name, value in new.items() if getattr(dose, name) != value}
    if changed:
        Administration.objects.filter(record=record).update(**changed)
        for name, value in changed.items():
            setattr(dose, name, value)


def moments(subject: Subject) -> dict[str, PartialDate]:
    return dict(Anchor.objects.filter(subject=subject).values_list("name", "moment"))
