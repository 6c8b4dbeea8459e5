"""The two-parameter Bayesian logistic regression model (BLRM) with escalation with overdose control (EWOC)."""

from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

from clinical.escalation.advice import Action, Advice
from clinical.escalation.interval import check
from clinical.escalation.pacing import paced
from clinical.escalation.trial import Trial

GRID_HALFWIDTH_SD = 6.5

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Prior:
    """The bivariate normal prior of (log alpha, log beta), as means, standard deviations and correlation."""

    mean: tuple[float, float]
    sd: tuple[float, float]
    rho: float = 0.0

    def __post_init__(self) -> None:
        check(
            [
                (min(self.sd) > 0, "The prior standard deviations must be above 0."),
                (-1 < self.rho < 1, "The prior correlation must lie between -1 and 1."),
            ]
        )


@dataclass(frozen=True)
class DoseRisk:
    """The posterior of the DLT rate at one dose: mean, standard deviation and the probability of each interval."""

    dose: float
    mean: float
    sd: float
    under: float
    target: float
    over: float


@dataclass(frozen=True)
class Quadrature:
    """The posterior as sums over an even grid of the two parameters, flattened.

    The limits of the intervals fall between grid points along log alpha; the points near one count in part (see
    `share_below`), so that a modest grid gives probabilities good to 1e-5.
    """

    log_prior: Floats
    log_rate: Floats
    log_complement: Floats
    moments: Floats

    def posterior(self, dlts: Floats, clean: Floats) -> Floats:
        """Per row of counts: for every dose the mean, mean square, and probability under and over, in that order."""
        log_posterior = dlts @ self.log_rate + clean @ self.log_complement + self.log_prior
        log_posterior -= log_posterior.max(axis=1, keepdims=True)
        weights = np.exp(log_posterior, out=log_posterior)
        totals = weights @ self.moments
        return np.asarray(totals / weights.sum(axis=1, keepdims=True), dtype=np.float64)


def share_below(distance: Floats) -> Floats:
    """How much of a grid point counts as below a limit that lies `distance` grid widths above the point.

    The integral of the cubic interpolation kernel of Keys, IEEE Trans Acoust 1981;29:1153: sums with these shares
    integrate the smooth curve through the grid points exactly up to the limit, not up to the nearest point.

    >>> share_below(np.array([-1.0, 0.0, 1.0, 3.0])).round(4).tolist()
    [-0.0417, 0.5, 1.0417, 1.0]
    """
    x = np.minimum(np.abs(distance), 2.0)
    near = x * (1 - x**2 * (5 / 6 - 3 / 8 * x))
    far = x * (2 - x * (2 - x * (5 / 6 - x / 8))) - 1 / 6
    return np.asarray(0.5 + np.sign(distance) * np.where(x <= 1, near, far), dtype=np.float64)


@dataclass(frozen=True)
class Blrm:
    """logit p(d) = log_alpha + exp(log_beta) * log(d / dref), fitted to all outcomes; overdosing is kept improbable.

    The DLT rate is split into under [0, low), target [low, high) and over [high, 1] by `intervals`. A dose is eligible
    while P(over) is below `ewoc`, and at most one level above the highest dose with subjects. The eligible dose with
    the greatest P(target) is next, the lower of two equals; if none is eligible the trial stops. `max_increase` is an
    optional limit on one step up (1.0: at most double). Sources: Neuenschwander, Branson & Gsponer, Stat Med
    2008;27:2420; Babb, Rogatko & Zacks, Stat Med 1998;17:1103.

    The case people get wrong: dose 20 (level 6) has the greater P(target), but its P(over) of 0.285 forbids it.

    >>> prior = Prior(mean=(2.15, 0.52), sd=(0.84, 0.80), rho=0.2)
    >>> design = Blrm(doses=(1, 2.5, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 250), dref=250, prior=prior)
    >>> from clinical.escalation.trial import from_counts
    >>> trial = from_counts([3, 4, 4, 4, 0, 0, 2] + [0] * 8, [0, 0, 0, 0, 0, 0, 2] + [0] * 8, current=7)
    >>> str(design.advise(trial))
    'de-escalate to 5'
    """

    doses: tuple[float, ...]
    dref: float
    prior: Prior
    intervals: tuple[float, float] = (0.16, 0.33)
    ewoc: float = 0.25
    max_increase: float | None = None
    cohort_size: int = 3
    grid: tuple[int, int] = (321, 65)

    def __post_init__(self) -> None:
        low, high = self.intervals
        ascending = all(below < above for below, above in zip(self.doses, self.doses[1:], strict=False))
        check(
            [
                (bool(self.doses) and ascending and self.doses[0] > 0, "The doses must be ascending and above 0."),
                (self.dref > 0, "The reference dose must be above 0."),
                (0 < low < high < 1, "The limits of the target interval must be ascending between 0 and 1."),
                (0 < self.ewoc < 1, "The overdose limit (ewoc) must lie between 0 and 1."),
                (self.max_increase is None or self.max_increase > 0, "The greatest increase must be above 0."),
                (self.cohort_size >= 1, "A cohort needs at least one subject."),
            ]
        )

    @cached_property
    def quadrature(self) -> Quadrature:
        """The grid of this design, worked out once."""
        alphas, betas = (
            np.linspace(mean - GRID_HALFWIDTH_SD * sd, mean + GRID_HALFWIDTH_SD * sd, points)
            for mean, sd, points in zip(self.prior.mean, self.prior.sd, self.grid, strict=True)
        )
        a = ((alphas - self.prior.mean[0]) / self.prior.sd[0])[:, None]
        b = ((betas - self.prior.mean[1]) / self.prior.sd[1])[None, :]
        rho = self.prior.rho
        log_prior = -(a**2 - 2 * rho * a * b + b**2) / (2 * (1 - rho**2))
        shift = np.exp(betas)[None, :] * np.log(np.array(self.doses) / self.dref)[:, None]
        logit = (alphas[None, :, None] + shift[:, None, :]).reshape(len(self.doses), -1)
        rate, log_complement = expit(logit), log_expit(-logit)
        width = alphas[1] - alphas[0]
        under, over_or_target = (share_below((np.log(limit / (1 - limit)) - logit) / width) for limit in self.intervals)
        moments = np.concatenate([rate, rate**2, under, 1 - over_or_target])
        return Quadrature(
            log_prior=log_prior.reshape(-1),
            log_rate=logit + log_complement,
            log_complement=log_complement,
            moments=np.ascontiguousarray(moments.T),
        )

    def risks(self, trial: Trial) -> tuple[DoseRisk, ...]:
        """The posterior at every dose from everybody evaluable."""
        if trial.top != len(self.doses):
            raise ValueError(f"The design has {len(self.doses)} doses, the trial has {trial.top} dose levels.")
        dlts = np.array([[level.dlts for level in trial.levels]], dtype=np.float64)
        size = np.array([[level.evaluable for level in trial.levels]], dtype=np.float64)
        mean, square, under, over = self.quadrature.posterior(dlts, size - dlts)[0].reshape(4, -1)
        sd = np.sqrt(np.maximum(square - mean**2, 0))
        return tuple(
            DoseRisk(dose, *(float(figure) for figure in figures))
            for dose, *figures in zip(self.doses, mean, sd, under, 1 - under - over, over, strict=True)
        )

    def next_level(self, risks: tuple[DoseRisk, ...], *, cap: int) -> int | None:
        """The eligible level up to `cap` with the greatest P(target), or None if EWOC leaves none."""
        eligible = [number for number, risk in enumerate(risks[:cap], start=1) if risk.over < self.ewoc]
        return max(eligible, key=lambda number: (risks[number - 1].target, -number), default=None)

    def advise(self, trial: Trial) -> Advice:
        """The advice for the trial as it stands; before the first dose, whether the first level may open."""
        return paced(trial, self._decide, cohort_size=self.cohort_size)

    def _decide(self, trial: Trial) -> Advice:
        level = trial.current
        risks = self.risks(trial)
        cap = min(trial.highest_tried + 1, min(trial.eliminated, default=trial.top + 1) - 1, trial.top)
        if self.max_increase is not None:
            highest = self.doses[max(trial.highest_tried, 1) - 1] * (1 + self.max_increase)
            cap = min(cap, sum(dose <= highest for dose in self.doses))
        to = self.next_level(risks, cap=cap)
        numbers = MappingProxyType(
            {
                f"{figure}_{number}": getattr(risk, figure)
                for number, risk in enumerate(risks, start=1)
                for figure in ("mean", "sd", "under", "target", "over")
            }
        )
        if to is None:
            why = f"No dose is eligible: P(over) is {risks[0].over:.3f} at the lowest, the limit {self.ewoc:g}."
            return Advice(Action.STOP, level, why, is_for_safety=True, numbers=numbers)
        risk = risks[to - 1]
        why = (
            f"Dose {risk.dose:g} has P(target) {risk.target:.3f}, the greatest among the doses that may be given; "
            f"its P(over) is {risk.over:.3f}, below {self.ewoc:g}."
        )
        if to > level:
            return Advice(Action.ESCALATE, to, why, places=self.cohort_size, numbers=numbers)
        if to < level:
            return Advice(Action.DE_ESCALATE, to, why, places=self.cohort_size, is_for_safety=True, numbers=numbers)
        return Advice(Action.STAY, level, why, places=self.cohort_size, numbers=numbers)
