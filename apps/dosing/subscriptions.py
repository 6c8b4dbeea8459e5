"""What follows at once from a visit that starts or does not take place, and from a changed page of this floor."""

from apps.core.actor import Actor
from apps.core.events import at_once
from apps.dosing import derived, services
from apps.dosing.models import Administration
from apps.enrollment.events import SlotMoved
from apps.subjects.models import Subject
from apps.visits.events import (
    RecordCompleted,
    RecordFact,
    RecordNotDone,
    RecordRemoved,
    ValuesChanged,
    VisitMissed,
    VisitStarted,
)
from apps.visits.models import Visit
from clinical.protocol.pages import Page


def follow_record(fact: RecordFact, actor: Actor) -> None:
    """Derive anew what hangs on the dose or the product that changed."""
    if fact.page not in {Page.ADMINISTRATION, Page.CELL_PRODUCT}:
        return
    record = fact.loaded_record
    if fact.page == Page.CELL_PRODUCT:
        derived.derive_cells(record)
        return
    subject = record.subject = fact.loaded_subject
    services.follow_doses(actor=actor, subject=subject, record=record, at=fact.at)


def follow_visit(fact: VisitStarted | VisitMissed, actor: Actor) -> None:
    """Open the dose pages that the visit has beyond one a form, or those that wait for the reason they were missed."""
    visit = Visit.objects.select_related("subject__protocol_version", "subject__site").get(pk=fact.visit)
    if isinstance(fact, VisitMissed):
        services.open_missed_doses(actor=actor, visit=visit, at=fact.at)
    else:
        services.open_doses_of_visit(actor=actor, visit=visit, at=fact.at)


def follow_place(fact: SlotMoved, actor: Actor) -> None:
    """Dose pages opened before the subject had its level get their plan when it has."""
    subject = Subject.objects.select_related("protocol_version").get(pk=fact.subject)
    open_pages = Administration.objects.filter(record__subject=subject, record__first_completed_at=None)
    for dose in open_pages.select_related("record__visit", "record__protocol_version"):
        dose.record.subject = subject
        derived.keep_plan(dose, dose.record)


def listen() -> None:
    """Subscribe; the app calls it when it is ready."""
    for kind in (ValuesChanged, RecordCompleted, RecordNotDone, RecordRemoved):
        at_once(kind)(follow_record)
    at_once(VisitStarted)(follow_visit)
    at_once(VisitMissed)(follow_visit)
    at_once(SlotMoved)(follow_place)
