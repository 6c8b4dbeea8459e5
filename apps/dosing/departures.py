"""Where the doses of a subject depart from the protocol, each fact under a key of its own.

What was given is always recorded; the departure stands beside it as a deviation and goes when the fact is corrected.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.dosing import checks, plan
from apps.dosing.models import Administration, Step
from apps.dosing.selectors import DoseRow
from apps.enrollment import selectors as enrollment
from apps.enrollment.models import EligibilitySignature, Slot, SlotRelease
from apps.subjects.models import Subject
from apps.visits import schedule
from clinical.partial_date import Fit, Order, PartialDate
from clinical.protocol.definition import Definition
from clinical.protocol.schedule import AnchorSource, PlannedVisit
from clinical.stagger import earliest_first_dose

DIFFERS_FROM_PLAN, OUTSIDE_WINDOW, NOT_ELIGIBLE, TOO_EARLY = "DOSE", "WINDOW", "ELIGIBLE", "STAGGER"
"""Category codes of the protocol's list of deviations."""


@dataclass(frozen=True)
class Departure:
    """One departure from the protocol: the key that names the fact, its category, and the sentence that tells it."""

    key: str
    category: str
    term: str
    occurred: PartialDate
    record_id: int


def departures(subject: Subject, rows: Sequence[DoseRow]) -> list[Departure]:
    """Every departure that the given doses of a subject show, on pages that were completed at least once."""
    definition = plan.definition_of(subject)
    given = [row for row in rows if row.is_given and row.record and row.record.first_completed_at is not None]
    found: list[Departure] = []
    for row in given:
        found += _of_dose(subject, definition, row, given)
    first = _first(given, plan.escalated_product(definition))
    if first is not None:
        found += _release(subject, first)
    opened = {category.code for category in definition.deviations if category.opened_by_system}
    return [each for each in found if each.category in opened]


def keys_of(rows: Sequence[DoseRow]) -> set[str]:
    """Every key that departures of these doses can have."""
    kinds = ("above plan", "window", "order", "step", "gate", "release", "early")
    return {_key(row.record.pk, kind) for row in rows if row.record for kind in kinds}


def _of_dose(subject: Subject, definition: Definition, row: DoseRow, given: Sequence[DoseRow]) -> Iterator[Departure]:
    dose = _dose(row)
    name = definition.product(row.product).name
    planned_visit = schedule.planned_visit(row.visit) if row.visit else None
    if _is_above(dose):
        term = f"{name}: {dose.dose} {dose.unit} given on {dose.started}, {checks.planned_words(dose)} planned."
        yield _departure(row, "above plan", DIFFERS_FROM_PLAN, term)
    if planned_visit is not None and _is_outside_window(definition, row, planned_visit):
        window = f"{row.visit.window_from:%d-%b-%Y} to {row.visit.window_to:%d-%b-%Y}" if row.visit else ""
        yield _departure(row, "window", OUTSIDE_WINDOW, f"{name}: given on {dose.started}, window {window}.")
    yield from _order(name, row, given)
    if (
        planned_visit is not None
        and planned_visit.gate is not None
        and not _was_signed(subject, planned_visit.gate, dose)
    ):
        title = definition.gate(planned_visit.gate).title.lower()
        term = f"{name}: given on {dose.started} without a signature before it for: {title}."
        yield _departure(row, "gate", NOT_ELIGIBLE, term)


def _order(name: str, row: DoseRow, given: Sequence[DoseRow]) -> Iterator[Departure]:
    """Doses of a product follow the order of the visits and repeats, and a full dose its priming dose."""
    dose = _dose(row)
    if row.due is None:
        return
    same = [each for each in given if each.product == row.product and each.due is not None]
    earlier = same[: same.index(row)]
    if any(_dose(each).started.compare(dose.started) is Order.AFTER for each in earlier):
        visit = row.visit.name if row.visit else "this visit"
        term = f"{name}: the dose of {visit} was given on {dose.started}, before that of an earlier visit."
        yield _departure(row, "order", DIFFERS_FROM_PLAN, term)
    regimen_has_steps = dose.step == Step.FULL and _is_stepped(row)
    if regimen_has_steps and not any(_dose(each).step != Step.FULL for each in earlier):
        term = f"{name}: a full dose was given on {dose.started} without the priming dose before it."
        yield _departure(row, "step", DIFFERS_FROM_PLAN, term)


def _is_stepped(row: DoseRow) -> bool:
    """Whether the plan has a lower step of this product before its full dose."""
    dose = _dose(row)
    definition = row.record.protocol_version.definition if row.record else None
    if definition is None or dose.planned_level is None:
        return False
    level = next((each for each in definition.dose_levels if each.number == dose.planned_level), None)
    regimen = next((each for each in definition.regimens if level and each.code == level.regimen), None)
    steps = [step for step in regimen.steps if step.product == row.product] if regimen else []
    return len(steps) > 1


def _release(subject: Subject, first: DoseRow) -> Iterator[Departure]:
    """The first dose waits for the medical monitor's release and, without an override, for the earliest moment."""
    dose = _dose(first)
    latest = dose.started.latest_at(subject.site.zone_info)
    released = (
        SlotRelease.objects.filter(subject=subject, is_released=True, decided_at__lte=latest)
        .select_related("slot__cohort")
        .order_by("-decided_at")
        .first()
    )
    if released is None:
        term = f"First dose on {dose.started}, before the place in the cohort was released for dosing."
        yield _departure(first, "release", TOO_EARLY, term)
    elif (earliest := _earliest_permitted(subject, released, latest)) is not None and latest < earliest:
        permitted = PartialDate.of(earliest.astimezone(subject.site.zone_info))
        term = f"First dose on {dose.started}, before the earliest permitted time {permitted}."
        yield _departure(first, "early", TOO_EARLY, term)


def _earliest_permitted(subject: Subject, released: SlotRelease, dosed_by: datetime) -> datetime | None:
    """The moment before which the release did not hold; none where the medical monitor overrode it.

    It is the later of what the release said and of the watch after the first doses that others of the level had got
    meanwhile. Those of other sites count too, and only their moments are looked at.
    """
    if released.override_reason:
        return None
    cohort = released.slot.cohort
    level = {"cohort__dose_level": cohort.dose_level} if cohort.dose_level is not None else {"cohort": cohort}
    with enrollment.whole_study(subject.study_id):
        others = Slot.objects.filter(cohort__study_id=subject.study_id, dosed_at__lt=dosed_by, **level)
        doses = [when for when in others.exclude(subject=subject).values_list("dosed_at", flat=True) if when]
    stagger = plan.definition_of(subject).escalation.stagger
    moments = [released.earliest_permitted, earliest_first_dose(stagger, doses)]
    return max((moment for moment in moments if moment is not None), default=None)


def _is_above(dose: Administration) -> bool:
    limit = dose.planned_dose if dose.planned_dose is not None else dose.planned_to
    return dose.dose is not None and limit is not None and dose.unit == dose.planned_unit and dose.dose > limit


def _is_outside_window(definition: Definition, row: DoseRow, planned_visit: PlannedVisit) -> bool:
    """Whether the dose lies certainly outside the window of its visit, and the visit's own day does not say so already.

    The first dose makes the window of its own visit, so it cannot miss it.
    """
    visit = row.visit
    if visit is None or visit.window_from is None or visit.window_to is None:
        return False
    anchor = definition.anchor(planned_visit.anchor) if planned_visit.anchor else None
    is_anchor = anchor is not None and anchor.source is AnchorSource.FIRST_DOSE and anchor.product == row.product
    if is_anchor and planned_visit.offset == timedelta(0):
        return False
    earliest, latest = PartialDate.of(visit.window_from), PartialDate.of(visit.window_to)
    outside = _dose(row).started.to_day().fit(not_before=earliest, not_after=latest) is Fit.OUTSIDE
    visit_outside = (
        visit.took_place is not None
        and visit.took_place.to_day().fit(not_before=earliest, not_after=latest) is Fit.OUTSIDE
    )
    return outside and not visit_outside


def _was_signed(subject: Subject, gate: str, dose: Administration) -> bool:
    latest = dose.started.latest_at(subject.site.zone_info)
    return EligibilitySignature.objects.filter(subject=subject, gate=gate, signed_at__lte=latest).exists()


def _first(given: Sequence[DoseRow], product: str | None) -> DoseRow | None:
    doses = [row for row in given if row.product == product]
    return min(doses, key=lambda row: _dose(row).started.earliest(), default=None)


def _dose(row: DoseRow) -> Administration:
    assert row.row is not None, "a dose that was given has its page"
    return row.row


def _departure(row: DoseRow, kind: str, category: str, term: str) -> Departure:
    dose = _dose(row)
    return Departure(_key(dose.record_id, kind), category, term, dose.started, dose.record_id)


def _key(record_id: int, kind: str) -> str:
    return f"dose {record_id}: {kind}"
