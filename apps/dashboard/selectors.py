"""What the page of one subject shows."""

from datetime import datetime
from typing import Any

from apps.core.action import Action
from apps.core.actor import Actor
from apps.review import selectors as queries
from apps.review.models import QueryState
from apps.safety import selectors as safety
from apps.subjects.models import Subject
from apps.visits import overlays
from apps.visits import pages as typed_pages
from apps.visits.models import EntryState, FormRecord, Visit, VisitStatus


def subject_page(subject: Subject, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """Where a subject stands in one line, its visits with their forms, its logs."""
    definition = subject.protocol_version.definition
    # Prefetched, not joined: a join would bring the whole protocol text with every row.
    records = list(
        FormRecord.objects.filter(subject=subject)
        .select_related("visit")
        .prefetch_related("protocol_version")
        .order_by("pk")
    )
    for record in records:
        record.subject = subject
    words = overlays.status_words(records)
    by_visit: dict[int, list[Any]] = {}
    by_log: dict[str, list[Any]] = {}
    for record in records:
        row = (record, definition.form(record.form).title, words[record.pk])
        if record.visit_id is not None:
            by_visit.setdefault(record.visit_id, []).append(row)
        elif record.state != EntryState.REMOVED:
            by_log.setdefault(record.form, []).append(row)
    visits = list(Visit.objects.filter(subject=subject).order_by("number"))
    logs = [
        (
            form,
            [
                (record, typed_pages.page(record.page).summary(record), word)
                for record, _, word in by_log.get(form.code, [])
            ],
        )
        for form in definition.forms
        if form.is_log and typed_pages.known(form.page.value)
    ]
    return {
        "subject": subject,
        "dlt": safety.dlt_status(subject, now),
        "open_queries": queries.queries(actor=actor).filter(subject=subject, state=QueryState.OPEN).count(),
        "held": [(visit, by_visit.get(visit.pk, [])) for visit in visits if visit.status == VisitStatus.STARTED],
        "ahead": [visit for visit in visits if visit.status == VisitStatus.PLANNED][:NEXT_VISITS],
        "not_held": [visit for visit in visits if visit.status in {VisitStatus.MISSED, VisitStatus.SKIPPED}],
        "more_ahead": max(0, sum(visit.status == VisitStatus.PLANNED for visit in visits) - NEXT_VISITS),
        "logs": logs,
        "may_enter": actor.may(Action.ENTER_DATA, at=subject.site_id),
        "now": now,
    }


NEXT_VISITS = 12
