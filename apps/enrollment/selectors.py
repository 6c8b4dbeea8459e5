"""Questions about cohorts, places and slots. What concerns every site is an aggregate, never a row of another site."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from apps.core.action import Action
from apps.core.actor import Actor, system_actor
from apps.core.transactions import acting
from apps.enrollment import accrual
from apps.enrollment.models import STANDING, Cohort, CohortChange, CohortState, Slot, SlotState
from apps.study.models import Site, Study
from apps.study.selectors import latest_version
from apps.subjects.models import Subject
from clinical.protocol.definition import Definition
from clinical.stagger import earliest_first_dose

ACCEPTS = (CohortState.OPEN, CohortState.EXPANDED)


@contextmanager
def whole_study(study_id: int) -> Iterator[Actor]:
    """Read over all sites of the study, for counts and for what the trial itself does with places."""
    sites = Site.objects.filter(study_id=study_id).values_list("pk", flat=True)
    with acting(system_actor("Cohort places", study_id=study_id, site_ids=sites)) as actor:
        yield actor


def slot_of(subject: Subject) -> Slot | None:
    """The subject's standing slot; without one, the last that ended."""
    slots = Slot.objects.filter(subject=subject).select_related("cohort")
    return slots.filter(state__in=STANDING).first() or slots.order_by("-pk").first()


@dataclass(frozen=True)
class CohortPlaces:
    """A cohort with the numbers that everybody in the study may see."""

    cohort: Cohort
    reserved: int
    confirmed: int
    dosed: int
    waiting: int
    earliest_first_dose: datetime | None
    why_closed: str

    @property
    def accepts(self) -> bool:
        return not self.why_closed


def cohort_places(study: Study, *, at: datetime) -> list[CohortPlaces]:
    """Every cohort in the protocol's order, with counts over all sites and no subject of any."""
    with whole_study(study.pk):
        cohorts = list(Cohort.objects.filter(study=study).order_by("position"))
        slots = list(Slot.objects.filter(cohort__study=study, state__in=STANDING).values_list("cohort_id", "state"))
        counts = Counter(slots)
        reasons = dict(
            CohortChange.objects.filter(study=study).order_by("pk").values_list("cohort_id", "why")
        )  # the newest of each cohort stays
        doses = _first_doses(study.pk)
        definition = latest_version(study).definition
        return [
            CohortPlaces(
                cohort=cohort,
                reserved=counts[cohort.pk, SlotState.RESERVED.value],
                confirmed=counts[cohort.pk, SlotState.CONFIRMED.value],
                dosed=counts[cohort.pk, SlotState.DOSED.value],
                waiting=counts[cohort.pk, SlotState.REQUESTED.value],
                earliest_first_dose=earliest_first_dose(
                    definition.escalation.stagger, [when for _, when in doses.get(_level(cohort), [])]
                ),
                why_closed=why_closed(cohort, definition=definition, at=at, reason=reasons.get(cohort.pk, "")),
            )
            for cohort in cohorts
        ]


def why_closed(cohort: Cohort, *, definition: Definition, at: datetime, reason: str, backfill: bool = False) -> str:
    """Why the cohort takes nobody now, in a sentence; empty when it has a place. `reason`: that of its last change."""
    because = f": {reason}" if reason else ""
    state = CohortState(cohort.state)
    if cohort.hold_reason:
        return f"No place of {cohort} is given now: {cohort.hold_reason}"
    if backfill:
        if state is not CohortState.CLEARED:
            return f"{cohort} takes no backfill: its level is not cleared."
        return "" if cohort.backfill_free > 0 else f"All {cohort.backfill_capacity} backfill places are taken."
    if state is CohortState.PLANNED:
        return f"{cohort} is not open yet. It opens with the decision on the level before."
    if state in {CohortState.FULL, CohortState.OBSERVING} or (state in ACCEPTS and cohort.free <= 0):
        return f"{cohort} is full: all {cohort.capacity} places are taken."
    if state not in ACCEPTS:
        return f"{cohort} is {state.label.lower()}{because}"
    return accrual.suspended(cohort, definition=definition, at=at)


def earliest_for(slot: Slot) -> datetime | None:
    """From when this slot's subject may get the first dose, by the doses given and planned before it at the level."""
    return earliest_for_each([slot], study=slot.cohort.study)[slot.pk]


def earliest_for_each(slots: Sequence[Slot], *, study: Study) -> dict[int, datetime | None]:
    """The same for several slots of a study, in as many questions as for one."""
    with whole_study(study.pk):
        doses = _first_doses(study.pk)
        rule = latest_version(study).definition.escalation.stagger
    return {
        slot.pk: earliest_first_dose(
            rule,
            [
                when
                for other, when in doses.get(_level(slot.cohort), [])
                if other.pk != slot.pk and _comes_before(other, slot)
            ],
        )
        for slot in slots
    }


def _comes_before(other: Slot, slot: Slot) -> bool:
    """Whether the slot has to wait for the other: dosed before it, or confirmed while it was not."""
    if other.dosed_at is not None:
        return slot.dosed_at is None or other.dosed_at < slot.dosed_at
    if slot.dosed_at is not None or other.confirmed_at is None:
        return False
    return slot.confirmed_at is None or other.confirmed_at < slot.confirmed_at


def _level(cohort: Cohort) -> int | str:
    """What the watch between subjects goes by: the dose level, which cohorts may share, or the cohort itself."""
    return cohort.code if cohort.dose_level is None else cohort.dose_level


def _first_doses(study_id: int) -> dict[int | str, list[tuple[Slot, datetime]]]:
    """First doses by level, given or (for confirmed slots) firmly planned."""
    found: dict[int | str, list[tuple[Slot, datetime]]] = {}
    slots = Slot.objects.filter(
        cohort__study_id=study_id, state__in=[SlotState.CONFIRMED, SlotState.DOSED]
    ).select_related("cohort", "site")
    for slot in slots:
        when = slot.dosed_at
        if when is None and slot.planned_first_dose is not None:
            when = slot.planned_first_dose.latest_at(slot.site.zone_info)
        if when is not None:
            found.setdefault(_level(slot.cohort), []).append((slot, when))
    return found


def own_slots(*, actor: Actor) -> QuerySet[Slot]:
    """The standing slots of subjects whom the actor may see, oldest first."""
    return (
        Slot.objects.visible_to(actor)
        .filter(cohort__study_id=actor.study_id, state__in=STANDING)
        .select_related("subject", "cohort", "site")
        .prefetch_related("releases")
        .order_by("cohort__position", "requested_at")
    )


def to_release(*, actor: Actor) -> QuerySet[Slot]:
    """The reserved slots that wait for the medical monitor."""
    return own_slots(actor=actor).filter(state=SlotState.RESERVED, site_id__in=actor.sites_where(Action.RELEASE_SLOT))


def is_released(slot: Slot) -> bool:
    """Whether the medical monitor's last word on the slot is a release."""
    last = slot.releases.order_by("-pk").first()
    return last is not None and last.is_released
