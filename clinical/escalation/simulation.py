"""What a design does over many simulated trials: the scenario, the counts it ends with, and their summary."""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from clinical.escalation.interval import check

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

BLOCK = 2000
NO_LEVEL = 0


@dataclass(frozen=True)
class Scenario:
    """True DLT rates per dose level, and how the trials are run.

    `n_cohorts` cohorts of the design's own size are treated at most. `n_earlystop` ends a trial that would stay at a
    level with that many subjects. `titration` begins with single subjects until the first DLT (interval designs).
    `moderate` is, per level, the chance of a moderate event in a subject without a DLT (accelerated titration).
    For designs that decide while subjects are pending, `window_days` is the DLT period and `accrual_days` the mean time
    between subjects; a DLT falls on any day of the window alike.
    """

    p_true: tuple[float, ...]
    n_cohorts: int = 10
    trials: int = 1000
    seed: int = 1
    start_level: int = 1
    n_earlystop: int | None = None
    titration: bool = False
    moderate: tuple[float, ...] = ()
    window_days: float = 28.0
    accrual_days: float = 10.0

    def __post_init__(self) -> None:
        check(
            [
                (
                    bool(self.p_true) and all(0 <= rate <= 1 for rate in self.p_true),
                    "The simulation needs p-true, the true DLT rates between 0 and 1, one per dose level.",
                ),
                (self.n_cohorts >= 1, "A trial needs at least one cohort."),
                (self.trials >= 1, "At least one trial must be simulated."),
                (self.seed >= 0, "The seed must be 0 or more."),
                (1 <= self.start_level <= max(1, len(self.p_true)), "The start level must be one of the dose levels."),
                (self.n_earlystop is None or self.n_earlystop >= 1, "n-earlystop must be at least 1."),
                (
                    len(self.moderate) in (0, len(self.p_true)) and all(0 <= rate <= 1 for rate in self.moderate),
                    "The rates of moderate events must be one per dose level, between 0 and 1.",
                ),
                (
                    self.window_days > 0 and self.accrual_days > 0,
                    "The DLT period and the accrual time must be above 0.",
                ),
            ]
        )

    @property
    def levels(self) -> int:
        """How many dose levels there are."""
        return len(self.p_true)


@dataclass(frozen=True)
class Courses:
    """How simulated trials ended, a row each: subjects and DLTs per level, the MTD (0: none), and stopping early."""

    n: Integers
    dlts: Integers
    mtd: Integers
    stopped: Flags


@dataclass(frozen=True)
class Figure:
    """A simulated figure with its Monte-Carlo standard error."""

    value: float
    error: float


@dataclass(frozen=True)
class Summary:
    """Operating characteristics: per dose level, then over all."""

    trials: int
    select_percent: tuple[Figure, ...]
    n: tuple[Figure, ...]
    dlts: tuple[Figure, ...]
    none_percent: Figure
    stopped_percent: Figure
    total_n: Figure
    total_dlts: Figure


Engine = Callable[[Scenario, int, np.random.Generator], Courses]
Progress = Callable[[int, int], None]


def simulate(engine: Engine, scenario: Scenario, *, progress: Progress | None = None) -> Summary:
    """Run the scenario's trials through an engine, block by block. The same seed gives the same trials again.

    Blocks have random streams of their own, so that the figures do not depend on what is done between them.
    """
    sizes = [min(BLOCK, scenario.trials - start) for start in range(0, scenario.trials, BLOCK)]
    streams = np.random.SeedSequence(scenario.seed).spawn(len(sizes))
    blocks = []
    done = 0
    for size, stream in zip(sizes, streams, strict=True):
        blocks.append(engine(scenario, size, np.random.default_rng(stream)))
        done += size
        if progress:
            progress(done, scenario.trials)
    return summarize(
        Courses(
            *(np.concatenate([getattr(block, name) for block in blocks]) for name in ("n", "dlts", "mtd", "stopped"))
        )
    )


def summarize(courses: Courses) -> Summary:
    """The operating characteristics of simulated trials."""
    trials, levels = courses.n.shape

    def mean(values: NDArray[np.int64]) -> Figure:
        spread = float(values.std(ddof=1)) if trials > 1 else 0.0
        return Figure(float(values.mean()), spread / sqrt(trials))

    def percent(holds: Flags) -> Figure:
        share = float(holds.mean())
        return Figure(100 * share, 100 * sqrt(share * (1 - share) / trials))

    return Summary(
        trials=trials,
        select_percent=tuple(percent(courses.mtd == level) for level in range(1, levels + 1)),
        n=tuple(mean(courses.n[:, index]) for index in range(levels)),
        dlts=tuple(mean(courses.dlts[:, index]) for index in range(levels)),
        none_percent=percent(courses.mtd == NO_LEVEL),
        stopped_percent=percent(courses.stopped),
        total_n=mean(courses.n.sum(axis=1)),
        total_dlts=mean(courses.dlts.sum(axis=1)),
    )


def isotonic_mtd(n: Integers, dlts: Integers, *, target: float, admissible: Flags) -> Integers:
    """The isotonic MTD of many trials at once; `clinical.escalation.isotonic` says the rule. 0 where there is none.

    The pooled estimate at a level is the greatest, over starts at or below it, of the least weighted mean, over ends
    at or above it (Robertson, Wright & Dykstra 1988, theorem 1.4.4).
    """
    fit = admissible & (n > 0)
    toxic, size = dlts + 0.05, n + 0.1
    weight = np.where(fit, size**2 * (size + 1) / (toxic * (size - toxic)), 0.0)
    levels = n.shape[1]
    below = np.concatenate([np.zeros((len(n), 1)), np.cumsum(weight, axis=1)], axis=1)
    products = np.concatenate([np.zeros((len(n), 1)), np.cumsum(weight * toxic / size, axis=1)], axis=1)
    distance = np.full(n.shape, np.inf)
    for level in range(levels):
        estimate = np.full(len(n), -np.inf)
        for start in range(level + 1):
            least = np.full(len(n), np.inf)
            for end in range(level + 1, levels + 1):
                mass = below[:, end] - below[:, start]
                mean = (products[:, end] - products[:, start]) / np.where(mass > 0, mass, 1.0)
                least = np.where(mass > 0, np.minimum(least, mean), least)
            estimate = np.maximum(estimate, least)
        # Equally near estimates are pooled ones, alike up to rounding: rounded, the tie-break alone decides.
        tie_broken = np.round(estimate, 12) + 1e-10 * (level + 1)
        distance[:, level] = np.where(fit[:, level], np.abs(tie_broken - target), np.inf)
    return np.where(fit.any(axis=1), np.argmin(distance, axis=1) + 1, NO_LEVEL).astype(np.int64)
