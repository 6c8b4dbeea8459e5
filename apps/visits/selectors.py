"""Questions about visits and form records."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.http import Http404

from apps.audit.models import AuditEvent
from apps.core.actor import Actor
from apps.subjects.models import Subject
from apps.visits import pages, values
from apps.visits.models import EntryState, FormRecord, PathVersion, Visit


def subject_or_404(*, actor: Actor, number: str) -> Subject:
    """The subject of that number, if the actor's sites have one."""
    found = (
        Subject.objects.visible_to(actor)
        .select_related("site", "study", "protocol_version")
        .filter(study_id=actor.study_id, number=number)
        .first()
    )
    if found is None:
        raise Http404
    return found


def visit_or_404(*, actor: Actor, number: str, code: str) -> Visit:
    """The visit of that code of a subject that the actor may see."""
    found = (
        Visit.objects.visible_to(actor)
        .select_related("subject__site", "subject__study", "subject__protocol_version", "site")
        .filter(subject__number=number, subject__study_id=actor.study_id, code=code)
        .first()
    )
    if found is None:
        raise Http404
    return found


def record_or_404(*, actor: Actor, pk: int) -> FormRecord:
    """The form record, if it is of one of the actor's sites."""
    found = (
        FormRecord.objects.visible_to(actor)
        .select_related("subject__site", "subject__study", "site", "visit", "protocol_version", "completed_by")
        .filter(pk=pk, study_id=actor.study_id)
        .first()
    )
    if found is None:
        raise Http404
    return found


def records_of_visit(visit: Visit) -> list[FormRecord]:
    """The forms of a visit in the protocol's order."""
    records = list(FormRecord.objects.filter(visit=visit).select_related("protocol_version").order_by("pk"))
    return [record for record in records if record.state != EntryState.REMOVED]


def log_records(*, subject: Subject, form: str) -> QuerySet[FormRecord]:
    """The entries of a log of a subject, removed ones left out."""
    return FormRecord.objects.filter(subject=subject, form=form).exclude(state=EntryState.REMOVED).order_by("repeat")


def versions(record: FormRecord) -> dict[str, int]:
    """The version of every path of the record that was ever entered."""
    return dict(PathVersion.objects.filter(record=record).values_list("path", "version"))


def next_record(record: FormRecord, *, actor: Actor) -> FormRecord | None:
    """The next form of the same visit that is not finished and that the actor may enter."""
    if record.visit_id is None:
        return None
    unfinished = FormRecord.objects.filter(
        visit_id=record.visit_id,
        state__in=[EntryState.EXPECTED, EntryState.IN_PROGRESS],
        page__in=[
            page.code for page in pages.all_pages() if any(actor.may(act, at=record.site_id) for act in page.writes)
        ],
    )
    return (
        unfinished.filter(pk__gt=record.pk).order_by("pk").first()
        or unfinished.exclude(pk=record.pk).order_by("pk").first()
    )


def neighbours(record: FormRecord) -> tuple[FormRecord | None, FormRecord | None]:
    """The forms before and after it: those of its visit in their order, those of a log entry by entry."""
    beside = FormRecord.objects.filter(subject=record.subject_id, visit=record.visit_id).exclude(
        state=EntryState.REMOVED
    )
    if record.visit_id is None:
        beside = beside.filter(form=record.form)
    beside = beside.select_related("protocol_version")
    before, after = beside.filter(pk__lt=record.pk), beside.filter(pk__gt=record.pk)
    return before.order_by("-pk").first(), after.order_by("pk").first()


def open_counts(subjects: list[Subject]) -> dict[int, int]:
    """How many forms of each subject are begun or expected but not complete."""
    rows = (
        FormRecord.objects.filter(subject__in=subjects, state__in=[EntryState.EXPECTED, EntryState.IN_PROGRESS])
        .values("subject_id")
        .annotate(forms=Count("pk"))
        .order_by()
    )
    return {row["subject_id"]: row["forms"] for row in rows}


@dataclass(frozen=True)
class Change:
    """One change of one value, as the trail holds it, in words."""

    event: AuditEvent
    before: str
    after: str


def history(record: FormRecord, path: str) -> list[Change]:
    """Every change of the value at the path, newest first, removed lines included."""
    page = pages.page(record.page)
    events: Any = AuditEvent.objects.filter(record_id=record.pk)
    match path.split("/"):
        case ["extra", code]:
            return _changes(events.filter(table=FormRecord._meta.db_table), ("extra", code), record, path)
        case [kind, key, name]:
            table = page.line_types[kind].model._meta.db_table
            return _changes(events.filter(table=table, new_row__key=key), (name,), record, path)
        case [name]:
            return _changes(events.filter(table=page.model._meta.db_table), (name,), record, path)
    return []


def _changes(events: QuerySet[AuditEvent], keys: tuple[str, ...], record: FormRecord, path: str) -> list[Change]:
    field = values.place(record, path).field
    found = []
    for event in events.order_by("-pk"):
        if keys[0] not in event.changed:
            continue
        old, new = event.changed[keys[0]]
        for deeper in keys[1:]:
            old, new = (old or {}).get(deeper), (new or {}).get(deeper)
        if old != new:
            found.append(Change(event=event, before=values.words_of(field, old), after=values.words_of(field, new)))
    return found
