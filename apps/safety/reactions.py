"""What follows in the same transaction when values change that toxicity is judged by."""

from collections.abc import Iterator
from datetime import datetime

from apps.core.actor import Actor
from apps.core.events import announce, at_once
from apps.dosing.selectors import provide_holds
from apps.enrollment import accrual
from apps.enrollment.models import Cohort, Slot, SlotState
from apps.safety import derivations, events, facts, selectors, services
from apps.safety.models import AdverseEvent
from apps.subjects.models import Subject
from apps.visits.events import RecordCompleted, RecordFact, RecordNotDone, RecordRemoved, ValuesChanged
from clinical.dlt.evaluability import Counts, State
from clinical.protocol.pages import Page


@accrual.provide
def outcomes_of_cohort(cohort: Cohort, at: datetime) -> accrual.Outcomes:
    """How many treated subjects of a cohort there are, and how many await their outcome."""
    slots = Slot.objects.filter(cohort=cohort, state=SlotState.DOSED)
    subjects = [slot.subject for slot in slots.select_related("subject__site", "subject__protocol_version")]
    found = [status.evaluability for status in selectors.dlt_statuses(subjects, at).values() if status is not None]
    treated = [each for each in found if each.state is not State.NOT_DOSED]
    return accrual.Outcomes(
        treated=len(treated), pending=sum(each.for_escalation is Counts.PENDING for each in treated)
    )


@provide_holds
def undecided_dlt_holds_the_next_dose(subject: Subject, at: datetime) -> Iterator[str]:
    """The next dose waits while a possible DLT awaits its decision."""
    status = selectors.dlt_status(subject, at)
    if status is None:
        return
    if status.evaluability.confirmed:
        yield "A dose-limiting toxicity was confirmed. The protocol says whether and at which dose treatment goes on."
    elif status.evaluability.candidates:
        yield "A possible dose-limiting toxicity awaits its decision."


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
    subject = fact.loaded_subject
    if fact.page == Page.LAB_PANEL.value and not facts.tests_asked(subject.protocol_version.definition):
        return
    if fact.page == Page.ADVERSE_EVENT.value:
        record = fact.loaded_record
        record.subject = subject
        derivations.refresh_event(record)
        if AdverseEvent.objects.filter(record=record, is_serious=True).exists():
            services.note_serious_event(actor=actor, record=record, at=fact.at)
        services.keep_moments_of_report(record, fact.at)
    if fact.page in JUDGED_BY:
        derivations.refresh_standings([subject], fact.at)
    announce(
        events.ToxicityChanged(
            study_id=fact.study_id, site_id=fact.site_id, at=fact.at, subject=fact.subject, record=fact.record
        ),
        actor=actor,
    )
