"""Freeze, lock and unlock. Freezing stops entry alone; locking stops everything and asks for a clean checklist."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.events import announce
from apps.core.refusal import NotAllowed, NotFound, Refusal
from apps.core.transactions import because
from apps.review import checklist, content, events
from apps.review.models import LockCertificate, UnlockRequest, UnlockState
from apps.subjects.models import Subject
from apps.visits.models import EntryState, FormRecord


class NotReady(Refusal):
    """The checklist is not clear; every line of it that stands in the way is named."""


class Locked(Refusal):
    """The form is locked."""


class ReasonNeeded(Refusal):
    """Opening data again needs its reason."""


@transaction.atomic
def freeze_records(*, actor: Actor, records: Sequence[FormRecord], at: datetime) -> int:
    """Stop entry on forms; queries, verification, review and signing go on. Says how many were open before."""
    current = _current(records, actor, Action.FREEZE_DATA)
    if any(record.is_locked for record in current):
        raise Locked("A locked form cannot be frozen as well.")
    open_ones = [record for record in current if not record.is_frozen]
    _set(open_ones, is_frozen=True)
    return len(open_ones)


@transaction.atomic
def unfreeze_records(*, actor: Actor, records: Sequence[FormRecord], why: str, at: datetime) -> int:
    """Allow entry again, with the reason."""
    current = _current(records, actor, Action.FREEZE_DATA)
    if not why.strip():
        raise ReasonNeeded("Say why entry is opened again.")
    if any(record.is_locked for record in current):
        raise Locked("This form is locked. An unlock takes two people.")
    frozen = [record for record in current if record.is_frozen]
    with because(why.strip()):
        _set(frozen, is_frozen=False)
    return len(frozen)


@transaction.atomic
def lock_records(*, actor: Actor, subject: Subject, records: Sequence[FormRecord], at: datetime) -> LockCertificate:
    """Lock forms of a subject once the checklist is clear for them; the certificate says what was locked and how."""
    current = [
        record
        for record in _current(records, actor, Action.LOCK_DATA)
        if record.subject_id == subject.pk and not record.is_locked
    ]
    if not current:
        raise NotReady("There is no form to lock: all are locked already.")
    found = checklist.obstacles(current)
    missing = [f"{item.title}: {sum(found[item.code].values())}" for item in checklist.items() if found.get(item.code)]
    if missing:
        raise NotReady("This cannot be locked yet.", problems=missing)
    hashes = {str(record.pk): content.digest(content.content_of(record)) for record in current}
    _set(current, is_locked=True)
    certificate = LockCertificate.objects.create(
        site_id=subject.site_id,
        subject=subject,
        records=hashes,
        checklist={item.code: {"title": item.title, "in_the_way": 0} for item in checklist.items()},
        snapshot_hash=content.digest(hashes),
        locked_by_id=actor.user_id,
        locked_by_name=actor.name,
        role=actor.role_words,
        locked_at=at,
    )
    announce(
        events.RecordsLocked(
            study_id=subject.study_id,
            site_id=subject.site_id,
            at=at,
            subject=subject.pk,
            records=tuple(record.pk for record in current),
        ),
        actor=actor,
    )
    return certificate


@transaction.atomic
def ask_unlock(*, actor: Actor, record: FormRecord, why: str, at: datetime) -> UnlockRequest:
    """Ask for a locked form to be opened. Site, monitor or data manager may ask; another person approves."""
    if not any(
        actor.may(action, at=record.site_id) for action in (Action.ENTER_DATA, Action.RAISE_QUERY, Action.LOCK_DATA)
    ):
        raise NotAllowed("Ask your data manager: your role here does not allow you to ask for an unlock.")
    record = FormRecord.objects.select_for_update().get(pk=record.pk)
    if not why.strip():
        raise ReasonNeeded("Say why the form must be opened.")
    if not record.is_locked:
        raise Refusal("This form is not locked.")
    if UnlockRequest.objects.filter(record=record, state=UnlockState.ASKED).exists():
        raise Refusal("An unlock of this form was asked already and waits for approval.")
    return UnlockRequest.objects.create(
        site_id=record.site_id,
        study_id=record.study_id,
        subject_id=record.subject_id,
        record=record,
        reason=why.strip(),
        asked_by_id=actor.user_id,
        asked_by_name=actor.name,
        asked_at=at,
    )


@transaction.atomic
def decide_unlock(
    *, actor: Actor, request: UnlockRequest, approve: bool, at: datetime, note: str = ""
) -> UnlockRequest:
    """Approve or refuse an unlock that somebody else asked for. Signatures stay; the lock certificate ends."""
    actor.require(Action.UNLOCK_DATA, at=request.site_id)
    found = UnlockRequest.objects.visible_to(actor).select_for_update().filter(pk=request.pk).first()
    if found is None:
        raise NotFound("There is no such request.")
    if found.state != UnlockState.ASKED:
        raise Refusal(f"This request was decided by {found.decided_by_name}.")
    if found.asked_by_id == actor.user_id:
        raise NotAllowed("An unlock is approved by another person than the one who asked.")
    if not approve and not note.strip():
        raise ReasonNeeded("Say why the unlock is refused.")
    found.state = UnlockState.APPROVED if approve else UnlockState.REFUSED
    found.decided_by_id, found.decided_by_name = actor.user_id, actor.name
    found.decided_at, found.decision_note = at, note.strip()
    found.save(update_fields=["state", "decided_by", "decided_by_name", "decided_at", "decision_note"])
    if approve:
        with because(found.reason):
            _set(list(FormRecord.objects.select_for_update().filter(pk=found.record_id)), is_locked=False)
        announce(
            events.RecordUnlocked(
                study_id=found.study_id,
                site_id=found.site_id,
                at=at,
                subject=found.subject_id,
                record=found.record_id,
            ),
            actor=actor,
        )
    return found


def certificate_stands(certificate: LockCertificate) -> bool:
    """Whether every form of the certificate is still locked; one that was opened and locked again has a newer one."""
    keys = [int(key) for key in certificate.records]
    return (
        FormRecord.objects.filter(pk__in=keys, is_locked=True).count() == len(keys)
        and not UnlockRequest.objects.filter(
            record__in=keys, state=UnlockState.APPROVED, decided_at__gt=certificate.locked_at
        ).exists()
    )


def _current(records: Sequence[FormRecord], actor: Actor, action: Action) -> list[FormRecord]:
    for site_id in {record.site_id for record in records}:
        actor.require(action, at=site_id)
    return list(
        FormRecord.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("site", "study", "subject", "visit", "protocol_version")
        .filter(pk__in=[record.pk for record in records])
        .exclude(state=EntryState.REMOVED)
        .order_by("pk")
    )


def _set(records: Sequence[FormRecord], **flags: Any) -> None:
    """One update for all; the trail's triggers see every row."""
    FormRecord.objects.filter(pk__in=[record.pk for record in records]).update(**flags)
