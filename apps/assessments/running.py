"""Which medicines a subject goes on taking from visit to visit, for what a visit asks about."""

from collections.abc import Iterator

from apps.assessments import pages
from apps.assessments.models import ConcomitantMedication, YesNo
from apps.subjects.models import Subject
from apps.visits import running
from apps.visits.models import EntryState
from clinical.protocol.pages import Page


def register() -> None:
    running.provide(Page.CONCOMITANT_MEDICATION, entries)


def entries(subject: Subject) -> Iterator[running.LogEntry]:
    """The subject's medicines with their present dose; without an end and not declared over, one is still taken."""
    medicines = (
        ConcomitantMedication.objects.filter(record__subject=subject)
        .exclude(record__state=EntryState.REMOVED)
        .select_related("record")
        .order_by("record__repeat")
    )
    for medicine in medicines:
        ended = "" if medicine.ended is None else f"ended {medicine.ended}"
        stopped = "stopped" if not ended and medicine.is_ongoing == YesNo.NO else ended
        yield running.LogEntry(
            record=medicine.record,
            name=medicine.name or f"Medicine {medicine.record.repeat}, no name yet",
            now=", ".join(part for part in (pages.dose_words(medicine), stopped) if part),
            since=medicine.started,
            is_running=medicine.ended is None and medicine.is_ongoing != YesNo.NO,
        )
