"""Response by iRECIST: progression under immunotherapy counts once a later scan confirms it.

Every assessment is first derived by RECIST 1.1. Its progression is unconfirmed (iUPD) until the next assessments,
4 weeks later or more, show further growth (iCPD), no change (iUPD again) or less tumor, which resets the bar: the
response is then assigned anew, and a later progression must again be confirmed.

Source: Seymour L et al., iRECIST: guidelines for response criteria for use in trials testing immunotherapeutics,
Lancet Oncol 2017;18:e143-e152, tables 2 and 3; the RECIST working group's questions and answers (EORTC): growth after
iUPD is additive over assessments, and new lesions that stay as they are do not forbid iSD or iPR once lesions known at
baseline have shrunk.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from clinical.recist import endpoints
from clinical.recist.assessment import (
    ZERO,
    Disease,
    Evaluation,
    derive_assessment,
    disease_at_baseline,
    in_words,
    is_disease,
    standing_after,
    standing_at_baseline,
)
from clinical.recist.endpoints import Endpoints, FollowUp, Timepoint
from clinical.recist.lesions import Assessment, Lesion, State
from clinical.recist.responses import NewLesion, Response, has_progressed, overall_response
from clinical.recist.scan_date import ScanDate
from clinical.recist.settings import Settings


class ImmuneResponse(StrEnum):
    """A response by iRECIST as it is written in a dataset (CDISC codelist ONCRSR)."""

    ICR = "iCR"
    IPR = "iPR"
    ISD = "iSD"
    NON_ICR_NON_IUPD = "NON-iCR/NON-iUPD"
    IUPD = "iUPD"
    ICPD = "iCPD"
    NE = "NE"
    ND = "ND"
    NA = "NA"
    NONE = "NONE"
    MISSING = "MISSING"


_IMMUNE = {
    Response.CR: ImmuneResponse.ICR,
    Response.PR: ImmuneResponse.IPR,
    Response.SD: ImmuneResponse.ISD,
    Response.NON_CR_NON_PD: ImmuneResponse.NON_ICR_NON_IUPD,
    Response.PD: ImmuneResponse.IUPD,
    Response.NE: ImmuneResponse.NE,
    Response.ND: ImmuneResponse.ND,
    Response.NA: ImmuneResponse.NA,
    Response.NONE: ImmuneResponse.NONE,
    Response.MISSING: ImmuneResponse.MISSING,
}
_PLAIN = {immune: plain for plain, immune in _IMMUNE.items()} | {ImmuneResponse.ICPD: Response.PD}

TARGETS, NON_TARGETS, NEW_LESIONS = "target lesions", "non-target lesions", "new lesions"
_BETTER_FIRST = (Response.CR, Response.PR, Response.SD, Response.NON_CR_NON_PD, Response.PD)


@dataclass(frozen=True, slots=True)
class ImmuneEvaluation:
    """The iRECIST responses at one assessment beside the RECIST 1.1 evaluation they start from.

    That evaluation has iRECIST's past: where a partial response continues until progression, one that iRECIST assigned
    after a reset does. For RECIST 1.1 in its own right see `assessment.derive_series`.
    """

    by_recist: Evaluation
    target: ImmuneResponse
    non_target: ImmuneResponse
    overall: ImmuneResponse
    rule: str
    new_lesion_mm: Decimal | None
    """The sum of the diameters of new lesions, kept apart from the sum of targets."""
    progressed_on: ScanDate | None
    """The iUPD that stands unconfirmed or that this assessment confirms: the date from which progression counts."""

    @property
    def visit(self) -> str:
        return self.by_recist.visit

    @property
    def date(self) -> ScanDate:
        return self.by_recist.date


@dataclass(frozen=True, slots=True)
class _Unconfirmed:
    """An iUPD that waits for confirmation, and the tumor as it was then."""

    evaluation: Evaluation
    where: frozenset[str]
    target_mm: Decimal | None
    """The sum of targets that growth counts from; none until one of the scans since was complete."""
    progressed_non_targets: frozenset[str]
    new_mm: Mapping[str, Decimal]
    new_names: frozenset[str]


@dataclass(frozen=True, slots=True)
class _ImmuneStanding:
    """What the assessments so far mean for the next one under iRECIST."""

    unconfirmed: _Unconfirmed | None = None
    confirmed_at: str = ""
    confirmed_from: ScanDate | None = None
    accepted_new: frozenset[str] = frozenset()
    """New lesions of an iUPD that was reset: they count again only when they progress themselves."""
    accepted_new_mm: Decimal | None = None


def derive_immune_series(
    lesions: Iterable[Lesion], baseline: Assessment, assessments: Sequence[Assessment], settings: Settings
) -> tuple[ImmuneEvaluation, ...]:
    """Every assessment of one evaluator, in the order they took place, by iRECIST.

    After iCPD the progression stays confirmed, whatever later scans show; the RECIST 1.1 evaluation beside it goes on.
    """
    disease = disease_at_baseline(lesions, baseline, settings)
    standing, immune = standing_at_baseline(disease), _ImmuneStanding()
    series = []
    for assessment in assessments:
        evaluation = derive_assessment(disease, standing, assessment)
        immune_evaluation, immune = _judge(disease, immune, assessment, evaluation)
        # Responses continue, and tumor reappears, after what iRECIST assigned: a progression that was reset is none.
        assigned = replace(evaluation, overall=_PLAIN[immune_evaluation.overall])
        standing = standing_after(disease, standing, assessment, assigned)
        series.append(immune_evaluation)
    return tuple(series)


def _judge(
    disease: Disease, standing: _ImmuneStanding, assessment: Assessment, evaluation: Evaluation
) -> tuple[ImmuneEvaluation, _ImmuneStanding]:
    settings = disease.settings
    new_mm = _diameters_of_new(disease, assessment)
    if standing.confirmed_from is not None:
        rule = f"iCPD: progression was confirmed at {standing.confirmed_at}"
        return _immune(evaluation, ImmuneResponse.ICPD, rule, new_mm, standing.confirmed_from), standing
    waiting = standing.unconfirmed
    if waiting is not None and settings.icpd_to_days is not None:
        since = waiting.evaluation.date
        if evaluation.date.is_at_least(settings.icpd_to_days + 1, after=since):
            # Too late to say anything about that iUPD: what is seen now stands for itself.
            waiting = None
            standing = replace(standing, unconfirmed=None)
    if waiting is None:
        return _judge_afresh(disease, standing, assessment, evaluation, new_mm)
    return _judge_waiting(disease, standing, waiting, assessment, evaluation, new_mm)


def _judge_afresh(
    disease: Disease,
    standing: _ImmuneStanding,
    assessment: Assessment,
    evaluation: Evaluation,
    new_mm: Mapping[str, Decimal],
) -> tuple[ImmuneEvaluation, _ImmuneStanding]:
    """No iUPD stands: progression by RECIST 1.1 begins one, anything else is assigned as it is."""
    fresh = frozenset(evaluation.new_lesions) - standing.accepted_new
    regrown = _accepted_have_regrown(disease, standing, assessment, new_mm)
    where = {
        place
        for place, is_progression in (
            (TARGETS, evaluation.target is Response.PD),
            (NON_TARGETS, evaluation.non_target is Response.PD or bool(evaluation.came_back)),
            (NEW_LESIONS, bool(fresh) or regrown),
        )
        if is_progression
    }
    if where:
        waiting = _Unconfirmed(
            evaluation=evaluation,
            where=frozenset(where),
            target_mm=evaluation.sum_mm if evaluation.is_complete else None,
            progressed_non_targets=_progressed(disease, assessment),
            new_mm=new_mm,
            new_names=frozenset(evaluation.new_lesions),
        )
        reasons = evaluation.rule.removeprefix("PD: ")
        rule = f"iUPD: {reasons}"
        return (
            _immune(evaluation, ImmuneResponse.IUPD, rule, new_mm, evaluation.progressed_on or evaluation.date),
            replace(standing, unconfirmed=waiting),
        )
    return _assigned(disease, standing, evaluation, new_mm, note="")


def _judge_waiting(
    disease: Disease,
    standing: _ImmuneStanding,
    waiting: _Unconfirmed,
    assessment: Assessment,
    evaluation: Evaluation,
    new_mm: Mapping[str, Decimal],
) -> tuple[ImmuneEvaluation, _ImmuneStanding]:
    """An iUPD stands: further growth confirms it, no change leaves it, less tumor resets it (Seymour 2017, table 2)."""
    settings = disease.settings
    since = waiting.evaluation
    counts_from = since.progressed_on or since.date
    growth = _further_growth(disease, standing, waiting, assessment, evaluation, new_mm)
    if growth:
        if evaluation.date.is_at_least(settings.icpd_from_days, after=since.date):
            rule = f"iCPD: {'; '.join(growth.values())}, after iUPD at {since.visit}"
            confirmed = _immune(
                evaluation, ImmuneResponse.ICPD, rule, new_mm, counts_from, confirmed_in=frozenset(growth)
            )
            return confirmed, replace(standing, confirmed_at=evaluation.visit, confirmed_from=counts_from)
        rule = (
            f"iUPD: {'; '.join(growth.values())}, "
            f"but less than {settings.icpd_from_days} days after iUPD at {since.visit}"
        )
        return _immune(evaluation, ImmuneResponse.IUPD, rule, new_mm, counts_from), standing
    new_still_there = waiting.new_names & frozenset(evaluation.new_lesions)
    still_progressed = Response.PD in (evaluation.target, evaluation.non_target) or bool(evaluation.came_back)
    if still_progressed or (new_still_there and not _has_improved(since, evaluation)):
        rule = f"iUPD: no further growth since {since.visit}"
        # What was not measured at the iUPD is compared with its first measurement since.
        target_mm = waiting.target_mm
        if target_mm is None and evaluation.is_complete:
            target_mm = evaluation.sum_mm
        waiting = replace(waiting, target_mm=target_mm, new_mm={**new_mm, **waiting.new_mm})
        remains = _immune(evaluation, ImmuneResponse.IUPD, rule, new_mm, counts_from)
        return remains, replace(standing, unconfirmed=waiting)
    if _without_new_lesions(evaluation) is Response.NE or _cannot_refute(disease, waiting, assessment, evaluation):
        rule = f"NE: {evaluation.rule.partition(': ')[2]}; iUPD at {since.visit} is neither confirmed nor refuted"
        return _immune(evaluation, ImmuneResponse.NE, rule, new_mm, counts_from), standing
    reset = replace(
        standing,
        unconfirmed=None,
        accepted_new=standing.accepted_new | waiting.new_names,
    )
    return _assigned(disease, reset, evaluation, new_mm, note=f"; iUPD at {since.visit} not confirmed")


def _assigned(
    disease: Disease,
    standing: _ImmuneStanding,
    evaluation: Evaluation,
    new_mm: Mapping[str, Decimal],
    *,
    note: str,
) -> tuple[ImmuneEvaluation, _ImmuneStanding]:
    plain = _without_new_lesions(evaluation)
    if plain is Response.CR and evaluation.new_lesions:
        plain = Response.PR
        note += f"; new lesion {', '.join(evaluation.new_lesions)} still there"
    overall = _IMMUNE[plain]
    reason = (
        evaluation.rule.partition(": ")[2]
        if evaluation.overall is not Response.PD
        else f"target lesions {_IMMUNE[evaluation.target]}, non-target lesions {_IMMUNE[evaluation.non_target]}"
    )
    accepted = sum((new_mm[name] for name in standing.accepted_new if name in new_mm), ZERO)
    if standing.accepted_new and (standing.accepted_new_mm is None or accepted < standing.accepted_new_mm):
        standing = replace(standing, accepted_new_mm=accepted)
    return _immune(evaluation, overall, f"{overall}: {reason}{note}", new_mm, None), standing


def _without_new_lesions(evaluation: Evaluation) -> Response:
    return overall_response(target=evaluation.target, non_target=evaluation.non_target, new_lesion=NewLesion.NO)


def _cannot_refute(disease: Disease, waiting: _Unconfirmed, assessment: Assessment, evaluation: Evaluation) -> bool:
    """Whether what made the iUPD could not be evaluated this time, so that nothing says it has gone back."""
    if NON_TARGETS in waiting.where and evaluation.non_target is Response.NE:
        return True
    seen = [assessment.by_lesion.get(name) for name in waiting.new_names]
    return NEW_LESIONS in waiting.where and any(one is not None and not one.state.was_evaluated for one in seen)


def _has_improved(since: Evaluation, now: Evaluation) -> bool:
    """Whether lesions known at baseline answer better than they did at the iUPD, so that the bar is reset."""
    better = [
        _BETTER_FIRST.index(new) < _BETTER_FIRST.index(old)
        for old, new in ((since.target, now.target), (since.non_target, now.non_target))
        if old in _BETTER_FIRST and new in _BETTER_FIRST
    ]
    return any(better)


def _further_growth(
    disease: Disease,
    standing: _ImmuneStanding,
    waiting: _Unconfirmed,
    assessment: Assessment,
    evaluation: Evaluation,
    new_mm: Mapping[str, Decimal],
) -> dict[str, str]:
    """What confirms the iUPD, by kind of lesion.

    Where progression was seen already, growth since then is enough: 5 mm in a sum, any increase where nothing is
    measured, one more new lesion. Elsewhere progression by RECIST 1.1 is asked for. Growth counts from the iUPD, so
    4 mm at one scan and 2 mm at the next add up.
    """
    settings = disease.settings
    growth: dict[str, str] = {}
    if evaluation.target is Response.PD:
        if TARGETS not in waiting.where:
            growth[TARGETS] = "target lesions progressed as well"
        elif evaluation.sum_mm is not None and waiting.target_mm is not None:
            further = evaluation.sum_mm - waiting.target_mm
            if further >= settings.icpd_growth_mm:
                growth[TARGETS] = f"+{in_words(further)} mm in target lesions"
    grown_non_targets = _grown_non_targets(disease, waiting, assessment)
    if NON_TARGETS in waiting.where and grown_non_targets:
        growth[NON_TARGETS] = f"further increase of non-target {', '.join(grown_non_targets)}"
    elif NON_TARGETS not in waiting.where and evaluation.non_target is Response.PD:
        growth[NON_TARGETS] = "non-target lesions progressed as well"
    known = standing.accepted_new | waiting.new_names
    fresh = sorted(frozenset(evaluation.new_lesions) - known)
    if fresh:
        growth[NEW_LESIONS] = f"new lesion {', '.join(fresh)}"
    else:
        further = sum((new_mm[name] - mm for name, mm in waiting.new_mm.items() if name in new_mm), ZERO)
        increased = _increased_new(disease, assessment)
        if further >= settings.icpd_growth_mm:
            growth[NEW_LESIONS] = f"+{in_words(further)} mm in new lesions"
        elif increased:
            growth[NEW_LESIONS] = f"further increase of new lesion {', '.join(increased)}"
    return growth


def _progressed(disease: Disease, assessment: Assessment) -> frozenset[str]:
    states = {lesion.name: assessment.by_lesion.get(lesion.name) for lesion in disease.non_targets}
    progression = (State.PROGRESSED, State.PROGRESSED_FURTHER)
    return frozenset(name for name, seen in states.items() if seen is not None and seen.state in progression)


def _grown_non_targets(disease: Disease, waiting: _Unconfirmed, assessment: Assessment) -> list[str]:
    grown = {State.INCREASED, State.PROGRESSED_FURTHER}
    if disease.settings.repeated_progression_of_non_target_confirms:
        grown.add(State.PROGRESSED)
    names = []
    for lesion in disease.non_targets:
        seen = assessment.by_lesion.get(lesion.name)
        if seen is None:
            continue
        is_newly_progressed = seen.state is State.PROGRESSED and lesion.name not in waiting.progressed_non_targets
        if seen.state in grown or is_newly_progressed:
            names.append(lesion.name)
    return names


def _increased_new(disease: Disease, assessment: Assessment) -> list[str]:
    grown = (State.INCREASED, State.PROGRESSED, State.PROGRESSED_FURTHER)
    states = {lesion.name: assessment.by_lesion.get(lesion.name) for lesion in disease.new}
    return [name for name, seen in states.items() if seen is not None and seen.state in grown]


def _diameters_of_new(disease: Disease, assessment: Assessment) -> dict[str, Decimal]:
    diameters = {}
    for lesion in disease.new:
        seen = assessment.by_lesion.get(lesion.name)
        if seen is not None and seen.mm is not None and is_disease(lesion, seen, disease.settings):
            diameters[lesion.name] = seen.mm
    return diameters


def _accepted_have_regrown(
    disease: Disease, standing: _ImmuneStanding, assessment: Assessment, new_mm: Mapping[str, Decimal]
) -> bool:
    """Whether new lesions of an iUPD that was reset progress by RECIST 1.1 on their own."""
    if not standing.accepted_new:
        return False
    now = sum((new_mm[name] for name in standing.accepted_new if name in new_mm), ZERO)
    smallest = standing.accepted_new_mm
    if smallest is not None and has_progressed(nadir=smallest, current=now):
        return True
    return any(name in standing.accepted_new for name in _increased_new(disease, assessment))


def _immune(
    evaluation: Evaluation,
    overall: ImmuneResponse,
    rule: str,
    new_mm: Mapping[str, Decimal],
    progressed_on: ScanDate | None,
    *,
    confirmed_in: frozenset[str] = frozenset(),
) -> ImmuneEvaluation:
    return ImmuneEvaluation(
        by_recist=evaluation,
        target=ImmuneResponse.ICPD if TARGETS in confirmed_in else _IMMUNE[evaluation.target],
        non_target=ImmuneResponse.ICPD if NON_TARGETS in confirmed_in else _IMMUNE[evaluation.non_target],
        overall=overall,
        rule=rule,
        new_lesion_mm=sum(new_mm.values(), ZERO) if new_mm else None,
        progressed_on=progressed_on,
    )


# ---------------------------------------------------------------------------------------------------------------
# Endpoints


@dataclass(frozen=True, slots=True)
class ImmuneTimepoint:
    """The overall iRECIST response at one assessment."""

    date: ScanDate
    response: ImmuneResponse
    visit: str = ""


@dataclass(frozen=True, slots=True)
class ImmuneBest:
    """A best overall response by iRECIST with the assessment that first showed it and the reason in words."""

    response: ImmuneResponse
    date: ScanDate | None
    visit: str
    reason: str


def immune_timepoints(series: Iterable[ImmuneEvaluation]) -> tuple[ImmuneTimepoint, ...]:
    """The overall responses of a derived series."""
    return tuple(ImmuneTimepoint(one.date, one.overall, one.visit) for one in series)


def immune_best_response(
    points: Sequence[ImmuneTimepoint],
    *,
    reference: ScanDate | None,
    settings: Settings,
    confirmed: bool = False,
    until: ScanDate | None = None,
) -> ImmuneBest:
    """The best overall response by iRECIST (Seymour 2017, table 3).

    Unlike in RECIST 1.1 an iUPD ends nothing: iPR after it is the best response. Only iCPD ends the count, and an iUPD
    that was never confirmed remains the best response where nothing else was seen.
    """
    counted = up_to_confirmed_progression(points)
    plain = [Timepoint(point.date, _PLAIN[point.response], point.visit) for point in counted]
    choose = endpoints.confirmed_best_response if confirmed else endpoints.best_response
    best = choose(plain, reference=reference, settings=settings, until=until)
    response = _IMMUNE[best.response]
    if response is ImmuneResponse.IUPD:
        confirming = next((point for point in counted if point.response is ImmuneResponse.ICPD), None)
        if confirming is not None and (until is None or not confirming.date.is_surely_after(until)):
            response = ImmuneResponse.ICPD
            where = f"{confirming.visit}, {confirming.date}" if confirming.visit else str(confirming.date)
            return ImmuneBest(response, confirming.date, confirming.visit, f"iCPD at {where} and nothing better")
    return ImmuneBest(response, best.date, best.visit, _in_immune_words(best.reason))


def _in_immune_words(reason: str) -> str:
    return " ".join(str(_IMMUNE[Response(word)]) if word in _WORDS else word for word in reason.split(" "))


_WORDS = frozenset(str(plain) for plain in (Response.CR, Response.PR, Response.SD, Response.NON_CR_NON_PD, Response.PD))


def up_to_confirmed_progression(points: Sequence[ImmuneTimepoint]) -> tuple[ImmuneTimepoint, ...]:
    """The assessments that count for best response: up to and including iCPD."""
    for place, point in enumerate(points, start=1):
        if point.response is ImmuneResponse.ICPD:
            return tuple(points[:place])
    return tuple(points)


def progression_date(series: Sequence[ImmuneEvaluation], settings: Settings) -> ScanDate | None:
    """When the disease progressed by iRECIST: at the iUPD that was confirmed, not at the scan that confirmed it.

    An iUPD that was reset is no progression. One that nothing followed is, unless the trial says otherwise: the
    subject left treatment with it.
    """
    for one in series:
        if one.overall is ImmuneResponse.ICPD:
            return one.progressed_on
    if settings.unconfirmed_progression_is_event and series:
        return series[-1].progressed_on
    return None


def derive_immune_endpoints(
    series: Sequence[ImmuneEvaluation], follow_up: FollowUp, settings: Settings
) -> tuple[ImmuneBest, ImmuneBest, Endpoints]:
    """Best response unconfirmed and confirmed, and the endpoints with iRECIST's progression.

    In the endpoints a response stands in its RECIST 1.1 letters: iPR as PR, iUPD and iCPD as PD.
    """
    until = follow_up.new_therapy if settings.censor_at_new_therapy else None
    points = immune_timepoints(series)
    plain = tuple(
        Timepoint(point.date, _PLAIN[point.response], point.visit) for point in up_to_confirmed_progression(points)
    )
    start = follow_up.start
    progression = progression_date(series, settings)
    response = endpoints.first_response(plain, until=until)
    confirmed = endpoints.first_confirmed_response(plain, settings=settings, until=until)
    counted = [one.by_recist for one in series[: len(plain)] if until is None or not one.date.is_surely_after(until)]
    result = Endpoints(
        best=endpoints.best_response(plain, reference=start, settings=settings, until=until),
        confirmed_best=endpoints.confirmed_best_response(plain, reference=start, settings=settings, until=until),
        response=response,
        confirmed_response=confirmed,
        benefit=endpoints.clinical_benefit(plain, reference=start, settings=settings, response=response, until=until),
        confirmed_benefit=endpoints.clinical_benefit(
            plain, reference=start, settings=settings, response=confirmed, until=until
        ),
        best_change=endpoints.best_change(counted, stop_at_progression=False),
        time_to_response=endpoints.time_to_response(response, follow_up=follow_up, settings=settings),
        duration_of_response=endpoints.duration_of_response(
            plain, response, progression=progression, follow_up=follow_up, settings=settings
        ),
        duration_of_confirmed_response=endpoints.duration_of_response(
            plain, confirmed, progression=progression, follow_up=follow_up, settings=settings
        ),
        progression_free_survival=endpoints.progression_free_survival(
            plain, progression=progression, follow_up=follow_up, settings=settings
        ),
        overall_survival=endpoints.overall_survival(follow_up, settings),
    )
    return (
        immune_best_response(points, reference=start, settings=settings, until=until),
        immune_best_response(points, reference=start, settings=settings, confirmed=True, until=until),
        result,
    )
