"""Accelerated titration: one subject per level until the first sign of toxicity, then 3+3."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from clinical.escalation.advice import Action, Advice
from clinical.escalation.three_plus_three import COHORT_SIZE, ThreePlusThree
from clinical.escalation.trial import Trial


class Mode(StrEnum):
    """Whether single subjects still suffice."""

    ACCELERATED = "accelerated"
    STANDARD = "standard 3+3"


@dataclass(frozen=True)
class Course:
    """One subject's first cycle: the level, the worst related grade in it, and whether there was a DLT."""

    level: int
    worst_grade: int
    had_dlt: bool = False


@dataclass(frozen=True)
class AcceleratedTitration:
    """One subject per level until the first DLT, the first grade `severe_grade` or the `moderate_count`-th grade
    `moderate_grade` of cycle 1 anywhere in the trial; from then on the level at hand is filled to three and 3+3 rules.

    Only related events count. Source: Simon et al., J Natl Cancer Inst 1997;89:1138 (design 2's trigger). Trials of
    T-cell engagers often switch at the first grade 2: `moderate_count=1`.

    The case people get wrong: the moderate events are counted across the trial, not per level.

    >>> AcceleratedTitration().mode([Course(1, 2), Course(2, 2)]).value
    'standard 3+3'
    """

    severe_grade: int = 3
    moderate_grade: int = 2
    moderate_count: int = 2
    then: ThreePlusThree = field(default_factory=ThreePlusThree)

    def __post_init__(self) -> None:
        if not 1 <= self.moderate_grade <= self.severe_grade <= 5 or self.moderate_count < 1:
            raise ValueError(
                "The switch needs grades from 1 to 5, the moderate not above the severe, and a count from 1."
            )

    def mode(self, courses: Sequence[Course]) -> Mode:
        """The mode after these first cycles. Once left, the accelerated mode does not come back."""
        moderate = sum(course.worst_grade >= self.moderate_grade for course in courses)
        severe = any(course.had_dlt or course.worst_grade >= self.severe_grade for course in courses)
        return Mode.STANDARD if severe or moderate >= self.moderate_count else Mode.ACCELERATED

    def mode_of(self, trial: Trial) -> Mode:
        """The mode of the trial as it stands; a level without grades is taken to have had none."""
        courses = [
            Course(number, grade) for number, level in enumerate(trial.levels, start=1) for grade in level.worst_grades
        ]
        had_dlt = any(level.dlts for level in trial.levels)
        return Mode.STANDARD if had_dlt else self.mode(courses)

    def advise(self, trial: Trial) -> Advice:
        """The advice for the level now open."""
        level, here = trial.current, trial.here
        if self.mode_of(trial) is Mode.ACCELERATED and level not in trial.eliminated:
            if not here.cohort_evaluable:
                why = f"The single subject at level {level} is not judged yet."
                return Advice(Action.WAIT, level, why, places=max(0, 1 - here.cohort_pending))
            if here.cohort_pending:
                return Advice(Action.WAIT, level, f"Pending at level {level}: {here.cohort_pending}.")
            if level == trial.top or level + 1 in trial.eliminated:
                why = f"No sign of toxicity up to level {level}, the highest there is; it is filled to {COHORT_SIZE}."
                if here.evaluable < COHORT_SIZE:
                    return Advice(Action.EXPAND, level, why, places=COHORT_SIZE - here.evaluable)
                return self.then.advise(trial)
            return Advice(Action.ESCALATE, level + 1, f"No sign of toxicity up to level {level}.", places=1)
        advice = self.then.advise(trial)
        enrolled = here.cohort_evaluable + here.cohort_pending
        if advice.action is Action.WAIT and enrolled < COHORT_SIZE and level == trial.highest_tried:
            why = (
                f"There was toxicity; level {level} is filled to {COHORT_SIZE} and the rules of 3+3 hold from here on."
            )
            return Advice(Action.EXPAND, level, why, places=COHORT_SIZE - enrolled)
        return advice
