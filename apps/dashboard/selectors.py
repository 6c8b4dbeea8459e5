"""What the start pages and the pages made of many rooms show."""

from dataclasses import dataclass
from typing import Any

from apps.core.action import Action
from apps.core.actor import Actor
from apps.subjects import selectors as subject_selectors
from apps.subjects.models import Subject
from apps.visits import overlays
from apps.visits import pages as typed_pages
from apps.visits import selectors as visit_selectors
from apps.visits.models import FormRecord, Visit, VisitStatus

BLOCK_ROWS = 8


@dataclass(frozen=True)
class Block:
    """A table of the start page: at most eight rows, and how many there are."""

    title: str
    template: str
    rows: list[Any]
    total: int
    more_url: str = ""


def my_work(*, actor: Actor) -> list[Block]:
    """What waits for this person, most urgent first; only what their roles can act on."""
    blocks = []
    if actor.may(Action.ENTER_DATA):
        due = (
            Visit.objects.visible_to(actor)
            .filter(study_id=actor.study_id, status=VisitStatus.PLANNED, planned_date__isnull=False)
            .select_related("subject")
            .order_by("window_to", "planned_date")
        )
        blocks.append(Block("Visits due", "dashboard/blocks/visits.html", list(due[:BLOCK_ROWS]), due.count()))
        begun = (
            FormRecord.objects.visible_to(actor)
            .filter(study_id=actor.study_id, state="in_progress")
            .select_related("subject", "visit", "protocol_version")
            .order_by("opened_at")
        )
        blocks.append(Block("Forms to finish", "dashboard/blocks/forms.html", list(begun[:BLOCK_ROWS]), begun.count()))
    return blocks


def subjects(*, actor: Actor) -> list[tuple[Subject, int]]:
    """Each subject with the number of its unfinished forms."""
    listed = list(subject_selectors.listing(actor=actor))
    counts = visit_selectors.open_counts(listed)
    return [(subject, counts.get(subject.pk, 0)) for subject in listed]


def subject_page(subject: Subject, *, actor: Actor) -> dict[str, Any]:
    """Visits and logs of a subject, each with its status word."""
    definition = subject.protocol_version.definition
    records = list(FormRecord.objects.filter(subject=subject).select_related("visit", "protocol_version"))
    words = overlays.status_words(records)
    by_visit: dict[int, list[Any]] = {}
    by_log: dict[str, list[Any]] = {}
    for record in records:
        row = (record, definition.form(record.form).title, words[record.pk])
        if record.visit_id is None:
            by_log.setdefault(record.form, []).append(row)
        else:
            by_visit.setdefault(record.visit_id, []).append(row)
    visits = Visit.objects.filter(subject=subject).order_by("number")
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
        "visits": [(visit, by_visit.get(visit.pk, [])) for visit in visits],
        "logs": logs,
        "may_enter": actor.may(Action.ENTER_DATA, at=subject.site_id),
    }
