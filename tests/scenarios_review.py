"""States of review, reached through the services: a form to look at, queries, verification, signatures, locks."""

from apps.review import locking, services, signatures, verification
from apps.review.models import LockCertificate, Query, Scope, Signature
from apps.subjects.models import Subject
from apps.visits import schedule, values
from apps.visits import services as entry
from apps.visits.models import FormRecord, Visit
from clinical.partial_date import PartialDate
from tests import scenarios
from tests.scenarios import NOON, PASSWORD, Trial

SYSTOLIC = "results/SYSBP/value"


def vital_signs(trial: Trial, *, by: str = "chidi", subject: Subject | None = None) -> FormRecord:
    """The vital signs of a screening visit, opened and empty."""
    subject = subject or scenarios.subject(trial, by=by)
    with trial.acting_as(by) as actor:
        schedule.plan_visits(subject=subject)
        visit = Visit.objects.get(subject=subject, code="SCR")
        schedule.start_visit(actor=actor, visit=visit, took_place=PartialDate.parse("2026-03-02"), at=NOON)
        return FormRecord.objects.select_related("site", "visit", "subject").get(visit=visit, form="vital_signs")


def filled(trial: Trial, *, by: str = "chidi", systolic: str = "118") -> FormRecord:
    """Vital signs with every value entered, not yet completed."""
    record = vital_signs(trial, by=by)
    with trial.acting_as(by) as actor:
        texts = {"taken": "2mar26 10:05"}
        for place in values.all_places(record):
            if place.name == "value":
                texts[place.path] = "36.6" if "TEMP" in place.path else "98"
        entry.save_values(actor=actor, record=record, texts=texts | {SYSTOLIC: systolic}, at=NOON)
    return record


def completed(trial: Trial, *, by: str = "chidi", systolic: str = "118") -> FormRecord:
    """Vital signs entered and completed; a systolic pressure of 300 leaves the check on it unanswered."""
    record = filled(trial, by=by, systolic=systolic)
    with trial.acting_as(by) as actor:
        entry.complete_record(actor=actor, record=record, at=NOON)
        return FormRecord.objects.select_related("site", "visit", "subject", "protocol_version").get(pk=record.pk)


def correct(trial: Trial, record: FormRecord, text: str, *, path: str = SYSTOLIC, by: str = "chidi") -> None:
    """Correct one value of a completed form, with the reason."""
    with trial.acting_as(by) as actor:
        entry.save_value(
            actor=actor, record=record, path=path, text=text, seen=None, reason="Source corrected", at=NOON
        )


def query(trial: Trial, record: FormRecord, *, by: str = "noor", path: str = SYSTOLIC, text: str = "Check?") -> Query:
    """A query on a value of the form."""
    with trial.acting_as(by) as actor:
        return services.raise_query(actor=actor, record=record, path=path, text=text, at=NOON)


def answered_query(trial: Trial, record: FormRecord, *, raised_by: str = "noor") -> Query:
    raised = query(trial, record, by=raised_by)
    with trial.acting_as("chidi") as chidi:
        return services.answer_query(actor=chidi, query=raised, text="As in the source.", at=NOON)


def verified(trial: Trial, record: FormRecord, *, by: str = "noor") -> int:
    """Every value of the form verified by the monitor."""
    with trial.acting_as(by) as actor:
        return verification.verify_records(actor=actor, records=[record], at=NOON)


def signed(trial: Trial, record: FormRecord, *, by: str = "amara") -> Signature:
    """The form signed by the investigator."""
    with trial.acting_as(by) as actor:
        proof = signatures.reauthenticate(trial.people[by], PASSWORD)
        (signature,) = signatures.sign_records(actor=actor, proof=proof, records=[record], scope=Scope.RECORD, at=NOON)
        return signature


def locked(trial: Trial, record: FormRecord) -> LockCertificate:
    """The form verified, signed and locked, alone of its subject."""
    verified(trial, record)
    signed(trial, record)
    with trial.acting_as("dana") as dana:
        return locking.lock_records(actor=dana, subject=record.subject, records=[record], at=NOON)
