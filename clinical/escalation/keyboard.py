"""The Keyboard design."""

from dataclasses import dataclass
from functools import cached_property

from clinical.escalation import interval
from clinical.escalation.advice import Advice
from clinical.escalation.interval import Verdict
from clinical.escalation.mtpi import equal_pieces, strongest_piece
from clinical.escalation.pacing import paced
from clinical.escalation.trial import Trial


@dataclass(frozen=True)
class Keyboard:
    """The interval of DLT rates is a keyboard: the key with most posterior probability says where the level stands.

    All keys are as wide as the target key [target - margin_l, target + margin_r]. What is left at either end is shorter
    and weighed up for it, as in the authors' software: without it a low target with wide margins has no key below, and
    could never escalate. A key below the target key escalates, one above de-escalates. Source: Yan, Mandrekar & Yuan,
    Clin Cancer Res 2017;23:3994.

    The case people get wrong: Keyboard eliminates from two subjects on, BOIN from three.

    >>> Keyboard(target=0.25).rules_out(2, 2)
    True
    """

    target: float = 0.30
    margin_l: float = 0.05
    margin_r: float = 0.05
    cutoff_eli: float = 0.95
    cohort_size: int = 3
    eliminate_from: int = 2

    def __post_init__(self) -> None:
        interval.check(
            [
                (0 < self.target < 1, "The target DLT rate must lie between 0 and 1."),
                (0 < self.margin_l < self.target, "margin-l must lie between 0 and the target."),
                (0 < self.margin_r < 1 - self.target, "margin-r must lie between 0 and 1 less the target."),
                (0 < self.cutoff_eli < 1, "cutoff-eli must lie between 0 and 1."),
                (self.cohort_size >= 1, "A cohort needs at least one subject."),
                (self.eliminate_from >= 1, "eliminate-from must be at least 1."),
            ]
        )

    @cached_property
    def edges(self) -> tuple[float, ...]:
        """The edges of the keys from 0 to 1."""
        return equal_pieces(self.target - self.margin_l, self.target + self.margin_r)

    def verdict(self, n: int, dlts: int) -> Verdict:
        """The verdict of the strongest key."""
        return strongest_piece(self.edges, self.target - self.margin_l, n=n, dlts=dlts)

    def rules_out(self, n: int, dlts: int) -> bool:
        """Whether the level is eliminated."""
        return n >= self.eliminate_from and interval.probability_above(self.target, n=n, dlts=dlts) > self.cutoff_eli

    def ends_at_lowest(self, n: int, dlts: int) -> bool:
        """Whether the lowest level ends the trial: when it is eliminated."""
        return self.rules_out(n, dlts)

    def advise(self, trial: Trial) -> Advice:
        """The advice for the level now open."""
        return paced(trial, self._decide, cohort_size=self.cohort_size)

    def _decide(self, trial: Trial) -> Advice:
        return interval.decide(trial, self, {})
