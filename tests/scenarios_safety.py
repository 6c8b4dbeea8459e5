"""States of safety reached through the services: an adverse event entered, completed, reported, judged."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import date, datetime

from apps.review.signatures import Proof
from apps.safety import authority, services
from apps.safety import triage as sponsor
from apps.safety.models import (
    AuthorityReport,
    DltAdjudication,
    DltAnswer,
    Judgement,
    ReferenceInformation,
    Triage,
)
from apps.subjects.models import Subject
from apps.visits import services as entry
from apps.visits.models import FormRecord
from clinical.clocks import Report
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


# -- serious events on their way to the authority ---------------------------------------------------------------------


def serious(
    trial: Trial, subject: Subject, *, related: bool = True, by: str = "chidi", at: datetime = NOON, **texts: str
) -> FormRecord:
    """A sepsis with hospital admission, entered as serious."""
    kept = {"is_serious": "True", "needs_hospital": "True", "site_aware_at": "2026-03-02T11:00"}
    return event(
        trial,
        subject,
        term="Sepsis",
        grade=3,
        related=related,
        by=by,
        at=at,
        **{"onset": "2026-03-01", **kept, **texts},
    )


def reference(
    trial: Trial,
    *,
    version: str = "Investigator's brochure 5",
    since: date = date(2025, 6, 1),
    product: str = "IMA402",
    by: str = "mora",
    at: datetime = NOON,
    **correction: object,
) -> ReferenceInformation:
    """A version of the reference safety information."""
    with trial.acting_as(by) as actor:
        return sponsor.enter_reference(
            actor=actor, study=trial.study, product=product, version=version, in_force_from=since, at=at,
            **correction,  # type: ignore[arg-type]  # which version is corrected, and why
        )  # fmt: skip


def triaged(
    trial: Trial,
    record: FormRecord,
    *,
    is_serious: bool | None = True,
    related: bool | None = True,
    expected: bool | None = None,
    against: ReferenceInformation | None = None,
    is_fatal: bool | None = False,
    fatal_known_at: datetime | None = None,
    products: Mapping[str, sponsor.ProductAnswer] | None = None,
    reason: str = "Course and timing reviewed",
    by: str = "mora",
    at: datetime = NOON,
) -> Triage:
    """How the sponsor sees the event; the same of every study product unless `products` says otherwise."""
    codes = [each.code for each in record.protocol_version.definition.products if each.study_product]
    same = sponsor.ProductAnswer(related, expected, None if against is None else against.pk)
    with trial.acting_as(by) as actor:
        return sponsor.triage_event(
            actor=actor,
            record=record,
            answers=sponsor.Answers(
                is_serious=is_serious,
                is_fatal=is_fatal,
                fatal_known_at=fatal_known_at,
                products=dict.fromkeys(codes, same) if products is None else products,
                reason=reason,
            ),
            at=at,
        )


def sent(
    trial: Trial, record: FormRecord, *reports: Report, on: datetime, by: str = "mora", at: datetime | None = None
) -> AuthorityReport:
    """A report that went to the authority."""
    with trial.acting_as(by) as actor:
        sending = sponsor.Sending(frozenset(reports), "EudraVigilance", on)
        return sponsor.record_submission(actor=actor, record=record, sending=sending, at=at or on)


def corrected(
    trial: Trial,
    record: FormRecord,
    number: int,
    *,
    at: datetime,
    answers: Iterable[Report] = (),
    on: datetime | None = None,
    was_sent: bool = True,
    reason: str = "Transcription error",
    by: str = "mora",
) -> AuthorityReport:
    """The correction of what was recorded of a report."""
    with trial.acting_as(by) as actor:
        return sponsor.correct_submission(
            actor=actor,
            record=record,
            number=number,
            sending=sponsor.Sending(frozenset(answers), "EudraVigilance", on),
            was_sent=was_sent,
            reason=reason,
            at=at,
        )


def case(trial: Trial, record: FormRecord, at: datetime = NOON, *, by: str = "mora") -> authority.TriageCase:
    """Where the event stands on its way to the authority."""
    with trial.acting_as(by):
        found = authority.case_of(record, at)
    assert found is not None
    return found
