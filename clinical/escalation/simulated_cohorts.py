"""Simulation of the designs that decide after whole cohorts by counts or by a model: all trials of a block at once."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from clinical.escalation.blrm import Blrm
from clinical.escalation.crm import Crm
from clinical.escalation.interval import IntervalDesign, Verdict
from clinical.escalation.simulation import NO_LEVEL, Courses, Engine, Flags, Floats, Integers, Scenario, isotonic_mtd

MODEL_GRID_POINTS = 401
BLRM_GRID = (121, 49)
ROWS_AT_ONCE = 1000
STEPS = {Verdict.ESCALATE: 1, Verdict.STAY: 0, Verdict.DE_ESCALATE: -1}


@dataclass
class Block:
    """Trials under way, a row each. Arrays, because a block of thousands moves one cohort at a time."""

    scenario: Scenario
    cohort_size: int
    limit: int
    rng: np.random.Generator
    n: Integers
    dlts: Integers
    level: Integers
    running: Flags

    @classmethod
    def begun(
        cls, scenario: Scenario, trials: int, cohort_size: int, rng: np.random.Generator, *, limit: int | None = None
    ) -> "Block":
        """A block in which nobody was treated yet. `limit` is the most subjects a trial treats, if not all cohorts."""
        limit = scenario.n_cohorts * cohort_size if limit is None else limit
        counts = np.zeros((trials, scenario.levels), dtype=np.int64)
        start = np.full(trials, scenario.start_level, dtype=np.int64)
        return cls(scenario, cohort_size, limit, rng, counts, counts.copy(), start, np.ones(trials, dtype=bool))

    def here(self, counts: Integers) -> Integers:
        """The counts at each trial's own level."""
        return np.take_along_axis(counts, self.level[:, None] - 1, axis=1)[:, 0]

    def treat(self, sizes: Integers) -> Integers:
        """Treat that many subjects in each trial at its level (none where it has ended); the DLTs among them."""
        sizes = np.where(self.running, np.minimum(sizes, self.limit - self.n.sum(axis=1)), 0)
        dlts: Integers = self.rng.binomial(sizes, np.array(self.scenario.p_true)[self.level - 1])
        rows = np.arange(len(sizes))
        self.n[rows, self.level - 1] += sizes
        self.dlts[rows, self.level - 1] += dlts
        return dlts

    def titrate(self) -> Integers:
        """Single subjects up the levels until a DLT or the top; how many complete the first cohort there."""
        climbing = self.running.copy()
        while climbing.any():
            kept, self.running = self.running, climbing
            dlts = self.treat(np.ones(len(self.level), dtype=np.int64))
            self.running = kept
            climbing = climbing & (dlts == 0) & (self.level < self.scenario.levels)
            self.level = self.level + climbing
        return np.full(len(self.level), self.cohort_size - 1, dtype=np.int64)


def interval_engine(design: IntervalDesign, *, target: float) -> Engine:
    """The engine of an interval design. Decisions are looked up in the design's own table; the MTD is isotonic."""

    def run(scenario: Scenario, trials: int, rng: np.random.Generator) -> Courses:
        block = Block.begun(scenario, trials, design.cohort_size, rng)
        most = block.limit
        step, rules_out, ends = _tables(design, most)
        levels = scenario.levels
        lowest_barred = np.full(trials, levels + 1)
        stopped = np.zeros(trials, dtype=bool)
        sizes = block.titrate() if scenario.titration else np.full(trials, design.cohort_size)
        while block.running.any():
            block.treat(sizes)
            sizes = np.full(trials, design.cohort_size)
            n, dlts = block.here(block.n), block.here(block.dlts)
            out = block.running & rules_out[n, dlts]
            lowest_barred = np.where(out, np.minimum(lowest_barred, block.level), lowest_barred)
            stopped |= block.running & (block.level == 1) & ends[n, dlts]
            block.running &= ~stopped
            # mTPI may rule a level out by the whole posterior while its intervals would stay there
            move = np.where(block.level >= lowest_barred, -1, step[n, dlts])
            up = (move > 0) & (block.level < np.minimum(levels, lowest_barred - 1))
            down = (move < 0) & (block.level > 1)
            if scenario.n_earlystop is not None:
                block.running &= ~((n >= scenario.n_earlystop) & ~up & ~down)
            block.level = np.where(block.running, block.level + up - down, block.level)
            block.running &= block.n.sum(axis=1) < most
        numbers = np.arange(1, levels + 1)[None, :]
        admissible = (numbers < lowest_barred[:, None]) & ~stopped[:, None]
        mtd = isotonic_mtd(block.n, block.dlts, target=target, admissible=admissible)
        return Courses(block.n, block.dlts, mtd, stopped)

    return run


def _tables(design: IntervalDesign, most: int) -> tuple[Integers, Flags, Flags]:
    """The design's verdicts for every count up to `most`, as arrays indexed by subjects and DLTs."""
    step = np.zeros((most + 1, most + 1), dtype=np.int64)
    rules_out, ends = np.zeros_like(step, dtype=bool), np.zeros_like(step, dtype=bool)
    for n in range(1, most + 1):
        for dlts in range(n + 1):
            step[n, dlts] = STEPS[design.verdict(n, dlts)]
            rules_out[n, dlts] = design.rules_out(n, dlts)
            ends[n, dlts] = design.ends_at_lowest(n, dlts)
    return step, rules_out, ends


def crm_engine(design: Crm) -> Engine:
    """The engine of the CRM: the model is refitted after every cohort, and the last fit names the MTD."""
    coarse = replace(design, grid_points=MODEL_GRID_POINTS)

    def fit(n: Integers, dlts: Integers) -> Floats:
        posterior = coarse.summarize(dlts @ coarse.log_rates[0] + (n - dlts) @ coarse.log_rates[1])
        distance = np.abs(coarse.curve(posterior.mean) - coarse.target).T
        return np.column_stack([np.argmin(distance, axis=1) + 1, posterior.lowest_too_toxic])

    def run(scenario: Scenario, trials: int, rng: np.random.Generator) -> Courses:
        block = Block.begun(scenario, trials, design.cohort_size, rng)
        stopped = np.zeros(trials, dtype=bool)
        mtd = np.zeros(trials, dtype=np.int64)
        while block.running.any():
            block.treat(np.full(trials, design.cohort_size))
            fitted = _by_state(block.n, block.dlts, fit)
            mtd = np.where(block.running, fitted[:, 0].astype(np.int64), mtd)
            if design.stop_certainty is not None:
                stopped |= block.running & (fitted[:, 1] > design.stop_certainty)
            block.running &= ~stopped
            to = np.minimum(mtd, block.level + 1)
            n, dlts = block.here(block.n), block.here(block.dlts)
            incoherent = design.coherent & (to > block.level) & (dlts > design.target * n)
            to = np.where(incoherent, block.level, to)
            if scenario.n_earlystop is not None:
                block.running &= ~((n >= scenario.n_earlystop) & (to == block.level))
            block.level = np.where(block.running, to, block.level)
            block.running &= block.n.sum(axis=1) < block.limit
        return Courses(block.n, block.dlts, np.where(stopped, NO_LEVEL, mtd), stopped)

    return run


def blrm_engine(design: Blrm) -> Engine:
    """The engine of the BLRM: equal states are evaluated once, and the dose that would be next names the MTD."""
    quadrature = replace(design, grid=BLRM_GRID).quadrature
    levels = len(design.doses)

    def fit(n: Integers, dlts: Integers) -> Floats:
        moments = quadrature.posterior(dlts.astype(np.float64), (n - dlts).astype(np.float64))
        under, over = moments[:, 2 * levels : 3 * levels], moments[:, 3 * levels :]
        cap = levels - np.argmax((n > 0)[:, ::-1], axis=1) + 1
        allowed = (over < design.ewoc) & (np.arange(1, levels + 1)[None, :] <= cap[:, None])
        if design.max_increase is not None:
            doses = np.array(design.doses)
            allowed &= doses[None, :] <= doses[cap - 2][:, None] * (1 + design.max_increase)
        best = np.argmax(np.where(allowed, 1 - under - over, -np.inf), axis=1) + 1
        return np.where(allowed.any(axis=1), best, NO_LEVEL)[:, None].astype(np.float64)

    def run(scenario: Scenario, trials: int, rng: np.random.Generator) -> Courses:
        block = Block.begun(scenario, trials, design.cohort_size, rng)
        stopped = np.zeros(trials, dtype=bool)
        mtd = np.zeros(trials, dtype=np.int64)
        while block.running.any():
            block.treat(np.full(trials, design.cohort_size))
            to = _by_state(block.n, block.dlts, fit)[:, 0].astype(np.int64)
            mtd = np.where(block.running, to, mtd)
            stopped |= block.running & (to == NO_LEVEL)
            block.running &= ~stopped
            if scenario.n_earlystop is not None:
                block.running &= ~((block.here(block.n) >= scenario.n_earlystop) & (to == block.level))
            block.level = np.where(block.running, to, block.level)
            block.running &= block.n.sum(axis=1) < block.limit
        return Courses(block.n, block.dlts, mtd, stopped)

    return run


def _by_state(n: Integers, dlts: Integers, fit: Callable[[Integers, Integers], Floats]) -> Floats:
    """What `fit` makes of each row of counts, computed once for rows that are alike."""
    levels = n.shape[1]
    states, place = np.unique(np.concatenate([n, dlts], axis=1), axis=0, return_inverse=True)
    fitted = [
        fit(states[start : start + ROWS_AT_ONCE, :levels], states[start : start + ROWS_AT_ONCE, levels:])
        for start in range(0, len(states), ROWS_AT_ONCE)
    ]
    return np.concatenate(fitted)[place.reshape(-1)]
