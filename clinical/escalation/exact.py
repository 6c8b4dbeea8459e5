"""Exact operating characteristics of 3+3: every course a trial can take, with its probability."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

from clinical.escalation.advice import Action
from clinical.escalation.three_plus_three import COHORT_SIZE, ThreePlusThree, Variant
from clinical.escalation.trial import from_counts

State = tuple[tuple[int, ...], tuple[int, ...], int]


@dataclass(frozen=True)
class Characteristics:
    """What a design does under given true DLT rates, per dose level: selection, subjects and DLTs expected."""

    select: tuple[float, ...]
    select_none: float
    n: tuple[float, ...]
    dlts: tuple[float, ...]


def three_plus_three_exactly(
    p_true: Sequence[float], *, variant: Variant = Variant.WITH_DE_ESCALATION
) -> Characteristics:
    """The operating characteristics of 3+3 without simulation error: the design's own advice, course by course.

    Source of the method: Lin & Shih, Biostatistics 2001;2:203. The case people get wrong: with DLT rates of 45 % and
    more, 3+3 still calls the lowest level tolerable in one trial of five:

    >>> exact = three_plus_three_exactly([0.45, 0.55, 0.65], variant=Variant.WITHOUT_DE_ESCALATION)
    >>> round(exact.select[0], 4)
    0.2058
    """
    levels = len(p_true)
    design = ThreePlusThree(variant)
    select = [0.0] * levels
    none = 0.0
    treated, toxic = [0.0] * levels, [0.0] * levels
    nothing = (0,) * levels
    courses: dict[State, float] = {(nothing, nothing, 1): 1.0}
    while courses:
        following: defaultdict[State, float] = defaultdict(float)
        for (n, y, level), probability in courses.items():
            rate = p_true[level - 1]
            treated[level - 1] += probability * COHORT_SIZE
            toxic[level - 1] += probability * COHORT_SIZE * rate
            for dlts in range(COHORT_SIZE + 1):
                likely = probability * comb(COHORT_SIZE, dlts) * rate**dlts * (1 - rate) ** (COHORT_SIZE - dlts)
                grown = _with(n, level, COHORT_SIZE), _with(y, level, dlts)
                advice = design.advise(from_counts(*grown, current=level))
                if advice.action is not Action.STOP:
                    following[(*grown, advice.level)] += likely
                elif advice.mtd is None:
                    none += likely
                else:
                    select[advice.mtd - 1] += likely
        courses = following
    return Characteristics(tuple(select), none, tuple(treated), tuple(toxic))


def _with(counts: tuple[int, ...], level: int, more: int) -> tuple[int, ...]:
    return (*counts[: level - 1], counts[level - 1] + more, *counts[level:])
