"""From stored lesions and assessments to the engine's own terms, and its responses back. Reads only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from apps.subjects.models import Anchor, Subject
from apps.tumor.models import Kind, Lesion, LesionMeasurement, LesionState, TumorAssessment
from apps.tumor.terms import Method
from apps.visits.models import EntryState, FormRecord
from clinical.partial_date import PartialDate
from clinical.protocol.conduct import Criteria, Recist
from clinical.recist import endpoints, irecist, scan_date
from clinical.recist import lesions as engine
from clinical.recist.assessment import Evaluation, derive_series
from clinical.recist.lesions import Assessment, Measurement, State, counted_mm
from clinical.recist.responses import Response
from clinical.recist.scans import Scan, in_order_of_dates, split_at_baseline
from clinical.recist.settings import Settings

STATES = {
    LesionState.PRESENT: State.PRESENT,
    LesionState.ABSENT: State.ABSENT,
    LesionState.TOO_SMALL: State.TOO_SMALL,
    LesionState.MERGED: State.MERGED,
    LesionState.EQUIVOCAL: State.EQUIVOCAL,
    LesionState.INCREASED: State.INCREASED,
    LesionState.PROGRESSED: State.PROGRESSED,
    LesionState.PROGRESSED_FURTHER: State.PROGRESSED_FURTHER,
    LesionState.NOT_EVALUABLE: State.NOT_EVALUABLE,
    LesionState.NOT_DONE: State.NOT_DONE,
}

DECIDED_BY_STATE = {
    Kind.NON_TARGET: frozenset({State.INCREASED, State.PROGRESSED, State.PROGRESSED_FURTHER}),
    Kind.NEW: frozenset({State.EQUIVOCAL}),
}
"""Where the state outranks a diameter: progression of a non-target is judged, and so is whether a lesion is one."""


def settings_of(recist: Recist) -> Settings:
    """The trial's conventions as the engine takes them."""
    return Settings(
        max_targets=recist.most_targets,
        max_targets_per_organ=recist.most_per_organ,
        nodes_are_one_organ=recist.nodes_are_one_organ,
        measurable_mm=recist.measurable_mm,
        measurable_node_mm=recist.measurable_node_mm,
        pathological_node_mm=recist.normal_node_mm,
        too_small_mm=recist.too_small_mm,
        pr_until_pd=recist.pr_until_pd,
        sd_days=recist.sd_days,
        confirm_days=recist.confirm_days,
        max_ne=recist.most_not_evaluable,
        censor_at_new_therapy=recist.censor_at_new_therapy,
        censor_after_missed_scans=recist.missed_scans_censor,
    )


def uses_irecist(recist: Recist) -> bool:
    return Criteria.IRECIST in (recist.criteria, *recist.also)


def diameter_of(line: LesionMeasurement) -> Decimal | None:
    """The diameter that counts: the one taken as such, else the short axis of a node and the longest of any other."""
    mm: Decimal | None = line.diameter_mm
    if mm is None:
        mm = line.short_axis_mm if line.lesion_is_node else line.longest_mm
    return mm


def measurement_of(name: str, line: LesionMeasurement, blank_reason: str = "") -> Measurement | None:
    """What a line says of its lesion; None where nothing is entered.

    A diameter that contradicts the word "absent" counts as measured; the page asks which of the two is right.
    """
    mm = diameter_of(line)
    state = None if line.state is None else STATES[LesionState(line.state)]
    decides = DECIDED_BY_STATE.get(Kind(line.lesion_kind), frozenset()) if line.lesion_kind else frozenset()
    if mm is not None and state not in decides:
        return Measurement(name, State.MEASURED, mm, line.reason or "")
    if state is None:
        if line.longest_mm is not None or line.short_axis_mm is not None:
            missing = "its short axis is missing" if line.lesion_is_node else "its longest diameter is missing"
            return Measurement(name, State.PRESENT, None, missing)
        return Measurement(name, State.NOT_DONE, None, blank_reason) if blank_reason else None
    if line.lesion_kind == Kind.NEW and state in (State.PROGRESSED, State.PROGRESSED_FURTHER):
        state = State.PRESENT  # an unequivocal new lesion: it is certain, not larger
    elif line.lesion_kind == Kind.NON_TARGET and state is State.EQUIVOCAL:
        state = State.PRESENT  # doubtful progression is none
    return Measurement(name, state, None, line.reason or "")


@dataclass(frozen=True)
class Seen:
    """One assessment of an evaluator with its page."""

    record: FormRecord
    head: TumorAssessment
    date: PartialDate
    scan: Scan
    lines: Mapping[str, LesionMeasurement]


@dataclass(frozen=True)
class Series:
    """One evaluator's disease and assessments of a subject, in the order of their dates, and what the engine says."""

    recist: Recist
    settings: Settings
    evaluator: str
    lesions: tuple[Lesion, ...]
    baseline: tuple[Seen, ...]
    follow_ups: tuple[Seen, ...]
    baseline_assessment: Assessment | None
    reference: scan_date.ScanDate | None
    evaluations: tuple[Evaluation, ...] = ()
    immune: tuple[irecist.ImmuneEvaluation, ...] = ()

    @property
    def in_order(self) -> tuple[Seen, ...]:
        return (*self.baseline, *self.follow_ups)

    @property
    def baseline_mm(self) -> Decimal | None:
        """The sum of the targets measured at baseline; none without a target."""
        if self.baseline_assessment is None:
            return None
        measured = [
            seen.mm
            for lesion in self.engine_lesions()
            if lesion.kind is engine.Kind.TARGET
            and not lesion.parent
            and (seen := self.baseline_assessment.by_lesion.get(lesion.name)) is not None
            and seen.mm is not None
        ]
        return sum(measured, Decimal(0)) if measured else None

    def engine_lesions(self) -> list[engine.Lesion]:
        return as_engine_lesions(self.lesions)

    def sum_at(self, seen: Seen) -> Decimal | None:
        """The sum of what was measured of the targets at one assessment."""
        targets = {lesion.lesion_id for lesion in self.lesions if lesion.kind == Kind.TARGET}
        found = [
            mm
            for measurement in seen.scan.assessment.measurements
            if measurement.lesion in targets and (mm := counted_mm(measurement, self.settings)) is not None
        ]
        return sum(found, Decimal(0)) if found else None

    def best(self) -> endpoints.Best:
        return endpoints.best_response(self._points(), reference=self.reference, settings=self.settings)

    def confirmed_best(self) -> endpoints.Best:
        """The best response as the trial counts it; one that asks for no confirmation takes it unconfirmed."""
        if not self.settings.confirm_days:
            return self.best()
        return endpoints.confirmed_best_response(self._points(), reference=self.reference, settings=self.settings)

    def immune_best(self) -> str | None:
        if not self.immune:
            return None
        points = irecist.immune_timepoints(self.immune)
        return irecist.immune_best_response(points, reference=self.reference, settings=self.settings).response.value

    def first_progression(self) -> Evaluation | None:
        return next((each for each in self.evaluations if each.overall is Response.PD), None)

    def _points(self) -> tuple[endpoints.Timepoint, ...]:
        return endpoints.up_to_progression(endpoints.timepoints(self.evaluations))


def as_engine_lesions(stored: Iterable[Lesion]) -> list[engine.Lesion]:
    """The named lesions as the engine takes them; a part whose parent was removed stands for itself."""
    stored = list(stored)
    names = {lesion.record_id: lesion.lesion_id for lesion in stored}
    return [
        engine.Lesion(
            name=lesion.lesion_id or "",
            kind=engine.Kind(lesion.kind),
            site=lesion.location or "",
            is_node=lesion.is_node,
            parent=(names.get(lesion.parent_id) if lesion.parent_id else None) or "",
            is_on_x_ray=lesion.method == Method.X_RAY,
            slice_mm=lesion.slice_mm,
        )
        for lesion in stored
        if lesion.lesion_id and lesion.kind
    ]


@dataclass
class _Rows:
    """Everything stored of a subject, read in a fixed number of queries whatever the number of evaluators."""

    lesions: list[Lesion]
    heads: list[TumorAssessment]
    lines: dict[int, list[LesionMeasurement]] = field(default_factory=dict)


def _read(subject: Subject, *, only: str | None = None) -> _Rows:
    kept = Lesion.objects.filter(subject=subject, lesion_id__isnull=False).exclude(record__state=EntryState.REMOVED)
    heads = (
        TumorAssessment.objects.filter(record__subject=subject)
        .exclude(record__state__in=[EntryState.REMOVED, EntryState.NOT_DONE])
        .select_related("record__visit")
        .order_by("record_id")
    )
    if only is not None:
        kept, heads = kept.filter(evaluator=only), heads.filter(evaluator=only)
    rows = _Rows(list(kept.order_by("record_id")), list(heads))
    found = LesionMeasurement.objects.filter(record__in=[head.record_id for head in rows.heads], is_removed=False)
    for line in found.order_by("pk"):
        rows.lines.setdefault(line.record_id, []).append(line)
    return rows


def evaluators_of(subject: Subject) -> list[str]:
    """The evaluators who have a lesion or an assessment of the subject, as the protocol lists them."""
    rows = _read(subject)
    named = {lesion.evaluator for lesion in rows.lesions} | {head.evaluator for head in rows.heads}
    return [each.code for each in subject.protocol_version.definition.evaluators if each.code in named]


def all_series(subject: Subject, *, only: str | None = None, also: Iterable[str] = ()) -> dict[str, Series]:
    """The series of every evaluator by the evaluator's code; empty where the trial assesses no tumor.

    `only` asks for one evaluator; `also` names some who may have nothing left, whose series is then empty.
    """
    recist = subject.protocol_version.definition.recist
    if recist is None:
        return {}
    rows = _read(subject, only=only)
    anchor = Anchor.objects.filter(subject=subject, name=recist.reference_anchor).first()
    reference = None if anchor is None else scan_date.of(anchor.moment)
    named = {lesion.evaluator for lesion in rows.lesions} | {head.evaluator for head in rows.heads} | set(also)
    return {code: _series(code, rows, recist, reference) for code in sorted(filter(None, named))}


def series(subject: Subject, evaluator: str) -> Series | None:
    """The series of one evaluator; None where there is none."""
    return all_series(subject, only=evaluator).get(evaluator)


def _series(evaluator: str, rows: _Rows, recist: Recist, reference: scan_date.ScanDate | None) -> Series:
    mine = tuple(lesion for lesion in rows.lesions if lesion.evaluator == evaluator)
    settings = settings_of(recist)
    seen = [
        found
        for head in rows.heads
        if head.evaluator == evaluator and (found := _seen(head, rows.lines.get(head.record_id, []))) is not None
    ]
    by_scan = {id(each.scan): each for each in seen}
    ordered = [by_scan[id(scan)] for scan in in_order_of_dates([each.scan for each in seen])]
    if not ordered:
        return Series(recist, settings, evaluator, mine, (), (), None, reference)
    baseline, later = split_at_baseline([each.scan for each in ordered], reference)
    count = len(ordered) - len(later)
    followed = as_engine_lesions(mine)
    assessments = [scan.assessment for scan in later]
    return Series(
        recist=recist,
        settings=settings,
        evaluator=evaluator,
        lesions=mine,
        baseline=tuple(ordered[:count]),
        follow_ups=tuple(ordered[count:]),
        baseline_assessment=baseline,
        reference=reference,
        evaluations=derive_series(followed, baseline, assessments, settings),
        immune=irecist.derive_immune_series(followed, baseline, assessments, settings) if uses_irecist(recist) else (),
    )


def date_of(head: TumorAssessment) -> PartialDate | None:
    """The day of the scan, or of the visit as long as nobody entered one."""
    scanned: PartialDate | None = head.scanned
    if scanned is not None:
        return scanned
    visit = head.record.visit
    took_place: PartialDate | None = None if visit is None else visit.took_place
    return None if took_place is None else took_place.to_day()


def _seen(head: TumorAssessment, lines: Sequence[LesionMeasurement]) -> Seen | None:
    """The assessment, once it has a date and says something of a lesion (or in words that there is none)."""
    record, day = head.record, date_of(head)
    by_name = {line.key: line for line in lines}
    measurements = tuple(
        found
        for name, line in by_name.items()
        if line.lesion_id is not None and (found := measurement_of(name, line, _blank_reason(record, name))) is not None
    )
    if day is None or (not measurements and head.overall_response is None):
        return None
    label = record.visit.code if record.visit else f"scan of {day}"
    number = record.visit.number if record.visit else Decimal(0)
    scan = Scan(Assessment(label, scan_date.of(day), measurements), label, str(number), Decimal(number))
    return Seen(record, head, day, scan, by_name)


def _blank_reason(record: FormRecord, name: str) -> str:
    prefix = f"lesions/{name}/"
    return next((why for path, why in record.blank_reasons.items() if path.startswith(prefix)), "")
