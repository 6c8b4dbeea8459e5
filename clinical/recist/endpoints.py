"""What the responses of one subject amount to: best overall response, response, benefit, and times to events.

Sources: RECIST 1.1 (Eisenhauer 2009), sections 4.6 to 4.8 and table 3; FDA guidance Clinical Trial Endpoints for the
Approval of Cancer Drugs and Biologics (2018), appendices on progression-free survival, for the reasons to censor.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from clinical.recist.assessment import Evaluation
from clinical.recist.responses import Response
from clinical.recist.scan_date import ScanDate
from clinical.recist.settings import Settings

BEST_FIRST = (
    Response.CR,
    Response.PR,
    Response.SD,
    Response.NON_CR_NON_PD,
    Response.PD,
    Response.NE,
    Response.ND,
    Response.NA,
    Response.MISSING,
)
_RANK = {response: rank for rank, response in enumerate(BEST_FIRST)}
_STABLE = frozenset({Response.SD, Response.NON_CR_NON_PD})
_UNKNOWN = frozenset({Response.NE, Response.ND, Response.NA, Response.MISSING})
_NOT_DONE = frozenset({Response.ND, Response.NA, Response.MISSING})


@dataclass(frozen=True, slots=True)
class Timepoint:
    """The overall response at one assessment, all that the endpoints need of it."""

    date: ScanDate
    response: Response
    visit: str = ""


@dataclass(frozen=True, slots=True)
class Best:
    """A best overall response with the assessment that first showed it and the reason in words."""

    response: Response
    date: ScanDate | None
    visit: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Yes or no, with the date and visit of the yes."""

    is_yes: bool
    date: ScanDate | None = None
    visit: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TimeToEvent:
    """From a start to an event, or to where the subject is censored and why. No days where a date is partial."""

    start: ScanDate
    end: ScanDate
    days: int | None
    is_event: bool
    reason: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What else is known of a subject: when the clock starts, and what ends or clouds the observation."""

    start: ScanDate
    """Randomization, first dose or infusion, as the trial says."""
    new_therapy: ScanDate | None = None
    died: ScanDate | None = None
    last_known_alive: ScanDate | None = None


@dataclass(frozen=True, slots=True)
class BestChange:
    """The largest shrinkage, or the smallest growth, of the sum of diameters from baseline."""

    percent: Decimal
    visit: str
    date: ScanDate


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Everything an efficacy table asks of one subject and one evaluator."""

    best: Best
    confirmed_best: Best
    response: Answer
    confirmed_response: Answer
    benefit: Answer
    confirmed_benefit: Answer
    best_change: BestChange | None
    time_to_response: TimeToEvent | None
    duration_of_response: TimeToEvent | None
    duration_of_confirmed_response: TimeToEvent | None
    progression_free_survival: TimeToEvent
    overall_survival: TimeToEvent | None


def timepoints(series: Iterable[Evaluation]) -> tuple[Timepoint, ...]:
    """The overall responses of a derived series."""
    return tuple(Timepoint(one.date, one.overall, one.visit) for one in series)


def up_to_progression(points: Sequence[Timepoint]) -> tuple[Timepoint, ...]:
    """The assessments that count for best response: up to and including the first progression (RECIST 1.1, 4.6)."""
    for place, point in enumerate(points, start=1):
        if point.response is Response.PD:
            return tuple(points[:place])
    return tuple(points)


def _counted(points: Sequence[Timepoint], until: ScanDate | None) -> list[Timepoint]:
    return [point for point in points if until is None or not point.date.is_surely_after(until)]


# ---------------------------------------------------------------------------------------------------------------
# Best overall response


def best_response(
    points: Sequence[Timepoint], *, reference: ScanDate | None, settings: Settings, until: ScanDate | None = None
) -> Best:
    """The best overall response where response need not be confirmed (RECIST 1.1, 4.6.1 and 4.6.2).

    Stable disease counts only from the minimum duration after the reference date on; seen earlier it proves nothing
    and is not evaluable. Assessments surely after `until`, usually the progression or a new therapy, do not count.
    """
    candidates = [
        (_as_stable(point, reference, settings) if point.response in _STABLE else _asked(point, settings), point)
        for point in _counted(points, until)
    ]
    return _best_of(candidates, settings)


def confirmed_best_response(
    points: Sequence[Timepoint], *, reference: ScanDate | None, settings: Settings, until: ScanDate | None = None
) -> Best:
    """The best overall response where response must be confirmed (RECIST 1.1, 4.6.2 and 4.7, table 3).

    A response that nobody confirmed is stable disease if it was seen after the minimum duration, and otherwise not
    evaluable unless progression followed. PR followed by CR confirms the PR; CR followed by PR confirms nothing.
    """
    counted = _counted(points, until)
    candidates: list[tuple[Response, Timepoint]] = []
    for place, point in enumerate(counted):
        if point.response in (Response.CR, Response.PR):
            confirmed = _confirming(counted, place, settings) is not None
            value = point.response if confirmed else _as_stable(point, reference, settings)
        elif point.response in _STABLE:
            value = _as_stable(point, reference, settings)
        else:
            value = _asked(point, settings)
        candidates.append((value, point))
    return _best_of(candidates, settings)


def _asked(point: Timepoint, settings: Settings) -> Response:
    if settings.missing_as_ne and point.response is Response.MISSING:
        return Response.NE
    return point.response


def _as_stable(point: Timepoint, reference: ScanDate | None, settings: Settings) -> Response:
    """What an assessment without progression is worth as stable disease."""
    if reference is not None and not point.date.is_at_least(settings.sd_days, after=reference):
        return Response.NE
    return Response.NON_CR_NON_PD if point.response is Response.NON_CR_NON_PD else Response.SD


def _best_of(candidates: Sequence[tuple[Response, Timepoint]], settings: Settings) -> Best:
    if not candidates:
        response = Response.NE if settings.missing_as_ne else Response.MISSING
        return Best(response, None, "", "no assessment after baseline counts")
    response, point = min(candidates, key=lambda pair: _RANK[pair[0]])
    if response in (Response.CR, Response.PR):
        reason = f"{response} at {_place(point)}"
    elif response is point.response is Response.SD or response is point.response is Response.NON_CR_NON_PD:
        reason = f"{response} at {_place(point)}, at least {settings.sd_days} days on"
    elif response is Response.SD:
        reason = f"{point.response} at {_place(point)} not confirmed, at least {settings.sd_days} days on"
    elif response is Response.NE and point.response is not Response.NE and point.response is not Response.MISSING:
        reason = f"{point.response} at {_place(point)} does not prove {settings.sd_days} days without progression"
    else:
        reason = f"{response} at {_place(point)} and nothing better"
    return Best(response, point.date, point.visit, reason)


def _place(point: Timepoint) -> str:
    return f"{point.visit}, {point.date}" if point.visit else str(point.date)


def _confirming(points: Sequence[Timepoint], place: int, settings: Settings) -> Timepoint | None:
    """The assessment that confirms the response at `place`, if one does.

    CR: CR again, nothing but CR and not evaluable between. PR: CR or PR again, between them also one stable disease
    where the trial tolerates it; but a PR that comes after a CR shows disease that came back and ends the search.
    """
    first = points[place]
    not_evaluable = stable = 0
    saw_complete = False
    for later in points[place + 1 :]:
        response = later.response
        if response is Response.NE or (response in _NOT_DONE and settings.missing_as_ne):
            not_evaluable += 1
            if not_evaluable > settings.max_ne:
                return None
        elif response is Response.CR or (response is Response.PR is first.response and not saw_complete):
            if later.date.is_at_least(settings.confirm_days, after=first.date):
                return later
            saw_complete |= response is Response.CR
        elif response is Response.SD and first.response is Response.PR and settings.accept_one_sd and not stable:
            stable = 1
        else:
            return None
    return None


# ---------------------------------------------------------------------------------------------------------------
# Response and clinical benefit


def first_response(points: Sequence[Timepoint], *, until: ScanDate | None = None) -> Answer:
    """Whether and when a complete or partial response was first seen, confirmed or not."""
    for point in _counted(points, until):
        if point.response in (Response.CR, Response.PR):
            return Answer(True, point.date, point.visit, f"{point.response} at {_place(point)}")
    return Answer(False, reason="no complete or partial response")


def first_confirmed_response(
    points: Sequence[Timepoint], *, settings: Settings, until: ScanDate | None = None
) -> Answer:
    """Whether a response was confirmed, and when it was first seen: not the date of the confirmation."""
    counted = _counted(points, until)
    for place, point in enumerate(counted):
        if point.response in (Response.CR, Response.PR):
            confirming = _confirming(counted, place, settings)
            if confirming is not None:
                reason = f"{point.response} at {_place(point)}, confirmed at {_place(confirming)}"
                return Answer(True, point.date, point.visit, reason)
    return Answer(False, reason="no complete or partial response was confirmed")


def clinical_benefit(
    points: Sequence[Timepoint],
    *,
    reference: ScanDate | None,
    settings: Settings,
    response: Answer | None = None,
    until: ScanDate | None = None,
) -> Answer:
    """Whether the disease responded, or was held for the minimum duration of stable disease.

    The date is the earlier of the two: of the response, and of the first assessment without progression that is late
    enough. A response counts at any time, stable disease only then.
    """
    held = next(
        (
            Answer(True, point.date, point.visit, f"{point.response} at {_place(point)}")
            for point in _counted(points, until)
            if point.response in settings.benefit
            and (reference is None or point.date.is_at_least(settings.sd_days, after=reference))
        ),
        None,
    )
    dated = [(one.date.earliest, one) for one in (response, held) if one is not None and one.is_yes and one.date]
    if not dated:
        return Answer(False, reason=f"no response and nothing held for {settings.sd_days} days")
    return min(dated, key=lambda pair: pair[0])[1]


# ---------------------------------------------------------------------------------------------------------------
# Times to events


def progression_free_survival(
    points: Sequence[Timepoint], *, progression: ScanDate | None, follow_up: FollowUp, settings: Settings
) -> TimeToEvent:
    """From the start to progression or death, whichever comes first, censored at the last evaluable assessment.

    An event found only after a new anticancer therapy began, or after several scans in a row were missed, says
    little about this treatment: where the protocol says so the subject is censored at the last evaluable assessment
    before. A subject never assessed and alive is censored on the first day, not dropped.
    """
    return _until_progression(follow_up.start, points, progression, follow_up, settings)


def duration_of_response(
    points: Sequence[Timepoint],
    response: Answer,
    *,
    progression: ScanDate | None,
    follow_up: FollowUp,
    settings: Settings,
) -> TimeToEvent | None:
    """From the first response to progression or death; nothing for a subject who did not respond."""
    if response.date is None:
        return None
    return _until_progression(response.date, points, progression, follow_up, settings)


def time_to_response(response: Answer, *, follow_up: FollowUp, settings: Settings) -> TimeToEvent | None:
    """From the start to the first response; nothing for a subject who did not respond."""
    if response.date is None:
        return None
    return _elapsed(follow_up.start, response.date, settings, is_event=True, reason="Response")


def overall_survival(follow_up: FollowUp, settings: Settings) -> TimeToEvent | None:
    """From the start to death of any cause, censored when last known alive; nothing where neither is known."""
    if follow_up.died is not None:
        return _elapsed(follow_up.start, follow_up.died, settings, is_event=True, reason="Death")
    if follow_up.last_known_alive is not None:
        return _elapsed(follow_up.start, follow_up.last_known_alive, settings, is_event=False, reason="Alive")
    return None


def _until_progression(
    start: ScanDate,
    points: Sequence[Timepoint],
    progression: ScanDate | None,
    follow_up: FollowUp,
    settings: Settings,
) -> TimeToEvent:
    events = [(day, what) for day, what in ((progression, "Disease progression"), (follow_up.died, "Death")) if day]
    event = min(events, key=lambda pair: pair[0].earliest) if events else None
    therapy = follow_up.new_therapy if settings.censor_at_new_therapy else None
    if therapy is not None and (event is None or event[0].is_surely_after(therapy)):
        last = _last_evaluable(start, points, settings, until=therapy)
        return _elapsed(start, last or start, settings, is_event=False, reason="New anticancer therapy")
    if event is None:
        last = _last_evaluable(start, points, settings)
        reason = "Last tumor assessment" if last else "No evaluable assessment after baseline"
        return _elapsed(start, last or start, settings, is_event=False, reason=reason)
    day, what = event
    last = _last_evaluable(start, points, settings, before=day) or start
    missed = settings.censor_after_missed_scans
    if missed is not None and settings.scan_interval_days is not None:
        longest = missed * settings.scan_interval_days + settings.scan_window_days
        if day.is_at_least(longest + 1, after=last):
            reason = f"{what} after {missed} or more missed assessments"
            return _elapsed(start, last, settings, is_event=False, reason=reason)
    return _elapsed(start, day, settings, is_event=True, reason=what)


def _last_evaluable(
    start: ScanDate,
    points: Sequence[Timepoint],
    settings: Settings,
    *,
    until: ScanDate | None = None,
    before: ScanDate | None = None,
) -> ScanDate | None:
    last = None
    for point in points:
        is_evaluable = settings.not_evaluable_counts_as_assessed or point.response not in _UNKNOWN
        is_in_time = not start.is_surely_after(point.date) and (until is None or not point.date.is_surely_after(until))
        if is_evaluable and is_in_time and (before is None or before.is_surely_after(point.date)):
            last = point.date
    return last


def _elapsed(start: ScanDate, end: ScanDate, settings: Settings, *, is_event: bool, reason: str) -> TimeToEvent:
    days = None
    if start.is_exact and end.is_exact:
        days = (end.earliest - start.earliest).days + (1 if settings.count_first_day else 0)
    return TimeToEvent(start, end, days, is_event, reason)


# ---------------------------------------------------------------------------------------------------------------
# All of it


def best_change(series: Sequence[Evaluation], *, stop_at_progression: bool = True) -> BestChange | None:
    """The best percent change of the sum from baseline up to progression, from complete assessments only.

    A sum that lacks a target looks smaller than the disease is, and would win every waterfall plot:

    >>> best_change(()) is None
    True
    """
    best: BestChange | None = None
    for evaluation in series:
        percent = evaluation.change_baseline_pct
        if percent is not None and evaluation.is_complete and (best is None or percent < best.percent):
            best = BestChange(percent, evaluation.visit, evaluation.date)
        if stop_at_progression and evaluation.overall is Response.PD:
            break
    return best


def derive_endpoints(series: Sequence[Evaluation], follow_up: FollowUp, settings: Settings) -> Endpoints:
    """Every endpoint of one subject and evaluator from the derived series, by RECIST 1.1.

    Assessments after the first progression, and after a new anticancer therapy where that censors, do not count.
    """
    points = up_to_progression(timepoints(series))
    until = follow_up.new_therapy if settings.censor_at_new_therapy else None
    first_progression = next((one for one in series if one.overall is Response.PD), None)
    progression = None if first_progression is None else first_progression.progressed_on
    response = first_response(points, until=until)
    confirmed = first_confirmed_response(points, settings=settings, until=until)
    start = follow_up.start
    return Endpoints(
        best=best_response(points, reference=start, settings=settings, until=until),
        confirmed_best=confirmed_best_response(points, reference=start, settings=settings, until=until),
        response=response,
        confirmed_response=confirmed,
        benefit=clinical_benefit(points, reference=start, settings=settings, response=response, until=until),
        confirmed_benefit=clinical_benefit(points, reference=start, settings=settings, response=confirmed, until=until),
        best_change=best_change([one for one in series if until is None or not one.date.is_surely_after(until)]),
        time_to_response=time_to_response(response, follow_up=follow_up, settings=settings),
        duration_of_response=duration_of_response(
            points, response, progression=progression, follow_up=follow_up, settings=settings
        ),
        duration_of_confirmed_response=duration_of_response(
            points, confirmed, progression=progression, follow_up=follow_up, settings=settings
        ),
        progression_free_survival=progression_free_survival(
            points, progression=progression, follow_up=follow_up, settings=settings
        ),
        overall_survival=overall_survival(follow_up, settings),
    )
