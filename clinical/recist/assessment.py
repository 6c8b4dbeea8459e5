"""One tumor assessment by RECIST 1.1, and the series of them for one evaluator.

An evaluator's disease at baseline and where it stands after the assessments so far go in; the responses, the sums
and the rule in words come out. The order of lesions never matters. The order of assessments does: growth is judged
against the smallest complete sum so far.

Source: RECIST 1.1 (Eisenhauer 2009), section 4; the RECIST working group's questions and answers (EORTC) for lesions
that reappear and for responses that continue.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal

from clinical.recist.lesions import Assessment, Kind, Lesion, Measurement, State, counted_mm
from clinical.recist.responses import NewLesion, Response, has_progressed, overall_response, target_response
from clinical.recist.scan_date import ScanDate
from clinical.recist.settings import Settings

ZERO, HUNDRED, TENTH = Decimal(0), Decimal(100), Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Disease:
    """What one evaluator found at baseline: the lesions followed from then on, and the sum all is compared with."""

    targets: tuple[Lesion, ...]
    non_targets: tuple[Lesion, ...]
    new: tuple[Lesion, ...]
    fragments: tuple[Lesion, ...]
    baseline_mm: Decimal | None
    """The sum of the targets' diameters at baseline; none where there is no target."""
    visit: str
    date: ScanDate
    settings: Settings


@dataclass(frozen=True, slots=True)
class Standing:
    """What the assessments so far mean for the next one."""

    nadir_mm: Decimal | None
    nadir_visit: str
    is_in_complete_response: bool = False
    holds_partial_response: bool = False
    fragments_seen: frozenset[str] = frozenset()
    equivocal_since: tuple[tuple[str, ScanDate], ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The responses at one assessment, the numbers they rest on, and the rule in words."""

    visit: str
    date: ScanDate
    target: Response
    non_target: Response
    new_lesion: NewLesion
    overall: Response
    rule: str
    sum_mm: Decimal | None
    """The sum of the targets measured at this assessment; not comparable unless `is_complete`."""
    is_complete: bool
    """Whether every target was evaluated."""
    baseline_mm: Decimal | None
    nadir_mm: Decimal | None
    """The smallest complete sum before this assessment, baseline included."""
    nadir_visit: str
    not_evaluated: tuple[str, ...] = ()
    """Baseline lesions that nothing can be said about, by name."""
    new_lesions: tuple[str, ...] = ()
    """Unequivocal new lesions seen at this assessment, by name."""
    came_back: tuple[str, ...] = ()
    """Non-target lesions seen again after an overall complete response, by name."""
    progressed_on: ScanDate | None = None
    """The date from which a progression counts; earlier than the scan where a new lesion was equivocal before."""

    @property
    def change_baseline_mm(self) -> Decimal | None:
        return _difference(self.sum_mm, self.baseline_mm)

    @property
    def change_baseline_pct(self) -> Decimal | None:
        return percent_change(self.sum_mm, since=self.baseline_mm)

    @property
    def change_nadir_mm(self) -> Decimal | None:
        return _difference(self.sum_mm, self.nadir_mm)

    @property
    def change_nadir_pct(self) -> Decimal | None:
        return percent_change(self.sum_mm, since=self.nadir_mm)


def _difference(now: Decimal | None, then: Decimal | None) -> Decimal | None:
    return None if now is None or then is None else now - then


def percent_change(now: Decimal | None, *, since: Decimal | None) -> Decimal | None:
    """The change of a sum in percent; none from an unknown sum or from 0 mm, of which nothing is a percentage."""
    return None if now is None or not since else (now - since) * HUNDRED / since


def disease_at_baseline(lesions: Iterable[Lesion], baseline: Assessment, settings: Settings) -> Disease:
    """What is followed from baseline on, and the baseline sum.

    A target without a diameter at baseline, or of 0 mm, cannot be compared with anything and is left out of every sum;
    `baseline_findings` says so. A lesion with a `parent` is a fragment: what it measures counts for its parent.
    """
    ordered = sorted(lesions, key=lambda lesion: lesion.name)
    names = {lesion.name for lesion in ordered}
    if len(names) < len(ordered):
        raise ValueError("two lesions of one evaluator have the same name")
    if unknown := sorted(lesion.parent for lesion in ordered if lesion.parent and lesion.parent not in names):
        raise ValueError(f"{', '.join(unknown)}: lesions broke off this one, and it is not among the lesions")
    targets = []
    total = ZERO
    for lesion in ordered:
        if lesion.kind is Kind.TARGET and not lesion.parent:
            seen = baseline.by_lesion.get(lesion.name)
            if seen is not None and seen.mm:
                targets.append(lesion)
                total += seen.mm
    return Disease(
        targets=tuple(targets),
        non_targets=tuple(lesion for lesion in ordered if lesion.kind is Kind.NON_TARGET and not lesion.parent),
        new=tuple(lesion for lesion in ordered if lesion.kind is Kind.NEW),
        fragments=tuple(lesion for lesion in ordered if lesion.parent),
        baseline_mm=total if targets else None,
        visit=baseline.visit,
        date=baseline.date,
        settings=settings,
    )


def standing_at_baseline(disease: Disease) -> Standing:
    """Before the first assessment the nadir is the baseline."""
    return Standing(nadir_mm=disease.baseline_mm, nadir_visit=disease.visit)


def derive_series(
    lesions: Iterable[Lesion], baseline: Assessment, assessments: Sequence[Assessment], settings: Settings
) -> tuple[Evaluation, ...]:
    """Every assessment of one evaluator, in the order they took place, by RECIST 1.1.

    The nadir rises for nobody: a scan on which a target was not evaluated has no complete sum and cannot become it.
    """
    disease = disease_at_baseline(lesions, baseline, settings)
    standing = standing_at_baseline(disease)
    series = []
    for assessment in assessments:
        evaluation = derive_assessment(disease, standing, assessment)
        standing = standing_after(disease, standing, assessment, evaluation)
        series.append(evaluation)
    return tuple(series)


def derive_assessment(disease: Disease, standing: Standing, assessment: Assessment) -> Evaluation:
    """The responses at one assessment by RECIST 1.1, with the rule in words.

    Every baseline lesion must be accounted for. A target that nothing is said about makes the sum incomplete and the
    response not evaluable, unless the others alone have grown enough for progression.
    """
    targets = _Targets.of(disease, standing, assessment)
    target, target_rule = _judge_targets(disease, standing, targets)
    non_target, non_target_rule, there, unseen = _judge_non_targets(disease, assessment)
    new_lesion, seen_new = _judge_new_lesions(disease, assessment)
    overall = overall_response(target=target, non_target=non_target, new_lesion=new_lesion)
    came_back = _came_back(disease, standing, there)
    if came_back:
        overall = Response.PD
    return Evaluation(
        visit=assessment.visit,
        date=assessment.date,
        target=target,
        non_target=non_target,
        new_lesion=new_lesion,
        overall=overall,
        rule=_overall_rule(overall, target, target_rule, non_target, non_target_rule, new_lesion, seen_new, came_back),
        sum_mm=targets.sum_mm,
        is_complete=targets.is_complete,
        baseline_mm=disease.baseline_mm,
        nadir_mm=standing.nadir_mm,
        nadir_visit=standing.nadir_visit,
        not_evaluated=tuple(sorted((*targets.unknown, *unseen))),
        new_lesions=seen_new if new_lesion is NewLesion.YES else (),
        came_back=came_back,
        progressed_on=_date_of_progression(disease, standing, assessment, target, non_target, seen_new)
        if overall is Response.PD
        else None,
    )


def standing_after(disease: Disease, standing: Standing, assessment: Assessment, evaluation: Evaluation) -> Standing:
    """Where the disease stands for the next assessment: nadir, responses held, fragments and doubtful lesions seen."""
    changes: dict[str, object] = {}
    if (
        evaluation.is_complete
        and evaluation.sum_mm is not None
        and standing.nadir_mm is not None
        and evaluation.sum_mm < standing.nadir_mm
    ):
        changes |= {"nadir_mm": evaluation.sum_mm, "nadir_visit": evaluation.visit}
    if evaluation.overall is Response.CR and not standing.is_in_complete_response:
        changes["is_in_complete_response"] = True
    holds = evaluation.target is Response.PR or (standing.holds_partial_response and evaluation.target is Response.NE)
    if evaluation.overall is Response.PD:
        holds = False
    if holds != standing.holds_partial_response:
        changes["holds_partial_response"] = holds
    if disease.fragments:
        seen = {lesion.name for lesion in disease.fragments if lesion.name in assessment.by_lesion}
        changes["fragments_seen"] = standing.fragments_seen | seen
    if disease.new:
        known = dict(standing.equivocal_since)
        for lesion in disease.new:
            found = assessment.by_lesion.get(lesion.name)
            if found is not None and found.state is State.EQUIVOCAL:
                known.setdefault(lesion.name, assessment.date)
        changes["equivocal_since"] = tuple(sorted(known.items(), key=lambda pair: pair[0]))
    return replace(standing, **changes) if changes else standing  # type: ignore[arg-type]  # names are fields above


# ---------------------------------------------------------------------------------------------------------------
# Targets


@dataclass(frozen=True, slots=True)
class _Targets:
    """The targets of one assessment added up, and which of them is unknown or still there."""

    sum_mm: Decimal | None
    is_complete: bool
    unknown: tuple[str, ...]
    why_unknown: tuple[str, ...]
    remaining: tuple[str, ...]
    """Targets still there: a node from 10 mm on, any other lesion that is not gone."""
    is_all_gone: bool

    @classmethod
    def of(cls, disease: Disease, standing: Standing, assessment: Assessment) -> "_Targets":
        settings, seen = disease.settings, assessment.by_lesion
        total, known = ZERO, False
        unknown, why, remaining = [], [], []
        all_gone = True
        for lesion in disease.targets:
            found = seen.get(lesion.name)
            mm = counted_mm(found, settings)
            is_there = mm is not None and (mm >= settings.pathological_node_mm if lesion.is_node else mm > 0)
            for fragment in disease.fragments:
                if fragment.parent != lesion.name:
                    continue
                part = seen.get(fragment.name)
                if part is None and fragment.name not in standing.fragments_seen:
                    continue
                part_mm = counted_mm(part, settings)
                if part_mm is None:
                    unknown.append(fragment.name)
                    why.append(_why_unknown(fragment.name, part))
                    continue
                # The parent need not be measured beside the pieces it fell into.
                mm = part_mm if mm is None else mm + part_mm
                is_there |= part_mm >= settings.pathological_node_mm if fragment.is_node else part_mm > 0
            if mm is None:
                unknown.append(lesion.name)
                why.append(_why_unknown(lesion.name, found))
                continue
            known = True
            total += mm
            if mm:
                all_gone = False
            if is_there:
                remaining.append(lesion.name)
        return cls(
            sum_mm=total if known else None,
            is_complete=bool(disease.targets) and not unknown,
            unknown=tuple(unknown),
            why_unknown=tuple(why),
            remaining=tuple(remaining),
            is_all_gone=all_gone,
        )


def _judge_targets(disease: Disease, standing: Standing, targets: _Targets) -> tuple[Response, str]:
    baseline, nadir, settings = disease.baseline_mm, standing.nadir_mm, disease.settings
    if baseline is None or nadir is None:
        return Response.NONE, "no target lesion"
    current = targets.sum_mm
    if targets.is_complete and not targets.remaining:
        # Before growth is looked at: nodes that grow and stay normal are no disease, whatever their sum does.
        gone = "every target lesion is gone" if targets.is_all_gone else _normal_nodes(settings)
        return Response.CR, gone
    if current is not None and has_progressed(nadir=nadir, current=current):
        grown = f"{_growth(current, nadir)} from nadir {in_words(nadir)} mm, {standing.nadir_visit}"
        if not targets.is_complete:
            grown += f", although {', '.join(targets.why_unknown)}"
        return Response.PD, grown
    if standing.is_in_complete_response and targets.remaining and settings.reappearance_after_cr_is_pd:
        return Response.PD, f"{', '.join(targets.remaining)} seen again after complete response"
    if not targets.is_complete or current is None:
        return Response.NE, f"target lesions not all evaluated ({', '.join(targets.why_unknown)})"
    response = target_response(baseline=baseline, nadir=nadir, current=current, resolved=False)
    shrunk = f"{_percent(current, baseline)} from baseline {in_words(baseline)} mm"
    if response is Response.PR:
        return response, shrunk
    if settings.pr_until_pd and standing.holds_partial_response:
        return Response.PR, f"partial response continues: {shrunk}, {_growth(current, nadir)} from nadir"
    return Response.SD, (f"{shrunk}, {_growth(current, nadir)} from nadir {in_words(nadir)} mm, {standing.nadir_visit}")


def _normal_nodes(settings: Settings) -> str:
    return f"every target lesion is gone, nodes below {settings.pathological_node_mm} mm"


def _why_unknown(name: str, seen: Measurement | None) -> str:
    if seen is None:
        return f"{name} has no entry"
    state = "was seen and not measured" if seen.state.was_evaluated else f"is {seen.state}"
    return f"{name} {state}" + (f": {seen.reason}" if seen.reason else "")


# ---------------------------------------------------------------------------------------------------------------
# Non-targets and new lesions


def _judge_non_targets(disease: Disease, assessment: Assessment) -> tuple[Response, str, list[str], list[str]]:
    """The non-target response: one unequivocal progression decides, then one lesion still there, then the unseen.

    The lesions still there and the unseen follow it, by name.
    """
    if not disease.non_targets:
        return Response.NONE, "no non-target lesion", [], []
    settings, seen = disease.settings, assessment.by_lesion
    progressed, there, unseen, why = [], [], [], []
    for lesion in disease.non_targets:
        found = seen.get(lesion.name)
        if found is None or not found.state.was_evaluated:
            unseen.append(lesion.name)
            why.append(_why_unknown(lesion.name, found))
        elif found.state in (State.PROGRESSED, State.PROGRESSED_FURTHER):
            progressed.append(lesion.name)
        elif found.is_gone or (lesion.is_node and found.mm is not None and found.mm < settings.pathological_node_mm):
            continue
        else:
            there.append(lesion.name)
    if progressed:
        return Response.PD, f"unequivocal progression of non-target {', '.join(progressed)}", there, unseen
    if there:
        return Response.NON_CR_NON_PD, f"non-target {', '.join(there)} still there", there, unseen
    if unseen:
        return Response.NE, f"non-target lesions not all evaluated ({', '.join(why)})", there, unseen
    return Response.CR, "every non-target lesion is gone", there, unseen


def _came_back(disease: Disease, standing: Standing, there: list[str]) -> tuple[str, ...]:
    """Non-target lesions seen again after an overall complete response: disease that came back has progressed.

    The non-target response itself stays what the lesions are; the overall response is PD (RECIST 1.1, table 3: any
    disease after a true complete response).
    """
    if standing.is_in_complete_response and disease.settings.reappearance_after_cr_is_pd:
        return tuple(there)
    return ()


def _judge_new_lesions(disease: Disease, assessment: Assessment) -> tuple[NewLesion, tuple[str, ...]]:
    seen: list[str] = []
    doubtful: list[str] = []
    for lesion in disease.new:
        found = assessment.by_lesion.get(lesion.name)
        if found is None or not is_disease(lesion, found, disease.settings):
            continue
        (doubtful if found.state is State.EQUIVOCAL else seen).append(lesion.name)
    if seen:
        return NewLesion.YES, tuple(seen)
    return (NewLesion.EQUIVOCAL, tuple(doubtful)) if doubtful else (NewLesion.NO, ())


def is_disease(lesion: Lesion, seen: Measurement, settings: Settings) -> bool:
    """Whether what was seen is a lesion at all: evaluated, not gone, and a node only from 10 mm short axis on."""
    if not seen.state.was_evaluated or seen.is_gone:
        return False
    return not (lesion.is_node and seen.mm is not None and seen.mm < settings.pathological_node_mm)


def _date_of_progression(
    disease: Disease,
    standing: Standing,
    assessment: Assessment,
    target: Response,
    non_target: Response,
    seen_new: tuple[str, ...],
) -> ScanDate:
    """The scan itself, or the first sight of a new lesion that was doubtful then (RECIST 1.1, 4.3.5)."""
    if disease.settings.date_new_lesion_from_first_sight:
        known = dict(standing.equivocal_since)
        first_sights = [known[name] for name in seen_new if name in known]
        if first_sights:
            return min(first_sights, key=lambda day: (day.earliest, day.latest))
    return assessment.date


# ---------------------------------------------------------------------------------------------------------------
# Words


def _overall_rule(
    overall: Response,
    target: Response,
    target_rule: str,
    non_target: Response,
    non_target_rule: str,
    new_lesion: NewLesion,
    new_names: tuple[str, ...],
    came_back: tuple[str, ...],
) -> str:
    """The reason for the overall response: what decides, and nothing that does not."""
    if overall is Response.PD:
        reasons = [
            rule
            for is_progression, rule in (
                (target is Response.PD, target_rule),
                (non_target is Response.PD, non_target_rule),
                (bool(came_back), f"non-target {', '.join(came_back)} seen again after complete response"),
                (new_lesion is NewLesion.YES, f"new lesion {', '.join(new_names)}"),
            )
            if is_progression
        ]
        return f"PD: {'; '.join(reasons)}"
    if target is Response.NONE and non_target is Response.NONE:
        reasons = ["no lesion at baseline that could respond"]
    elif target is Response.NONE:
        reasons = [non_target_rule]
    elif target is Response.CR and non_target is not Response.NONE:
        reasons = [target_rule, non_target_rule]
    else:
        reasons = [target_rule]
    if new_lesion is NewLesion.EQUIVOCAL:
        reasons.append(f"new lesion {', '.join(new_names)} equivocal")
    return f"{overall}: {'; '.join(reasons)}"


def in_words(value: Decimal) -> str:
    """A measurement to one decimal, cut and not rounded: 19.96 % must not read as the 20 % it is not.

    >>> in_words(Decimal("19.96")), in_words(Decimal("70.00"))
    ('19.9', '70')
    """
    return f"{value.quantize(TENTH, rounding=ROUND_DOWN):f}".removesuffix(".0")


def _signed(value: Decimal) -> str:
    text = in_words(abs(value))
    return text if text == "0" else ("+" if value > 0 else "−") + text


def _percent(now: Decimal, then: Decimal) -> str:
    change = percent_change(now, since=then)
    return f"{_signed(now - then)} mm" if change is None else f"{_signed(change)} %"


def _growth(now: Decimal, then: Decimal) -> str:
    change = percent_change(now, since=then)
    return f"{_signed(now - then)} mm" if change is None else f"{_signed(change)} % and {_signed(now - then)} mm"
