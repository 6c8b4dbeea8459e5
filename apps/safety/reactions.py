"""What follows in the same transaction when values change that toxicity is judged by."""

from apps.core.actor import Actor
from apps.core.events import announce, at_once
from apps.safety import derivations, events, facts, services
from apps.safety.models import AdverseEvent
from apps.subjects.models import Subject
from apps.visits.events import RecordCompleted, RecordFact, RecordNotDone, RecordRemoved, ValuesChanged
from apps.visits.models import FormRecord
from clinical.protocol.pages import Page

JUDGED_BY = frozenset({Page.ADVERSE_EVENT.value, Page.ADMINISTRATION.value, Page.CELL_PRODUCT.value})
"""Pages on which the standing of an event hangs: a dose moves the DLT period."""


@at_once(ValuesChanged)
def judge_anew_when_values_change(fact: ValuesChanged, actor: Actor) -> None:
    """A value of an event, a dose or a laboratory result changed."""
    _judge_anew(fact, actor)


@at_once(RecordCompleted)
def judge_anew_when_completed(fact: RecordCompleted, actor: Actor) -> None:
    """A page was completed; a dose counts with its record, a serious event with its report."""
    _judge_anew(fact, actor)


@at_once(RecordRemoved)
def judge_anew_when_removed(fact: RecordRemoved, actor: Actor) -> None:
    """An entry was taken out of the log."""
    _judge_anew(fact, actor)


@at_once(RecordNotDone)
def judge_anew_when_not_done(fact: RecordNotDone, actor: Actor) -> None:
    """A dose was declared not done."""
    _judge_anew(fact, actor)


def _judge_anew(fact: RecordFact, actor: Actor) -> None:
    if fact.page not in JUDGED_BY and fact.page != Page.LAB_PANEL.value:
        return
    subject = Subject.objects.select_related("site", "protocol_version").get(pk=fact.subject)
    if fact.page == Page.LAB_PANEL.value and not facts.tests_asked(subject.protocol_version.definition):
        return
    if fact.page == Page.ADVERSE_EVENT.value:
        record = FormRecord.objects.select_related("site", "subject", "protocol_version").get(pk=fact.record)
        derivations.refresh_event(record)
        if AdverseEvent.objects.filter(record=record, is_serious=True).exists():
            services.note_serious_event(actor=actor, record=record, at=fact.at)
    if fact.page in JUDGED_BY:
        derivations.refresh_standings([subject], fact.at)
    announce(
        events.ToxicityChanged(
            study_id=fact.study_id, site_id=fact.site_id, at=fact.at, subject=fact.subject, record=fact.record
        ),
        actor=actor,
    )
