"""What stands below an adverse-event page: the report and triage of a serious event, judgements on a possible DLT."""

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict
from django.utils import timezone

from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.refusal import Refusal
from apps.safety import authority, selectors, triage_forms
from apps.safety.authority import TriageCase
from apps.safety.models import AdverseEvent
from apps.visits import overlays
from apps.visits.models import EntryState, FormRecord
from clinical.protocol.pages import Page


def register() -> None:
    overlays.add_panel("safety/dlt_panel.html", dlt)
    overlays.add_panel("safety/triage_section.html", on_the_way_to_the_authority)
    overlays.add_panel("safety/report_panel.html", report)


def report(record: FormRecord, actor: Actor) -> dict[str, object] | None:
    """The report of a serious event, with the button that sends it."""
    if record.page != Page.ADVERSE_EVENT.value or record.state == EntryState.REMOVED:
        return None
    clock = selectors.report_clock(AdverseEvent.objects.get(record=record), record, timezone.now())
    if clock is None:
        return None
    return {"clock": clock, "may_report": actor.may(Action.ENTER_DATA, at=record.site_id)}


def on_the_way_to_the_authority(record: FormRecord, actor: Actor) -> dict[str, object] | None:
    """The triage of a serious event; of another one only for who may see it as serious for the sponsor."""
    if record.page != Page.ADVERSE_EVENT.value:
        return None
    case = authority.case_of(record, timezone.now())
    if case is None or not (case.is_followed or actor.may(Action.TRIAGE_SERIOUS_EVENT, at=record.site_id)):
        return None
    return triage_of(case, actor)


Typed = Mapping[str, tuple[QueryDict, Refusal | None]]
"""What was typed into a form that was refused, by the form."""


def triage_of(case: TriageCase, actor: Actor, *, corrects: str = "", typed: Typed | None = None) -> dict[str, Any]:
    """What the section shows of a case, with the forms for whoever may triage."""
    typed = typed or {}
    may_triage = actor.may(Action.TRIAGE_SERIOUS_EVENT, at=case.record.site_id)
    shown: dict[str, Any] = {"case": case, "history": authority.history(case), "may_triage": may_triage}
    if not may_triage:
        return shown
    post, refusal = typed.get("triage", (None, None))
    shown["triage_form"] = triage_forms.triage(case, typed=post, refusal=refusal)
    post, refusal = typed.get("sending", (None, None))
    if case.may_be_sent or refusal is not None:
        shown["sending_form"] = triage_forms.sending(case, typed=post, refusal=refusal)
    post, refusal = typed.get("correction", (None, None))
    wrong = next((each for each in case.sent if str(each.number) == corrects), None)
    if wrong is not None or refusal is not None:
        shown["corrected"] = wrong
        shown["correction_form"] = triage_forms.sending(case, corrects=wrong, typed=post, refusal=refusal)
    return shown


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
