"""What screening does when it hears of form records."""

from apps.core.actor import Actor
from apps.core.events import at_once
from apps.screening import services
from apps.visits.events import RecordCompleted, ValuesChanged
from apps.visits.models import EntryState, FormRecord
from clinical.protocol.pages import Page


@at_once(RecordCompleted)
def consent_completed(fact: RecordCompleted, actor: Actor) -> None:
    """A completed consent form counts for gates and calendar from now on."""
    _project(fact.page, fact.record)


@at_once(ValuesChanged)
def consent_corrected(fact: ValuesChanged, actor: Actor) -> None:
    """A correction, and a withdrawal, reach gates and calendar in the same transaction."""
    _project(fact.page, fact.record)


def _project(page: str, record: int) -> None:
    if page != Page.CONSENT.value:
        return
    found = FormRecord.objects.select_related("subject__protocol_version", "protocol_version").get(pk=record)
    if found.state == EntryState.COMPLETE:
        services.project_consents(record=found)
