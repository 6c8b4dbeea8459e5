"""mTPI-2, which cuts the intervals of mTPI into equal pieces."""

from dataclasses import dataclass
from functools import cached_property

from clinical.escalation import interval
from clinical.escalation.advice import Advice
from clinical.escalation.interval import Verdict
from clinical.escalation.mtpi import check_equivalence, equal_pieces, strongest_piece
from clinical.escalation.pacing import paced
from clinical.escalation.trial import Trial


@dataclass(frozen=True)
class Mtpi2:
    """As mTPI, with the intervals below and above the target cut into pieces as long as the one around it.

    The pieces at 0 and 1 may be shorter; unit probability mass makes them comparable. Source: Guo, Wang, Yang, Lynn &
    Ji, Contemp Clin Trials 2017;58:23.

    The case people get wrong: the cut mends mTPI's reluctance to go down, 3 DLTs in 6 subjects for example:

    >>> Mtpi2(target=0.30).verdict(6, 3).value
    'D'
    """

    target: float = 0.30
    epsilon1: float = 0.05
    epsilon2: float = 0.05
    exclusion_certainty: float = 0.95
    cohort_size: int = 3

    def __post_init__(self) -> None:
        check_equivalence(self.target, self.epsilon1, self.epsilon2, self.exclusion_certainty, self.cohort_size)

    @cached_property
    def edges(self) -> tuple[float, ...]:
        """The edges of the pieces from 0 to 1."""
        return equal_pieces(self.target - self.epsilon1, self.target + self.epsilon2)

    def verdict(self, n: int, dlts: int) -> Verdict:
        """The verdict of the piece with most unit probability mass."""
        return strongest_piece(self.edges, self.target - self.epsilon1, n=n, dlts=dlts)

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
