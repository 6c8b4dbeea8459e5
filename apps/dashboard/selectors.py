"""What the pages made of many rooms show: the subjects' matrix and the page of one subject."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.http import QueryDict

from apps.core.action import Action
from apps.core.actor import Actor
from apps.dashboard.work import NO_MORE_VISITS
from apps.review import selectors as queries
from apps.review.models import QueryState
from apps.safety import selectors as safety
from apps.subjects import selectors as subject_selectors
from apps.subjects.models import Status, Subject
from apps.visits import overlays
from apps.visits import pages as typed_pages
from apps.visits import selectors as visit_selectors
from apps.visits.models import EntryState, FormRecord, Visit, VisitStatus


@dataclass(frozen=True)
class SubjectRow:
    """One subject of the list, with what waits and what comes next."""

    subject: Subject
    open_forms: int
    open_queries: int
    next_visit: Visit | None
    is_late: bool


def subjects(asked: QueryDict, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """The subjects list as its address asks for it. A constant number of queries whatever its length."""
    found = subject_selectors.listing(actor=actor)
    filters = {name: asked.get(name, "").strip() for name in ("status", "cohort", "site", "find", "show")}
    if filters["status"]:
        found = found.filter(status=filters["status"])
    if filters["cohort"]:
        found = found.filter(cohort=filters["cohort"])
    if filters["site"]:
        found = found.filter(site__number=filters["site"])
    if filters["find"]:
        found = found.filter(number__icontains=filters["find"])
    listed = list(found)
    forms = visit_selectors.open_counts(listed)
    asking = _open_queries(listed, actor=actor)
    following = visit_selectors.next_visits(listed)
    today = now.date()
    rows = [
        SubjectRow(
            subject=subject,
            open_forms=forms.get(subject.pk, 0),
            open_queries=asking.get(subject.pk, 0),
            next_visit=(visit := None if subject.status in NO_MORE_VISITS else following.get(subject.pk)),
            is_late=visit is not None and visit.window_to is not None and visit.window_to < today,
        )
        for subject in listed
    ]
    if filters["show"] == "queries":
        rows = [row for row in rows if row.open_queries]
    everyone = subject_selectors.listing(actor=actor)
    return {
        "rows": rows,
        "filters": filters,
        "statuses": Status.choices,
        "cohorts": sorted({cohort for cohort in everyone.values_list("cohort", flat=True) if cohort}),
        "sites": sorted(set(everyone.values_list("site__number", flat=True))),
        "may_create": actor.may(Action.CREATE_SUBJECT),
    }


def _open_queries(listed: list[Subject], *, actor: Actor) -> dict[int, int]:
    """How many queries of each subject wait for the site."""
    counted: Any = (
        queries.queries(actor=actor)
        .filter(subject__in=listed, state=QueryState.OPEN)
        .values("subject_id")
        .annotate(queries=Count("pk"))
        .order_by()
    )
    return {row["subject_id"]: row["queries"] for row in counted}


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
