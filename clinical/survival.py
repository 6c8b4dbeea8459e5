"""Time to an event: the Kaplan-Meier curve, its confidence band, medians, and who was still at risk.

Sources: Kaplan and Meier 1958; Greenwood's variance; the log-log ("exponential Greenwood") band of Kalbfleisch and
Prentice, which never leaves 0 to 1; Brookmeyer and Crowley 1982 for the interval of a median, read off that band, as
R's `survfit(conf.type = "log-log")` does. The estimate and the band are scipy's.
"""

import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from math import isnan

import numpy as np
from scipy import stats

DAYS_PER_MONTH = Decimal("30.4375")

# A curve that comes down to one half by several factors (7/8 · 6/7 · 5/6 · 4/5) must count as one half.
_ROUNDING = 1e-9

Time = int | Decimal


@dataclass(frozen=True, slots=True)
class Observation:
    """One subject's time under observation, ended by the event or cut off (censored) before it."""

    time: Time
    is_event: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One time at which somebody left the curve. Just before it `at_risk` subjects were under observation.

    The band is None where the formula has no value: before the first event and once nobody is left alive.
    """

    time: Time
    at_risk: int
    events: int
    censored: int
    survival: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True, slots=True)
class Quantile:
    """A time with its interval; None where the curve, or its band, never comes down that far."""

    time: Time | None
    lower: Time | None
    upper: Time | None


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """The Kaplan-Meier curve of a group of subjects."""

    subjects: int
    events: int
    confidence: float
    steps: tuple[Step, ...]

    @property
    def censored(self) -> int:
        return self.subjects - self.events

    def survival_at(self, time: Time) -> float:
        """The estimated share without the event beyond `time`; on the day of an event the curve is already down."""
        passed = bisect_right(self.steps, time, key=_time)
        return self.steps[passed - 1].survival if passed else 1.0

    def at_risk(self, time: Time) -> int:
        """How many subjects were still under observation just before `time`, as printed under a curve."""
        index = bisect_left(self.steps, time, key=_time)
        return self.steps[index].at_risk if index < len(self.steps) else 0

    def quantile(self, share_with_event: float) -> Quantile:
        """The first time by which this share had the event, and where the band crosses the same height.

        People expect the lower limit of the time from the lower band: right, for the lower band comes down first. The
        upper limit is often never reached in a small trial, and that is an answer, not a fault.
        """
        if not 0 < share_with_event < 1:
            raise ValueError("A quantile lies between 0 and 1.")
        height = 1 - share_with_event + _ROUNDING
        return Quantile(
            time=next((step.time for step in self.steps if step.survival <= height), None),
            lower=next((step.time for step in self.steps if step.lower is not None and step.lower <= height), None),
            upper=next((step.time for step in self.steps if step.upper is not None and step.upper <= height), None),
        )

    @property
    def median(self) -> Quantile:
        """The first time at which at most half are without the event, with its interval.

        >>> curve = kaplan_meier(Observation(time, True) for time in (2, 4, 6, 8))
        >>> curve.median.time
        4
        """
        return self.quantile(0.5)


def _time(step: Step) -> Time:
    return step.time


def kaplan_meier(observations: Iterable[Observation], *, confidence: float = 0.95) -> SurvivalCurve:
    """The curve of these observations, with the log-log band.

    A subject censored on the day of another's event was still at risk on that day. A subject followed for 0 days is
    counted among the subjects and contributes nothing else.

    >>> curve = kaplan_meier([Observation(5, True), Observation(5, False), Observation(9, True)])
    >>> [(step.time, step.at_risk, round(step.survival, 3)) for step in curve.steps]
    [(5, 3, 0.667), (9, 1, 0.0)]
    """
    known = sorted(observations, key=lambda each: each.time)
    if not 0 < confidence < 1:
        raise ValueError("A confidence level lies between 0 and 1.")
    if known and known[0].time < 0:
        raise ValueError(f"Nobody is observed for {known[0].time}: a time to event cannot be negative.")
    if not known:
        return SurvivalCurve(subjects=0, events=0, confidence=confidence, steps=())
    sample = stats.CensoredData(
        uncensored=np.array([float(each.time) for each in known if each.is_event]),
        right=np.array([float(each.time) for each in known if not each.is_event]),
    )
    estimate = stats.ecdf(sample).sf
    with warnings.catch_warnings():
        # scipy warns where the band has no value; a Step says so by None.
        warnings.simplefilter("ignore", RuntimeWarning)
        band = estimate.confidence_interval(confidence, method="log-log")
    times = sorted({each.time for each in known})
    left = len(known)
    steps = []
    for index, time in enumerate(times):
        here = [each.is_event for each in known if each.time == time]
        steps.append(
            Step(
                time=time,
                at_risk=left,
                events=sum(here),
                censored=len(here) - sum(here),
                survival=float(estimate.probabilities[index]),
                lower=_limit(band.low.probabilities[index]),
                upper=_limit(band.high.probabilities[index]),
            )
        )
        left -= len(here)
    events = sum(each.is_event for each in known)
    return SurvivalCurve(subjects=len(known), events=events, confidence=confidence, steps=tuple(steps))


def _limit(value: float) -> float | None:
    return None if isnan(value) else float(value)


def in_months(days: Time | None) -> Decimal | None:
    """Days in months of 30.4375 days, to one decimal.

    >>> in_months(183)
    Decimal('6.0')
    """
    return None if days is None else (Decimal(days) / DAYS_PER_MONTH).quantize(Decimal("0.1"))
