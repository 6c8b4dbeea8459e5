"""What a subject received of a product against what was planned: intensity, step of a dose, cells per square metre.

Sources: Hryniuk and Bush, J Clin Oncol 1984;2:1281-8 (dose intensity is an amount over a time: a delay lowers it as a
reduction does); Mosteller, N Engl J Med 1987;317:1098 (body surface area).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from clinical.protocol.design import StepKind

PERCENT = Decimal(100)
MOSTELLER_DIVISOR = Decimal(3600)


@dataclass(frozen=True, slots=True)
class Dose:
    """One dose of a product: the day and amount of the plan, and of what was given; None is not planned, not given."""

    planned_on: date | None = None
    planned: Decimal | None = None
    given_on: date | None = None
    given: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Intensity:
    """Running totals of a product: the amount given, the amount due by that day, one in percent of the other.

    `relative` is None where it cannot be said, and `reason` says why.
    """

    cumulative: Decimal
    due: Decimal | None
    relative: Decimal | None
    reason: str


def dose_intensity(doses: Sequence[Dose], *, through: date) -> Intensity:
    """The cumulative dose and the relative dose intensity up to a day: received over planned, in the same time.

    The case people get wrong: two doses given in full, the second a week late, are not 100 %. On the day of the late
    dose the third was already due:

    >>> weekly = [Dose(date(2026, 3, d), Decimal(10)) for d in (2, 9, 16)]
    >>> given = [Dose(given_on=date(2026, 3, d), given=Decimal(10)) for d in (2, 16)]
    >>> dose_intensity([*weekly, *given], through=date(2026, 3, 16)).reason
    '20 of 30 due'
    """
    given = [dose for dose in doses if dose.given_on is not None and dose.given_on <= through]
    cumulative = sum((dose.given for dose in given if dose.given is not None), Decimal(0))
    due_doses = [dose for dose in doses if dose.planned_on is not None and dose.planned_on <= through]
    if any(dose.given is None for dose in given):
        return Intensity(cumulative, None, None, "the amount of a dose is missing")
    if any(dose.planned is None for dose in due_doses):
        return Intensity(cumulative, None, None, "the plan is a range, not an amount")
    due = sum((dose.planned for dose in due_doses if dose.planned is not None), Decimal(0))
    if not due:
        return Intensity(cumulative, None, None, "no dose was due")
    told = f"{cumulative.normalize():f} of {due.normalize():f} due"
    return Intensity(cumulative, due, (PERCENT * cumulative / due).quantize(Decimal("0.1")), told)


def counts_as_full(
    *, planned: StepKind | None, given: Decimal | None, target: Decimal | None, largest_lower: Decimal | None
) -> bool:
    """Whether a dose is one of the intended size, which ends step dosing and can restart the DLT period.

    `target` is the amount of the level, `largest_lower` that of the highest step below it. Planned as a full dose, it
    counts unless no more than a lower step was given: repeating the intermediate step on day 15 is not the first full
    dose, a full dose reduced or interrupted above that step is. Planned as a lower step, it counts once the target was
    reached all the same. A product without steps has only full doses.

    >>> counts_as_full(planned=StepKind.FULL, given=Decimal("0.33"), target=Decimal(1), largest_lower=Decimal("0.33"))
    False
    >>> counts_as_full(planned=StepKind.FULL, given=Decimal("0.6"), target=Decimal(1), largest_lower=Decimal("0.33"))
    True
    """
    if planned is StepKind.FIXED or target is None:
        return planned in (None, StepKind.FULL, StepKind.FIXED)
    if planned is StepKind.FULL or (planned is None and largest_lower is not None):
        if given is None:
            return planned is StepKind.FULL
        return largest_lower is None or given > largest_lower
    if planned is None:
        return True
    return given is not None and given >= target


def cells_per_square_metre(*, cells: Decimal, body_surface: Decimal) -> Decimal:
    """The cell dose relative to the body surface; cells and result in the same power of ten.

    >>> cells_per_square_metre(cells=Decimal("0.962"), body_surface=Decimal("1.85"))
    Decimal('0.52')
    """
    return cells / body_surface


def body_surface_area(*, height_cm: Decimal, weight_kg: Decimal) -> Decimal:
    """The body surface area in square metres by Mosteller, to two digits after the point.

    >>> body_surface_area(height_cm=Decimal(178), weight_kg=Decimal("71.2"))
    Decimal('1.88')
    """
    return (height_cm * weight_kg / MOSTELLER_DIVISOR).sqrt().quantize(Decimal("0.01"))
