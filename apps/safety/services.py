"""What people do about harm beyond typing values: close an event, report a serious one, judge a possible DLT."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.events import announce
from apps.core.refusal import NotAllowed, Refusal
from apps.review.signatures import Proof
from apps.safety import asked, authority, derivations, events, selectors
from apps.safety.models import (
    AdverseEvent,
    Attribution,
    DltAdjudication,
    DltAnswer,
    GradePeriod,
    Judgement,
    Outcome,
    ReportState,
    SeriousEventReport,
)
from apps.subjects.models import Subject
from apps.visits import services as entry
from apps.visits.models import EntryState, FormRecord
from clinical.dlt.evaluation import Answer
from clinical.protocol.pages import Page

ADJUDICATION_MEANING = "I judged the facts shown here against the protocol's definition of dose-limiting toxicity."


class NothingToJudge(Refusal): ...


class ReasonMissing(Refusal): ...


class UnknownCriterion(Refusal): ...


class JudgedAlready(Refusal): ...


class NotSerious(Refusal): ...


class ReportIncomplete(Refusal): ...


class NoAdverseEventPage(Refusal): ...


# -- entry ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """What is known of an event before its page is opened: from a laboratory result, or from another page."""

    term: str = ""
    grade: str = ""
    onset: str = ""


@transaction.atomic
def open_event(*, actor: Actor, subject: Subject, known: Known, at: datetime) -> FormRecord:
    """Open a new adverse event with what is known of it already: all of that, or (with every problem named) nothing."""
    definition = subject.protocol_version.definition
    form = next(iter(definition.forms_of(Page.ADVERSE_EVENT)), None)
    if form is None:
        raise NoAdverseEventPage("This protocol has no adverse-event page.")
    record = entry.open_record(
        actor=actor,
        subject=subject,
        form=form.code,
        visit=None,
        protocol_version=subject.protocol_version,
        at=at,
    )
    texts = {"term": known.term, "onset": known.onset}
    if known.term and asked.find_term(definition, known.term) is not None:
        texts["ctcae_term"] = known.term
    texts = {path: text for path, text in texts.items() if text}
    if texts:
        entry.save_values(actor=actor, record=record, texts=texts, at=at)
    if known.grade:
        entry.save_values(actor=actor, record=record, texts={"grade_periods/1/grade": known.grade}, at=at)
    return record


def open_lines(record: FormRecord) -> None:
    """The lines of a new event: one grade to begin with, one line for every product whose part is asked."""
    definition = record.protocol_version.definition
    if not asked.grades_by_words(definition):
        GradePeriod.objects.create(record=record, key="1")
    Attribution.objects.bulk_create(
        Attribution(record=record, site=record.site, key=product.code) for product in asked.products_asked(definition)
    )


@transaction.atomic
def end_event(
    *, actor: Actor, record: FormRecord, ended: str, outcome: str, at: datetime, reason: str = ""
) -> FormRecord:
    """Enter end and outcome of an event from its row in the list, as typed."""
    is_over = bool(ended.strip()) or outcome == Outcome.FATAL
    texts = {"ended": ended, "outcome": outcome, "is_ongoing": "False" if is_over else "True"}
    return entry.save_values(actor=actor, record=record, texts=texts, at=at, reason=reason)


# -- serious events ---------------------------------------------------------------------------------------------------


@transaction.atomic
def note_serious_event(*, actor: Actor, record: FormRecord, at: datetime) -> SeriousEventReport:
    """Begin the report of an event that has become serious, once."""
    report, is_new = SeriousEventReport.objects.get_or_create(
        record=record, defaults={"subject": record.subject, "drafted_at": at}
    )
    if is_new:
        announce(events.SeriousEventNoted(**_about(record.subject, at), record=record.pk), actor=actor)
    return report


def keep_moments_of_report(record: FormRecord, at: datetime) -> None:
    """Keep when a serious event with a term was first here, and since when the page says fatal or life threatening.

    The first is day zero of the authority's clock and never moves; the second goes when the page takes it back.
    """
    report = SeriousEventReport.objects.filter(record=record).first()
    if report is None:
        return
    event = AdverseEvent.objects.get(record=record)
    event_at = report.event_at
    if event_at is None and event.is_serious and (event.term or event.ctcae_term):
        event_at = at
    fatal_known_at = (report.fatal_known_at or at) if authority.is_fatal(event) else None
    if (event_at, fatal_known_at) != (report.event_at, report.fatal_known_at):
        report.event_at, report.fatal_known_at = event_at, fatal_known_at
        report.save(update_fields=["event_at", "fatal_known_at"])


@transaction.atomic
def report_serious_event(*, actor: Actor, record: FormRecord, at: datetime) -> SeriousEventReport:
    """Send the report to the sponsor. Subject, reporter, product and event are enough; the rest may follow."""
    actor.require(Action.ENTER_DATA, at=record.site_id)
    event = AdverseEvent.objects.get(record=record)
    if not event.is_serious or record.state == EntryState.REMOVED:
        raise NotSerious("This event is not serious. Answer “serious” with yes first.")
    if not event.term:
        raise ReportIncomplete("Enter the reported term first: a report names the event.")
    if event.site_aware_at is None and asked.is_collected(record.protocol_version.definition, "site_aware_at"):
        raise ReportIncomplete("Enter first when the site became aware: the report is due from that moment.")
    report = SeriousEventReport.objects.select_for_update().filter(record=record).first()
    if report is None:
        report = note_serious_event(actor=actor, record=record, at=at)
    if report.state == ReportState.REPORTED:
        return report
    report.state, report.reported_at, report.reported_by = ReportState.REPORTED, at, actor.name
    report.save(update_fields=["state", "reported_at", "reported_by"])
    announce(events.SeriousEventReported(**_about(record.subject, at), record=record.pk), actor=actor)
    return report


# -- dose-limiting toxicity -------------------------------------------------------------------------------------------


@transaction.atomic
def answer_dlt(
    *,
    actor: Actor,
    subject: Subject,
    record: FormRecord | None,
    is_dlt: bool,
    criterion: str = "",
    reason: str = "",
    at: datetime,
) -> DltAnswer:
    """Give the investigator's answer on a possible DLT. A changed mind is a further answer; the earlier one stays."""
    actor.require(Action.ASSESS_DLT, at=subject.site_id)
    if actor.user_id is None:
        raise NotAllowed("An answer on a DLT is given by an investigator, never by the system.")
    subject = _locked(subject)
    question = _question(subject, record, at)
    _refuse_unknown_criterion(subject, criterion)
    suggested = {Answer.MET: True, Answer.NOT_MET: False}.get(question.assessment.answer)
    if suggested is not None and is_dlt is not suggested and not reason.strip():
        raise ReasonMissing(f"The system says: {question.system_says.lower()}. Say why you see it otherwise.")
    given = DltAnswer.objects.create(
        subject=subject,
        record=record,
        is_dlt=is_dlt,
        criterion=criterion,
        reason=reason.strip(),
        basis=question.assessment.basis[:300],
        answered_at=at,
        answered_by_id=actor.user_id,
        answered_by_name=actor.name,
    )
    derivations.refresh_standings([subject], at)
    announce(events.ToxicityChanged(**_about(subject, at), record=None if record is None else record.pk), actor=actor)
    return given


@transaction.atomic
def adjudicate_dlt(
    *,
    actor: Actor,
    proof: Proof,
    subject: Subject,
    record: FormRecord | None,
    judgement: Judgement,
    criterion: str = "",
    reason: str,
    at: datetime,
) -> DltAdjudication:
    """Sign the sponsor's decision on a possible DLT. An earlier one is taken back only by signing a new one.

    `proof` is that the signer has just given the password (`review.signatures.reauthenticate`).
    """
    actor.require(Action.ADJUDICATE_DLT, at=subject.site_id)
    if proof.user_id != actor.user_id:
        raise NotAllowed("A decision is signed by the person who is signed in, with their own password.")
    subject = _locked(subject)
    question = _question(subject, record, at)
    _refuse_unknown_criterion(subject, criterion)
    if not reason.strip():
        raise ReasonMissing("Say why: the reason is part of what you sign.")
    before = question.adjudication
    basis = question.assessment.basis[:300]
    if before is not None and before.judgement == judgement and before.basis == basis:
        raise JudgedAlready(
            f"{before.signer_name} already decided so on {before.adjudicated_at:%d-%b-%Y}, on the same facts."
        )
    signed = DltAdjudication.objects.create(
        subject=subject,
        record=record,
        judgement=judgement,
        criterion=criterion,
        reason=reason.strip(),
        basis=basis,
        replaces=before,
        adjudicated_at=at,
        signed_by_id=proof.user_id,
        signer_name=actor.name,
        signer_role=actor.role_words,
        meaning=ADJUDICATION_MEANING,
    )
    derivations.refresh_standings([subject], at)
    about: dict[str, Any] = {**_about(subject, at), "record": None if record is None else record.pk}
    announce(
        events.DltJudged(
            **about,
            adjudication=signed.pk,
            judgement=judgement.value,
            reverses=before is not None and before.judgement != judgement,
        ),
        actor=actor,
    )
    announce(events.ToxicityChanged(**about), actor=actor)
    return signed


def _locked(subject: Subject) -> Subject:
    """The subject, locked so that two judgements on the same facts come one after the other."""
    locked: Subject = (
        Subject.objects.select_for_update(of=("self",)).select_related("site", "protocol_version").get(pk=subject.pk)
    )
    return locked


def _question(subject: Subject, record: FormRecord | None, at: datetime) -> selectors.DltQuestion:
    question = selectors.dlt_question(subject, record, at)
    if question is None:
        raise NothingToJudge("There is no DLT question here: the subject was not dosed, or the entry was removed.")
    if not question.arises:
        raise NothingToJudge("No grade began or worsened in the DLT period, so there is nothing to judge.")
    return question


def _refuse_unknown_criterion(subject: Subject, criterion: str) -> None:
    dlt = subject.protocol_version.definition.dlt
    if criterion and criterion not in {each.id for each in (dlt.criteria if dlt else ())}:
        raise UnknownCriterion(f"The protocol has no DLT criterion “{criterion}”. Choose one of its own.")


def _about(subject: Subject, at: datetime) -> dict[str, Any]:
    return {"study_id": subject.study_id, "site_id": subject.site_id, "at": at, "subject": subject.pk}
