"""From the protocol's schedule to a subject's visits: planning, starting, missing, and visits nobody planned."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from apps.core.action import Action
from apps.core.actor import Actor, system_actor
from apps.core.events import announce
from apps.core.refusal import Refusal
from apps.subjects.models import Anchor, Subject
from apps.visits import events, pages, services
from apps.visits.models import FormRecord, Visit, VisitStatus
from clinical.partial_date import PartialDate
from clinical.protocol.definition import Definition
from clinical.protocol.pages import Page
from clinical.protocol.schedule import AnchorSource, PlannedVisit, repeated

PLAN_AHEAD_DAYS = 366
AHEAD = (VisitStatus.PLANNED, VisitStatus.NOT_ASKED)
"""Where a visit stands that nobody has recorded anything of: the plan still rules it."""

LastDay = Callable[[Subject], date | None]
_ends_of_treatment: list[LastDay] = []
_ends_of_participation: list[LastDay] = []


def provide_end_of_treatment(provider: LastDay) -> LastDay:
    """Register who knows the day on which a subject's treatment ended; call it from the app's `ready()`."""
    _ends_of_treatment.append(provider)
    return provider


def provide_end_of_participation(provider: LastDay) -> LastDay:
    """Register who knows the day from which a subject takes part no longer, by leaving or by death; likewise."""
    _ends_of_participation.append(provider)
    return provider


class VisitAlreadyStarted(Refusal): ...


class UnscheduledNotAllowed(Refusal): ...


@transaction.atomic
def set_anchor(*, subject: Subject, name: str, moment: PartialDate) -> None:
    """Write the moment that visits hang on and plan anew what has not happened. The floor that knows it calls this."""
    known = Anchor.objects.filter(subject=subject, name=name).first()
    Anchor.objects.update_or_create(subject=subject, name=name, defaults={"moment": moment})
    plan_visits(subject=subject)
    if known is None or known.moment != moment:
        _announce_moved(subject, name)


@transaction.atomic
def clear_anchor(*, subject: Subject, name: str) -> None:
    """Take back a moment that did not happen after all (a dose recorded for the wrong subject) and plan anew."""
    taken_back, _ = Anchor.objects.filter(subject=subject, name=name).delete()
    if taken_back:
        plan_visits(subject=subject)
        _announce_moved(subject, name)


def _announce_moved(subject: Subject, name: str) -> None:
    announce(
        events.AnchorMoved(
            study_id=subject.study_id, site_id=subject.site_id, at=timezone.now(), subject=subject.pk, name=name
        ),
        actor=system_actor("Schedule", study_id=subject.study_id, site_ids=[subject.site_id]),
    )


@transaction.atomic
def plan_visits(*, subject: Subject) -> None:
    """Bring the planned visits in step with the anchors known now, the end of treatment and that of taking part.

    Visits that took place never move. A visit of a treatment cycle that would come after the end of treatment is asked
    for no longer, follow-up and scans stay; after the end of taking part only the visits that record an ending are
    asked for. An end that is corrected asks again for what lies before it.
    """
    definition = subject.protocol_version.definition
    moments = dict(Anchor.objects.filter(subject=subject).values_list("name", "moment"))
    later = {anchor.code: anchor.until_known for anchor in definition.anchors}
    last_day_of = _last_days(subject, definition)
    existing = {visit.code: visit for visit in Visit.objects.filter(subject=subject).select_for_update()}
    for planned in definition.visits_for(part=subject.part, through_day=PLAN_AHEAD_DAYS):
        day = _anchor_day(planned.anchor, moments, later)
        visit = existing.get(planned.code)
        if planned.anchor is not None and day is None:
            if visit is None and not _is_single(planned):
                continue
            target = window_from = window_to = None
        else:
            target, window_from, window_to = _dates(planned, day)
        is_past = target is not None and target > last_day_of(planned)
        status = VisitStatus.NOT_ASKED if is_past else VisitStatus.PLANNED
        if visit is None and is_past:
            continue
        if visit is None:
            Visit.objects.create(
                subject=subject,
                code=planned.code,
                name=planned.name,
                number=planned.number,
                planned_date=target,
                window_from=window_from,
                window_to=window_to,
            )
        elif visit.status in AHEAD:
            _keep_plan(visit, status=status, planned_date=target, window_from=window_from, window_to=window_to)


def _keep_plan(visit: Visit, **plan: object) -> None:
    """Write what differs from the plan as it is now."""
    changed = [name for name, value in plan.items() if getattr(visit, name) != value]
    for name in changed:
        setattr(visit, name, plan[name])
    if changed:
        visit.save(update_fields=changed)


def _treatment_visits(definition: Definition, part: str | None) -> frozenset[str]:
    """The codes of the visits that exist for treatment: of every cycle whose template gives a dose.

    The protocol file has no word of its own for them. Single visits stay asked for: those of the first weeks carry the
    safety assessments of a subject who stopped early. A cycle without a dose is a follow-up.
    """
    dosing = {form.code for form in definition.forms_of(Page.ADMINISTRATION)}
    ahead = timedelta(days=PLAN_AHEAD_DAYS)
    templates = [
        each
        for each in definition.cycles
        if (part is None or not each.parts or part in each.parts)
        and any(dosing & set(visit.forms) for visit in each.visits)
    ]
    return frozenset(planned.code for template in templates for planned in repeated(template, through=ahead))


def _last_days(subject: Subject, definition: Definition) -> Callable[[PlannedVisit], date]:
    """Until when each planned visit is asked for."""
    treatment = _treatment_visits(definition, subject.part)
    endings = {form.code for page in (Page.DISPOSITION, Page.DEATH) for form in definition.forms_of(page)}
    end, over = _earliest(_ends_of_treatment, subject), _earliest(_ends_of_participation, subject)

    def last_day(planned: PlannedVisit) -> date:
        by_treatment = end if planned.code in treatment else date.max
        by_taking_part = date.max if endings & set(planned.forms) else over
        return min(by_treatment, by_taking_part)

    return last_day


def _earliest(providers: list[LastDay], subject: Subject) -> date:
    return min((end for provider in providers if (end := provider(subject)) is not None), default=date.max)


@transaction.atomic
def start_visit(*, actor: Actor, visit: Visit, took_place: PartialDate, at: datetime) -> Visit:
    """Record that the visit took place and open its expected forms. Out of its window is recorded, never refused."""
    actor.require(Action.ENTER_DATA, at=visit.site_id)
    visit = Visit.objects.select_for_update(of=("self",)).select_related("subject__protocol_version").get(pk=visit.pk)
    if visit.status == VisitStatus.STARTED:
        raise VisitAlreadyStarted(f"{visit.name} was already started on {visit.took_place}.")
    visit.status, visit.took_place, visit.reason_missed = VisitStatus.STARTED, took_place, ""
    visit.save(update_fields=["status", "took_place", "reason_missed"])
    planned = planned_visit(visit)
    for form in planned.forms if planned else ():
        if not pages.known(visit.subject.protocol_version.definition.form(form).page.value):
            continue
        open_form(actor=actor, visit=visit, form=form, at=at)
    for anchor in visit.subject.protocol_version.definition.anchors:
        if anchor.source is AnchorSource.VISIT and anchor.visit == visit.code:
            set_anchor(subject=visit.subject, name=anchor.code, moment=took_place)
    announce(_started(visit, at), actor=actor)
    return visit


def open_form(*, actor: Actor, visit: Visit, form: str, at: datetime) -> FormRecord:
    """Open a form of a visit, unless it is open already."""
    existing = FormRecord.objects.filter(visit=visit, form=form, repeat=1).first()
    if existing is not None:
        return existing
    return services.open_record(
        actor=actor,
        subject=visit.subject,
        form=form,
        visit=visit,
        protocol_version=visit.subject.protocol_version,
        at=at,
    )


@transaction.atomic
def add_unscheduled_visit(
    *,
    actor: Actor,
    subject: Subject,
    took_place: PartialDate,
    forms: tuple[str, ...],
    at: datetime,
    number: Decimal | None = None,
) -> Visit:
    """Record a visit that nobody planned, numbered after its neighbour (3.1, 3.2), with the forms chosen.

    `number` only where a source study has one.
    """
    actor.require(Action.ENTER_DATA, at=subject.site_id)
    rule = subject.protocol_version.definition.unscheduled
    if not rule.allowed:
        raise UnscheduledNotAllowed("This protocol has no unscheduled visits.")
    if not_offered := [form for form in forms if form not in rule.forms]:
        raise UnscheduledNotAllowed(f"An unscheduled visit cannot have {', '.join(not_offered)}.")
    if number is None:
        neighbour = _visit_before(subject, took_place)
        number = (neighbour.number if neighbour else Decimal(0)) + rule.number_step
    while Visit.objects.filter(subject=subject, number=number).exists():
        number += rule.number_step
    ordinal = 1 + Visit.objects.filter(subject=subject, is_unscheduled=True).count()
    visit = Visit.objects.create(
        subject=subject,
        code=f"UNS{ordinal}",
        name=rule.name.format(number=f"{number.normalize():f}"),
        number=number,
        status=VisitStatus.STARTED,
        is_unscheduled=True,
        took_place=took_place,
    )
    visit.refresh_from_db()
    for form in forms:
        open_form(actor=actor, visit=visit, form=form, at=at)
    announce(_started(visit, at), actor=actor)
    return visit


@transaction.atomic
def miss_visit(*, actor: Actor, visit: Visit, why: str, skipped: bool, at: datetime) -> Visit:
    """Record that the visit did not take place: missed, or skipped as the protocol allows."""
    actor.require(Action.ENTER_DATA, at=visit.site_id)
    visit = Visit.objects.select_for_update().get(pk=visit.pk)
    if visit.status == VisitStatus.STARTED:
        raise VisitAlreadyStarted(f"{visit.name} took place on {visit.took_place} and cannot be missed.")
    visit.status = VisitStatus.SKIPPED if skipped else VisitStatus.MISSED
    visit.reason_missed = why.strip()
    visit.save(update_fields=["status", "reason_missed"])
    announce(
        events.VisitMissed(
            study_id=visit.study_id, site_id=visit.site_id, at=at, visit=visit.pk, subject=visit.subject_id
        ),
        actor=actor,
    )
    return visit


def planned_visit(visit: Visit) -> PlannedVisit | None:
    """What the protocol plans for the visit; None for an unscheduled one."""
    definition = visit.subject.protocol_version.definition
    return next((each for each in definition.visits_for(part=visit.subject.part) if each.code == visit.code), None)


def _anchor_day(name: str | None, moments: dict[str, PartialDate], later: dict[str, str | None]) -> date | None:
    """The day of the anchor, or of the one that stands for it until it is known."""
    while name is not None:
        moment = moments.get(name)
        if moment is not None:
            return moment.full_date
        name = later.get(name)
    return None


def _is_single(planned: PlannedVisit) -> bool:
    """Whether the visit is listed before its anchor is known; repeats and scans appear once it is."""
    return planned.cycle is None and not planned.on_imaging_calendar


def _dates(planned: PlannedVisit, day: date | None) -> tuple[date | None, date | None, date | None]:
    if day is None or planned.offset is None:
        return None, None, None
    earliest, latest = planned.earliest, planned.latest
    return (
        day + planned.offset,
        None if earliest is None else day + timedelta(days=earliest.days),
        None if latest is None else day + timedelta(days=latest.days),
    )


def _visit_before(subject: Subject, moment: PartialDate) -> Visit | None:
    """The last visit that took place no later than the moment."""
    held = Visit.objects.filter(subject=subject, took_place_latest__lte=moment.latest().date()).order_by("-number")
    return held.first()


def _started(visit: Visit, at: datetime) -> events.VisitStarted:
    return events.VisitStarted(
        study_id=visit.study_id, site_id=visit.site_id, at=at, visit=visit.pk, subject=visit.subject_id
    )
