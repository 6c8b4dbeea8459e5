"""Questions about doses: what was given, what was planned and missed, what holds the next dose back."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from apps.assessments import endings
from apps.assessments.models import YesNo
from apps.dosing import plan
from apps.dosing.models import Administration
from apps.dosing.plan import DoseDue
from apps.subjects.models import Anchor, Status, Subject
from apps.visits.models import EntryState, FormRecord, Visit, VisitStatus
from clinical.dlt.facts import Exposure
from clinical.exposure import Dose, Intensity, dose_intensity
from clinical.partial_date import PartialDate

TREATMENT_IS_OVER = (Status.FOLLOW_UP, Status.COMPLETED, Status.WITHDRAWN, Status.DIED)
DID_NOT_TAKE_PLACE = (VisitStatus.MISSED, VisitStatus.SKIPPED)

Hold = Callable[[Subject, datetime], Iterable[str]]
_holds: list[Hold] = []


def provide_holds(provider: Hold) -> Hold:
    """Register what can hold back a subject's next dose (an undecided DLT, say): a sentence for each reason."""
    _holds.append(provider)
    return provider


@dataclass(frozen=True)
class DoseGiven:
    """One dose that was given, as the page states it."""

    record_id: int
    product: str
    visit: str | None
    started: PartialDate
    ended: PartialDate | None
    dose: Decimal | None
    unit: str | None
    step: str | None
    is_full: bool
    level_received: int | None


@dataclass(frozen=True)
class DoseRow:
    """One planned or unplanned dose beside what became of it: a row of the dosing page."""

    due: DoseDue | None
    record: FormRecord | None
    row: Administration | None
    product: str
    visit: Visit | None

    @property
    def planned_on(self) -> date | None:
        return self.due.day if self.due else (self.row.planned_on if self.row else None)

    @property
    def is_given(self) -> bool:
        return self.row is not None and self.row.was_given == YesNo.YES and self.row.started is not None

    @property
    def is_missed(self) -> bool:
        """Whether it is known that the dose was not given."""
        if self.is_given:
            return False
        if self.row is not None and self.row.was_given == YesNo.NO:
            return True
        if self.record is not None and self.record.state == EntryState.NOT_DONE:
            return True
        return self.visit is not None and self.visit.status in DID_NOT_TAKE_PLACE

    @property
    def reason(self) -> str | None:
        """The coded reason for the modification, in the words that DLT criteria use."""
        return self.row.modification_reason.lower() if self.row and self.row.modification_reason else None


def dose_rows(subjects: Sequence[Subject], *, product: str | None = None) -> dict[int, list[DoseRow]]:
    """The doses of each subject, planned and given, in the order of the visits; the same few queries for any number.

    What is planned after the end of treatment is planned no longer.
    """
    keys = [subject.pk for subject in subjects]
    by_key = {subject.pk: subject for subject in subjects}
    visits: dict[int, dict[str, Visit]] = defaultdict(dict)
    for visit in Visit.objects.filter(subject__in=keys):
        visit.subject = by_key[visit.subject_id]
        visits[visit.subject_id][visit.code] = visit
    moments: dict[int, dict[str, PartialDate]] = defaultdict(dict)
    for anchor in Anchor.objects.filter(subject__in=keys):
        moments[anchor.subject_id][anchor.name] = anchor.moment
    rows: dict[int, list[Administration]] = defaultdict(list)
    for row in _administrations(keys):
        rows[row.record.subject_id].append(row)
    ends = endings.ends_of_treatment(keys)
    return {
        subject.pk: [
            each
            for each in _rows_of(subject, visits[subject.pk], moments[subject.pk], rows[subject.pk])
            if (product is None or each.product == product) and not _is_past_the_end(each, ends.get(subject.pk))
        ]
        for subject in subjects
    }


def exposures_of(subjects: Sequence[Subject], *, product: str | None = None) -> dict[int, tuple[Exposure, ...]]:
    """The doses of each subject as the DLT rules read them, of the escalated product unless another is named."""
    found: dict[int, tuple[Exposure, ...]] = {}
    rows = dose_rows(subjects)
    for subject in subjects:
        wanted = product or plan.escalated_product(plan.definition_of(subject))
        exposures = [_exposure(subject, row) for row in rows[subject.pk] if row.product == wanted]
        found[subject.pk] = tuple(each for each in exposures if each.planned or each.given)
    return found


def exposures(subject: Subject, *, product: str | None = None) -> tuple[Exposure, ...]:
    """Every dose of a subject, planned and given, planned and missed, or still to come."""
    return exposures_of([subject], product=product)[subject.pk]


def doses_given(subject: Subject, *, product: str | None = None) -> tuple[DoseGiven, ...]:
    """The doses that were given, first to last; of every product unless one is named."""
    definition = plan.definition_of(subject)
    found = [
        DoseGiven(
            record_id=row.record_id,
            product=row.product,
            visit=row.record.visit.code if row.record.visit else None,
            started=row.started,
            ended=row.ended,
            dose=row.dose,
            unit=row.unit,
            step=row.step,
            is_full=plan.is_full(definition, row),
            level_received=row.level_received,
        )
        for row in _administrations([subject.pk])
        if row.was_given == YesNo.YES and row.started is not None and product in (None, row.product)
    ]
    return tuple(sorted(found, key=lambda dose: (dose.started.earliest(), dose.record_id)))


def first_dose_moment(subject: Subject, *, product: str | None = None) -> PartialDate | None:
    """When the subject first got the escalated product, or the product named; None before that."""
    wanted = product or plan.escalated_product(plan.definition_of(subject))
    given = doses_given(subject, product=wanted)
    return given[0].started if given else None


def level_received(subject: Subject) -> int | None:
    """The dose level that the subject received: the highest that a dose of the escalated product reached."""
    given = doses_given(subject, product=plan.escalated_product(plan.definition_of(subject)))
    return max((dose.level_received for dose in given if dose.level_received is not None), default=None)


def running_total(rows: Sequence[DoseRow]) -> Intensity | None:
    """Cumulative dose and relative dose intensity of the rows of one product; None before its first dose.

    They run to the day of the last dose that was given or is known to be missed, so that waiting lowers nothing yet.
    """
    days = [row.row.started.full_date for row in rows if row.row and row.is_given and row.row.started.full_date]
    if not days:
        return None
    missed = [row.planned_on for row in rows if row.is_missed and row.planned_on]
    return dose_intensity([_as_dose(row) for row in rows], through=max(*days, *missed) if missed else max(days))


def next_dose_hold(subject: Subject, at: datetime) -> tuple[str, ...]:
    """Why the subject's next dose has to wait, a sentence for each reason; empty when nothing holds it."""
    reasons = []
    if subject.status in TREATMENT_IS_OVER:
        reasons.append(f"Study treatment is over: {Status(subject.status).label.lower()}.")
    reasons += [sentence for provider in _holds for sentence in provider(subject, at)]
    return tuple(reasons)


def _administrations(subject_ids: Sequence[int]) -> list[Administration]:
    return list(
        Administration.objects.filter(record__subject__in=subject_ids)
        .exclude(record__state=EntryState.REMOVED)
        .select_related("record__visit")
        .prefetch_related("record__protocol_version")
        .defer("record__extra", "record__blank_reasons", "record__confirmations")
        .order_by("record_id")
    )


def _rows_of(
    subject: Subject, visits: dict[str, Visit], moments: dict[str, PartialDate], rows: list[Administration]
) -> list[DoseRow]:
    entered = {(row.record.visit_id, row.record.form, row.record.repeat): row for row in rows}
    found: list[DoseRow] = []
    for due in plan.doses_due(subject, visits=visits, moments=moments):
        row = entered.pop((due.visit.pk, due.form.code, due.repeat), None)
        found.append(DoseRow(due, row.record if row else None, row, due.product, due.visit))
    found += [DoseRow(None, row.record, row, row.product, row.record.visit) for row in entered.values()]
    return sorted(
        found, key=lambda each: (each.visit.number if each.visit else 0, each.record.pk if each.record else 0)
    )


def _is_past_the_end(row: DoseRow, end: date | None) -> bool:
    untouched = row.row is None or row.row.was_given is None
    return end is not None and untouched and row.planned_on is not None and row.planned_on > end


def _exposure(subject: Subject, row: DoseRow) -> Exposure:
    definition = plan.definition_of(subject)
    planned = PartialDate.of(row.planned_on) if row.planned_on and (row.due or row.is_missed) else None
    if row.row is not None and row.row.was_given is not None:
        full = plan.is_full(definition, row.row)
    else:
        full = plan.is_planned_full(row.due)
    return Exposure(
        planned=planned,
        given=row.row.started if row.row and row.is_given else None,
        is_full=full,
        was_missed=row.is_missed,
        reason=row.reason,
    )


def _as_dose(row: DoseRow) -> Dose:
    """The amounts of a row; what was planned is what stood on its page, or stands in the schedule."""
    given = row.row if row.is_given else None
    planned = row.due.planned.amount if row.due and row.due.planned else None
    if row.row is not None and row.row.planned_dose is not None:
        planned = row.row.planned_dose
    return Dose(
        planned_on=row.planned_on if row.due and row.due.planned else None,
        planned=planned,
        given_on=given.started.full_date if given else None,
        given=given.dose if given else None,
    )
