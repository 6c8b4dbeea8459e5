"""Alerts: raising, updating and taking back what the rules say; acknowledging and closing by people."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256

from django.db import connection, transaction
from django.db.models import QuerySet

from apps.alerts import cases, events, recipients
from apps.alerts.cases import Fired
from apps.alerts.models import Alert, AlertEvent, EventKind, Hold, Notice, Outcome, State
from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.events import announce
from apps.core.refusal import Refusal
from apps.study.models import Study
from apps.subjects.models import Subject
from clinical.signals.signal import Changes, Severity, Standing, reconcile


class NoteNeeded(Refusal):
    """An acknowledgement without a note says nothing to the next reader."""


class AlreadyClosed(Refusal):
    """A closed alert is reopened by its facts, not by people."""


class NothingToAcknowledge(Refusal):
    """Somebody acknowledged it before."""


class OutcomeNeeded(Refusal):
    """An alert is closed with what came of it."""


# What the rules say


@transaction.atomic
def evaluate_subject(*, actor: Actor, subject: Subject, at: datetime) -> Changes:
    """Judge every rule on this subject from the data as they are now, and bring its alerts in step.

    Two workers may do this at once: the second waits, finds nothing left to do, and writes nothing.
    """
    _one_at_a_time("subject", subject.pk)
    return _bring_in_step(
        actor=actor,
        study_id=subject.study_id,
        subject=subject,
        fired=cases.fired_for_subjects([subject], at=at)[subject.pk],
        at=at,
    )


@transaction.atomic
def evaluate_study(*, actor: Actor, study: Study, at: datetime) -> Changes:
    """Judge every rule on the study as a whole (its dose levels, its sites) and bring its alerts in step."""
    _one_at_a_time("study", study.pk)
    return _bring_in_step(actor=actor, study_id=study.pk, subject=None, fired=fired_for_study(study, at=at), at=at)


def fired_for_study(study: Study, *, at: datetime) -> list[Fired]:
    """What the rules of the protocol version now in force say of the study as a whole."""
    version = cases.version_in_force(study)
    return [] if version is None else cases.fired_for_study(version, at=at)


def changes_due(*, study_id: int, subject_id: int | None, fired: Iterable[Fired]) -> Changes:
    """What an evaluation of this subject (None: of the study as a whole) would change; nothing is written."""
    return compared(_of(study_id, subject_id).filter(hold=Hold.STANDS), fired)


def _of(study_id: int, subject_id: int | None) -> QuerySet[Alert]:
    alerts: QuerySet[Alert] = Alert.objects.filter(study_id=study_id)
    return alerts.filter(subject=None) if subject_id is None else alerts.filter(subject_id=subject_id)


def standing_by_subject(*, study_id: int, subject_ids: Iterable[int]) -> dict[int, list[Alert]]:
    """The alerts that stand on each of these subjects."""
    found: dict[int, list[Alert]] = defaultdict(list)
    for alert in Alert.objects.filter(study_id=study_id, subject_id__in=list(subject_ids), hold=Hold.STANDS):
        if alert.subject_id is not None:
            found[alert.subject_id].append(alert)
    return found


def compared(standing: Iterable[Alert], fired: Iterable[Fired]) -> Changes:
    """What must change so that exactly the alerts stand that the rules ask for."""
    return reconcile(
        standing=[Standing(alert.key, alert.fingerprint, Severity(alert.severity), alert.extent) for alert in standing],
        now=[each.signal for each in fired],
    )


def _one_at_a_time(kind: str, pk: int) -> None:
    """Hold a lock until the transaction ends, so that two evaluations of the same subject follow each other."""
    number = int.from_bytes(sha256(f"alerts {kind} {pk}".encode()).digest()[:8], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [number])


def _bring_in_step(
    *, actor: Actor, study_id: int, subject: Subject | None, fired: list[Fired], at: datetime
) -> Changes:
    pk = None if subject is None else subject.pk
    changes = changes_due(study_id=study_id, subject_id=pk, fired=fired)
    if changes.is_empty:
        return changes
    now = {each.signal.key: each for each in fired}
    known = {alert.key: alert for alert in _of(study_id, pk)}
    for kind, signals in (
        (EventKind.RAISED, changes.raised),
        (EventKind.UPDATED, changes.updated),
        (EventKind.REOPENED, changes.reopened),
    ):
        for signal in signals:
            alert = known.get(signal.key)
            if alert is None:
                alert = Alert(
                    study_id=study_id,
                    subject=subject,
                    site_id=None if subject is None else subject.site_id,
                    rule=signal.rule,
                    scope=str(signal.scope),
                    crossing=signal.crossing,
                    key=signal.key,
                    raised_at=at,
                )
            _say(alert, now[signal.key], kind, actor=actor, at=at)
    for kind, hold, keys in (
        (EventKind.SUPERSEDED, Hold.SUPERSEDED, changes.superseded),
        (EventKind.RETRACTED, Hold.RETRACTED, changes.retracted),
    ):
        for key in keys:
            alert = known[key]
            alert.hold, alert.retracted_at, alert.updated_at = hold, at, at
            alert.save(update_fields=["hold", "retracted_at", "updated_at"])
            _note(alert, kind, actor=actor, at=at)
    return changes


def _say(alert: Alert, fired: Fired, kind: EventKind, *, actor: Actor, at: datetime) -> None:
    """Let the card say what the rule says now. An alert that comes back is the old one, reopened."""
    signal = fired.signal
    if alert.pk is not None and kind is EventKind.RAISED:
        kind = EventKind.REOPENED
    if kind in (EventKind.RAISED, EventKind.REOPENED):
        alert.state, alert.outcome = State.NEW, ""
    alert.record_id = fired.record
    alert.rule_version = signal.rule_version
    alert.fingerprint = signal.fingerprint
    alert.severity = int(signal.severity)
    alert.extent = signal.extent
    alert.sentence = signal.sentence
    alert.facts = [asdict(fact) for fact in signal.facts]
    alert.recipients = [recipient.value for recipient in signal.recipients]
    alert.effect = signal.effect.value
    alert.hold, alert.retracted_at, alert.updated_at = Hold.STANDS, None, at
    alert.save()
    event = _note(alert, kind, actor=actor, at=at)
    if kind in (EventKind.RAISED, EventKind.REOPENED):
        _owe_notices(event, actor=actor, at=at)


def _note(
    alert: Alert, kind: EventKind, *, actor: Actor, at: datetime, note: str = "", outcome: str = ""
) -> AlertEvent:
    return AlertEvent.objects.create(
        study_id=alert.study_id,
        site_id=alert.site_id,
        alert=alert,
        kind=kind,
        at=at,
        by_id=actor.user_id,
        by_name=actor.name,
        note=note,
        outcome=outcome,
        rule_version=alert.rule_version,
        severity=alert.severity,
        sentence=alert.sentence,
        facts=alert.facts,
        fingerprint=alert.fingerprint,
    )


def _owe_notices(event: AlertEvent, *, actor: Actor, at: datetime) -> None:
    """One mail is owed to each person who holds a role that the rule addresses; the outbox carries it."""
    alert = event.alert
    for person in recipients.people(alert):
        notice = Notice.objects.create(
            study_id=alert.study_id,
            site_id=alert.site_id,
            event=event,
            person=person,
            person_name=person.full_name,
            message_id=recipients.message_id(event, person),
        )
        announce(
            events.NoticeOwed(study_id=alert.study_id, site_id=alert.site_id or 0, at=at, notice=notice.pk),
            actor=actor,
        )


# What people do


@transaction.atomic
def acknowledge_alert(*, actor: Actor, alert: Alert, note: str, at: datetime) -> Alert:
    """Say that a person has seen the alert, and what they make of it."""
    actor.require(Action.ACKNOWLEDGE_ALERT, at=alert.site_id)
    alert = Alert.objects.visible_to(actor).select_for_update().get(pk=alert.pk)
    note = note.strip()
    if alert.state == State.CLOSED:
        raise AlreadyClosed("This alert is closed. It opens again by itself if its facts get worse.")
    if alert.state == State.ACKNOWLEDGED:
        raise NothingToAcknowledge("This alert was already acknowledged. Close it with an outcome when you are done.")
    if not note:
        raise NoteNeeded("Write a short note on what you make of this alert, then acknowledge it.")
    alert.state = State.ACKNOWLEDGED
    alert.save(update_fields=["state"])
    _note(alert, EventKind.ACKNOWLEDGED, actor=actor, at=at, note=note)
    return alert


@transaction.atomic
def close_alert(*, actor: Actor, alert: Alert, outcome: str, note: str, at: datetime) -> Alert:
    """End the work on an alert with what came of it. It opens again if its facts get worse."""
    actor.require(Action.ACKNOWLEDGE_ALERT, at=alert.site_id)
    alert = Alert.objects.visible_to(actor).select_for_update().get(pk=alert.pk)
    if alert.state == State.CLOSED:
        raise AlreadyClosed("This alert is closed already.")
    if outcome not in Outcome.values:
        raise OutcomeNeeded("Choose what looking into this alert came to, then close it.")
    if alert.state == State.NEW and not note.strip():
        raise NoteNeeded("Nobody has acknowledged this alert yet. Write a note on what you make of it, then close it.")
    alert.state, alert.outcome = State.CLOSED, outcome
    alert.save(update_fields=["state", "outcome"])
    _note(alert, EventKind.CLOSED, actor=actor, at=at, note=note.strip(), outcome=outcome)
    return alert
