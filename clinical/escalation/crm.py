"""CRM, the continual reassessment method, with one parameter."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from math import exp, log, sqrt
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit

from clinical.escalation.advice import Action, Advice
from clinical.escalation.interval import check
from clinical.escalation.pacing import paced
from clinical.escalation.trial import Trial

GRID_HALFWIDTH_SD = 10.0
MLE_LIMIT = 10.0

Floats = NDArray[np.float64]


class Model(StrEnum):
    """The curve through the skeleton: p ** exp(beta), or a logit with fixed intercept and slope exp(beta)."""

    EMPIRIC = "empiric"
    LOGISTIC = "logistic"


class Method(StrEnum):
    """The estimate of beta: its posterior mean, or the maximum of the likelihood.

    The likelihood has no maximum until both a DLT and its absence were seen; until then the estimate lies at the edge,
    so the design goes up (no DLT) or down (nothing else) one level at a time.
    """

    BAYES = "bayes"
    MLE = "mle"


def skeleton(*, target: float, halfwidth: float, nu: int, levels: int) -> tuple[float, ...]:
    """Prior DLT rates per level, for the empiric model, whose indifference intervals have the half-width given.

    `nu` is the level believed to be the MTD. Source: Lee & Cheung, Clin Trials 2009;6:227.

    >>> [round(p, 4) for p in skeleton(target=0.25, halfwidth=0.05, nu=3, levels=5)]
    [0.084, 0.1567, 0.25, 0.3545, 0.4603]
    """
    check_halfwidth(target=target, halfwidth=halfwidth, nu=nu, levels=levels)
    rates = {nu: target}
    for level in range(nu, 1, -1):
        rates[level - 1] = exp(log(target - halfwidth) * log(rates[level]) / log(target + halfwidth))
    for level in range(nu, levels):
        rates[level + 1] = exp(log(target + halfwidth) * log(rates[level]) / log(target - halfwidth))
    return tuple(rates[level] for level in range(1, levels + 1))


def check_halfwidth(*, target: float, halfwidth: float, nu: float, levels: float) -> None:
    """Refuse an indifference interval outside 0 to 1, and a prior MTD that is no dose level."""
    check(
        [
            (
                0 < halfwidth < target < 1 - halfwidth,
                "The half-width must be above 0 and leave target ± it inside 0 to 1.",
            ),
            (1 <= nu <= levels, "nu, the prior MTD, must be one of the dose levels."),
        ]
    )


@dataclass(frozen=True)
class CrmFit:
    """The posterior of the parameter and the DLT rates at its mean; `mtd` is the level nearest to the target."""

    beta_hat: float
    variance: float
    rates: tuple[float, ...]
    mtd: int
    lowest_too_toxic: float


@dataclass(frozen=True)
class Posterior:
    """Mean and variance of beta, and the probability that the lowest level exceeds the target: one entry per fit."""

    mean: Floats
    variance: Floats
    lowest_too_toxic: Floats


@dataclass(frozen=True)
class Crm:
    """A dose-toxicity curve is fitted to all outcomes; the level nearest to the target is next.

    The DLT rates are those of the curve at the posterior mean of beta, whose prior is N(0, scale²). No level is
    skipped: escalation goes one level up at most. `coherent` forbids to escalate from a level whose own DLT rate is
    above the target. `stop_certainty` ends the trial when the lowest level exceeds the target with that probability.
    Sources: O'Quigley, Pepe & Fisher, Biometrics 1990;46:33; Cheung, Dose Finding by the CRM, 2011.

    The case people get wrong: after three of three without a DLT the model points far up, yet the next level is two.

    >>> from clinical.escalation.trial import outcomes
    >>> design = Crm(target=0.25, skeleton=(0.08, 0.16, 0.25, 0.35, 0.46))
    >>> design.fit(outcomes("1NNN").with_levels(5)).mtd, str(design.advise(outcomes("1NNN").with_levels(5)))
    (5, 'escalate to 2')
    """

    target: float
    skeleton: tuple[float, ...]
    model: Model = Model.EMPIRIC
    scale: float = sqrt(1.34)
    intercept: float = 3.0
    method: Method = Method.BAYES
    cohort_size: int = 3
    coherent: bool = True
    stop_certainty: float | None = None
    grid_points: int = 2001

    def __post_init__(self) -> None:
        check(self._claims())

    def _claims(self) -> list[tuple[bool, str]]:
        ascending = all(low < high for low, high in zip(self.skeleton, self.skeleton[1:], strict=False))
        return [
            (0 < self.target < 1, "The target DLT rate must lie between 0 and 1."),
            (
                bool(self.skeleton) and ascending and self.skeleton[0] > 0 and self.skeleton[-1] < 1,
                "The skeleton must be ascending DLT rates between 0 and 1, one per dose level.",
            ),
            (self.scale > 0, "The standard deviation of beta must be above 0."),
            (self.cohort_size >= 1, "A cohort needs at least one subject."),
            (
                self.stop_certainty is None or 0 < self.stop_certainty < 1,
                "The certainty that ends the trial must lie between 0 and 1.",
            ),
        ]

    @cached_property
    def dose_scaled(self) -> Floats:
        """The doses in the model's own units: the skeleton itself, or the place on the logit that yields it."""
        prior = np.array(self.skeleton)
        return prior if self.model is Model.EMPIRIC else np.log(prior / (1 - prior)) - self.intercept

    def curve(self, beta: Floats) -> Floats:
        """DLT rates: a row per level, a column per value of beta."""
        slope = np.exp(beta)[None, :]
        if self.model is Model.EMPIRIC:
            return np.asarray(self.dose_scaled[:, None] ** slope, dtype=np.float64)
        return np.asarray(expit(self.intercept + slope * self.dose_scaled[:, None]), dtype=np.float64)

    @cached_property
    def grid(self) -> Floats:
        """The values of beta at which the posterior is evaluated."""
        return np.linspace(-GRID_HALFWIDTH_SD * self.scale, GRID_HALFWIDTH_SD * self.scale, self.grid_points)

    @cached_property
    def log_rates(self) -> tuple[Floats, Floats]:
        """Log of the DLT rate and of its complement, over levels and grid."""
        if self.model is Model.EMPIRIC:
            log_p = np.exp(self.grid)[None, :] * np.log(self.dose_scaled)[:, None]
            log_q = np.log(-np.expm1(np.minimum(log_p, -1e-300)))
        else:
            logit = self.intercept + np.exp(self.grid)[None, :] * self.dose_scaled[:, None]
            log_p, log_q = -np.logaddexp(0, -logit), -np.logaddexp(0, logit)
        return np.maximum(log_p, -1e9), np.maximum(log_q, -1e9)

    @cached_property
    def log_prior(self) -> Floats:
        """Log of the prior density over the grid, up to a constant."""
        return np.asarray(-0.5 * (self.grid / self.scale) ** 2, dtype=np.float64)

    def fit(self, trial: Trial) -> CrmFit:
        """The estimate from everybody evaluable; pending subjects are left out."""
        self._check_levels(trial)
        dlts = np.array([[level.dlts for level in trial.levels]], dtype=np.float64)
        clean = np.array([[level.evaluable for level in trial.levels]], dtype=np.float64) - dlts
        log_p, log_q = self.log_rates
        log_likelihood = dlts @ log_p + clean @ log_q + self._pending_likelihood(trial, np.exp(log_p))
        posterior = self.summarize(log_likelihood)
        beta_hat, variance = float(posterior.mean[0]), float(posterior.variance[0])
        if self.method is Method.MLE:
            beta_hat = self._likeliest(trial, dlts[0], clean[0])
        rates = self.curve(np.array([beta_hat]))[:, 0].tolist()
        return CrmFit(
            beta_hat=beta_hat,
            variance=variance,
            rates=tuple(rates),
            mtd=nearest(rates, self.target),
            lowest_too_toxic=float(posterior.lowest_too_toxic[0]),
        )

    def summarize(self, log_likelihood: Floats) -> "Posterior":
        """The posterior of each row of log-likelihoods over the grid."""
        log_posterior = log_likelihood + self.log_prior
        weights = np.exp(log_posterior - log_posterior.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        mean = weights @ self.grid
        return Posterior(
            mean=mean,
            variance=weights @ self.grid**2 - mean**2,
            lowest_too_toxic=weights @ self.share_too_toxic,
        )

    @cached_property
    def share_too_toxic(self) -> Floats:
        """The share of each cell of the grid in which the lowest level exceeds the target."""
        above = self.log_rates[0][0] - log(self.target)
        return np.asarray(
            np.clip(0.5 + above / np.maximum(np.abs(np.gradient(above)), 1e-12), 0.0, 1.0), dtype=np.float64
        )

    def _likeliest(self, trial: Trial, dlts: Floats, clean: Floats) -> float:
        """The beta under which the outcomes are most likely."""

        def against(beta: float) -> float:
            rates = np.clip(self.curve(np.array([beta]))[:, 0], 1e-300, 1 - 1e-16)
            pending = np.sum(self._pending_likelihood(trial, rates[:, None]))
            return -float(dlts @ np.log(rates) + clean @ np.log1p(-rates) + pending)

        return float(minimize_scalar(against, bounds=(-MLE_LIMIT, MLE_LIMIT), method="bounded").x)

    def _pending_likelihood(self, trial: Trial, rates: Floats) -> Floats | float:
        """What the pending subjects say under these DLT rates: nothing, in the CRM that waits for them."""
        return 0.0

    def _check_levels(self, trial: Trial) -> None:
        if trial.top != len(self.skeleton):
            raise ValueError(f"The skeleton has {len(self.skeleton)} DLT rates, the trial has {trial.top} dose levels.")

    def advise(self, trial: Trial) -> Advice:
        """The advice for the level now open."""
        self._check_levels(trial)
        return paced(trial, self._decide, cohort_size=self.cohort_size)

    def _decide(self, trial: Trial) -> Advice:
        fit = self.fit(trial)
        level, here = trial.current, trial.here
        rates = {f"dlt_rate_{number}": rate for number, rate in enumerate(fit.rates, start=1)}
        numbers = MappingProxyType({"beta_hat": fit.beta_hat, **rates, "lowest_too_toxic": fit.lowest_too_toxic})
        barred = trial.eliminated
        too_toxic = self.stop_certainty is not None and fit.lowest_too_toxic > self.stop_certainty
        if too_toxic or 1 in barred:
            why = f"The lowest level exceeds the target of {self.target:g} with probability {fit.lowest_too_toxic:.2f}."
            return Advice(Action.STOP, level, why, is_for_safety=True, numbers=numbers)
        highest = min(barred, default=trial.top + 1) - 1
        to = min(fit.mtd, level + 1, max(trial.highest_tried, level) + 1, highest)
        found = (
            f"Level {fit.mtd} is estimated nearest to the target of {self.target:g}, "
            f"with a DLT rate of {fit.rates[fit.mtd - 1]:.2f}"
        )
        if to > level and (not here.was_tried or self._is_incoherent(here.dlts, here.evaluable)):
            why = f"{found}, but {here.dlts} of {here.evaluable} subjects at level {level} had a DLT."
            return Advice(Action.STAY, level, why, places=self.cohort_size, numbers=numbers)
        if to == level:
            cut = "" if fit.mtd <= level else f", but level {level + 1} may not be used"
            return Advice(Action.STAY, level, f"{found}{cut}.", places=self.cohort_size, numbers=numbers)
        if to > level:
            cut = "" if fit.mtd == to else f"; no level is skipped, so level {to} comes first"
            return Advice(Action.ESCALATE, to, f"{found}{cut}.", places=self.cohort_size, numbers=numbers)
        return Advice(Action.DE_ESCALATE, to, f"{found}.", places=self.cohort_size, is_for_safety=True, numbers=numbers)

    def _is_incoherent(self, dlts: int, n: int) -> bool:
        return self.coherent and n > 0 and dlts / n > self.target


def nearest(rates: Sequence[float], target: float) -> int:
    """The level whose rate is nearest to the target, ties to the lower."""
    return 1 + min(range(len(rates)), key=lambda index: (abs(rates[index] - target), index))
