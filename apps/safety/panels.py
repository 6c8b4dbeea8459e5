"""What stands below an adverse-event page: the report of a serious event, and the judgements on a possible DLT."""

from django.utils import timezone

from apps.core.action import Action
from apps.core.actor import Actor
from apps.safety import selectors
from apps.safety.models import AdverseEvent
from apps.visits import overlays
from apps.visits.models import EntryState, FormRecord
from clinical.protocol.pages import Page


def register() -> None:
    overlays.add_panel("safety/dlt_panel.html", dlt)
    overlays.add_panel("safety/report_panel.html", report)


def report(record: FormRecord, actor: Actor) -> dict[str, object] | None:
    """The report of a serious event, with the button that sends it."""
    if record.page != Page.ADVERSE_EVENT.value or record.state == EntryState.REMOVED:
        return None
    clock = selectors.report_clock(AdverseEvent.objects.get(record=record), record, timezone.now())
    if clock is None:
        return None
    return {"clock": clock, "may_report": actor.may(Action.ENTER_DATA, at=record.site_id)}


def dlt(record: FormRecord, actor: Actor) -> dict[str, object] | None:
    """The DLT question of an event of a dosed subject, with the forms of those who answer it."""
    if record.page != Page.ADVERSE_EVENT.value:
        return None
    question = selectors.dlt_question(record.subject, record, timezone.now())
    if question is None:
        return None
    return {"question": question, **may_judge(record.site_id, actor), "key": str(record.pk)}


def may_judge(site_id: int, actor: Actor) -> dict[str, object]:
    """Who of the three sides the actor is."""
    return {
        "may_answer": actor.may(Action.ASSESS_DLT, at=site_id),
        "may_adjudicate": actor.may(Action.ADJUDICATE_DLT, at=site_id),
    }
