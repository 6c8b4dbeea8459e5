"""Simulation of 3+3 and of accelerated titration that turns into it: all trials of a block at once."""

import numpy as np

from clinical.escalation.accelerated_titration import AcceleratedTitration
from clinical.escalation.simulated_cohorts import Block
from clinical.escalation.simulation import NO_LEVEL, Courses, Engine, Scenario
from clinical.escalation.three_plus_three import COHORT_SIZE, DLTS_TOO_MANY, EXPANDED_SIZE, ThreePlusThree, Variant


def three_plus_three_engine(design: ThreePlusThree | AcceleratedTitration) -> Engine:
    """The engine of 3+3 in either variant, begun with single subjects where the design titrates."""
    titration = design if isinstance(design, AcceleratedTitration) else None
    rules = design.then if isinstance(design, AcceleratedTitration) else design
    fills_below = rules.variant is Variant.WITH_DE_ESCALATION

    def run(scenario: Scenario, trials: int, rng: np.random.Generator) -> Courses:
        levels = scenario.levels
        block = Block.begun(scenario, trials, COHORT_SIZE, rng, limit=levels * EXPANDED_SIZE)
        chance_moderate = np.array(scenario.moderate or (0.0,) * levels)
        moderate = np.zeros(trials, dtype=np.int64)
        single = np.full(trials, titration is not None)
        ceiling = np.full(trials, levels + 1)
        mtd = np.full(trials, NO_LEVEL)
        stopped = np.zeros(trials, dtype=bool)
        while block.running.any():
            missing = COHORT_SIZE - block.here(block.n) % COHORT_SIZE
            sizes = np.where(block.running, np.where(single, 1, missing), 0)
            dlts = block.treat(sizes)
            if titration:
                moderate += rng.binomial(np.maximum(sizes - dlts, 0), chance_moderate[block.level - 1])
                single &= (dlts == 0) & (moderate < titration.moderate_count)
            n, y = block.here(block.n), block.here(block.dlts)
            rising = block.running & single & (block.level < levels)
            single &= block.level < levels
            judged = block.running & ~rising & (n >= COHORT_SIZE)

            toxic = block.running & (y >= DLTS_TOO_MANY)
            ceiling = np.where(toxic, np.minimum(ceiling, block.level), ceiling)
            none = toxic & (block.level == 1)
            below = np.maximum(block.level - 1, 1)
            filled = np.take_along_axis(block.n, below[:, None] - 1, axis=1)[:, 0] >= EXPANDED_SIZE
            ends_below = toxic & ~none & (filled | (not fills_below))

            at_ceiling = block.level + 1 == ceiling
            must_fill = (y == 1) | (at_ceiling & (block.level < levels) & fills_below)
            clean = judged & ~toxic & ~(must_fill & (n < EXPANDED_SIZE))
            ends_here = clean & (at_ceiling | (block.level == levels))

            mtd = np.where(ends_here, block.level, np.where(ends_below, below, mtd))
            stopped |= none
            descending = toxic & ~none & ~ends_below
            block.running &= ~(none | ends_below | ends_here)
            block.level = block.level + (rising | (clean & ~ends_here)) - descending
        return Courses(block.n, block.dlts, mtd, stopped)

    return run
