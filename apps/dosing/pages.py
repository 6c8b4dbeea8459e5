"""The typed pages of this floor."""

from decimal import Decimal

from apps.assessments.eligibility_facts import KG_PER_POUND
from apps.assessments.models import VitalResult, YesNo
from apps.core.action import Action
from apps.dosing import checks, derived, forms, selectors, time_points
from apps.dosing.models import Administration, CellProduct, ProductBag
from apps.visits import pages
from apps.visits.models import EntryState, FormRecord
from clinical.exposure import body_surface_area
from clinical.protocol.design import ProductKind
from clinical.protocol.pages import Page

CM_PER_INCH = Decimal("2.54")
KG = {"kg": Decimal(1), "LB": KG_PER_POUND}
CM = {"cm": Decimal(1), "in": CM_PER_INCH, "IN": CM_PER_INCH}


def administration_panel(record: FormRecord) -> dict[str, object]:
    """The plan and its source, the running totals of the product, and what the dose made due."""
    row = Administration.objects.select_related("record__site").get(record=record)
    definition = record.protocol_version.definition
    rows = selectors.dose_rows([record.subject], product=row.product)[record.subject_id]
    given = [each for each in rows if each.is_given]
    level = next((each for each in definition.dose_levels if each.number == row.planned_level), None)
    received = next((each for each in definition.dose_levels if each.number == row.level_received), None)
    points = time_points.of_visit(record.visit, product=row.product) if record.visit else []
    return {
        "row": row,
        "product": definition.product(row.product),
        "repeats": definition.form(record.form).repeats,
        "planned": checks.planned_words(row) if row.planned_unit else "",
        "level": level,
        "received": received,
        "times": [(definition.form(each.form).title, each.name, time_points.due_at(each, row)) for each in points],
        "doses": len(given),
        "total": selectors.running_total(rows),
        "cells": checks.product_of(record.subject_id, row.product) if _is_cells(record) else None,
    }


def cell_product_panel(record: FormRecord) -> dict[str, object]:
    """The cell dose and the level it reaches, the body surface by the last weight and height, and the infusion."""
    row = CellProduct.objects.get(record=record)
    definition = record.protocol_version.definition
    level = next((each for each in definition.dose_levels if each.number == row.level_reached), None)
    infusions = Administration.objects.filter(
        record__subject_id=record.subject_id, product=row.product, was_given=YesNo.YES, started__isnull=False
    ).exclude(record__state=EntryState.REMOVED)
    return {
        "row": row,
        "level": level,
        "unit": definition.product(row.product).unit if row.product else "",
        "estimate": _body_surface(record.subject_id),
        "infusions": list(infusions.select_related("record")),
    }


def _body_surface(subject_id: int) -> dict[str, object] | None:
    """The body surface that the subject's last weight and height make, with their values."""
    weight, height = _last(subject_id, "WEIGHT", KG), _last(subject_id, "HEIGHT", CM)
    if weight is None or height is None:
        return None
    area = body_surface_area(height_cm=height[1], weight_kg=weight[1])
    return {"area": area, "weight": weight[0], "height": height[0]}


def _last(subject_id: int, test: str, factors: dict[str, Decimal]) -> tuple[VitalResult, Decimal] | None:
    results = VitalResult.objects.filter(
        record__subject_id=subject_id, key=test, is_removed=False, value__isnull=False, unit__in=factors
    ).exclude(record__state__in=[EntryState.REMOVED, EntryState.NOT_DONE])
    found = results.select_related("record__vitalsigns").order_by("-record__vitalsigns__taken_latest", "-pk").first()
    if found is None or found.value is None or found.unit is None:
        return None
    return found, found.value * factors[found.unit]


def _is_cells(record: FormRecord) -> bool:
    definition = record.protocol_version.definition
    product = definition.form(record.form).product
    return product is not None and definition.product(product).kind is ProductKind.CELL_PRODUCT


def _summary(record: FormRecord) -> str:
    row = Administration.objects.get(record=record)
    if row.was_given == YesNo.NO:
        reason = row.get_modification_reason_display() if row.modification_reason else "no reason given"
        return f"not given: {reason.lower()}"
    return f"{row.dose} {row.unit}, {row.started}" if row.dose is not None else ""


def _cell_summary(record: FormRecord) -> str:
    row = CellProduct.objects.get(record=record)
    return row.get_manufacture_display() if row.manufacture else ""


def register() -> None:
    """Make the pages of this floor known."""
    pages.register(
        pages.PageType(
            code=Page.ADMINISTRATION.value,
            title="Administration",
            model=Administration,
            form=forms.AdministrationForm,
            checks=checks.of_administration,
            opened=derived.plan_page,
            summary=_summary,
            context=administration_panel,
            panel="dosing/administration_panel.html",
            template="dosing/administration.html",
            writes=(Action.RECORD_DOSING,),
        )
    )
    pages.register(
        pages.PageType(
            code=Page.CELL_PRODUCT.value,
            title="Cell product",
            model=CellProduct,
            form=forms.CellProductForm,
            lines=(
                pages.LineType(
                    title="Bags",
                    row_title="Bag",
                    model=ProductBag,
                    form=forms.ProductBagForm,
                    can_add=True,
                    add_words="Add a bag",
                    label=lambda line: f"Bag {line.key}",
                ),
            ),
            checks=checks.of_cell_product,
            opened=derived.name_product,
            summary=_cell_summary,
            context=cell_product_panel,
            panel="dosing/cell_product_panel.html",
            writes=(Action.RECORD_DOSING,),
        )
    )
