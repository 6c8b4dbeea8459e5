"""The maximum tolerated dose by isotonic regression, as BOIN and Keyboard trials estimate it at their end."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from clinical.escalation.boin import Boin
from clinical.escalation.interval import ruled_out_by
from clinical.escalation.trial import Trial

TIE_BREAK = 1e-10


@dataclass(frozen=True)
class Estimate:
    """The isotonic DLT rate of one tried level, with its 95 % interval."""

    level: int
    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Selection:
    """The level selected as MTD, or none, with the estimates of all tried levels and the reason in words."""

    mtd: int | None
    estimates: tuple[Estimate, ...]
    reason: str


def pooled(values: Sequence[float], weights: Sequence[float]) -> NDArray[np.float64]:
    """The non-decreasing sequence nearest to `values`: adjacent violators pooled to their weighted mean.

    >>> pooled([0.1, 0.4, 0.2], [1, 1, 1]).round(3).tolist()
    [0.1, 0.3, 0.3]
    """
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(values, weights, strict=True):
        mean, mass, length = value, weight, 1
        while blocks and blocks[-1][0] > mean:
            before, before_mass, before_length = blocks.pop()
            mean = (before * before_mass + mean * mass) / (before_mass + mass)
            mass, length = before_mass + mass, before_length + length
        blocks.append((mean, mass, length))
    return np.repeat([mean for mean, _, _ in blocks], [length for _, _, length in blocks])


def select_mtd(trial: Trial, *, design: Boin, bound_mtd: bool = False) -> Selection:
    """The tried, not eliminated level whose isotonic DLT rate is nearest to the target.

    Rates are (y + 0.05) / (n + 0.1), weighted by the inverse of their beta variance. Equally near estimates above the
    target give the lower level, below it the higher. With `bound_mtd` the estimate must also lie below BOIN's
    de-escalation boundary. Source: Liu & Yuan, JRSS C 2015;64:507; BOIN software notes.

    The case people get wrong: the level with most subjects is not the MTD, and pooling may move the choice:

    >>> from clinical.escalation.trial import from_counts
    >>> select_mtd(from_counts([9, 12, 9, 15, 6, 0], [2, 3, 1, 8, 4, 0]), design=Boin(target=0.33)).mtd
    3
    """
    tried = [number for number, level in enumerate(trial.levels, start=1) if level.evaluable]
    estimates = _estimates(trial, tried)
    barred = trial.eliminated | ruled_out_by(trial, design)
    lowest = trial[1]
    if 1 in barred or design.ends_at_lowest(lowest.evaluable, lowest.dlts):
        return Selection(None, estimates, "No level is selected: the lowest level is too toxic.")
    fit = [number for number in tried if number not in barred]
    if not fit:
        return Selection(None, estimates, "No level is selected: no level that is still admissible was tried.")
    rates = np.array([estimate.rate for estimate in _estimates(trial, fit)])
    rates = rates + TIE_BREAK * np.arange(1, len(fit) + 1)
    if bound_mtd:
        rates = rates[rates <= design.lambda_d]
        if not rates.size:
            return Selection(None, estimates, "No level is selected: every estimate is above the boundary.")
    mtd = fit[int(np.argmin(np.abs(rates - design.target)))]
    rate = rates[fit.index(mtd)]
    reason = f"Level {mtd} has the estimated DLT rate {rate:.2f}, nearest to the target {design.target:g}."
    return Selection(mtd, estimates, reason)


def _estimates(trial: Trial, numbers: Sequence[int]) -> tuple[Estimate, ...]:
    dlts = np.array([trial[number].dlts for number in numbers]) + 0.05
    free = np.array([trial[number].evaluable - trial[number].dlts for number in numbers]) + 0.05
    size = dlts + free
    weights = (size**2 * (size + 1) / (dlts * free)).tolist()
    return tuple(
        Estimate(number, float(rate), float(low), float(high))
        for number, rate, low, high in zip(
            numbers,
            pooled((dlts / size).tolist(), weights),
            pooled(beta.ppf(0.025, dlts, free).tolist(), weights),
            pooled(beta.ppf(0.975, dlts, free).tolist(), weights),
            strict=True,
        )
    )
