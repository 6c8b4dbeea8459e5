"""What the page of an assessment shows beside its fields: earlier scans, sums, and the system beside the evaluator."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from apps.tumor.models import Lesion, LesionMeasurement, LesionState, ResponseChange
from apps.tumor.series import Seen, Series, diameter_of, series
from apps.visits.models import FormRecord
from clinical.recist.assessment import Evaluation, in_words, percent_change

EMPTY = "–"


@dataclass(frozen=True)
class Column:
    """One scan of the grid."""

    title: str
    day: str
    record_id: int


@dataclass(frozen=True)
class Footer:
    """One line below the lesions: what it is called, its value at each earlier scan, and now."""

    code: str
    title: str
    earlier: tuple[str, ...]
    now: str


@dataclass(frozen=True)
class Compared:
    """One response: the system's beside the evaluator's."""

    title: str
    system: str
    stated: str

    @property
    def differs(self) -> bool:
        return bool(self.stated) and self.stated != self.system


@dataclass(frozen=True)
class Grid:
    """Everything derived for the page of one assessment."""

    columns: tuple[Column, ...]
    cells: Mapping[str, tuple[str, ...]]
    places: Mapping[str, str]
    footers: tuple[Footer, ...]
    compared: tuple[Compared, ...]
    rule: str
    immune: str
    immune_rule: str
    is_baseline: bool
    flipped: tuple[str, ...]
    evaluator: str


def of(record: FormRecord) -> Grid:
    """The grid of a stored assessment."""
    head = record.tumorassessment
    definition = record.protocol_version.definition
    title = next((each.title for each in definition.evaluators if each.code == head.evaluator), "Evaluator")
    derived = series(record.subject, head.evaluator) if head.evaluator else None
    mine = None if derived is None else next((s for s in derived.in_order if s.record.pk == record.pk), None)
    if derived is None:
        return Grid((), {}, {}, (), (), "", "", "", False, (), title)
    earlier = _earlier(derived, record, mine)
    evaluation, immune, immune_rule = None, "", ""
    if mine is not None and mine in derived.follow_ups:
        place = derived.follow_ups.index(mine)
        evaluation = derived.evaluations[place]
        if derived.immune:
            immune, immune_rule = derived.immune[place].overall.value, derived.immune[place].rule
    lesions = [lesion.lesion_id or "" for lesion in derived.lesions]
    return Grid(
        columns=tuple(Column(each.scan.visit, str(each.date), each.record.pk) for each in earlier),
        cells={name: tuple(_cell(each.lines.get(name)) for each in earlier) for name in lesions},
        places={lesion.lesion_id or "": _place(lesion) for lesion in derived.lesions},
        footers=_footers(derived, earlier, mine),
        compared=_compared(evaluation, mine),
        rule="" if evaluation is None else evaluation.rule,
        immune=immune,
        immune_rule=immune_rule,
        is_baseline=mine is not None and mine in derived.baseline,
        flipped=_flipped(record),
        evaluator=title,
    )


def _earlier(derived: Series, record: FormRecord, mine: Seen | None) -> list[Seen]:
    """Baseline and the scans before this one; all others while this one has no place in time yet."""
    if mine is None:
        return [each for each in derived.in_order if each.record.pk != record.pk]
    return list(derived.in_order[: derived.in_order.index(mine)])


def _place(lesion: Lesion) -> str:
    """ "target, liver, right"."""
    words = (lesion.get_kind_display(), lesion.get_location_display(), lesion.get_laterality_display())
    return ", ".join(str(word).lower() for word in words if word)


def _cell(line: LesionMeasurement | None) -> str:
    if line is None:
        return EMPTY
    mm = diameter_of(line)
    state = "" if line.state is None else LesionState(line.state).label
    if mm is not None:
        return f"{mm:f} mm" + (f", {state.lower()}" if state else "")
    return str(state) or EMPTY


def _footers(derived: Series, earlier: list[Seen], mine: Seen | None) -> tuple[Footer, ...]:
    scans = [*earlier, *([mine] if mine is not None else [])]
    lines = [_numbers(derived, each) for each in scans]
    titles = (
        ("sum", "Sum of diameters"),
        ("baseline", "% from baseline"),
        ("nadir", "Nadir before"),
        ("growth", "% and mm from nadir"),
        ("response", "Overall (system)"),
    )
    footers = []
    for place, (code, title) in enumerate(titles):
        values = [line[place] for line in lines]
        now = values.pop() if mine is not None else EMPTY
        footers.append(Footer(code, title, tuple(values), now))
    return tuple(footers)


def _numbers(derived: Series, seen: Seen) -> tuple[str, str, str, str, str]:
    if seen in derived.baseline:
        total = derived.sum_at(seen)
        return (EMPTY if total is None else f"{in_words(total)} mm", EMPTY, EMPTY, EMPTY, "Baseline")
    one = derived.evaluations[derived.follow_ups.index(seen)]
    total_words = EMPTY if one.sum_mm is None else f"{in_words(one.sum_mm)} mm"
    if one.sum_mm is not None and not one.is_complete:
        total_words += " (incomplete)"
    return (
        total_words,
        _signed(one.change_baseline_pct, "%"),
        EMPTY if one.nadir_mm is None else f"{in_words(one.nadir_mm)} mm, {one.nadir_visit}",
        EMPTY
        if one.change_nadir_mm is None
        else f"{_signed(percent_change(one.sum_mm, since=one.nadir_mm), '%')} and {_signed(one.change_nadir_mm, 'mm')}",
        one.overall.value,
    )


def _signed(value: Decimal | None, unit: str) -> str:
    if value is None:
        return EMPTY
    words = in_words(abs(value))
    sign = "" if words == "0" else "+" if value > 0 else "\N{MINUS SIGN}"
    return f"{sign}{words} {unit}"


def _compared(evaluation: Evaluation | None, mine: Seen | None) -> tuple[Compared, ...]:
    if evaluation is None or mine is None:
        return ()
    head = mine.head
    return (
        Compared("Target lesions", evaluation.target.value, head.target_response or ""),
        Compared("Non-target lesions", evaluation.non_target.value, head.non_target_response or ""),
        Compared("New lesions", evaluation.new_lesion.value, head.new_lesions or ""),
        Compared("Overall response", evaluation.overall.value, head.overall_response or ""),
    )


def _flipped(record: FormRecord) -> tuple[str, ...]:
    """The responses at other scans that corrections on this page turned over, newest first."""
    changes = ResponseChange.objects.filter(caused_by=record).select_related("record__visit").order_by("-pk")[:10]
    return tuple(
        f"{change.record.visit.code if change.record.visit else 'Scan'}: {change.old} became {change.new}"
        for change in changes
    )
