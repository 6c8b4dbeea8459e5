"""Deviations: opened by the system or by a person, described by the site, judged and closed by the sponsor's side.

Writing a deviation is the writer's own assessment and touches no clinical value. So the site and the sponsor's
reviewers may both record one; the site says cause and action, the reviewers say whether it is important and close it.
"""

from datetime import datetime

from django.db import transaction

from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.events import announce
from apps.core.refusal import NotAllowed, NotFound, Refusal
from apps.deviations import events
from apps.deviations.models import Deviation, Origin, State
from apps.subjects.models import Subject
from apps.visits.models import FormRecord
from clinical.partial_date import PartialDate
from clinical.protocol.conduct import DeviationCategory

SYSTEM_NAME = "Trialsite"
LONGEST_TERM = 500


class UnknownCategory(Refusal):
    """The protocol has no such kind of deviation."""


class WordsNeeded(Refusal):
    """What differed, why, or what was done is not said yet."""


class NotOpen(Refusal):
    """The deviation is closed or withdrawn."""


@transaction.atomic
def open_deviation(
    *,
    actor: Actor,
    subject: Subject,
    category: str,
    term: str,
    occurred: PartialDate | None,
    key: str,
    at: datetime,
    record: FormRecord | None = None,
) -> Deviation:
    """Open the system's deviation for a fact, in the transaction that made the fact.

    `key` names the fact: the same one never opens a second row. Told again with other words it takes them; withdrawn
    and true again it is open again; closed by a person it stays closed. A category that the protocol does not list is
    kept all the same: what happened is always recordable.
    """
    found = Deviation.objects.select_for_update().filter(subject=subject, key=key).first()
    if found is None:
        deviation = Deviation.objects.create(
            site_id=subject.site_id,
            study_id=subject.study_id,
            subject=subject,
            record=record,
            category=category,
            term=term[:LONGEST_TERM],
            is_important=_is_important(subject, category),
            occurred=occurred,
            origin=Origin.SYSTEM,
            opened_by_name=SYSTEM_NAME,
            opened_at=at,
            key=key,
        )
        announce(_opened(deviation, at), actor=actor)
        return deviation
    if found.state == State.CLOSED:
        return found
    was_withdrawn = found.state == State.CORRECTED
    told = (category, term[:LONGEST_TERM], occurred)
    if was_withdrawn or (found.category, found.term, found.occurred) != told:
        found.category, found.term, found.occurred = told
        found.state, found.closed_at, found.closed_by_name = State.OPEN, None, ""
        found.save(update_fields=["category", "term", "occurred", "state", "closed_at", "closed_by_name"])
    if was_withdrawn:
        announce(_opened(found, at), actor=actor)
    return found


@transaction.atomic
def close_as_corrected(*, actor: Actor, subject: Subject, key: str, at: datetime) -> Deviation | None:
    """Withdraw the deviation of a fact that was corrected; None where none was open. The row stays to be seen."""
    found = Deviation.objects.select_for_update().filter(subject=subject, key=key, state=State.OPEN).first()
    if found is None:
        return None
    found.state, found.closed_at, found.closed_by_name = State.CORRECTED, at, SYSTEM_NAME
    found.save(update_fields=["state", "closed_at", "closed_by_name"])
    announce(
        events.DeviationWithdrawn(
            study_id=found.study_id,
            site_id=found.site_id,
            at=at,
            deviation=found.pk,
            subject=found.subject_id,
            category=found.category,
        ),
        actor=actor,
    )
    return found


@transaction.atomic
def record_deviation(
    *,
    actor: Actor,
    subject: Subject,
    category: str,
    term: str,
    occurred: PartialDate | None,
    at: datetime,
    cause: str = "",
    action_taken: str = "",
    record: FormRecord | None = None,
) -> Deviation:
    """Record a deviation that a person saw, at the site or on the sponsor's side."""
    origin = origin_of(actor, at=subject.site_id)
    if origin is None:
        raise NotAllowed("Deviations are recorded by the site, monitors, data managers and medical monitors.")
    if category not in {each.code for each in categories(subject)}:
        raise UnknownCategory("Choose one of the kinds of deviation that the protocol names.")
    if not term.strip():
        raise WordsNeeded("Say in a sentence what differed from the protocol.")
    deviation = Deviation.objects.create(
        site_id=subject.site_id,
        study_id=subject.study_id,
        subject=subject,
        record=record,
        category=category,
        term=term.strip()[:LONGEST_TERM],
        is_important=_is_important(subject, category),
        cause=cause.strip(),
        action_taken=action_taken.strip(),
        occurred=occurred,
        origin=origin,
        opened_by_id=actor.user_id,
        opened_by_name=actor.name,
        opened_at=at,
    )
    announce(_opened(deviation, at), actor=actor)
    return deviation


@transaction.atomic
def describe_deviation(*, actor: Actor, deviation: Deviation, cause: str, action_taken: str, at: datetime) -> Deviation:
    """Say why it happened and what was done about it: the site's words."""
    actor.require(Action.ENTER_DATA, at=deviation.site_id)
    found = _open_one(actor, deviation)
    found.cause, found.action_taken = cause.strip(), action_taken.strip()
    found.save(update_fields=["cause", "action_taken"])
    return found


@transaction.atomic
def judge_importance(*, actor: Actor, deviation: Deviation, is_important: bool, at: datetime) -> Deviation:
    """Say whether it is important: the sponsor side's judgement (ICH E3 10.2)."""
    actor.require(Action.REVIEW_DATA, at=deviation.site_id)
    found = _open_one(actor, deviation)
    found.is_important = is_important
    found.save(update_fields=["is_important"])
    return found


@transaction.atomic
def close_deviation(*, actor: Actor, deviation: Deviation, at: datetime) -> Deviation:
    """Close what was explained and acted on."""
    actor.require(Action.REVIEW_DATA, at=deviation.site_id)
    found = _open_one(actor, deviation)
    if not (found.cause and found.action_taken):
        raise WordsNeeded("The site has not said yet why it happened and what was done about it.")
    found.state, found.closed_at, found.closed_by_name = State.CLOSED, at, actor.name
    found.save(update_fields=["state", "closed_at", "closed_by_name"])
    return found


def origin_of(actor: Actor, *, at: int) -> Origin | None:
    """In which capacity the person records deviations at a site; None for those who do not."""
    if actor.may(Action.ENTER_DATA, at=at):
        return Origin.SITE
    return Origin.SPONSOR if actor.may(Action.REVIEW_DATA, at=at) else None


def categories(subject: Subject) -> tuple[DeviationCategory, ...]:
    """The kinds of deviation of the subject's protocol version."""
    return subject.protocol_version.definition.deviations


def _is_important(subject: Subject, category: str) -> bool:
    return any(each.important for each in categories(subject) if each.code == category)


def _open_one(actor: Actor, deviation: Deviation) -> Deviation:
    found = Deviation.objects.visible_to(actor).select_for_update().filter(pk=deviation.pk).first()
    if found is None:
        raise NotFound("There is no such deviation.")
    if found.state != State.OPEN:
        raise NotOpen(f"This deviation is not open any more: {found.get_state_display().lower()}.")
    return found


def _opened(deviation: Deviation, at: datetime) -> events.DeviationOpened:
    return events.DeviationOpened(
        study_id=deviation.study_id,
        site_id=deviation.site_id,
        at=at,
        deviation=deviation.pk,
        subject=deviation.subject_id,
        category=deviation.category,
    )
