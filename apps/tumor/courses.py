"""From stored responses to the courses that the figures draw. Reads only."""

from collections.abc import Iterable
from dataclasses import replace

from django.db.models import QuerySet

from apps.core.actor import Actor
from apps.subjects.models import Anchor, Status, Subject
from apps.tumor.models import NewLesions, SubjectResponse, SystemResponse
from clinical.figures.course import Course, Scan
from clinical.partial_date import PartialDate
from clinical.recist.responses import Response


def courses(found: QuerySet[SubjectResponse], *, actor: Actor, evaluator: str) -> list[Course]:
    """The course of every subject of the listing, in three queries whatever their number."""
    rows = list(found.select_related("subject__site", "subject__protocol_version"))
    subjects = [row.subject_id for row in rows]
    responses: dict[int, list[SystemResponse]] = {}
    current = SystemResponse.objects.visible_to(actor).filter(
        subject__in=subjects, evaluator=evaluator, is_current=True
    )
    for response in current.order_by("position", "pk"):
        responses.setdefault(response.subject_id, []).append(response)
    anchors = {
        (subject, name): moment
        for subject, name, moment in Anchor.objects.visible_to(actor)
        .filter(subject__in=subjects)
        .values_list("subject_id", "name", "moment")
    }
    return [
        _course(row, responses.get(row.subject_id, []), anchors.get((row.subject_id, reference_of(row.subject))))
        for row in rows
    ]


def unassessed(subject: Subject, *, start: PartialDate | None) -> Course:
    """The course of a subject whose tumors nobody assessed."""
    return Course(
        subject=subject.number,
        site=subject.site.number,
        dose=_dose(subject),
        dose_rank=subject.dose_level,
        has_baseline=False,
        is_treated=start is not None,
        has_start_day=start is not None and start.full_date is not None,
        is_ongoing=subject.status == Status.ON_TREATMENT,
    )


def reference_of(subject: Subject) -> str:
    """The moment from which the subject's protocol counts scans; days, where it assesses no tumor."""
    definition = subject.protocol_version.definition
    return definition.day_labels.anchor if definition.recist is None else definition.recist.reference_anchor


def _course(row: SubjectResponse, responses: Iterable[SystemResponse], start: PartialDate | None) -> Course:
    subject = row.subject
    at_baseline = [each for each in responses if each.position == 0]
    return replace(
        unassessed(subject, start=start),
        best=Response(row.best),
        confirmed=Response(row.confirmed_best),
        best_change_pct=row.best_change_pct,
        has_baseline=bool(at_baseline),
        baseline_mm=at_baseline[-1].baseline_mm if at_baseline else None,
        scans=tuple(_scan(each, start) for each in responses if each.position > 0),
    )


def _dose(subject: Subject) -> str:
    levels = subject.protocol_version.definition.dose_levels
    return next((level.label for level in levels if level.number == subject.dose_level), "")


def _scan(found: SystemResponse, start: PartialDate | None) -> Scan:
    first_day = None if start is None else start.full_date
    scanned: PartialDate = found.scanned
    day = scanned.full_date
    return Scan(
        date=str(scanned),
        day=None if first_day is None or day is None else (day - first_day).days,
        change_pct=found.change_baseline_pct,
        is_complete=found.is_complete,
        response=Response(found.overall or Response.NE),
        has_new_lesion=found.new_lesion == NewLesions.YES,
    )
