"""From doses, responses, events and endings to the lanes of the swimmer. Reads only."""

from collections.abc import Iterable
from datetime import date, datetime
from itertools import chain

from django.db.models import Q

from apps.assessments import endings
from apps.assessments.models import Death, Disposition, Ending, YesNo
from apps.core.actor import Actor
from apps.dosing.models import Administration
from apps.safety.models import AdverseEvent, DltAdjudication, Judgement
from apps.subjects.models import Anchor, Subject
from apps.tumor import courses
from apps.tumor import selectors as tumor
from apps.visits.models import EntryState
from clinical.figures.swimmer import Dose, Event, Treatment
from clinical.partial_date import PartialDate


def treatments(*, actor: Actor, evaluator: str, site: str, at: datetime) -> list[Treatment]:
    """The treatment of every subject whom the actor sees, in the same number of queries whatever their number."""
    found = Subject.objects.visible_to(actor).filter(study_id=actor.study_id)
    if site:
        found = found.filter(site__number=site)
    subjects = list(found.select_related("site", "protocol_version").order_by("number"))
    keys = [subject.pk for subject in subjects]
    assessed = {
        course.subject: course
        for course in courses.courses(
            tumor.listing(actor=actor, evaluator=evaluator, site=site), actor=actor, evaluator=evaluator
        )
    }
    moments = {
        (subject, name): moment
        for subject, name, moment in Anchor.objects.filter(subject__in=keys).values_list("subject_id", "name", "moment")
    }
    doses, confirmed = _doses(keys), _confirmed_dlts(keys)
    events = _events(keys, chain.from_iterable(confirmed.values()))
    ends, reasons, deaths = endings.ends_of_treatment(keys), _reasons(keys), _deaths(keys)
    made = []
    for subject in subjects:
        start = moments.get((subject.pk, courses.reference_of(subject)))
        first_day = None if start is None else start.full_date
        made.append(
            Treatment(
                course=assessed.get(subject.number) or courses.unassessed(subject, start=start),
                doses=() if first_day is None else tuple(_dosed(subject, doses.get(subject.pk, ()), first_day)),
                cut_day=0 if first_day is None else (at.date() - first_day).days,
                end_day=_apart(ends.get(subject.pk), first_day),
                end_reason=_reason(subject, reasons.get(subject.pk)),
                death_day=_apart(deaths.get(subject.pk), first_day),
                dlts=tuple(_dlts(events.get(subject.pk, ()), confirmed.get(subject.pk, set()), first_day)),
                serious=tuple(_as_event(each, first_day) for each in events.get(subject.pk, ()) if each.is_serious),
            )
        )
    return made


def _apart(day: date | None, first_day: date | None) -> int | None:
    return None if day is None or first_day is None else (day - first_day).days


def _doses(keys: list[int]) -> dict[int, list[Administration]]:
    found: dict[int, list[Administration]] = {}
    rows = Administration.objects.filter(record__subject__in=keys).exclude(record__state=EntryState.REMOVED)
    for row in rows.select_related("record").order_by("record_id"):
        found.setdefault(row.record.subject_id, []).append(row)
    return found


def _dosed(subject: Subject, rows: Iterable[Administration], first_day: date) -> Iterable[Dose]:
    """The doses of the product whose first dose begins the count."""
    anchor = subject.protocol_version.definition.anchor(courses.reference_of(subject))
    for row in rows:
        if anchor.product not in (None, row.product):
            continue
        started: PartialDate | None = row.started
        if row.was_given == YesNo.YES and started is not None and started.full_date is not None:
            yield Dose((started.full_date - first_day).days, row.level_received)
        elif row.planned_on is not None and (row.was_given == YesNo.NO or row.record.state == EntryState.NOT_DONE):
            yield Dose((row.planned_on - first_day).days, was_given=False)


def _reasons(keys: list[int]) -> dict[int, str]:
    """Why treatment ended, as coded on the completed page."""
    rows = Disposition.objects.filter(
        record__subject__in=keys, record__state=EntryState.COMPLETE, ending=Ending.TREATMENT
    )
    return {row.record.subject_id: row.reason or "" for row in rows.select_related("record")}


def _reason(subject: Subject, code: str | None) -> str:
    terms = subject.protocol_version.definition.codelist("DISPOSITION").terms
    return next((term.label for term in terms if term.value == code), "")


def _deaths(keys: list[int]) -> dict[int, date]:
    """The days of death; of a partial date the last day it can mean, as for the end of treatment."""
    rows = Death.objects.filter(record__subject__in=keys, record__state=EntryState.COMPLETE, died__isnull=False)
    return {row.record.subject_id: row.died.latest().date() for row in rows.select_related("record")}


def _confirmed_dlts(keys: list[int]) -> dict[int, set[int | None]]:
    """The events that the sponsor's standing decision confirms, by subject; None is a DLT that is no adverse event."""
    found: dict[int, set[int | None]] = {}
    standing = DltAdjudication.objects.filter(subject__in=keys, judgement=Judgement.CONFIRMED, replaced_by__isnull=True)
    for subject, record in standing.values_list("subject_id", "record_id"):
        found.setdefault(subject, set()).add(record)
    return found


def _events(keys: list[int], confirmed: Iterable[int | None]) -> dict[int, list[AdverseEvent]]:
    """Serious events and confirmed DLTs."""
    found: dict[int, list[AdverseEvent]] = {}
    rows = AdverseEvent.objects.filter(
        Q(is_serious=True) | Q(record__in=[record for record in confirmed if record]), record__subject__in=keys
    ).exclude(record__state=EntryState.REMOVED)
    for row in rows.select_related("record").order_by("record_id"):
        found.setdefault(row.record.subject_id, []).append(row)
    return found


def _dlts(events: Iterable[AdverseEvent], confirmed: set[int | None], first_day: date | None) -> Iterable[Event]:
    yield from (_as_event(each, first_day) for each in events if each.record_id in confirmed)
    if None in confirmed:
        yield Event("that is no adverse event", None)


def _as_event(event: AdverseEvent, first_day: date | None) -> Event:
    onset: PartialDate | None = event.onset
    grade = f" grade {event.maximum_grade}" if event.maximum_grade else ""
    words = f"{event.ctcae_term or event.term or 'event without a term'}{grade}"
    return Event(words, _apart(None if onset is None else onset.full_date, first_day))
