"""Doses: what follows from each one that is recorded, corrected or found not to have been given."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from apps.core.action import Action
from apps.core.actor import Actor, system_actor
from apps.core.events import announce
from apps.core.refusal import Refusal
from apps.deviations import services as deviations
from apps.deviations.models import Deviation, State
from apps.dosing import departures, derived, events, plan, selectors, time_points
from apps.dosing.models import Administration
from apps.dosing.selectors import DoseGiven
from apps.enrollment import services as enrollment
from apps.subjects import services as subject_services
from apps.subjects.models import Status, StatusChange, Subject
from apps.visits import schedule
from apps.visits import services as entry
from apps.visits.models import EntryState, FormRecord, Visit
from clinical.partial_date import PartialDate
from clinical.protocol.pages import Page
from clinical.protocol.schedule import AnchorSource

BEFORE_TREATMENT = (Status.SCREENING, Status.ELIGIBLE, Status.ENROLLED)


class OneDoseOnly(Refusal): ...


@transaction.atomic
def open_doses_of_visit(*, actor: Actor, visit: Visit, at: datetime) -> None:
    """Open the further dose pages of a visit that has several of a product, one page a dose."""
    subject, planned = visit.subject, schedule.planned_visit(visit)
    definition = plan.definition_of(subject)
    for form in definition.forms_of(Page.ADMINISTRATION):
        if planned is None or form.code not in planned.forms:
            continue
        dose = plan.planned_dose(definition, level=subject.dose_level, visit=visit.code, product=form.product or "")
        for repeat in range(2, plan.dose_count(planned, form, dose) + 1):
            _open(actor, subject, visit, form.code, repeat, at)


@transaction.atomic
def open_missed_doses(*, actor: Actor, visit: Visit, at: datetime) -> None:
    """Open the dose pages of a visit that did not take place, so that the site can say why each was not given."""
    planned = schedule.planned_visit(visit)
    for form in plan.definition_of(visit.subject).forms_of(Page.ADMINISTRATION):
        if planned is not None and form.code in planned.forms:
            schedule.open_form(actor=actor, visit=visit, form=form.code, at=at)
    open_doses_of_visit(actor=actor, visit=visit, at=at)


@transaction.atomic
def add_dose(*, actor: Actor, record: FormRecord, at: datetime) -> FormRecord:
    """Open one more dose page beside this one: a dose of the same product at the same visit that nobody planned."""
    actor.require(Action.RECORD_DOSING, at=record.site_id)
    form = record.protocol_version.definition.form(record.form)
    if not form.repeats or record.visit is None:
        raise OneDoseOnly(f"{form.title} has one dose a visit. Record a further one at an unscheduled visit.")
    doses = FormRecord.objects.select_for_update().filter(visit=record.visit, form=record.form)
    last = max(doses.values_list("repeat", flat=True))
    return _open(actor, record.subject, record.visit, record.form, last + 1, at)


@transaction.atomic
def follow_doses(*, actor: Actor, subject: Subject, record: FormRecord, at: datetime) -> None:
    """Bring everything that hangs on a subject's doses in step with their pages, corrections included."""
    dose = Administration.objects.select_related("record__visit", "record__site", "record__subject").get(record=record)
    dose.record.subject = subject
    if dose.record.visit is not None:
        dose.record.visit.subject = subject
    derived.keep_plan(dose, record)
    given = selectors.doses_given(subject)
    _move_anchors(subject, given)
    time_points.open_for(dose=dose, subject=subject, at=at)
    if record.first_completed_at is None and record.state != EntryState.NOT_DONE:
        return
    _follow_first_dose(actor, subject, given, at)
    _record_departures(subject, at)
    announce(
        events.DoseRecorded(
            study_id=record.study_id,
            site_id=record.site_id,
            at=at,
            subject=subject.pk,
            record=record.pk,
            product=dose.product,
        ),
        actor=actor,
    )


def _move_anchors(subject: Subject, given: Sequence[DoseGiven]) -> None:
    """Fix the protocol's anchors from all doses as they are recorded now, and take back what no dose supports."""
    known = derived.moments(subject)
    for code, source, product in plan.anchors_of_doses(plan.definition_of(subject)):
        moment = _moment(source, [dose for dose in given if dose.product == product])
        if moment is None:
            schedule.clear_anchor(subject=subject, name=code)
        elif moment != known.get(code):
            schedule.set_anchor(subject=subject, name=code, moment=moment)


def _moment(source: AnchorSource, given: list[DoseGiven]) -> PartialDate | None:
    """The start of the first, first full or last of the doses, which come in the order of time."""
    if source is AnchorSource.FIRST_FULL_DOSE:
        given = [dose for dose in given if dose.is_full]
    if not given:
        return None
    return given[-1].started if source is AnchorSource.LAST_DOSE else given[0].started


def _follow_first_dose(actor: Actor, subject: Subject, given: Sequence[DoseGiven], at: datetime) -> None:
    """From the first dose of any product on the subject is on treatment; the escalated one uses the cohort's place.

    A dose that was recorded by mistake gives both back.
    """
    status, why = Status(subject.status), ""
    if given and status in BEFORE_TREATMENT:
        status, why = Status.ON_TREATMENT, f"First dose {given[0].started}"
    elif not given and status is Status.ON_TREATMENT:
        before = StatusChange.objects.filter(subject=subject).exclude(status=Status.ON_TREATMENT)
        status, why = Status(before.latest("at", "pk").status), "No dose was given after all"
    subject_services.change_status(actor=actor, subject=subject, status=status, at=at, why=why)
    escalated = plan.escalated_product(plan.definition_of(subject))
    first = next((dose.started for dose in given if dose.product == escalated), None)
    enrollment.mark_dosed(actor=actor, subject=subject, at=first.earliest_at(subject.site.zone_info) if first else None)


def _record_departures(subject: Subject, at: datetime) -> None:
    """Open a deviation for each departure that stands and withdraw those whose fact was corrected."""
    system = system_actor("Dosing rules", study_id=subject.study_id, site_ids=[subject.site_id])
    rows = selectors.dose_rows([subject])[subject.pk]
    standing = {each.key: each for each in departures.departures(subject, rows)}
    records = {row.record.pk: row.record for row in rows if row.record}
    for each in standing.values():
        deviations.open_deviation(
            actor=system,
            subject=subject,
            category=each.category,
            term=each.term,
            occurred=each.occurred,
            key=each.key,
            record=records[each.record_id],
            at=at,
        )
    corrected = Deviation.objects.filter(
        subject=subject, state=State.OPEN, key__in=departures.keys_of(rows) - set(standing)
    )
    for key in corrected.values_list("key", flat=True):
        deviations.close_as_corrected(actor=system, subject=subject, key=key or "", at=at)


def _open(actor: Actor, subject: Subject, visit: Visit, form: str, repeat: int, at: datetime) -> FormRecord:
    existing = FormRecord.objects.filter(visit=visit, form=form, repeat=repeat).first()
    if existing is not None:
        return existing
    return entry.open_record(
        actor=actor,
        subject=subject,
        form=form,
        visit=visit,
        protocol_version=subject.protocol_version,
        at=at,
        repeat=repeat,
    )
