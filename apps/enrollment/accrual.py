"""Undecided outcomes of a cohort, which some protocols do not let grow: a registry for who knows of outcomes.

The floor that judges toxicities registers how it counts; until then a subject counts as undecided for as long as the
DLT period lasts after the first dose.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from apps.enrollment.models import Cohort, Slot, SlotState
from clinical.protocol.definition import Definition
from clinical.protocol.design import PendingRule


@dataclass(frozen=True)
class Outcomes:
    """How many treated subjects of a cohort there are, and how many of them are undecided."""

    treated: int
    pending: int


Provider = Callable[[Cohort, datetime], Outcomes]

_providers: list[Provider] = []


def provide(provider: Provider) -> Provider:
    """Register who counts undecided outcomes; call it from the app's `ready()`. The last one registered counts."""
    _providers.append(provider)
    return provider


def outcomes(cohort: Cohort, *, definition: Definition, at: datetime) -> Outcomes:
    """The outcomes of a cohort's treated subjects at a moment, over all sites."""
    if _providers:
        return _providers[-1](cohort, at)
    doses = Slot.objects.filter(cohort=cohort, state=SlotState.DOSED).values_list("dosed_at", flat=True)
    length = timedelta(days=definition.dlt.period.days if definition.dlt else 0)
    treated = [dose for dose in doses if dose is not None]
    return Outcomes(treated=len(treated), pending=sum(dose <= at < dose + length for dose in treated))


def suspended(cohort: Cohort, *, definition: Definition, at: datetime) -> str:
    """Why accrual is suspended now by the protocol's rule on undecided outcomes; empty when it is not."""
    rule = definition.escalation.pending
    if rule is None or rule.rule is not PendingRule.SUSPEND_ACCRUAL or rule.suspend_above is None:
        return ""
    known = outcomes(cohort, definition=definition, at=at)
    if known.treated and Decimal(known.pending) / known.treated > rule.suspend_above:
        return (
            f"{known.pending} of {known.treated} treated subjects are undecided, more than the "
            f"{100 * rule.suspend_above:.0f} % at which the protocol suspends accrual."
        )
    return ""
