"""BOIN, the Bayesian optimal interval design."""

from dataclasses import dataclass
from functools import cached_property
from math import log

from clinical.escalation import interval
from clinical.escalation.advice import Advice
from clinical.escalation.interval import Verdict
from clinical.escalation.pacing import paced
from clinical.escalation.trial import Trial


@dataclass(frozen=True)
class Boin:
    """Escalate when the observed DLT rate is at most lambda_e, de-escalate when it is at least lambda_d.

    A level whose DLT rate exceeds the target with probability above `cutoff_eli` (from three subjects on) is
    eliminated with all above it. `extrasafe` ends the trial earlier at the lowest level, at `cutoff_eli - offset`.
    `p_saf` and `p_tox` default to 0.6 and 1.4 times the target. Source: Liu & Yuan, JRSS C 2015;64:507.

    The case people get wrong: the boundaries are not `p_saf` and `p_tox`; they lie between those and the target.

    >>> round(Boin(target=0.30).lambda_e, 3), round(Boin(target=0.30).lambda_d, 3)
    (0.236, 0.359)
    """

    target: float = 0.30
    p_saf: float | None = None
    p_tox: float | None = None
    cutoff_eli: float = 0.95
    extrasafe: bool = False
    offset: float = 0.05
    cohort_size: int = 3
    eliminate_from: int = 3

    def __post_init__(self) -> None:
        interval.check(self._claims())

    def _claims(self) -> list[tuple[bool, str]]:
        return [
            (0 < self.target < 1, "The target DLT rate must lie between 0 and 1."),
            (0 < self.safe_rate < self.target, "p-saf must lie between 0 and the target."),
            (self.target < self.toxic_rate < 1, "p-tox must lie between the target and 1."),
            (0 < self.cutoff_eli < 1, "cutoff-eli must lie between 0 and 1."),
            (0 <= self.offset < 0.5, "offset must be at least 0 and below 0.5."),
            (self.cohort_size >= 1, "A cohort needs at least one subject."),
            (self.eliminate_from >= 1, "eliminate-from must be at least 1."),
        ]

    @property
    def safe_rate(self) -> float:
        """The highest DLT rate that calls for escalation."""
        return 0.6 * self.target if self.p_saf is None else self.p_saf

    @property
    def toxic_rate(self) -> float:
        """The lowest DLT rate that calls for de-escalation."""
        return 1.4 * self.target if self.p_tox is None else self.p_tox

    @cached_property
    def lambda_e(self) -> float:
        """The observed rate at or below which the design escalates."""
        return _boundary(self.safe_rate, self.target)

    @cached_property
    def lambda_d(self) -> float:
        """The observed rate at or above which the design de-escalates."""
        return _boundary(self.target, self.toxic_rate)

    def verdict(self, n: int, dlts: int) -> Verdict:
        """The verdict of the observed rate alone."""
        if n == 0:
            return Verdict.STAY
        if dlts <= self.lambda_e * n:
            return Verdict.ESCALATE
        return Verdict.DE_ESCALATE if dlts >= self.lambda_d * n else Verdict.STAY

    def rules_out(self, n: int, dlts: int) -> bool:
        """Whether the level is eliminated."""
        return n >= self.eliminate_from and interval.probability_above(self.target, n=n, dlts=dlts) > self.cutoff_eli

    def exceeds_extrasafe(self, n: int, dlts: int) -> bool:
        """Whether the stricter stop of the lowest level is reached, in force or not."""
        above = interval.probability_above(self.target, n=n, dlts=dlts)
        return n >= self.eliminate_from and above > self.cutoff_eli - self.offset

    def ends_at_lowest(self, n: int, dlts: int) -> bool:
        """Whether the lowest level ends the trial, by elimination or by the stricter stop where that is in force."""
        return self.rules_out(n, dlts) or (self.extrasafe and self.exceeds_extrasafe(n, dlts))

    def advise(self, trial: Trial) -> Advice:
        """The advice for the level now open."""
        return paced(trial, self._decide, cohort_size=self.cohort_size)

    def _decide(self, trial: Trial) -> Advice:
        numbers = {"lambda_e": self.lambda_e, "lambda_d": self.lambda_d}
        return interval.decide(trial, self, numbers)


def _boundary(low: float, high: float) -> float:
    """The observed rate at which two DLT rates explain the data equally well."""
    return log((1 - low) / (1 - high)) / log(high * (1 - low) / (low * (1 - high)))
