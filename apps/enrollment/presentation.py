"""What the pages of enrolment show."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.core.action import Action
from apps.core.actor import Actor
from apps.enrollment import gates, selectors
from apps.enrollment.models import CohortState, Slot, SlotRelease, SlotState
from apps.study.models import Study
from apps.subjects.models import Subject
from apps.visits.models import FormRecord
from clinical.calendar import shown_at_site
from clinical.protocol.pages import Page


@dataclass(frozen=True)
class SlotRow:
    """A slot with the medical monitor's word and the earliest permitted first dose at the site's clock."""

    slot: Slot
    release: SlotRelease | None
    earliest: str
    is_too_early: bool
    is_overdue: bool


def slot_rows(slots: Sequence[Slot], *, study: Study, at: datetime) -> list[SlotRow]:
    """The slots as a page shows them, in their order."""
    earliest = selectors.earliest_for_each(slots, study=study)
    return [_row(slot, earliest[slot.pk], at=at) for slot in slots]


def _row(slot: Slot, earliest: datetime | None, *, at: datetime) -> SlotRow:
    planned, zone = slot.planned_first_dose, slot.site.zone_info
    return SlotRow(
        slot=slot,
        release=max(slot.releases.all(), key=lambda each: each.pk, default=None),
        earliest=shown_at_site(earliest, zone) if earliest else "",
        is_too_early=bool(earliest and planned and planned.latest_at(zone) < earliest),
        is_overdue=slot.expires_at is not None and slot.expires_at <= at,
    )


def board(*, actor: Actor, study: Study, at: datetime) -> dict[str, Any]:
    """Cohorts with their places, and the slots of the actor's own subjects."""
    places = selectors.cohort_places(study, at=at)
    reads_data = actor.may(Action.READ_DATA)
    begun = [each for each in places if each.cohort.state != CohortState.PLANNED]
    return {
        "places": begun,
        "planned": [each for each in places if each.cohort.state == CohortState.PLANNED],
        "open_now": [each for each in places if each.accepts],
        "slots": list(selectors.own_slots(actor=actor)) if reads_data else [],
        "reads_data": reads_data,
    }


def subject_enrolment(subject: Subject, *, actor: Actor, at: datetime) -> dict[str, Any]:
    """The gates of a subject and its place, with what can be done next."""
    standings = gates.standings(subject)
    opening = gates.opening_gate(subject)
    codes = [each.gate.code for each in standings]
    before = standings[: codes.index(opening.code) + 1]
    slot = selectors.slot_of(subject)
    next_gate = next((each for each in standings if not each.is_passed), None)
    is_standing = slot is not None and slot.state not in {
        SlotState.EXPIRED,
        SlotState.RELEASED,
        SlotState.SCREEN_FAILED,
    }
    return {
        "subject": subject,
        "standings": standings,
        "next_gate": next_gate,
        "is_eligible": all(each.is_passed for each in before),
        "opening": opening,
        "row": slot_rows([slot], study=subject.study, at=at)[0] if slot is not None else None,
        "has_slot": is_standing,
        "places": [each for each in selectors.cohort_places(subject.study, at=at) if _is_offered(each)],
        "may_sign": actor.may(Action.SIGN_ELIGIBILITY, at=subject.site_id),
        "may_request": actor.may(Action.REQUEST_SLOT, at=subject.site_id),
        "may_release": actor.may(Action.RELEASE_SLOT, at=subject.site_id),
    }


def _is_offered(places: selectors.CohortPlaces) -> bool:
    """Cohorts that have begun and are not closed for good: one that is full can have a waiting list."""
    return places.cohort.state not in {
        CohortState.PLANNED,
        CohortState.CLOSED_TOXICITY,
        CohortState.CLOSED_OTHER,
    }


def gate_panel(record: FormRecord, actor: Actor) -> dict[str, object] | None:
    """Below a criteria page: whether it is signed, and what stands in the way."""
    if record.page != Page.ELIGIBILITY.value:
        return None
    gate = record.protocol_version.definition.form(record.form).gate
    standing = next((each for each in gates.standings(record.subject) if each.gate.code == gate), None)
    if standing is None or standing.record is None or standing.record.pk != record.pk:
        return None
    return {
        "standing": standing,
        "subject_number": record.subject.number,
        "may_sign": actor.may(Action.SIGN_ELIGIBILITY, at=record.site_id),
    }
