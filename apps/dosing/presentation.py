"""What the page of a subject's doses shows."""

from dataclasses import dataclass
from datetime import datetime

from apps.dosing import checks, plan, selectors
from apps.dosing.models import Administration, Step
from apps.dosing.selectors import DoseRow
from apps.subjects.models import Subject
from clinical.exposure import Intensity
from clinical.protocol.definition import PlannedDose
from clinical.protocol.design import Product

SHOWN_AHEAD = 2
"""How many doses still to come the page lists of a product: the schedule itself goes on for a year."""


@dataclass(frozen=True)
class DoseView:
    """One row: planned beside given."""

    row: DoseRow
    planned: str
    step: str

    @property
    def dose(self) -> Administration | None:
        return self.row.row

    @property
    def state(self) -> str:
        """What became of the dose, in a word."""
        if self.row.is_given:
            return "given"
        return "not given" if self.row.is_missed else "to come"


@dataclass(frozen=True)
class ProductView:
    """One product with its doses and running totals."""

    product: Product
    doses: list[DoseView]
    later: int
    total: Intensity | None


def products(subject: Subject, *, as_planned_by: datetime) -> list[ProductView]:
    """The products of the trial that the subject gets or got, in the protocol's order."""
    rows = selectors.dose_rows([subject])[subject.pk]
    today = as_planned_by.astimezone(subject.site.zone_info).date()
    found = []
    for product in plan.definition_of(subject).products:
        own = [row for row in rows if row.product == product.code]
        if not own:
            continue
        shown, ahead = [], 0
        for row in own:
            touched = (
                row.record is not None or row.is_missed or (row.planned_on is not None and row.planned_on <= today)
            )
            ahead += 0 if touched else 1
            if touched or ahead <= SHOWN_AHEAD:
                shown.append(_view(row))
        found.append(ProductView(product, shown, len(own) - len(shown), selectors.running_total(own)))
    return found


def _view(row: DoseRow) -> DoseView:
    if row.row is not None and row.row.planned_unit:
        return DoseView(row, checks.planned_words(row.row), _step_words(row.row.step))
    planned = row.due.planned if row.due else None
    return DoseView(row, planned_amount(planned), _step_words(planned.kind.value if planned else None))


def planned_amount(planned: PlannedDose | None) -> str:
    """A planned dose in words; an en dash where none is planned."""
    if planned is None:
        return "–"
    if planned.amount is not None:
        return f"{planned.amount.normalize():f} {planned.unit}"
    if planned.range_from is not None and planned.range_to is not None:
        return f"{planned.range_from.normalize():f} to {planned.range_to.normalize():f} {planned.unit}"
    return "–"


def _step_words(step: str | None) -> str:
    return Step(step).label if step and step != Step.FIXED else ""
