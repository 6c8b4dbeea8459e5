"""From the database to the frozen facts that the DLT rules ask for, for many subjects with the same few queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from apps.dosing import selectors as dosing
from apps.labs.models import LabPanel, LabResult
from apps.safety import asked
from apps.safety.models import (
    AdverseEvent,
    Attribution,
    DltAdjudication,
    DltAnswer,
    GradePeriod,
    Judgement,
    OtherCause,
    Outcome,
)
from apps.subjects.models import Status, StatusChange, Subject
from apps.visits.facts import known_facts
from apps.visits.models import EntryState, FormRecord
from clinical.dlt.criteria import Criterion
from clinical.dlt.evaluability import Adjudication, Departure, ExposureMinimum, Ruling
from clinical.dlt.facts import GradePeriod as GradeFact
from clinical.dlt.facts import LabFact, SubjectFacts, ToxicityEvent
from clinical.dlt.subject import DltDefinition
from clinical.partial_date import PartialDate
from clinical.protocol.definition import Definition
from clinical.protocol.pages import ItemType, Page

CAUSES = {OtherCause.DISEASE.value: "disease", OtherCause.LYMPHODEPLETION.value: "lymphodepletion"}
"""The words by which DLT criteria name the causes that the page offers."""
LEFT_THE_TRIAL = (Status.WITHDRAWN, Status.DIED)


@dataclass(frozen=True)
class DltCase:
    """One subject with everything that its DLT status is computed from."""

    subject: Subject
    facts: SubjectFacts
    adjudications: tuple[Adjudication, ...]
    departure: Departure | None
    answered: frozenset[str | None]
    """The events on which the investigator has answered; None among them for the subject's other facts."""


def dlt_definition(definition: Definition) -> DltDefinition | None:
    """The protocol's DLT period and criteria as the rules read them; None for a trial without."""
    dlt = definition.dlt
    if dlt is None:
        return None
    minimum = ExposureMinimum() if dlt.exposure is None else dlt.exposure.minimum
    conventions = dlt.conventions.of(tuple(sorted(asked.study_products(definition))))
    return DltDefinition(dlt.criteria, dlt.period.rule, minimum, conventions)


def study_products_of(subject: Subject) -> frozenset[str]:
    """The study products of the protocol version that serves the subject."""
    return asked.study_products(subject.protocol_version.definition)


def lowest_dose_limiting_grade(criteria: Iterable[Criterion]) -> int:
    """The grade from which an event can be dose limiting at all by these criteria."""
    lowest = [
        5 if clause.fatal and clause.grades is None else clause.grades.at_least if clause.grades else 1
        for criterion in criteria
        if criterion.is_about_an_event
        for clause in criterion.alternatives
    ]
    return min(lowest, default=1)


def dlt_cases(subjects: Sequence[Subject]) -> list[DltCase]:
    """What the database holds of these subjects, in their order. The subjects come with their protocol version."""
    events = _events(subjects)
    labs = _labs(subjects)
    rulings, answered = _rulings(subjects)
    departures = _departures(subjects)
    doses = dosing.exposures_of(subjects)
    return [
        DltCase(
            subject=subject,
            facts=SubjectFacts(
                events=tuple(events[subject.pk]),
                labs=tuple(labs[subject.pk]),
                doses=doses[subject.pk],
                answers=_answers(subject),
            ),
            adjudications=tuple(rulings[subject.pk]),
            departure=departures.get(subject.pk),
            answered=frozenset(answered[subject.pk]),
        )
        for subject in subjects
    ]


def _events(subjects: Sequence[Subject]) -> dict[int, list[ToxicityEvent]]:
    records = {
        record.pk: record
        for record in FormRecord.objects.filter(subject__in=subjects, page=Page.ADVERSE_EVENT.value)
        .exclude(state=EntryState.REMOVED)
        .order_by("pk")
    }
    definitions = {subject.pk: subject.protocol_version.definition for subject in subjects}
    heads = AdverseEvent.objects.in_bulk(list(records))
    periods: dict[int, list[GradePeriod]] = defaultdict(list)
    for period in GradePeriod.objects.filter(record__in=records, is_removed=False).order_by("pk"):
        periods[period.record_id].append(period)
    relations: dict[int, dict[str, str | None]] = defaultdict(dict)
    for line in Attribution.objects.filter(record__in=records, is_removed=False):
        relations[line.record_id][line.key] = line.relation
    by_number = {(record.subject_id, record.form, record.repeat): str(pk) for pk, record in records.items()}
    found: dict[int, list[ToxicityEvent]] = defaultdict(list)
    for pk, record in records.items():
        definition, head = definitions[record.subject_id], heads[pk]
        found[record.subject_id].append(
            _event(
                record,
                head,
                periods[pk],
                relations[pk],
                definition,
                symptom_of=by_number.get((record.subject_id, record.form, head.part_of or 0)),
            )
        )
    return found


def _event(
    record: FormRecord,
    head: AdverseEvent,
    periods: list[GradePeriod],
    relations: dict[str, str | None],
    definition: Definition,
    *,
    symptom_of: str | None,
) -> ToxicityEvent:
    """One event as the rules see it. The first grade holds from the onset unless it says otherwise."""
    related = definition.safety.related_terms
    yes_no = [item.code for item in definition.form(record.form).items if item.type is ItemType.YES_NO]
    usual = asked.usual_scale(definition, head.ctcae_term).value
    graded = []
    last_of_scale = {period.scale or usual: period.pk for period in periods}
    seen: set[str] = set()
    for period in periods:
        scale = period.scale or usual
        is_first, is_last = scale not in seen, last_of_scale[scale] == period.pk
        seen.add(scale)
        graded.append(
            GradeFact(
                grade=period.grade,
                began=period.began or (head.onset if is_first else None),
                ended=period.ended or (head.ended if is_last else None),
                end_unknown=is_last and head.is_ongoing is False and head.ended is None and period.ended is None,
                scale=scale,
            )
        )
    return ToxicityEvent(
        id=str(record.pk),
        term=head.ctcae_term,
        periods=tuple(graded),
        soc=head.soc,
        relations={product: None if word is None else word in related for product, word in relations.items()},
        causes=frozenset({CAUSES[head.other_cause]} if head.other_cause in CAUSES else ()),
        symptom_of=symptom_of,
        answers={code: _yes_no(record.extra.get(code)) for code in yes_no},
        fatal=head.outcome == Outcome.FATAL,
        died=head.ended if head.outcome == Outcome.FATAL else None,
    )


def _yes_no(text: object) -> bool | None:
    return {"Y": True, "N": False}.get(str(text))


def _answers(subject: Subject) -> dict[str, bool | None]:
    """What other rooms know to be so of the subject, as far as a criterion asks for more than the event's own page."""
    definition = subject.protocol_version.definition
    wanted = {
        question
        for criterion in (definition.dlt.criteria if definition.dlt else ())
        for clause in (*criterion.alternatives, *criterion.unless)
        for question, _ in clause.answers
    }
    on_page = {item.code for form in definition.forms_of(Page.ADVERSE_EVENT) for item in form.items}
    if not wanted - on_page:
        return {}
    known = {fact.name.replace("_", " "): fact.value for fact in known_facts(subject)}
    return {question: value for question in wanted if isinstance(value := known.get(question), bool)}


def _labs(subjects: Sequence[Subject]) -> dict[int, list[LabFact]]:
    """Laboratory values of subjects whose protocol has criteria on them, in the analyte's standard unit."""
    found: dict[int, list[LabFact]] = defaultdict(list)
    wanted = {subject.pk: tests for subject in subjects if (tests := tests_asked(subject.protocol_version.definition))}
    if not wanted:
        return found
    codes = frozenset().union(*wanted.values())
    rows = (
        LabResult.objects.filter(record__subject__in=list(wanted), is_removed=False, key__in=codes)
        .exclude(record__state=EntryState.REMOVED)
        .exclude(value=None)
        .order_by("pk")
        .values_list("record__subject_id", *_LAB_COLUMNS, named=True)
    )
    panels = LabPanel.objects.filter(pk__in={row.record_id for row in rows}).values_list("pk", "collected")
    taken = {panel: collected for panel, collected in panels if collected is not None}
    for row in rows:
        if row.record_id in taken and row.key in wanted[row.record__subject_id]:
            found[row.record__subject_id].append(_lab(row, taken[row.record_id]))
    return found


_LAB_COLUMNS = (
    "record_id", "key", "value", "unit", "low", "high",
    "standard_value", "standard_unit", "standard_low", "standard_high",
    "baseline__value", "baseline__unit", "baseline__standard_value", "baseline__standard_unit",
)  # fmt: skip


def _lab(row: Any, taken: PartialDate) -> LabFact:
    """A result in the analyte's standard unit where it has one; the baseline only in the same unit."""
    if row.standard_value is not None and row.standard_unit:
        return LabFact(
            test=row.key,
            taken=taken,
            value=row.standard_value,
            unit=row.standard_unit,
            uln=row.standard_high,
            lln=row.standard_low,
            baseline=row.baseline__standard_value if row.baseline__standard_unit == row.standard_unit else None,
        )
    return LabFact(
        test=row.key,
        taken=taken,
        value=row.value,
        unit=row.unit or "",
        uln=row.high,
        lln=row.low,
        baseline=row.baseline__value if row.baseline__unit == row.unit else None,
    )


def tests_asked(definition: Definition) -> frozenset[str]:
    """The laboratory tests that the protocol's DLT criteria look at."""
    found: set[str] = set()
    for criterion in definition.dlt.criteria if definition.dlt else ():
        for clause in criterion.alternatives:
            if clause.labs is not None:
                limits = [*clause.labs.all_of, *filter(None, [clause.labs.unless_same_day])]
                found.update(test for limit in limits for test in limit.tests)
    return frozenset(found)


def _rulings(subjects: Sequence[Subject]) -> tuple[dict[int, list[Adjudication]], dict[int, set[str | None]]]:
    """The sponsor's decisions, and the site's answers as far as they make or reopen a candidate.

    A decision of the sponsor is taken back only by another one: an answer of the site after it counts only when the
    facts have changed since, and never against a confirmed DLT.
    """
    rulings: dict[int, list[Adjudication]] = defaultdict(list)
    decided: dict[tuple[int, int | None], DltAdjudication] = {}
    for row in DltAdjudication.objects.filter(subject__in=subjects).order_by("adjudicated_at", "pk"):
        decided[row.subject_id, row.record_id] = row
        rulings[row.subject_id].append(
            Adjudication(
                event_id=_event_id(row.record_id),
                ruling=Ruling.CONFIRMED if row.judgement == Judgement.CONFIRMED else Ruling.REJECTED,
                at=row.adjudicated_at,
                reason=row.reason,
                basis=row.basis,
            )
        )
    answered: dict[int, set[str | None]] = defaultdict(set)
    latest: dict[tuple[int, int | None], DltAnswer] = {}
    for answer in DltAnswer.objects.filter(subject__in=subjects).order_by("answered_at", "pk"):
        latest[answer.subject_id, answer.record_id] = answer
        answered[answer.subject_id].add(_event_id(answer.record_id))
    for place, answer in latest.items():
        before = decided.get(place)
        stands = before is None or (before.judgement == Judgement.REJECTED and before.basis != answer.basis)
        if answer.is_dlt and stands:
            rulings[answer.subject_id].append(
                Adjudication(
                    event_id=_event_id(answer.record_id),
                    ruling=Ruling.SITE_REPORTED,
                    at=answer.answered_at,
                    reason=answer.reason,
                    basis=answer.basis,
                )
            )
    return rulings, answered


def _event_id(record: int | None) -> str | None:
    return None if record is None else str(record)


def _departures(subjects: Sequence[Subject]) -> dict[int, Departure]:
    """Who left the trial, and when at the site; the first time counts."""
    zones = {subject.pk: subject.site.zone_info for subject in subjects}
    found: dict[int, Departure] = {}
    for change in StatusChange.objects.filter(subject__in=subjects, status__in=LEFT_THE_TRIAL).order_by("-at"):
        day = PartialDate.of(change.at.astimezone(zones[change.subject_id]).date())
        found[change.subject_id] = Departure(on=day, reason=Status(change.status).label)
    return found
