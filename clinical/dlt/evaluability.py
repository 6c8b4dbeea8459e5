"""Whether a subject can be counted for the dose decision: the state of one subject at one dose level.

    not dosed → in window (day n of N) → evaluable, no DLT
                                       → evaluable, DLT          (also inside the window, also if under-dosed)
                                       → not evaluable (reason)  → replaced
                                       → window closed, undecided → one of the three above

Escalation and stopping read the same subject differently while something is undecided. For *escalation* the subject
is pending: nobody is called free of DLT while a candidate is under review or a duration still runs. For *stopping* a
candidate counts as a DLT at once, until the adjudicator says otherwise; a duration that still runs does so from the
day the window closes. Safety moves early, escalation waits.

The case people get wrong: a subject who leaves the trial on day 10, under-dosed, with a confirmed DLT of day 9 is
evaluable. Removing such subjects makes a dose look safer than it is.

Sources: Le Tourneau, Lee and Siu, J Natl Cancer Inst 2009;101:708-20 (evaluability and replacement in 3+3);
Liu and Yuan, J R Stat Soc C 2015;64:507-23 (pending outcomes).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from clinical.dlt.evaluation import Answer, Assessment
from clinical.dlt.facts import Exposure
from clinical.dlt.window import DltWindow, StepDosing
from clinical.partial_date import Fit, PartialDate


class State(StrEnum):
    """Where a subject stands."""

    NOT_DOSED = "not dosed"
    IN_WINDOW = "in window"
    WINDOW_CLOSED_UNDECIDED = "window closed, undecided"
    EVALUABLE_DLT = "evaluable, DLT"
    EVALUABLE_NO_DLT = "evaluable, no DLT"
    NOT_EVALUABLE = "not evaluable"


class Counts(StrEnum):
    """What a subject counts as, for one kind of decision."""

    NOTHING = "nothing"
    PENDING = "pending"
    DLT = "DLT"
    NO_DLT = "no DLT"


class Ruling(StrEnum):
    """Where the adjudication of one candidate stands."""

    SUGGESTED = "suggested"  # by the engine
    SITE_REPORTED = "site reported"
    UNDER_REVIEW = "under review"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Adjudication:
    """One signed step in the adjudication of a candidate.

    `event_id` is that of the adverse event, or `None` for a candidate made of other facts. `basis` is the
    `Assessment.basis` that the adjudicator saw: when it changes, a rejection no longer covers the event.
    """

    event_id: str | None
    ruling: Ruling
    at: datetime
    reason: str = ""
    basis: str | None = None


@dataclass(frozen=True, slots=True)
class ExposureMinimum:
    """The least exposure in the window that makes a subject without DLT evaluable.

    `fraction` is of the planned number of doses in the window; `full_dose` asks for one dose of the intended size, so
    that a subject who never left the priming steps is not counted at the target.
    """

    doses: int = 1
    fraction: Decimal = Decimal(0)
    full_dose: bool = True


@dataclass(frozen=True, slots=True)
class Departure:
    """Why a subject's observation ended early, or why nobody knows how it went on."""

    on: PartialDate
    reason: str


@dataclass(frozen=True, slots=True)
class Evaluability:
    """The state of a subject with its reason, and what the subject counts as for either kind of decision.

    `until` is the moment at which time alone settles the next open question. `ruled_on_other_facts` are decisions whose
    facts have changed since: they stand until a new one is signed, and the adjudicator is asked to look again.
    """

    state: State
    reason: str
    for_escalation: Counts
    for_stopping: Counts
    day: int | None = None
    days: int | None = None
    until: datetime | None = None
    confirmed: tuple[str | None, ...] = ()
    candidates: tuple[str | None, ...] = ()
    ruled_on_other_facts: tuple[str | None, ...] = ()

    @property
    def may_be_replaced(self) -> bool:
        """Whether the cohort may enrol another subject in this one's place."""
        return self.state is State.NOT_EVALUABLE

    def __str__(self) -> str:
        if self.state is State.IN_WINDOW:
            return f"In window, {_progress(self.day, self.days)}"
        words = self.state[0].upper() + self.state[1:]
        plain = (State.NOT_DOSED, State.EVALUABLE_NO_DLT)
        return words if self.state in plain else f"{words}: {self.reason}"


def evaluate_subject(
    *,
    window: DltWindow | None,
    assessments: Sequence[Assessment],
    adjudications: Sequence[Adjudication],
    doses: Sequence[Exposure],
    at: datetime,
    minimum: ExposureMinimum = ExposureMinimum(),
    departure: Departure | None = None,
    missing: Sequence[str] = (),
) -> Evaluability:
    """The state of one subject at one dose level.

    `missing` names what the protocol wants before a subject without DLT is counted and the site has not entered:
    the last visit of the window, its laboratory values, an unanswered DLT question.
    """
    if window is None:
        return Evaluability(State.NOT_DOSED, "no dose was given", Counts.NOTHING, Counts.NOTHING)
    rulings = _latest(adjudications, at)
    found = _state(window, assessments, rulings, doses, at, minimum, departure, missing)
    return replace(found, ruled_on_other_facts=_ruled_on_other_facts(assessments, rulings))


def _state(
    window: DltWindow,
    assessments: Sequence[Assessment],
    rulings: dict[str | None, Adjudication],
    doses: Sequence[Exposure],
    at: datetime,
    minimum: ExposureMinimum,
    departure: Departure | None,
    missing: Sequence[str],
) -> Evaluability:
    confirmed = tuple(event for event, each in rulings.items() if each.ruling is Ruling.CONFIRMED)
    if confirmed:
        told = "a DLT was confirmed" if len(confirmed) == 1 else f"{len(confirmed)} DLTs were confirmed"
        return Evaluability(State.EVALUABLE_DLT, told, Counts.DLT, Counts.DLT, confirmed=confirmed)
    candidates, running = _open(assessments, rulings)
    until = min((each.until for each in running if each.until), default=None)
    open_ids = candidates + tuple(each.event_id for each in running)
    left = Fit.OUTSIDE if departure is None else _left_inside(window, departure)
    if not window.is_over(at) and (departure is None or departure.on.earliest_at(window.zone) > at):
        day, days = window.day(at), None if window.closes is None else window.length_days
        told = _why_open(candidates, running, window.zone) if open_ids else _progress(day, days)
        stopping = Counts.DLT if candidates else Counts.PENDING
        return Evaluability(
            State.IN_WINDOW, told, Counts.PENDING, stopping, day=day, days=days, until=until, candidates=open_ids
        )
    if open_ids:
        told = _why_open(candidates, running, window.zone)
        return Evaluability(
            State.WINDOW_CLOSED_UNDECIDED, told, Counts.PENDING, Counts.DLT, until=until, candidates=open_ids
        )
    if departure is not None and left is Fit.INSIDE:
        return _not_evaluable(f"{departure.reason} on {departure.on}")
    short = _short_of(minimum, window, doses)
    if short:
        return _not_evaluable(short)
    if left is Fit.POSSIBLE and departure is not None:
        missing = (*missing, f"the day of “{departure.reason}” ({departure.on} can be inside or after the window)")
    if missing:
        told = f"needs {', '.join(missing)}"
        return Evaluability(State.WINDOW_CLOSED_UNDECIDED, told, Counts.PENDING, Counts.DLT)
    return Evaluability(State.EVALUABLE_NO_DLT, "the window is complete", Counts.NO_DLT, Counts.NO_DLT)


def reversed_after(adjudications: Sequence[Adjudication], *, decided_at: datetime) -> tuple[str | None, ...]:
    """The DLTs that were confirmed when a dose decision was signed and have been rejected since.

    Everyone who signed that decision is told of them.
    """
    then = {event for event, each in _latest(adjudications, decided_at).items() if each.ruling is Ruling.CONFIRMED}
    now = _latest(adjudications, max((each.at for each in adjudications), default=decided_at))
    return tuple(event for event, each in now.items() if event in then and each.ruling is Ruling.REJECTED)


def _progress(day: int | None, days: int | None) -> str:
    return f"day {day}, the first full dose awaited" if days is None else f"day {day} of {days}"


def _left_inside(window: DltWindow, departure: Departure) -> Fit:
    """Whether the observation ended before the window did: certainly, possibly, or not."""
    if window.closes is None or departure.on.latest_at(window.zone) < window.closes:
        return Fit.INSIDE
    return Fit.POSSIBLE if departure.on.earliest_at(window.zone) < window.closes else Fit.OUTSIDE


def _latest(adjudications: Sequence[Adjudication], at: datetime) -> dict[str | None, Adjudication]:
    """The step that stands for each candidate: the last one signed by now."""
    signed = sorted((each for each in adjudications if each.at <= at), key=lambda each: each.at)
    return {each.event_id: each for each in signed}


def _ruled_on_other_facts(
    assessments: Sequence[Assessment], rulings: dict[str | None, Adjudication]
) -> tuple[str | None, ...]:
    """The decisions that were taken on facts that are no longer the facts."""
    bases = {each.event_id: each.basis for each in assessments}
    decided = (Ruling.CONFIRMED, Ruling.REJECTED)
    return tuple(
        event
        for event, each in rulings.items()
        if each.ruling in decided and each.basis is not None and each.basis != bases.get(event)
    )


def _open(
    assessments: Sequence[Assessment], rulings: dict[str | None, Adjudication]
) -> tuple[tuple[str | None, ...], tuple[Assessment, ...]]:
    """The candidates that await a decision, and the events on which the criteria themselves are undecided."""
    bases = {each.event_id: each.basis for each in assessments}
    candidates = [
        event
        for event, each in rulings.items()
        if each.ruling in (Ruling.SUGGESTED, Ruling.SITE_REPORTED, Ruling.UNDER_REVIEW)
    ]
    running: list[Assessment] = []
    for assessment in assessments:
        ruling = rulings.get(assessment.event_id)
        if assessment.event_id in candidates or assessment.answer is Answer.NOT_MET:
            continue
        if ruling is not None and ruling.basis in (None, bases[assessment.event_id]):
            continue  # rejected on these very facts
        if assessment.answer is Answer.MET:
            candidates.append(assessment.event_id)
        else:
            running.append(assessment)
    return tuple(candidates), tuple(running)


def _why_open(candidates: Sequence[str | None], running: Sequence[Assessment], zone: ZoneInfo) -> str:
    told: list[str] = []
    if candidates:
        told.append(
            "a possible DLT awaits its decision"
            if len(candidates) == 1
            else f"{len(candidates)} possible DLTs await decision"
        )
    told += [criterion.in_words(zone).removesuffix(".") for each in running for criterion in each.undecided]
    return "; ".join(told)


def _not_evaluable(reason: str) -> Evaluability:
    return Evaluability(State.NOT_EVALUABLE, reason, Counts.NOTHING, Counts.NOTHING)


def _short_of(minimum: ExposureMinimum, window: DltWindow, doses: Sequence[Exposure]) -> str:
    """What is missing from the exposure that a subject without DLT needs; nothing if it was reached."""
    closes = window.closes
    inside = [dose for dose in doses if dose.given and (closes is None or dose.given.earliest_at(window.zone) < closes)]
    planned = [
        dose for dose in doses if dose.planned and (closes is None or dose.planned.earliest_at(window.zone) < closes)
    ]
    if minimum.full_dose and not any(dose.is_full for dose in inside):
        waited = window.rule.step_dosing is not StepDosing.IGNORE
        return "the full dose was never reached" if waited else "no full dose was given in the window"
    if len(inside) < minimum.doses:
        return f"{len(inside)} of at least {minimum.doses} doses were given in the window"
    if planned and Decimal(len(inside)) < minimum.fraction * len(planned):
        percent = f"{(minimum.fraction * 100).normalize():f} %"
        return f"{len(inside)} of {len(planned)} planned doses were given, less than {percent}"
    return ""
