"""Which adverse events run on from visit to visit, for what a visit asks about."""

from collections.abc import Iterator

from apps.safety.models import AdverseEvent
from apps.subjects.models import Subject
from apps.visits import running
from apps.visits.models import EntryState
from clinical.protocol.pages import Page


def register() -> None:
    running.provide(Page.ADVERSE_EVENT, entries)


def entries(subject: Subject) -> Iterator[running.LogEntry]:
    """The subject's events with their present grade; without an end and not declared over, an event runs on."""
    events = (
        AdverseEvent.objects.filter(record__subject=subject, record__page=Page.ADVERSE_EVENT.value)
        .exclude(record__state=EntryState.REMOVED)
        .select_related("record")
        .order_by("record__repeat")
    )
    for event in events:
        yield running.LogEntry(
            record=event.record,
            name=event.ctcae_term or event.term or f"Event {event.record.repeat}, no term yet",
            now=_present(event),
            since=event.onset,
            is_running=event.ended is None and event.is_ongoing is not False,
        )


def _present(event: AdverseEvent) -> str:
    """How bad it is now, in the scale of its trial; what came of it once it is over."""
    parts = []
    if event.current_grade is not None:
        parts.append(f"grade {event.current_grade}")
    elif event.severity is not None:
        parts.append(event.get_severity_display().lower())
    if event.is_serious:
        parts.append("serious")
    if event.ended is not None:
        parts.append(f"ended {event.ended}")
    elif event.is_ongoing is False:
        parts.append("over")
    return ", ".join(parts)
