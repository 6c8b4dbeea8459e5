"""Forms repeated by the hour around a dose: which are due, when, and their pages.

The visit's own page is the one before the dose. Each time point is a repeat of the form, opened once the moment it is
counted from is known, and named by its distance from it; the wall time follows from the dose as it stands.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from apps.assessments.models import YesNo
from apps.core.actor import system_actor
from apps.core.transactions import acting
from apps.dosing.models import Administration
from apps.subjects.models import Subject
from apps.visits import pages, schedule, services
from apps.visits.models import FormRecord, Visit
from clinical.partial_date import PartialDate, Precision
from clinical.protocol.schedule import TimePointFrom, TimePoints


@dataclass(frozen=True)
class TimePoint:
    """One repeat of a form around a dose."""

    form: str
    product: str
    hours: Decimal
    source: TimePointFrom

    @property
    def name(self) -> str:
        """`4 h after end of IMA402`, as the record and the page name it."""
        edge = "start" if self.source is TimePointFrom.START else "end"
        if not self.hours:
            return f"at {edge} of {self.product}"
        side = "after" if self.hours > 0 else "before"
        return f"{abs(self.hours).normalize():f} h {side} {edge} of {self.product}"

    @property
    def elapsed(self) -> str:
        """The distance as an ISO 8601 duration, `PT4H`, `-PT30M`, as the datasets write it."""
        minutes = abs(int(self.hours * 60))
        hours, rest = divmod(minutes, 60)
        text = "PT" + (f"{hours}H" if hours or not rest else "") + (f"{rest}M" if rest else "")
        return f"-{text}" if self.hours < 0 else text


def of_visit(visit: Visit, *, product: str | None = None) -> list[TimePoint]:
    """The time points that the protocol has at a visit, form by form in the order of time."""
    planned = schedule.planned_visit(visit)
    return [
        each
        for points in (planned.time_points if planned else ())
        if product in (None, points.product)
        for each in _points(points)
    ]


def of_record(record: FormRecord) -> TimePoint | None:
    """The time point that a record was opened for; None for a visit's own page."""
    if not record.time_point or record.visit is None:
        return None
    found = (each for each in of_visit(record.visit) if each.form == record.form and each.name == record.time_point)
    return next(found, None)


def due_at(point: TimePoint, dose: Administration) -> datetime | None:
    """The wall time at the site at which a time point is due; None while the dose's moment lacks its time of day."""
    moment = _edge(point, dose)
    if moment is None or moment.precision < Precision.MINUTE:
        return None
    zone = dose.record.site.zone_info
    after = moment.earliest_at(zone).astimezone(UTC) + timedelta(minutes=int(point.hours * 60))
    return after.astimezone(zone)


def open_for(*, dose: Administration, subject: Subject, at: datetime) -> None:
    """Open the pages of a dose's time points whose starting moment is known and that are not open yet.

    The system does this, whoever recorded the dose: a pharmacist records doses and no vital signs.
    """
    visit = dose.record.visit
    if visit is None:
        return
    due = [
        point
        for point in of_visit(visit, product=dose.product)
        if _edge(point, dose) is not None and pages.known(_page_of(subject, point.form))
    ]
    if not due:
        return
    opened = FormRecord.objects.filter(visit=visit, form__in={point.form for point in due})
    existing = {(form, name) for form, name in opened.values_list("form", "time_point")}
    last = dict.fromkeys({point.form for point in due}, 1)
    for form, repeat in opened.values_list("form", "repeat"):
        last[form] = max(last[form], repeat)
    missing = [point for point in due if (point.form, point.name) not in existing]
    if not missing:
        return
    system = system_actor("Schedule", study_id=subject.study_id, site_ids=[subject.site_id])
    with acting(system, place="time points around a dose"):
        for point in missing:
            last[point.form] += 1
            record = services.open_record(
                actor=system,
                subject=subject,
                form=point.form,
                visit=visit,
                protocol_version=subject.protocol_version,
                at=at,
                repeat=last[point.form],
            )
            FormRecord.objects.filter(pk=record.pk).update(time_point=point.name)


def _points(points: TimePoints) -> Iterator[TimePoint]:
    for hours in points.hours:
        yield TimePoint(points.form, points.product, hours, points.source)


def _edge(point: TimePoint, dose: Administration) -> PartialDate | None:
    moment: PartialDate | None = dose.started if point.source is TimePointFrom.START else dose.ended
    return moment if dose.was_given == YesNo.YES else None


def _page_of(subject: Subject, form: str) -> str:
    return subject.protocol_version.definition.form(form).page.value
