"""The state of a trial derived from what happened to its subjects, day by day."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from clinical.escalation.advice import Advice, Design
from clinical.escalation.trial import DoseLevel, Trial


class Happening(StrEnum):
    """What can change the state of a cohort. Time alone is one of them: a window may end."""

    FIRST_DOSE = "first_dose"
    DLT = "dlt"
    DLT_SUSPECTED = "dlt_suspected"
    DLT_RETRACTED = "dlt_retracted"
    TOXICITY = "toxicity"
    NOT_EVALUABLE = "not_evaluable"
    TIME_PASSES = "time_passes"
    COMMITTEE_DECISION = "committee_decision"


@dataclass(frozen=True)
class Event:
    """One thing that happened on a day counted from the start of the trial.

    `level` is the level dosed, or the level the committee moves to. `onset_day` is when the DLT began or the subject
    became unevaluable, where the record of it came later than the thing itself. `grade` is that of a related event,
    DLT or not, for the designs that look at grades.
    """

    day: int
    happening: Happening
    subject: str = ""
    level: int = 0
    onset_day: int | None = None
    is_backfill: bool = False
    grade: int = 0

    @property
    def began_day(self) -> int:
        """The day the thing itself happened, as against the day it was known."""
        return self.day if self.onset_day is None else self.onset_day


class Standing(StrEnum):
    """Where a subject stands in the count of the dose level."""

    DLT = "dlt"
    COMPLETE = "complete_no_dlt"
    PENDING = "pending"
    UNDECIDED = "undecided"
    NOT_EVALUABLE = "not_evaluable"


def standing(history: Sequence[Event], *, day: int, window_days: int) -> Standing:
    """Where one subject stands on `day`, from that subject's events up to then, the first dose first.

    The window is `window_days` days beginning with the first dose. A DLT that begins inside it counts, also after the
    subject was given up as not evaluable; one that begins on the day after does not, however soon it is reported:

    >>> dosed = Event(0, Happening.FIRST_DOSE, "S1", level=1)
    >>> standing([dosed, Event(28, Happening.DLT, "S1")], day=28, window_days=28).value
    'complete_no_dlt'

    Leaving the study after the window changes nothing. A DLT that is retracted gives the subject back to where he or
    she would have been without it: pending, complete, or not evaluable.
    """
    first, *later = history
    confirmed: list[int] = []
    suspected: list[int] = []
    left = False
    for event in later:
        inside = 0 <= event.began_day - first.day < window_days
        match event.happening:
            case Happening.DLT:
                suspected.clear()
                if inside:
                    confirmed.append(event.began_day)
            case Happening.DLT_SUSPECTED if inside:
                suspected.append(event.began_day)
            case Happening.DLT_RETRACTED:
                standing_ones = confirmed or suspected
                if event.onset_day in standing_ones:
                    standing_ones.remove(event.onset_day)
                elif standing_ones:
                    standing_ones.pop()
            case Happening.NOT_EVALUABLE if inside:
                left = True
    if confirmed:
        return Standing.DLT
    if suspected:
        return Standing.UNDECIDED
    if left:
        return Standing.NOT_EVALUABLE
    return Standing.COMPLETE if day - first.day >= window_days else Standing.PENDING


def trial_on(
    day: int,
    events: Iterable[Event],
    *,
    levels: Sequence[DoseLevel],
    window_days: int,
    current: int = 1,
    eliminated: frozenset[int] = frozenset(),
) -> Trial:
    """The trial as known on `day`. `levels` brings the labels and steps of the regimens; their counts are replaced."""
    histories: dict[str, list[Event]] = {}
    for event in events:
        if event.day > day or not event.subject:
            continue
        if event.happening is Happening.FIRST_DOSE:
            if event.subject in histories:
                raise ValueError(f"Subject {event.subject} has a second first dose, on day {event.day}.")
            if not 1 <= event.level <= len(levels):
                raise ValueError(f"Subject {event.subject} is dosed at level {event.level}, which does not exist.")
            histories[event.subject] = [event]
        elif event.subject not in histories:
            raise ValueError(f"Subject {event.subject} has a {event.happening} on day {event.day} before any dose.")
        else:
            histories[event.subject].append(event)
    counted = [
        _count(
            level,
            [
                (history[0], standing(history, day=day, window_days=window_days))
                for history in histories.values()
                if history[0].level == number
            ],
            tuple(
                worst_grade(history, window_days=window_days)
                for history in histories.values()
                if history[0].level == number
            ),
            day=day,
            window_days=window_days,
        )
        for number, level in enumerate(levels, start=1)
    ]
    return Trial(tuple(counted), current, eliminated)


def worst_grade(history: Sequence[Event], *, window_days: int) -> int:
    """The worst grade of one subject's related events that began inside the window; 0 if there was none."""
    first, *later = history
    return max((event.grade for event in later if 0 <= event.began_day - first.day < window_days), default=0)


def _count(
    level: DoseLevel,
    subjects: list[tuple[Event, Standing]],
    worst_grades: tuple[int, ...],
    *,
    day: int,
    window_days: int,
) -> DoseLevel:
    """One dose level with the subjects treated at it counted."""
    undecided = [first for first, where in subjects if where is Standing.UNDECIDED]
    pending = [first for first, where in subjects if where in (Standing.PENDING, Standing.UNDECIDED)]
    evaluable = [first for first, where in subjects if where in (Standing.DLT, Standing.COMPLETE)]
    return replace(
        level,
        treated=len(subjects),
        evaluable=len(evaluable),
        dlts=sum(where is Standing.DLT for _, where in subjects),
        pending=len(pending),
        undecided=len(undecided),
        backfill_evaluable=sum(first.is_backfill for first in evaluable),
        backfill_pending=sum(first.is_backfill for first in pending),
        follow_up=tuple(min(1.0, (day - first.day) / window_days) for first in pending),
        worst_grades=worst_grades,
    )


@dataclass(frozen=True)
class Step:
    """One event, the trial it left behind, and what the design says to it. `current_after` is where it then stands."""

    event: Event
    trial: Trial
    advice: Advice
    current_after: int


def replay(
    events: Sequence[Event], design: Design, *, levels: Sequence[DoseLevel], window_days: int, current: int = 1
) -> Iterator[Step]:
    """The trial event by event. The design proposes, the committee's decision moves the level.

    What the design rules out becomes lasting when the committee acts on it. It is judged afresh when a DLT at that
    level or below is retracted, so that a mistaken report does not bar a level for good.
    """
    eliminated: frozenset[int] = frozenset()
    level_of = {event.subject: event.level for event in events if event.happening is Happening.FIRST_DOSE}
    for number, event in enumerate(events, start=1):
        if event.happening is Happening.DLT_RETRACTED:
            eliminated = frozenset(level for level in eliminated if level < level_of.get(event.subject, 0))
        trial = trial_on(
            event.day,
            events[:number],
            levels=levels,
            window_days=window_days,
            current=current,
            eliminated=eliminated,
        )
        advice = design.advise(trial)
        if event.happening is Happening.COMMITTEE_DECISION:
            eliminated |= advice.eliminates
            current = event.level
        yield Step(event, trial, advice, current)
