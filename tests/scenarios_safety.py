"""States of safety reached through the services: an adverse event entered, completed, reported, judged."""

import uuid
from datetime import datetime

from apps.review.signatures import Proof
from apps.safety import services
from apps.safety.models import DltAdjudication, DltAnswer, Judgement
from apps.subjects.models import Subject
from apps.visits import services as entry
from apps.visits.models import FormRecord
from tests.scenarios import NOON, Trial

COMPLETE = {"is_ongoing": "True", "outcome": "NOT RECOVERED/NOT RESOLVED", "is_serious": "False"}


def event(
    trial: Trial,
    subject: Subject,
    *,
    term: str = "Fatigue",
    onset: str = "2026-03-02",
    grade: int | str | None = 2,
    related: bool = True,
    by: str = "chidi",
    at: datetime = NOON,
    **texts: str,
) -> FormRecord:
    """An adverse event as a coordinator enters it: term, onset, one grade, relation to every product."""
    with trial.acting_as(by) as actor:
        record = services.open_event(
            actor=actor,
            subject=subject,
            known=services.Known(term=term, onset=onset, grade="" if grade is None else str(grade)),
            at=at,
        )
        definition = record.protocol_version.definition
        relations = {
            f"attributions/{product.code}/relation": "RELATED" if related else "NOT RELATED"
            for product in definition.products
            if product.for_attribution
        }
        entry.save_values(actor=actor, record=record, texts={**COMPLETE, **relations, **texts}, at=at)
    return record


def next_grade(
    trial: Trial,
    record: FormRecord,
    *,
    grade: int,
    began: str,
    by: str = "chidi",
    at: datetime = NOON,
    reason: str = "",
) -> None:
    """A change of grade: a further period."""
    with trial.acting_as(by, reason=reason) as actor:
        key = entry.add_line(actor=actor, record=record, kind="grade_periods", at=at)
        texts = {f"grade_periods/{key}/grade": str(grade), f"grade_periods/{key}/began": began}
        entry.save_values(actor=actor, record=record, texts=texts, at=at, reason=reason)


def save(
    trial: Trial, record: FormRecord, *, by: str = "chidi", at: datetime = NOON, reason: str = "", **texts: str
) -> None:
    """Some values of the event, as typed. Paths of lines are written with two underscores for a slash."""
    with trial.acting_as(by) as actor:
        typed = {path.replace("__", "/"): text for path, text in texts.items()}
        entry.save_values(actor=actor, record=record, texts=typed, at=at, reason=reason)


def complete(trial: Trial, record: FormRecord, *, by: str = "chidi", at: datetime = NOON) -> FormRecord:
    with trial.acting_as(by) as actor:
        return entry.complete_record(actor=actor, record=record, at=at)


def answer(
    trial: Trial,
    record: FormRecord,
    *,
    is_dlt: bool,
    reason: str = "As I see it",
    by: str = "amara",
    at: datetime = NOON,
) -> DltAnswer:
    """The investigator's answer."""
    with trial.acting_as(by) as actor:
        return services.answer_dlt(
            actor=actor, subject=record.subject, record=record, is_dlt=is_dlt, reason=reason, at=at
        )


def adjudicate(
    trial: Trial,
    record: FormRecord,
    judgement: Judgement,
    *,
    reason: str = "Reviewed with the site",
    by: str = "mora",
    at: datetime = NOON,
) -> DltAdjudication:
    """The sponsor's signed decision, by somebody who has just given the password."""
    with trial.acting_as(by) as actor:
        assert actor.user_id is not None
        return services.adjudicate_dlt(
            actor=actor,
            proof=Proof(user_id=actor.user_id, batch=uuid.uuid4()),
            subject=record.subject,
            record=record,
            judgement=judgement,
            reason=reason,
            at=at,
        )
