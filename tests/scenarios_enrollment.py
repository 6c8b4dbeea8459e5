"""Subjects on their way into a cohort, reached through the services, for both trials."""

import uuid
from datetime import datetime

from apps.core.actor import Actor
from apps.enrollment import gates, services
from apps.enrollment.models import Cohort, Slot
from apps.review.signatures import Proof
from apps.screening import services as screening
from apps.subjects.models import Subject
from clinical.partial_date import PartialDate
from clinical.protocol.conduct import Gate
from tests import scenarios_screening
from tests.scenarios import NOON, Trial


def proof_of(actor: Actor) -> Proof:
    """That the actor has just given the password; the test of the page types it."""
    assert actor.user_id is not None, "only a person signs"
    return Proof(user_id=actor.user_id, batch=uuid.uuid4())


def fresh(trial: Trial, subject: Subject) -> Subject:
    """The subject as stored now."""
    return Subject.objects.select_related("site", "study", "protocol_version").get(pk=subject.pk)


def gate_answered(trial: Trial, subject: Subject, gate: Gate, *, by: str = "chidi", at: datetime = NOON) -> None:
    """Consent, markers and criteria of a later gate, entered in the subject's favour."""
    definition = trial.version.definition
    visit = next(each for each in definition.visits_for() if gate.eligibility_form in each.forms)
    scenarios_screening.start(trial, subject, visit.code, by=by, at=at)
    if gate.consent_form is not None:
        consent = scenarios_screening.consent_of(at, trial, site=subject.site.number)
        with trial.acting_as(by) as actor:
            screening.record_consent(actor=actor, subject=subject, gate=gate, consent=consent, at=at)
    for form in visit.forms:
        if definition.form(form).biomarkers:
            scenarios_screening.biomarkers(trial, subject, form, by=by)
    scenarios_screening.answer_criteria(trial, subject, gate.code, by=by, at=at)


def sign(trial: Trial, subject: Subject, gate: str, *, signer: str = "amara", at: datetime = NOON) -> None:
    with trial.acting_as(signer) as actor:
        services.sign_gate(actor=actor, subject=subject, gate=gate, proof=proof_of(actor), at=at)


def eligible(trial: Trial, *, by: str = "chidi", signer: str = "amara", at: datetime = NOON) -> Subject:
    """A subject who passed every gate up to the one that opens enrolment."""
    subject = scenarios_screening.screened(trial, by=by, at=at)
    for gate in trial.version.definition.gates:
        if gate is not trial.version.definition.gates[0]:
            gate_answered(trial, subject, gate, by=by, at=at)
        sign(trial, subject, gate.code, signer=signer, at=at)
        if gate.opens_enrolment:
            break
    with trial.acting_as(by):
        return fresh(trial, subject)


def cohort(trial: Trial, position: int = 1, *, at: datetime = NOON) -> Cohort:
    """A cohort of the trial, by its place in the protocol's list."""
    with trial.acting_as("mora"):
        return services.ensure_cohorts(study=trial.study, at=at)[position - 1]


def reserved(
    trial: Trial,
    *,
    by: str = "chidi",
    signer: str = "amara",
    planned: str = "2026-03-09",
    position: int = 1,
    at: datetime = NOON,
) -> Slot:
    """An eligible subject's reserved place."""
    subject = eligible(trial, by=by, signer=signer, at=at)
    target = cohort(trial, position, at=at)
    with trial.acting_as(by) as actor:
        return services.reserve_slot(
            actor=actor, subject=subject, cohort=target, planned_first_dose=PartialDate.parse(planned), at=at
        )


def confirmed(
    trial: Trial,
    *,
    by: str = "chidi",
    signer: str = "amara",
    planned: str = "2026-03-09",
    override: str = "",
    position: int = 1,
    at: datetime = NOON,
) -> Slot:
    """An enrolled subject's place: released by the medical monitor and confirmed by the site."""
    slot = reserved(trial, by=by, signer=signer, planned=planned, position=position, at=at)
    with trial.acting_as("mora") as mora:
        services.release_for_dosing(actor=mora, slot=slot, override_reason=override, at=at)
    with trial.acting_as(by) as actor:
        return services.confirm_slot(actor=actor, slot=slot, at=at)


def dosed(
    trial: Trial,
    first_dose: datetime,
    *,
    by: str = "chidi",
    signer: str = "amara",
    override: str = "",
    at: datetime = NOON,
) -> Slot:
    """An enrolled subject whose slot has had its first dose (the administration itself is dosing's)."""
    planned = PartialDate.of(first_dose.astimezone(trial.sites["101" if by == "chidi" else "202"].zone_info))
    slot = confirmed(trial, by=by, signer=signer, planned=planned.iso, override=override, at=at)
    with trial.acting_as(by) as actor:
        marked = services.mark_dosed(actor=actor, subject=slot.subject, at=first_dose)
    assert marked is not None
    return marked


def standing(trial: Trial, subject: Subject, gate: str, *, by: str = "chidi") -> gates.GateStanding:
    with trial.acting_as(by):
        return gates.standing(fresh(trial, subject), gate)
