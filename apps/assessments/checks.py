"""What must hold across the values of a visit procedure, a medicine, or the end of a subject's trial."""

from collections.abc import Iterator, Sequence

from apps.assessments.models import (
    ConcomitantMedication,
    Death,
    Disposition,
    Ecog,
    Ending,
    GivenFor,
    NewAnticancerTherapy,
    PerformanceStatus,
    SurvivalFollowUp,
    SurvivalStatus,
    YesNo,
)
from apps.visits.models import EntryState, FormRecord
from apps.visits.pages import Finding, Weight
from clinical.partial_date import Order, PartialDate
from clinical.protocol.pages import Page

DEATH = "DEATH"


def of_performance_status(record: FormRecord) -> Sequence[Finding]:
    row = PerformanceStatus.objects.get(record=record)
    if row.ecog == Ecog.DEAD and not _has_died(record.subject_id):
        return [
            Finding(
                "ecog",
                "ECOG 5 means dead, and no death is recorded. Correct it, or record the death page.",
                check="dead without death",
            )
        ]
    return []


def of_medication(record: FormRecord) -> Sequence[Finding]:
    row = ConcomitantMedication.objects.get(record=record)
    return [*_period(row), *_amount(row), *_link(row, record)]


def of_new_therapy(record: FormRecord) -> Sequence[Finding]:
    return list(_period(NewAnticancerTherapy.objects.get(record=record)))


def of_disposition(record: FormRecord) -> Sequence[Finding]:
    row = Disposition.objects.get(record=record)
    if row.reason == DEATH and row.ending != Ending.MILESTONE and not _has_died(record.subject_id):
        return [
            Finding(
                "reason",
                "Death is the reason, and no death is recorded. Record the death page too.",
                check="death without page",
            )
        ]
    return []


def of_death(record: FormRecord) -> Sequence[Finding]:
    """A subject spoken to after the date of death is alive, or the date is wrong."""
    row = Death.objects.get(record=record)
    found = list(_linked_event(record, "adverse_event", row.adverse_event))
    if row.died is None:
        return found
    contacts = SurvivalFollowUp.objects.filter(record__subject_id=record.subject_id, status=SurvivalStatus.ALIVE)
    for contact in contacts.exclude(record__state__in=[EntryState.REMOVED, EntryState.NOT_DONE]):
        if contact.contacted is not None and contact.contacted.compare_days(row.died) is Order.AFTER:
            sentence = f"The subject was recorded alive on {contact.contacted}, after this date. Correct one of them."
            found.append(Finding("died", sentence, check="alive later"))
    return found


def of_survival(record: FormRecord) -> Sequence[Finding]:
    row = SurvivalFollowUp.objects.get(record=record)
    if row.status == SurvivalStatus.DEAD and not _has_died(record.subject_id):
        sentence = "The subject is recorded as dead, and no death page says when. Record the death page too."
        return [Finding("status", sentence, check="dead without death")]
    if row.last_known_alive and row.contacted and row.last_known_alive.compare_days(row.contacted) is Order.AFTER:
        sentence = f"Last known alive on {row.last_known_alive}, after the contact of {row.contacted}. Correct one."
        return [Finding("last_known_alive", sentence, Weight.BLOCKS, "alive after contact")]
    return []


def ends_before_it_starts(started: PartialDate | None, ended: PartialDate | None) -> bool:
    """Whether no day or time that the two can mean puts the end after the start."""
    return started is not None and ended is not None and ended.compare(started) is Order.BEFORE


def _period(row: ConcomitantMedication | NewAnticancerTherapy) -> Iterator[Finding]:
    if ends_before_it_starts(row.started, row.ended):
        yield Finding(
            "ended", f"It ends {row.ended}, before it starts {row.started}. Correct one.", Weight.BLOCKS, "end"
        )
    if row.ended is not None and row.is_ongoing == YesNo.YES:
        yield Finding("is_ongoing", "It cannot have an end and be ongoing. Clear one.", Weight.BLOCKS, "ongoing")


def _amount(row: ConcomitantMedication) -> Iterator[Finding]:
    if row.dose is not None and row.unit is None:
        yield Finding("unit", f"A dose of {row.dose} needs its unit.", Weight.BLOCKS, "unit")
    if row.dose is not None and row.dose_text is not None:
        yield Finding("dose_text", "The dose is a number or words, not both. Clear one.", Weight.BLOCKS, "two doses")


def _link(row: ConcomitantMedication, record: FormRecord) -> Iterator[Finding]:
    if row.given_for == GivenFor.ADVERSE_EVENT:
        yield from _linked_event(record, "linked_entry", row.linked_entry)
    elif row.given_for == GivenFor.MEDICAL_HISTORY and row.linked_entry is not None:
        yield from _linked(record, "linked_entry", row.linked_entry, Page.MEDICAL_HISTORY, "medical history")


def _linked_event(record: FormRecord, path: str, entry: int | None) -> Iterator[Finding]:
    if entry is not None:
        yield from _linked(record, path, entry, Page.ADVERSE_EVENT, "adverse event")


def _linked(record: FormRecord, path: str, entry: int, page: Page, words: str) -> Iterator[Finding]:
    """A link leads to an entry of the subject's log that exists."""
    entries = FormRecord.objects.filter(subject_id=record.subject_id, page=page, repeat=entry)
    if not entries.exclude(state=EntryState.REMOVED).exists():
        yield Finding(
            path, f"This subject has no {words} with the entry number {entry}. Correct it.", Weight.BLOCKS, "link"
        )


def _has_died(subject_id: int) -> bool:
    rows = Death.objects.filter(record__subject_id=subject_id, died__isnull=False)
    return rows.exclude(record__state__in=[EntryState.REMOVED, EntryState.NOT_DONE]).exists()
