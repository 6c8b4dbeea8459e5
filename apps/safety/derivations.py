"""What the system keeps beside an event's captured values: class and code of the term, grades, relation, DLT standing.

Computed anew from the data whenever they change, whoever changes them; never part of what a person signs.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q

from apps.safety import asked, facts, selectors
from apps.safety.checks import scale_of
from apps.safety.models import AdverseEvent, Attribution, DltStanding, GradePeriod
from apps.subjects.models import Subject
from apps.visits.models import FormRecord
from clinical.protocol.definition import Definition

SERIOUS_OR_DOSE_LIMITING = Q(adverseevent__is_serious=True) | Q(
    adverseevent__dlt__in=[DltStanding.SUGGESTED, DltStanding.SITE_REPORTED, DltStanding.CONFIRMED]
)
"""Records of events on which a dose decision or a report rests: they are compared with the source whole."""


def refresh_event(record: FormRecord) -> None:
    """Bring the derived columns of one event in step with its captured values."""
    definition = record.protocol_version.definition
    event = AdverseEvent.objects.get(record=record)
    periods = list(GradePeriod.objects.filter(record=record, is_removed=False).order_by("pk"))
    for period in periods:
        words = asked.scale_words(definition, scale_of(period, event, definition)) if period.grade else None
        if period.graded_by != words:
            period.graded_by = words
            period.save(update_fields=["graded_by"])
    term = asked.find_term(definition, event.ctcae_term)
    wanted: dict[str, object] = {
        "ctcae_code": term.code or None if term else None,
        "soc": term.soc if term else None,
        "maximum_grade": max((period.grade for period in periods if period.grade), default=None),
        "current_grade": _grade_now(event, periods),
        "is_related": _is_related(event, record, definition),
    }
    _keep(event, wanted)


def refresh_standings(subjects: Sequence[Subject], at: datetime) -> None:
    """Bring the DLT standing of every event of the subjects in step with doses, grades, answers and decisions."""
    have_events = set(
        AdverseEvent.objects.filter(record__subject__in=subjects).values_list("record__subject", flat=True)
    )
    for case in facts.dlt_cases([subject for subject in subjects if subject.pk in have_events]):
        status = selectors.status_of(case, at)
        heads = AdverseEvent.objects.in_bulk([int(event.id) for event in case.facts.events])
        for event in case.facts.events:
            standing, due_at = selectors.standing(case, status, event.id)
            _keep(heads[int(event.id)], {"dlt": standing.value, "dlt_due_at": due_at})


def _keep(event: AdverseEvent, wanted: dict[str, object]) -> None:
    changed = [name for name, value in wanted.items() if getattr(event, name) != value]
    if changed:
        for name in changed:
            setattr(event, name, wanted[name])
        event.save(update_fields=changed)


def _grade_now(event: AdverseEvent, periods: list[GradePeriod]) -> int | None:
    """The grade of the latest period, while the event goes on; no grade of a scale is dropped for another's."""
    if event.ended is not None or event.is_ongoing is False:
        return None
    going_on = [period for period in periods if period.grade and period.ended is None]
    return going_on[-1].grade if going_on else None


def _is_related(event: AdverseEvent, record: FormRecord, definition: Definition) -> bool | None:
    """Whether the investigator relates it to a study product: yes if to one, no once all are answered."""
    related = definition.safety.related_terms
    if event.relation is not None:
        return event.relation in related
    study = asked.study_products(definition)
    words = list(
        Attribution.objects.filter(record=record, is_removed=False, key__in=study).values_list("relation", flat=True)
    )
    if any(word in related for word in words):
        return True
    return None if not words or None in words else False
