"""Screening: consent and first number, screen failure, screening again, and consent as gates see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.events import announce
from apps.core.refusal import Refusal
from apps.screening import selectors
from apps.screening.models import Consent, FailedCriterion, ScreenFailure, ScreeningEpisode
from apps.study.models import Site
from apps.study.selectors import version_at_site
from apps.subjects import services as subject_services
from apps.subjects.models import ConsentGate, Status, Subject
from apps.visits import events as visit_events
from apps.visits import pages, schedule
from apps.visits import services as entry
from apps.visits.models import EntryState, FormRecord, Visit, VisitStatus
from clinical.partial_date import Order, PartialDate, Precision
from clinical.protocol.conduct import Gate
from clinical.protocol.schedule import AnchorSource


class NoConsentForm(Refusal):
    """The protocol has no consent form to record."""


class ConsentNotPossible(Refusal):
    """The consent as stated cannot have been given."""


class CriterionNeeded(Refusal):
    """A screen failure names the criterion that failed."""


class NotInScreening(Refusal):
    """The subject is past screening, or failed already."""


class RescreeningRefused(Refusal):
    """The protocol does not allow screening this subject again, or not yet."""


@dataclass(frozen=True, kw_only=True)
class ConsentGiven:
    """What the consent form states, as signed."""

    version: str
    given: PartialDate
    explained_by: str
    copy_given: str = "Y"


@transaction.atomic
def consent_new_subject(*, actor: Actor, site: Site, consent: ConsentGiven, at: datetime) -> Subject:
    """Enter a new subject with the first consent: number, planned visits and completed consent form in one act."""
    actor.require(Action.CREATE_SUBJECT, at=site.pk)
    _refuse_impossible(consent, site=site, at=at)
    day = consent.given.full_date
    assert day is not None  # _refuse_impossible asks for the time
    version = version_at_site(site=site, on=day)
    gate = selectors.first_consent_gate(version.definition)
    if gate is None:
        raise NoConsentForm("This protocol records no consent, so a subject cannot begin with one.")
    subject = subject_services.enter_subject(actor=actor, site=site, protocol_version=version, at=at)
    subject = Subject.objects.select_related("site", "study", "protocol_version").get(pk=subject.pk)
    begin_episode(subject=subject, at=at)
    schedule.plan_visits(subject=subject)
    record_consent(actor=actor, subject=subject, gate=gate, consent=consent, at=at)
    return subject


@transaction.atomic
def record_consent(
    *, actor: Actor, subject: Subject, gate: Gate, consent: ConsentGiven, at: datetime, visit: Visit | None = None
) -> FormRecord:
    """Record a consent at a gate: on the visit's untouched consent form, or (a new version) on a further one."""
    actor.require(Action.ENTER_DATA, at=subject.site_id)
    if gate.consent_form is None:
        raise NoConsentForm(f"{gate.title} has no consent of its own: an earlier one covers it.")
    _refuse_impossible(consent, site=subject.site, at=at)
    visit = visit or _visit_of(subject, gate.consent_form)
    if visit is None:
        raise NoConsentForm(f"No visit of {subject.number} holds the form for {gate.title}.")
    record = schedule.open_form(actor=actor, visit=visit, form=gate.consent_form, at=at)
    if record.state != EntryState.EXPECTED:
        repeat = 1 + FormRecord.objects.filter(visit=visit, form=gate.consent_form).count()
        record = entry.open_record(
            actor=actor,
            subject=subject,
            form=gate.consent_form,
            visit=visit,
            protocol_version=subject.protocol_version,
            at=at,
            repeat=repeat,
        )
    texts = {
        "version": consent.version,
        "given": consent.given.iso,
        "explained_by": consent.explained_by,
        "copy_given": consent.copy_given,
    }
    record = entry.save_values(actor=actor, record=record, texts=texts, at=at)
    return entry.complete_record(actor=actor, record=record, at=at)


@transaction.atomic
def begin_episode(*, subject: Subject, at: datetime) -> ScreeningEpisode:
    """The subject's present screening; the first one comes into being here."""
    episode = selectors.newest_episode(subject)
    if episode is None:
        first = subject.protocol_version.definition.gates[0].code
        episode = ScreeningEpisode.objects.create(subject=subject, number=1, from_gate=first, began_at=at)
    return episode


@transaction.atomic
def fail_screening(
    *, actor: Actor, subject: Subject, criteria: Sequence[str], comment: str = "", at: datetime
) -> ScreenFailure:
    """End the screening of a subject who cannot take part, naming the criterion that is not fulfilled."""
    actor.require(Action.ENTER_DATA, at=subject.site_id)
    subject = (
        Subject.objects.select_for_update(of=("self",))
        .select_related("site", "study", "protocol_version")
        .get(pk=subject.pk)
    )
    if subject.status not in {Status.SCREENING, Status.ELIGIBLE, Status.ENROLLED}:
        raise NotInScreening(
            f"{subject.number} is {subject.get_status_display().lower()}, so screening cannot fail any more."
        )
    asked = {criterion.number: criterion for criterion in subject.protocol_version.definition.criteria}
    chosen = [number for number in dict.fromkeys(criteria) if number in asked]
    if not chosen:
        raise CriterionNeeded("Choose the criterion that is not fulfilled. A screen failure needs at least one.")
    answered = {view.criterion.number for view in selectors.keeping_out(subject)}
    episode = begin_episode(subject=subject, at=at)
    failure = ScreenFailure.objects.create(
        subject=subject,
        episode=episode,
        failed_at=at,
        comment=comment.strip(),
        recorded_by_id=actor.user_id,
        recorder_name=actor.name,
    )
    for number in chosen:
        FailedCriterion.objects.create(
            subject=subject,
            failure=failure,
            number=number,
            gate=asked[number].gate,
            text=asked[number].text,
            was_answered=number in answered,
        )
    subject_services.change_status(
        actor=actor,
        subject=subject,
        status=Status.SCREEN_FAILED,
        at=at,
        why=f"{', '.join(chosen)}. {comment.strip()}".strip(),
    )
    return failure


@transaction.atomic
def rescreen(*, actor: Actor, subject: Subject, consent: ConsentGiven | None, at: datetime) -> ScreeningEpisode:
    """Screen a subject again under its number, from the gate that failed on, with new forms beside the old ones."""
    actor.require(Action.CREATE_SUBJECT, at=subject.site_id)
    subject = (
        Subject.objects.select_for_update(of=("self",))
        .select_related("site", "study", "protocol_version")
        .get(pk=subject.pk)
    )
    rule = selectors.rescreen_rule(subject, on=at.astimezone(subject.site.zone_info).date())
    if rule.problem:
        raise RescreeningRefused(rule.problem)
    definition = subject.protocol_version.definition
    failure = ScreenFailure.objects.filter(subject=subject).order_by("failed_at").last()
    assert failure is not None  # a screen failure is what the rule asks for
    failed_at_gates = set(failure.criteria.values_list("gate", flat=True))
    from_gate = next(gate for gate in definition.gates if gate.code in failed_at_gates)
    covering = selectors.consent_gate_of(definition, from_gate.code)
    needs_consent = definition.screening.new_consent_on_rescreen and covering is not None
    if needs_consent and consent is None:
        raise RescreeningRefused("The protocol asks for a new consent before screening again. Enter it.")
    starts_at = covering if needs_consent and covering is not None else from_gate
    before = selectors.repeated_visits(subject, from_gate=starts_at.code)
    number = 1 + ScreeningEpisode.objects.filter(subject=subject).count()
    episode = ScreeningEpisode.objects.create(subject=subject, number=number, from_gate=starts_at.code, began_at=at)
    subject_services.change_status(
        actor=actor, subject=subject, status=Status.SCREENING, at=at, why=f"Screened again, time {number}"
    )
    subject.status = Status.SCREENING
    took_place = consent.given.to_day() if consent else PartialDate.of(at.astimezone(subject.site.zone_info).date())
    repeated = [
        _repeat_visit(actor=actor, visit=visit, episode=episode, took_place=took_place, at=at)
        for visit in _originals(before)
    ]
    if consent is not None and covering is not None:
        holding = next((visit for visit, forms in repeated if covering.consent_form in forms), None)
        record_consent(actor=actor, subject=subject, gate=covering, consent=consent, at=at, visit=holding)
    return episode


def _originals(records: list[FormRecord]) -> list[Visit]:
    """The planned visits behind the records, each once; a visit that is itself a repetition stands for its original."""
    found: dict[int, Visit] = {}
    for record in records:
        assert record.visit is not None  # asked for records of visits only
        if schedule.planned_visit(record.visit) is not None:
            found.setdefault(record.visit.pk, record.visit)
    return list(found.values())


def _repeat_visit(
    *, actor: Actor, visit: Visit, episode: ScreeningEpisode, took_place: PartialDate, at: datetime
) -> tuple[Visit, tuple[str, ...]]:
    """Hold a visit of screening again, numbered after the first, with all its forms empty."""
    planned = schedule.planned_visit(visit)
    assert planned is not None  # originals only
    step = visit.subject.protocol_version.definition.unscheduled.number_step
    number = visit.number + step
    while Visit.objects.filter(subject=visit.subject, number=number).exists():
        number += step
    again = Visit.objects.create(
        subject=visit.subject,
        code=f"{visit.code}-R{episode.number}",
        name=f"{visit.name} {episode.number}",
        number=Decimal(number),
        status=VisitStatus.STARTED,
        is_unscheduled=True,
        took_place=took_place,
    )
    again = Visit.objects.select_related("subject__protocol_version", "site").get(pk=again.pk)
    definition = visit.subject.protocol_version.definition
    forms = tuple(form for form in planned.forms if pages.known(definition.form(form).page.value))
    for form in forms:
        schedule.open_form(actor=actor, visit=again, form=form, at=at)
    announce(
        visit_events.VisitStarted(
            study_id=again.study_id, site_id=again.site_id, at=at, visit=again.pk, subject=again.subject_id
        ),
        actor=actor,
    )
    return again, forms


@transaction.atomic
def project_consents(*, record: FormRecord) -> None:
    """Show gates and calendar what the completed consent forms of this form's gate state now.

    A corrected version renames the row that gates see; several forms of one version count with their newest date.
    """
    form = record.protocol_version.definition.form(record.form)
    gate = form.gate
    assert gate is not None  # a consent form names its gate
    stated: dict[str, Consent] = {}
    statements = list(
        Consent.objects.filter(
            record__subject_id=record.subject_id, record__form=record.form, record__state=EntryState.COMPLETE
        )
        .select_related("record")
        .order_by("given_earliest", "pk")
    )
    for page in statements:
        if page.version and page.given is not None:
            stated[page.version] = page
    shown = {row.version: row for row in ConsentGate.objects.filter(subject_id=record.subject_id, purpose=gate)}
    orphaned = [row for version, row in shown.items() if version not in stated]
    for version, page in stated.items():
        if version not in shown and orphaned:
            row = orphaned.pop()
            row.version = version
            row.save(update_fields=["version"])
        subject_services.project_consent(
            subject=record.subject, purpose=gate, version=version, given=page.given, withdrawn=page.withdrawn
        )
    for row in orphaned:  # the form no longer states it: nobody may go on under it
        row.withdrawn = row.given
        row.save(update_fields=["withdrawn"])
    _set_consent_anchors(record, gate, statements)


def _set_consent_anchors(record: FormRecord, gate: str, statements: list[Consent]) -> None:
    """The consent that the calendar counts from: the first of the present screening, not a later re-consent."""
    episode = selectors.newest_episode(record.subject)
    of_episode = [each for each in statements if episode is None or each.record.opened_at >= episode.began_at]
    given = [each.given for each in of_episode or statements if each.given is not None]
    if not given:
        return
    for anchor in record.protocol_version.definition.anchors:
        if anchor.source is AnchorSource.CONSENT and anchor.gate in {gate, None}:
            schedule.set_anchor(subject=record.subject, name=anchor.code, moment=given[0])


def _visit_of(subject: Subject, form: str) -> Visit | None:
    """The visit whose forms include this one: the newest on which it stands, else the planned one."""
    standing = (
        FormRecord.objects.filter(subject=subject, form=form, visit__isnull=False)
        .order_by("-pk")
        .values_list("visit_id", flat=True)
        .first()
    )
    if standing is not None:
        return Visit.objects.select_related("subject__protocol_version", "site").get(pk=standing)
    planned = [
        each.code
        for each in subject.protocol_version.definition.visits_for(part=subject.part, cycles=False)
        if form in each.forms
    ]
    return (
        Visit.objects.filter(subject=subject, code__in=planned)
        .select_related("subject__protocol_version", "site")
        .order_by("number")
        .first()
    )


def _refuse_impossible(consent: ConsentGiven, *, site: Site, at: datetime) -> None:
    problems = []
    if not consent.version.strip():
        problems.append("Enter the version of the consent form.")
    if not consent.explained_by.strip():
        problems.append("Enter who explained the trial.")
    if consent.given.precision < Precision.MINUTE:
        problems.append("Enter the consent with date and time, such as 15mar26 14:05.")
    elif consent.given.compare(PartialDate.of(at.astimezone(site.zone_info))) is Order.AFTER:
        problems.append(f"{consent.given} has not come yet at site {site.number}. Correct the date or the time.")
    if problems:
        raise ConsentNotPossible("The consent was not recorded.", problems=problems)
