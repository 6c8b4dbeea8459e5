"""What enrolment does when it hears of subjects."""

from apps.core.actor import Actor
from apps.core.events import at_once
from apps.enrollment import services
from apps.enrollment.models import Slot, SlotState
from apps.subjects.events import StatusChanged
from apps.subjects.models import Status

_ENDS = {
    Status.SCREEN_FAILED: (SlotState.SCREEN_FAILED, "Screen failure"),
    Status.WITHDRAWN: (SlotState.RELEASED, "The subject withdrew before the first dose."),
    Status.DIED: (SlotState.RELEASED, "The subject died before the first dose."),
    Status.COMPLETED: (SlotState.RELEASED, "The subject left the trial before the first dose."),
}


@at_once(StatusChanged)
def free_the_place(fact: StatusChanged, actor: Actor) -> None:
    """A subject who leaves before the first dose keeps no place."""
    end = _ENDS.get(Status(fact.status))
    if end is None:
        return
    waiting = [SlotState.REQUESTED, SlotState.RESERVED, SlotState.CONFIRMED]
    slot = Slot.objects.select_related("subject").filter(subject_id=fact.subject, state__in=waiting).first()
    if slot is not None:
        services.end_slot(actor=actor, slot=slot, state=end[0], why=end[1], at=fact.at)
