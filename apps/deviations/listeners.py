"""Deviations that follow from the visits themselves: outside the window, or missed."""

from apps.core import events as facts
from apps.core.actor import Actor
from apps.deviations import services
from apps.subjects.models import Anchor
from apps.visits import events, schedule
from apps.visits.models import Visit, VisitStatus
from clinical.calendar import Placement, VisitPlan, place_visit
from clinical.partial_date import Fit, PartialDate
from clinical.protocol.schedule import PlannedVisit

WINDOW, MISSED = "WINDOW", "MISSED"
"""The category codes under which a protocol names what the schedule finds."""


@facts.at_once(events.VisitStarted)
def judge_window(fact: events.VisitStarted, actor: Actor) -> None:
    """A visit certainly outside its window is a deviation. Where the dates leave it open, nothing is guessed."""
    visit = _visit(fact.visit)
    services.close_as_corrected(actor=actor, subject=visit.subject, key=_key(MISSED, visit), at=fact.at)
    placement = placement_of(visit)
    if placement is None or placement.fit is not Fit.OUTSIDE or not _opens(visit, WINDOW):
        services.close_as_corrected(actor=actor, subject=visit.subject, key=_key(WINDOW, visit), at=fact.at)
        return
    services.open_deviation(
        actor=actor,
        subject=visit.subject,
        category=WINDOW,
        term=f"{visit.name} took place on {visit.took_place}, {placement}.",
        occurred=visit.took_place,
        key=_key(WINDOW, visit),
        at=fact.at,
    )


@facts.at_once(events.VisitMissed)
def note_missed(fact: events.VisitMissed, actor: Actor) -> None:
    """A missed visit is a deviation; one that the protocol allows to skip is none."""
    visit = _visit(fact.visit)
    if visit.status != VisitStatus.MISSED or not _opens(visit, MISSED):
        services.close_as_corrected(actor=actor, subject=visit.subject, key=_key(MISSED, visit), at=fact.at)
        return
    why = f": {visit.reason_missed}" if visit.reason_missed else ""
    services.open_deviation(
        actor=actor,
        subject=visit.subject,
        category=MISSED,
        term=f"{visit.name} did not take place{why}.",
        occurred=PartialDate.of(visit.planned_date) if visit.planned_date else None,
        key=_key(MISSED, visit),
        at=fact.at,
    )


def placement_of(visit: Visit) -> Placement | None:
    """Where the visit lies against its window, counted from the anchor; None for a visit that no window binds.

    Whole days are judged in days and hours in hours, for every moment that a partial date can mean.
    """
    planned = schedule.planned_visit(visit)
    if visit.took_place is None or planned is None:
        return None
    plan = plan_of(planned)
    anchor = _anchor(visit, planned.anchor)
    if plan is None or anchor is None:
        return None
    return place_visit(visit.took_place, plan, anchor=anchor, zone=visit.site.zone_info)


def plan_of(planned: PlannedVisit) -> VisitPlan | None:
    """The planned visit as the calendar's rule takes it; None where the protocol sets no window."""
    if planned.offset is None or planned.window is None:
        return None
    return VisitPlan(
        offset=planned.offset,
        early=planned.window.early,
        late=planned.window.late,
        duration=planned.duration,
    )


def _anchor(visit: Visit, name: str | None) -> PartialDate | None:
    """The moment of the anchor, or of the one that stands for it until it is known.

    A visit that fixes its own anchor (the day of the first dose) is judged against the moment that planned it.
    """
    definition = visit.subject.protocol_version.definition
    stand_in = {anchor.code: anchor.until_known for anchor in definition.anchors}
    fixed_here = {anchor.code for anchor in definition.anchors if anchor.visit == visit.code}
    moments = dict(Anchor.objects.filter(subject_id=visit.subject_id).values_list("name", "moment"))
    while name is not None:
        if name in moments and name not in fixed_here:
            return moments[name]
        name = stand_in.get(name)
    return None


def _opens(visit: Visit, category: str) -> bool:
    """Whether the protocol has the system open deviations of this kind."""
    return any(each.opened_by_system for each in services.categories(visit.subject) if each.code == category)


def _key(category: str, visit: Visit) -> str:
    return f"visit:{visit.pk}:{category}"


def _visit(key: int) -> Visit:
    return Visit.objects.select_related("subject__protocol_version", "site").get(pk=key)
