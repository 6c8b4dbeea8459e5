"""mTPI, the modified toxicity probability interval design."""

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc

from clinical.escalation import interval
from clinical.escalation.advice import Advice
from clinical.escalation.interval import Verdict
from clinical.escalation.pacing import paced
from clinical.escalation.trial import Trial


def unit_masses(edges: tuple[float, ...], n: int, dlts: int) -> tuple[float, ...]:
    """Posterior probability per unit of length in each interval, from a uniform prior."""
    cuts = np.array(edges)
    return tuple(np.diff(betainc(dlts + 1, n - dlts + 1, cuts)) / np.diff(cuts))


def equal_pieces(low: float, high: float) -> tuple[float, ...]:
    """The edges from 0 to 1 of pieces as long as the one from `low` to `high`; those at either end may be shorter."""
    width, rounding = high - low, 1e-9
    below = [low - step * width for step in range(1, int(1 / width) + 1) if low - step * width > rounding]
    above = [high + step * width for step in range(1, int(1 / width) + 1) if high + step * width < 1 - rounding]
    return (0.0, *reversed(below), low, high, *above, 1.0)


def strongest_piece(edges: tuple[float, ...], low: float, *, n: int, dlts: int) -> Verdict:
    """The verdict of the piece with most unit probability mass, where the piece that stays begins at `low`."""
    if n == 0:
        return Verdict.STAY
    winner = edges[int(np.argmax(unit_masses(edges, n, dlts)))]
    if winner == low:
        return Verdict.STAY
    return Verdict.ESCALATE if winner < low else Verdict.DE_ESCALATE


@dataclass(frozen=True)
class Mtpi:
    """Three intervals of DLT rates, below, around and above the target; the one with most unit probability mass wins.

    The middle is [target - epsilon1, target + epsilon2]. A level that exceeds the target with probability above
    `exclusion_certainty` is excluded with all above it. Source: Ji et al., Clin Trials 2010;7:653.

    The case people get wrong: unit mass, not mass, so the wide interval above the target rarely wins and mTPI stays
    where others go down, as with 3 DLTs in 6 subjects:

    >>> Mtpi(target=0.30).verdict(6, 3).value
    'S'
    """

    target: float = 0.30
    epsilon1: float = 0.05
    epsilon2: float = 0.05
    exclusion_certainty: float = 0.95
    cohort_size: int = 3

    def __post_init__(self) -> None:
        check_equivalence(self.target, self.epsilon1, self.epsilon2, self.exclusion_certainty, self.cohort_size)

    def verdict(self, n: int, dlts: int) -> Verdict:
        """The verdict of the interval with most unit probability mass."""
        if n == 0:
            return Verdict.STAY
        masses = unit_masses((0.0, self.target - self.epsilon1, self.target + self.epsilon2, 1.0), n, dlts)
        return (Verdict.ESCALATE, Verdict.STAY, Verdict.DE_ESCALATE)[int(np.argmax(masses))]

    def rules_out(self, n: int, dlts: int) -> bool:
        """Whether the level is excluded."""
        return n > 0 and interval.probability_above(self.target, n=n, dlts=dlts) > self.exclusion_certainty

    def ends_at_lowest(self, n: int, dlts: int) -> bool:
        """Whether the lowest level ends the trial: when it is excluded."""
        return self.rules_out(n, dlts)

    def advise(self, trial: Trial) -> Advice:
        """The advice for the level now open."""
        return paced(trial, self._decide, cohort_size=self.cohort_size)

    def _decide(self, trial: Trial) -> Advice:
        return interval.decide(trial, self, {})


def check_equivalence(target: float, epsilon1: float, epsilon2: float, certainty: float, cohort_size: int) -> None:
    """Refuse an equivalence interval that does not fit round the target inside 0 to 1."""
    interval.check(
        [
            (0 < target < 1, "The target DLT rate must lie between 0 and 1."),
            (0 < epsilon1 < target, "epsilon1 must lie between 0 and the target."),
            (0 < epsilon2 < 1 - target, "epsilon2 must lie between 0 and 1 less the target."),
            (0 < certainty < 1, "exclusion-certainty must lie between 0 and 1."),
            (cohort_size >= 1, "A cohort needs at least one subject."),
        ]
    )
