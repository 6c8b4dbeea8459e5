"""States of treatment: a subject with a dose level, a visit that took place, a dose given."""

from datetime import datetime

from apps.subjects.models import Status, Subject
from apps.subjects.services import change_status
from apps.visits import schedule, services
from apps.visits.models import FormRecord, Visit
from clinical.partial_date import PartialDate
from clinical.protocol.schedule import AnchorSource
from tests import scenarios, scenarios_enrollment
from tests.scenarios import NOON, Trial


def assigned(trial: Trial, *, level: int, planned: str = "2026-03-02", by: str = "chidi") -> Subject:
    """A subject with a place at a dose level and a planned first dose: what enrolment leaves behind."""
    subject = scenarios.subject(trial, by=by)
    cohort = next(each for each in trial.version.definition.cohorts if each.dose_level == level)
    with trial.acting_as(by) as actor:
        subject.part, subject.cohort, subject.dose_level = cohort.part, cohort.code, level
        subject.save(update_fields=["part", "cohort", "dose_level"])
        subject = change_status(actor=actor, subject=subject, status=Status.ENROLLED, at=NOON)
        for anchor in trial.version.definition.anchors:
            if anchor.source is AnchorSource.PLANNED:
                schedule.set_anchor(subject=subject, name=anchor.code, moment=PartialDate.parse(planned))
        schedule.plan_visits(subject=subject)
    return subject


def enrolled(trial: Trial, *, planned: str = "2026-03-02", by: str = "chidi", signer: str = "amara") -> Subject:
    """A subject with eligibility signed, a place in the first cohort, released for dosing and confirmed."""
    slot = scenarios_enrollment.confirmed(trial, by=by, signer=signer, planned=planned)
    with trial.acting_as(by):
        return scenarios_enrollment.fresh(trial, slot.subject)


def started(trial: Trial, subject: Subject, code: str, day: str, *, by: str = "chidi", at: datetime = NOON) -> Visit:
    """A visit that took place on a day, its forms open."""
    with trial.acting_as(by) as actor:
        visit = Visit.objects.select_related("subject__protocol_version", "site").get(subject=subject, code=code)
        return schedule.start_visit(actor=actor, visit=visit, took_place=PartialDate.parse(day), at=at)


def record(trial: Trial, visit: Visit, form: str, *, repeat: int = 1, by: str = "chidi") -> FormRecord:
    """A form of a visit."""
    with trial.acting_as(by):
        return FormRecord.objects.select_related("subject__site", "site", "visit", "protocol_version").get(
            visit=visit, form=form, repeat=repeat
        )


def log_entry(trial: Trial, subject: Subject, form: str, *, by: str = "chidi") -> FormRecord:
    """A new entry of a log."""
    with trial.acting_as(by) as actor:
        return services.open_record(
            actor=actor, subject=subject, form=form, visit=None, protocol_version=trial.version, at=NOON
        )


def enter(trial: Trial, record: FormRecord, *, by: str = "chidi", because: str = "", **texts: str) -> FormRecord:
    """Values typed into a page; `__` in a name stands for the slash of a path."""
    paths = {name.replace("__", "/"): text for name, text in texts.items()}
    with trial.acting_as(by) as actor:
        services.save_values(actor=actor, record=record, texts=paths, reason=because, at=NOON)
        record.refresh_from_db()
    return record


def complete(trial: Trial, record: FormRecord, *, by: str = "chidi", at: datetime = NOON) -> FormRecord:
    """A page completed; whatever it still asks must have been entered."""
    with trial.acting_as(by) as actor:
        services.complete_record(actor=actor, record=record, at=at)
        record.refresh_from_db()
    return record


def dose(
    trial: Trial,
    subject: Subject,
    visit: str,
    moment: str,
    *,
    form: str = "ima402",
    amount: str = "0.02",
    repeat: int = 1,
    by: str = "chidi",
    **more: str,
) -> FormRecord:
    """A dose given at a visit, its page completed; the visit is started on that day unless it was."""
    with trial.acting_as(by):
        found = Visit.objects.get(subject=subject, code=visit)
    if found.took_place is None:
        found = started(trial, subject, visit, moment[:10], by=by)
    page = record(trial, found, form, repeat=repeat, by=by)
    end = f"{moment[:11]}{int(moment[11:13]) + 1:02d}{moment[13:]}"
    texts = {"was_given": "Y", "dose": amount, "started": moment, "ended": end, "modification": "NONE", **more}
    enter(trial, page, by=by, **texts)
    extra = trial.version.definition.form(form).items
    if any(item.required for item in extra):
        enter(trial, page, by=by, **{f"extra__{item.code}": "1.85" for item in extra if item.required})
    return complete(trial, page, by=by)


def missed_dose(
    trial: Trial, subject: Subject, visit: str, day: str, *, form: str = "ima402", why: str = "RELATED TOXICITY"
) -> FormRecord:
    """A visit that took place without its dose, and why."""
    page = record(trial, started(trial, subject, visit, day), form)
    enter(trial, page, was_given="N", modification="OMITTED", modification_reason=why)
    return complete(trial, page)
