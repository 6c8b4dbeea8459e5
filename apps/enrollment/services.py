"""From eligible to enrolled: signing gates, keeping places in cohorts, releasing, confirming, dosing, closing."""

from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction

from apps.core.action import Action
from apps.core.actor import Actor, system_actor
from apps.core.events import announce
from apps.core.refusal import NotAllowed, Refusal
from apps.core.transactions import acting
from apps.enrollment import events, gates, selectors
from apps.enrollment.models import (
    STANDING,
    Cohort,
    CohortChange,
    CohortState,
    EligibilitySignature,
    Slot,
    SlotRelease,
    SlotState,
)
from apps.review.signatures import Proof
from apps.screening import services as screening_services
from apps.study.models import Study
from apps.study.selectors import latest_version
from apps.subjects import services as subject_services
from apps.subjects.models import Status, Subject
from apps.visits import schedule
from clinical.calendar import shown_at_site
from clinical.partial_date import PartialDate, Precision
from clinical.protocol.schedule import AnchorSource


class GateNotReady(Refusal):
    """What stands between a gate and its signature."""


class NotEligible(Refusal):
    """A gate before enrolment is not passed."""


class CohortClosed(Refusal):
    """The cohort takes nobody now."""


class SlotTaken(Refusal):
    """The last place went to somebody else."""


class SlotNotPossible(Refusal):
    """The slot is not in a state for this."""


class TooEarly(Refusal):
    """The planned first dose lies before the earliest permitted time."""


class CohortNotPossible(Refusal):
    """The cohort cannot take this step."""


# ---------------------------------------------------------------------------------------------------------- gates


@transaction.atomic
def sign_gate(*, actor: Actor, subject: Subject, gate: str, proof: Proof, at: datetime) -> EligibilitySignature:
    """Sign the criteria of a gate as investigator. Gates are signed one after another.

    `proof` is that the signer has just given the password (`review.signatures.reauthenticate`); one signs one gate.
    """
    actor.require(Action.SIGN_ELIGIBILITY, at=subject.site_id)
    if actor.user_id is None or proof.user_id != actor.user_id:
        raise NotAllowed("A signature is given by the person who is signed in, with their own password.")
    if EligibilitySignature.objects.filter(batch=proof.batch).exists():
        raise NotAllowed("This password was used for a signature already. Type it again to sign more.")
    subject = _locked(subject)
    standing = gates.standing(subject, gate)
    if standing.is_passed:
        raise GateNotReady(f"{standing.gate.title} is signed already, and nothing changed since.")
    if standing.problems:
        raise GateNotReady(f"{standing.gate.title} cannot be signed yet.", problems=standing.problems)
    signature = EligibilitySignature.objects.create(
        subject=subject,
        episode=screening_services.begin_episode(subject=subject, at=at),
        gate=gate,
        record=standing.record,
        answers=gates.snapshot(standing.criteria),
        meaning=f"I confirm that {subject.number} fulfils the criteria of “{standing.gate.title}”.",
        batch=proof.batch,
        signed_by_id=actor.user_id,
        signer_name=actor.name,
        signed_at=at,
    )
    moment = PartialDate.of(at.astimezone(subject.site.zone_info))
    for anchor in subject.protocol_version.definition.anchors:
        if anchor.source is AnchorSource.GATE and anchor.gate == gate:
            schedule.set_anchor(subject=subject, name=anchor.code, moment=moment)
    if standing.gate.opens_enrolment and subject.status == Status.SCREENING:
        subject_services.change_status(
            actor=actor, subject=subject, status=Status.ELIGIBLE, at=at, why=f"{standing.gate.title} signed"
        )
    announce(
        events.GateSigned(study_id=subject.study_id, site_id=subject.site_id, at=at, subject=subject.pk, gate=gate),
        actor=actor,
    )
    return signature


# -------------------------------------------------------------------------------------------------------- cohorts


@transaction.atomic
def ensure_cohorts(*, study: Study, at: datetime) -> list[Cohort]:
    """The cohorts of the newest approved protocol; those missing come into being, first ones open."""
    definition = latest_version(study).definition
    existing = {cohort.code: cohort for cohort in Cohort.objects.filter(study=study)}
    with selectors.whole_study(study.pk) as system:
        for position, planned in enumerate(definition.cohorts, start=1):
            cohort = existing.get(planned.code)
            facts: dict[str, Any] = {
                "title": planned.title,
                "part": planned.part,
                "dose_level": planned.dose_level,
                "arm": planned.arm,
                "position": position,
                "largest_capacity": planned.capacity,
                "backfill_capacity": planned.backfill_capacity,
            }
            if cohort is None:
                _create_cohort(
                    study=study,
                    code=planned.code,
                    facts=facts,
                    capacity=planned.first_group or planned.capacity,
                    is_open=planned.open_at_start,
                    by=system,
                    at=at,
                )
            elif any(getattr(cohort, name) != value for name, value in facts.items()):  # an amendment says otherwise
                for name, value in facts.items():
                    setattr(cohort, name, value)
                cohort.largest_capacity = max(planned.capacity, cohort.capacity)
                cohort.backfill_capacity = max(planned.backfill_capacity, cohort.backfill_taken)
                cohort.save(update_fields=list(facts))
    return list(Cohort.objects.filter(study=study).order_by("position"))


def _create_cohort(
    *,
    study: Study,
    code: str,
    facts: dict[str, Any],
    capacity: int,
    is_open: bool,
    by: Actor,
    at: datetime,
) -> None:
    """One cohort; two people who come first at once make one of it."""
    cohort, is_new = Cohort.objects.get_or_create(
        study=study,
        code=code,
        defaults={
            **facts,
            "capacity": capacity,
            "state": CohortState.OPEN if is_open else CohortState.PLANNED,
            "opened_at": at if is_open else None,
            "state_since": at,
        },
    )
    if is_new:
        _note_change(cohort, why="First cohort by the protocol" if is_open else "", by=by, at=at)


@transaction.atomic
def open_cohort(*, actor: Actor, cohort: Cohort, why: str, at: datetime, capacity: int | None = None) -> Cohort:
    """Open a cohort by a decision; `why` names it. What sites may enrol is the first group unless said otherwise."""
    cohort = _changeable(actor, cohort)
    if cohort.state in {CohortState.OPEN, CohortState.FULL, CohortState.EXPANDED, CohortState.OBSERVING}:
        raise CohortNotPossible(f"{cohort} is open already.")
    if capacity is not None:
        _resize(cohort, capacity)
    cohort.hold_reason = ""
    cohort.opened_at = cohort.opened_at or at
    _change_state(cohort, CohortState.OPEN, why=why, by=actor, at=at)
    return _settle(cohort, by=actor, at=at)


@transaction.atomic
def expand_cohort(*, actor: Actor, cohort: Cohort, why: str, at: datetime, capacity: int | None = None) -> Cohort:
    """Let a cohort take more subjects: up to the protocol's capacity, or to the number a decision names."""
    cohort = _changeable(actor, cohort)
    if cohort.state == CohortState.PLANNED:
        raise CohortNotPossible(f"{cohort} was never opened, so it cannot be expanded. Open it.")
    _resize(cohort, capacity or cohort.largest_capacity)
    _change_state(cohort, CohortState.EXPANDED, why=why, by=actor, at=at)
    return _settle(cohort, by=actor, at=at)


@transaction.atomic
def close_cohort(*, actor: Actor, cohort: Cohort, for_toxicity: bool, why: str, at: datetime) -> Cohort:
    """Close a cohort. Subjects in it stay in it; nobody joins."""
    state = CohortState.CLOSED_TOXICITY if for_toxicity else CohortState.CLOSED_OTHER
    return set_cohort_state(actor=actor, cohort=cohort, state=state, why=why, at=at)


@transaction.atomic
def set_cohort_state(*, actor: Actor, cohort: Cohort, state: CohortState, why: str, at: datetime) -> Cohort:
    """Move a cohort along by a decision: under review, cleared, paused, closed."""
    return _change_state(_changeable(actor, cohort), state, why=why, by=actor, at=at)


@transaction.atomic
def hold_slots(*, actor: Actor, cohort: Cohort, why: str, at: datetime) -> Cohort:
    """Give no place of the cohort from now on, without closing it: a toxicity candidate is under review."""
    cohort = _changeable(actor, cohort)
    if not why.strip():
        raise CohortNotPossible("Say why no place is given now.")
    cohort.hold_reason = why.strip()
    cohort.save(update_fields=["hold_reason"])
    _note_change(cohort, why=f"Held: {why.strip()}", by=actor, at=at)
    return cohort


@transaction.atomic
def lift_hold(*, actor: Actor, cohort: Cohort, why: str, at: datetime) -> Cohort:
    """Give places again; whoever waits is served first."""
    cohort = _changeable(actor, cohort)
    cohort.hold_reason = ""
    cohort.save(update_fields=["hold_reason"])
    _note_change(cohort, why=f"Hold lifted: {why.strip()}", by=actor, at=at)
    _serve_waiting(cohort, at=at)
    return cohort


def _changeable(actor: Actor, cohort: Cohort) -> Cohort:
    actor.require(Action.DECIDE_ESCALATION)
    return _locked_cohort(cohort.pk)


def _locked_cohort(pk: int) -> Cohort:
    return Cohort.objects.select_for_update(of=("self",)).select_related("study").get(pk=pk)


def _resize(cohort: Cohort, capacity: int) -> None:
    if capacity > cohort.largest_capacity:
        raise CohortNotPossible(
            f"The protocol lets {cohort} hold {cohort.largest_capacity} subjects, not {capacity}. Amend it first."
        )
    if capacity < cohort.taken:
        raise CohortNotPossible(f"{cohort.taken} places of {cohort} are taken, so it cannot hold only {capacity}.")
    cohort.capacity = capacity


def _change_state(cohort: Cohort, state: CohortState, *, why: str, by: Actor, at: datetime) -> Cohort:
    cohort.state, cohort.state_since = state, at
    cohort.save(update_fields=["state", "state_since", "capacity", "hold_reason", "opened_at"])
    _note_change(cohort, why=why, by=by, at=at)
    _serve_waiting(cohort, at=at)
    return cohort


def _note_change(cohort: Cohort, *, why: str, by: Actor, at: datetime) -> None:
    CohortChange.objects.create(
        study_id=cohort.study_id,
        cohort=cohort,
        state=cohort.state,
        capacity=cohort.capacity,
        why=why[:500],
        by=by.name,
        at=at,
    )


def _settle(cohort: Cohort, *, by: Actor, at: datetime) -> Cohort:
    """Let the cohort's state follow its places: full when the last is taken, observing when all are dosed."""
    cohort.refresh_from_db()
    state = CohortState(cohort.state)
    if state not in {CohortState.OPEN, CohortState.EXPANDED, CohortState.FULL, CohortState.OBSERVING}:
        return cohort
    with selectors.whole_study(cohort.study_id):
        dosed = Slot.objects.filter(cohort=cohort, is_backfill=False, state=SlotState.DOSED).count()
    if cohort.free > 0:
        settled = state if state in selectors.ACCEPTS else CohortState.OPEN
    else:
        settled = CohortState.OBSERVING if dosed >= cohort.capacity else CohortState.FULL
    if settled is not state:
        cohort.state, cohort.state_since = settled, at
        cohort.save(update_fields=["state", "state_since"])
        _note_change(cohort, why="", by=by, at=at)
    return cohort


# ---------------------------------------------------------------------------------------------------------- slots


@transaction.atomic
def reserve_slot(
    *,
    actor: Actor,
    subject: Subject,
    cohort: Cohort,
    at: datetime,
    planned_first_dose: PartialDate | None = None,
    backfill: bool = False,
    wait: bool = False,
) -> Slot:
    """Reserve a place for an eligible subject; with `wait`, queue for one where none is free.

    Two sites and one place: the cohort's row is locked, so exactly one gets it.
    """
    actor.require(Action.REQUEST_SLOT, at=subject.site_id)
    subject = _locked(subject)
    _refuse_ineligible(subject)
    if Slot.objects.filter(subject=subject, state__in=STANDING).exists():
        raise SlotNotPossible(f"{subject.number} has a place already. Give it back before asking for another.")
    cohort = _locked_cohort(cohort.pk)
    if cohort.study_id != subject.study_id:
        raise SlotNotPossible(f"{cohort} belongs to another study.")
    _expire(cohort, at=at)
    cohort.refresh_from_db()
    definition = latest_version(cohort.study).definition
    refusal = _why_closed(cohort, at=at, backfill=backfill)
    with selectors.whole_study(cohort.study_id):
        queue = Slot.objects.filter(cohort=cohort, is_backfill=backfill, state=SlotState.REQUESTED).count()
    if not refusal and queue:
        refusal = f"{queue} {'subject waits' if queue == 1 else 'subjects wait'} for {cohort} already."
    may_wait = definition.escalation.slots.waiting_list and cohort.state not in {
        CohortState.CLOSED_TOXICITY,
        CohortState.CLOSED_OTHER,
        CohortState.PLANNED,
    }
    if refusal and not (wait and may_wait):
        next_step = " You can put the subject on the waiting list." if may_wait and not wait else ""
        kind = SlotTaken if cohort.free <= 0 and not backfill else CohortClosed
        raise kind(refusal + next_step)
    slot = Slot(
        subject=subject,
        cohort=cohort,
        is_backfill=backfill,
        state=SlotState.REQUESTED,
        planned_first_dose=planned_first_dose,
        requested_at=at,
    )
    if not refusal:
        _give_place(slot, at=at)
    try:
        with transaction.atomic():
            slot.save(force_insert=True)
    except IntegrityError as refused:  # whatever slipped past the checks above stops at the database's own
        raise SlotTaken(f"The last place of {cohort} was taken a moment ago.") from refused
    slot.refresh_from_db()
    _settle(cohort, by=actor, at=at)
    _announce(slot, actor=actor, at=at)
    return slot


def _give_place(slot: Slot, *, at: datetime) -> None:
    days = latest_version(slot.cohort.study).definition.escalation.slots.reservation_days
    slot.state, slot.reserved_at, slot.expires_at = SlotState.RESERVED, at, at + timedelta(days=days)


def _why_closed(cohort: Cohort, *, at: datetime, backfill: bool) -> str:
    reason = cohort.changes.order_by("-pk").values_list("why", flat=True).first() or ""
    definition = latest_version(cohort.study).definition
    with selectors.whole_study(cohort.study_id):
        return selectors.why_closed(cohort, definition=definition, at=at, reason=reason, backfill=backfill)


@transaction.atomic
def plan_first_dose(*, actor: Actor, slot: Slot, planned: PartialDate, at: datetime) -> Slot:
    """Say when the first dose is planned. Once confirmed, the visits before it move along."""
    actor.require(Action.REQUEST_SLOT, at=slot.site_id)
    slot = _locked_slot(slot, SlotState.REQUESTED, SlotState.RESERVED, SlotState.CONFIRMED)
    if planned.precision < Precision.DAY:
        raise SlotNotPossible(f"{planned} leaves out the day. Type it like 15mar26, or 15mar26 09:00.")
    slot.planned_first_dose = planned
    if slot.state == SlotState.CONFIRMED:
        _refuse_too_early(slot)
    slot.save(update_fields=["planned_first_dose"])
    if slot.state == SlotState.CONFIRMED:
        _set_planned_anchors(slot)
    return slot


@transaction.atomic
def release_for_dosing(
    *, actor: Actor, slot: Slot, at: datetime, override_reason: str = "", comment: str = ""
) -> SlotRelease:
    """Release a reserved slot for dosing, as medical monitor. Before the earliest permitted time only with a reason."""
    actor.require(Action.RELEASE_SLOT, at=slot.site_id)
    slot = _locked_slot(slot, SlotState.RESERVED)
    _refuse_ineligible(slot.subject)
    if slot.planned_first_dose is None:
        raise SlotNotPossible(f"Site {slot.site.number} has not said when the first dose is planned.")
    earliest = selectors.earliest_for(slot)
    if _is_before(slot, earliest) and not override_reason.strip():
        raise TooEarly(_too_early(slot, earliest) + " To release it all the same, say why.")
    return _decide(
        actor=actor,
        slot=slot,
        is_released=True,
        earliest=earliest,
        override_reason=override_reason.strip() if _is_before(slot, earliest) else "",
        comment=comment,
        at=at,
    )


@transaction.atomic
def refuse_release(*, actor: Actor, slot: Slot, comment: str, at: datetime) -> SlotRelease:
    """Say no to dosing for now, and why. The place stays reserved until it expires."""
    actor.require(Action.RELEASE_SLOT, at=slot.site_id)
    slot = _locked_slot(slot, SlotState.RESERVED)
    if not comment.strip():
        raise SlotNotPossible("Say why the slot is not released.")
    return _decide(
        actor=actor,
        slot=slot,
        is_released=False,
        earliest=selectors.earliest_for(slot),
        override_reason="",
        comment=comment,
        at=at,
    )


def _decide(
    *,
    actor: Actor,
    slot: Slot,
    is_released: bool,
    earliest: datetime | None,
    override_reason: str,
    comment: str,
    at: datetime,
) -> SlotRelease:
    if actor.user_id is None:
        raise SlotNotPossible("Only a person can decide on a slot.")
    decision = SlotRelease.objects.create(
        subject=slot.subject,
        slot=slot,
        is_released=is_released,
        earliest_permitted=earliest,
        override_reason=override_reason,
        comment=comment.strip(),
        decided_by_id=actor.user_id,
        decider_name=actor.name,
        decided_at=at,
    )
    announce(
        events.SlotReleased(
            study_id=slot.subject.study_id,
            site_id=slot.site_id,
            at=at,
            subject=slot.subject_id,
            slot=slot.pk,
            is_released=is_released,
        ),
        actor=actor,
    )
    return decision


@transaction.atomic
def confirm_slot(*, actor: Actor, slot: Slot, at: datetime) -> Slot:
    """Enrol the subject: eligibility signed, released by the medical monitor, first dose planned."""
    actor.require(Action.REQUEST_SLOT, at=slot.site_id)
    slot = _locked_slot(slot, SlotState.RESERVED)
    if slot.expires_at is not None and slot.expires_at <= at:
        raise SlotNotPossible(
            f"The reservation ran out on {shown_at_site(slot.expires_at, slot.site.zone_info)}. Reserve again."
        )
    subject = _locked(slot.subject)
    _refuse_ineligible(subject)
    if not selectors.is_released(slot):
        raise SlotNotPossible("The medical monitor has not released this slot yet.")
    if slot.planned_first_dose is None:
        raise SlotNotPossible("Enter when the first dose is planned.")
    _refuse_too_early(slot)
    slot.state, slot.confirmed_at, slot.expires_at = SlotState.CONFIRMED, at, None
    slot.save(update_fields=["state", "confirmed_at", "expires_at"])
    subject.part, subject.cohort, subject.dose_level = slot.cohort.part, slot.cohort.code, slot.cohort.dose_level
    if subject.enrolment_number is None:
        subject.enrolment_number = _next_enrolment_number(subject.study_id)
    subject.save(update_fields=["part", "cohort", "dose_level", "enrolment_number"])
    subject_services.change_status(
        actor=actor, subject=subject, status=Status.ENROLLED, at=at, why=f"{slot.cohort}, {subject.enrolment_number}"
    )
    slot.subject = subject
    _set_planned_anchors(slot)
    _announce(slot, actor=actor, at=at)
    return slot


def _next_enrolment_number(study_id: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute("select next_enrolment_sequence(%s)", [study_id])
        (sequence,) = cursor.fetchone()
    return f"E{sequence:03}"


def _set_planned_anchors(slot: Slot) -> None:
    """The planned first dose, which visits before it (and, until it is given, after it) hang on."""
    assert slot.planned_first_dose is not None  # confirmed slots have one
    for anchor in slot.subject.protocol_version.definition.anchors:
        if anchor.source is AnchorSource.PLANNED:
            schedule.set_anchor(subject=slot.subject, name=anchor.code, moment=slot.planned_first_dose)


@transaction.atomic
def give_back_slot(*, actor: Actor, slot: Slot, why: str, at: datetime) -> Slot:
    """Give a place back before the first dose. Whoever waits longest gets it."""
    actor.require(Action.REQUEST_SLOT, at=slot.site_id)
    slot = _locked_slot(slot, SlotState.REQUESTED, SlotState.RESERVED, SlotState.CONFIRMED)
    if not why.strip():
        raise SlotNotPossible("Say why the place is given back.")
    return end_slot(actor=actor, slot=slot, state=SlotState.RELEASED, why=why.strip(), at=at)


@transaction.atomic
def end_slot(*, actor: Actor, slot: Slot, state: SlotState, why: str, at: datetime) -> Slot:
    """End a slot that was not dosed; the subject is in no cohort any more, and the place is free."""
    slot = _locked_slot(slot, SlotState.REQUESTED, SlotState.RESERVED, SlotState.CONFIRMED)
    was_confirmed = slot.state == SlotState.CONFIRMED
    cohort = _locked_cohort(slot.cohort_id)
    slot.state, slot.ended_at, slot.why_ended = state, at, why
    slot.save(update_fields=["state", "ended_at", "why_ended"])
    if was_confirmed:
        subject = _locked(slot.subject)
        subject.part = subject.cohort = subject.dose_level = None
        subject.save(update_fields=["part", "cohort", "dose_level"])
        if subject.status == Status.ENROLLED:
            subject_services.change_status(actor=actor, subject=subject, status=Status.ELIGIBLE, at=at, why=why)
    _announce(slot, actor=actor, at=at)
    _settle(cohort, by=actor, at=at)
    _serve_waiting(cohort, at=at)
    return slot


@transaction.atomic
def expire_reservations(*, study: Study, at: datetime) -> int:
    """Let reservations that ran out fall back, over all sites. Called by the clock and before places are shown."""
    with selectors.whole_study(study.pk):
        cohorts = list(
            Slot.objects.filter(cohort__study=study, state=SlotState.RESERVED, expires_at__lte=at)
            .values_list("cohort_id", flat=True)
            .distinct()
        )
    return sum(_expire(_locked_cohort(pk), at=at) for pk in sorted(cohorts))


def expire_in_every_study(*, at: datetime) -> int:
    """The clock's round: each study in a transaction of its own, by the system."""
    fallen_back = 0
    for study in Study.objects.order_by("pk"):
        with connection.cursor() as cursor:
            cursor.execute("select study_site_ids(%s)", [study.pk])
            (site_ids,) = cursor.fetchone()
        system = system_actor("Reservations", study_id=study.pk, site_ids=site_ids or ())
        with acting(system, place="enrollment.expire_reservations"):
            fallen_back += expire_reservations(study=study, at=at)
    return fallen_back


def _expire(cohort: Cohort, *, at: datetime) -> int:
    """The cohort is locked by whoever calls."""
    with selectors.whole_study(cohort.study_id) as system:
        overdue = list(
            Slot.objects.select_for_update(of=("self",))
            .filter(cohort=cohort, state=SlotState.RESERVED, expires_at__lte=at)
            .select_related("subject", "site")
        )
        for slot in overdue:
            slot.state, slot.ended_at, slot.why_ended = SlotState.EXPIRED, slot.expires_at, "The reservation ran out."
            slot.save(update_fields=["state", "ended_at", "why_ended"])
            _announce(slot, actor=system, at=at)
        if overdue:
            _settle(cohort, by=system, at=at)
            _serve_waiting(cohort, at=at)
    return len(overdue)


def _serve_waiting(cohort: Cohort, *, at: datetime) -> None:
    """Give free places to whoever waits, first come first served, whatever the site."""
    with selectors.whole_study(cohort.study_id) as system:
        waiting = (
            Slot.objects.select_for_update(of=("self",))
            .filter(cohort=cohort, state=SlotState.REQUESTED)
            .select_related("subject", "cohort__study")
            .order_by("requested_at", "pk")
        )
        for slot in waiting:
            cohort.refresh_from_db()
            if _why_closed(cohort, at=at, backfill=slot.is_backfill):
                continue
            _give_place(slot, at=at)
            slot.save(update_fields=["state", "reserved_at", "expires_at"])
            _settle(cohort, by=system, at=at)
            _announce(slot, actor=system, at=at)


@transaction.atomic
def mark_dosed(*, actor: Actor, subject: Subject, at: datetime | None) -> Slot | None:
    """Note the moment of a subject's first dose at its slot; None takes back a dose that was not given.

    Facts are never refused: a subject without a slot was dosed all the same, and None is returned.
    """
    standing = Slot.objects.filter(
        subject=subject, state__in=[SlotState.RESERVED, SlotState.CONFIRMED, SlotState.DOSED]
    ).first()
    if standing is None or standing.dosed_at == at:
        return standing
    slot = _locked_slot(standing)
    if at is None:
        slot.state = SlotState.CONFIRMED if slot.confirmed_at else SlotState.RESERVED
    else:
        slot.state, slot.expires_at = SlotState.DOSED, None
    slot.dosed_at = at
    slot.save(update_fields=["state", "dosed_at", "expires_at"])
    moment = at or slot.confirmed_at or slot.requested_at
    _settle(_locked_cohort(slot.cohort_id), by=actor, at=moment)
    _announce(slot, actor=actor, at=moment)
    return slot


def _locked(subject: Subject) -> Subject:
    return (
        Subject.objects.select_for_update(of=("self",))
        .select_related("site", "study", "protocol_version")
        .get(pk=subject.pk)
    )


def _locked_slot(slot: Slot, *states: SlotState) -> Slot:
    """The slot, locked, if it is in one of the states. Locks go subject, cohort, slot everywhere, so none cross."""
    _locked(slot.subject)
    _locked_cohort(slot.cohort_id)
    slot = (
        Slot.objects.select_for_update(of=("self",))
        .select_related("cohort__study", "site", "subject__protocol_version", "subject__site", "subject__study")
        .get(pk=slot.pk)
    )
    if states and slot.state not in states:
        raise SlotNotPossible(f"The place of {slot.subject.number} is {slot.get_state_display().lower()} by now.")
    return slot


def _refuse_ineligible(subject: Subject) -> None:
    """Every gate up to the one that opens enrolment must be passed, and hold."""
    if subject.status in gates.OUT_OF_THE_TRIAL:
        raise NotEligible(f"{subject.number} is {subject.get_status_display().lower()}.")
    missing = gates.not_passed(subject, through=gates.opening_gate(subject).code)
    if missing:
        problems = [problem for each in missing[:1] for problem in each.problems] or [
            f"{missing[0].gate.title} is not signed by the investigator."
        ]
        raise NotEligible(f"{subject.number} is not eligible yet: {missing[0].gate.title}.", problems=problems)


def _refuse_too_early(slot: Slot) -> None:
    """A planned first dose before the earliest permitted time stands only on the medical monitor's documented word."""
    earliest = selectors.earliest_for(slot)
    last = slot.releases.order_by("-pk").first()
    if _is_before(slot, earliest) and not (last and last.override_reason):
        raise TooEarly(_too_early(slot, earliest) + " Plan it later, or ask the medical monitor.")


def _is_before(slot: Slot, earliest: datetime | None) -> bool:
    planned = slot.planned_first_dose
    return planned is not None and earliest is not None and planned.latest_at(slot.site.zone_info) < earliest


def _too_early(slot: Slot, earliest: datetime | None) -> str:
    assert earliest is not None  # only then is anything too early
    return (
        f"The first dose of {slot.subject.number} is planned for {slot.planned_first_dose}; the subject before is "
        f"watched until {shown_at_site(earliest, slot.site.zone_info)}."
    )


def _announce(slot: Slot, *, actor: Actor, at: datetime) -> None:
    announce(
        events.SlotMoved(
            study_id=slot.subject.study_id,
            site_id=slot.site_id,
            at=at,
            subject=slot.subject_id,
            slot=slot.pk,
            cohort=slot.cohort_id,
            state=slot.state,
        ),
        actor=actor,
    )
