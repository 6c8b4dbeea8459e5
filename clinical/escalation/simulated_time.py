"""Simulation of the designs that decide while subjects are pending: subjects arrive and have DLTs on the calendar."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from clinical.escalation.interval import IntervalDesign
from clinical.escalation.rolling_six import DLTS_TOO_MANY, ENOUGH_CLEAN, FULL, RollingSix
from clinical.escalation.simulation import NO_LEVEL, Courses, Engine, Flags, Floats, Integers, Scenario, isotonic_mtd
from clinical.escalation.tite_boin import TiteBoin
from clinical.escalation.tite_crm import TiteCrm

MODEL_GRID_POINTS = 201


@dataclass
class Calendar:
    """Trials under way, a row each, with a column per subject: level, day of the first dose, day of a DLT."""

    scenario: Scenario
    rng: np.random.Generator
    subject_level: Integers
    dosed_on: Floats
    dlt_on: Floats
    enrolled: Integers
    today: Floats
    level: Integers
    running: Flags

    @classmethod
    def begun(cls, scenario: Scenario, trials: int, most: int, rng: np.random.Generator) -> "Calendar":
        """A block in which nobody was treated yet."""
        empty = np.full((trials, most), np.inf)
        return cls(
            scenario,
            rng,
            subject_level=np.zeros((trials, most), dtype=np.int64),
            dosed_on=empty,
            dlt_on=empty.copy(),
            enrolled=np.zeros(trials, dtype=np.int64),
            today=np.zeros(trials),
            level=np.full(trials, scenario.start_level, dtype=np.int64),
            running=np.ones(trials, dtype=bool),
        )

    def enrol(self, where: Flags) -> None:
        """Treat one subject at the level of each of these trials, and wait for the next to arrive."""
        rows = np.flatnonzero(where)
        column, level = self.enrolled[rows], self.level[rows]
        toxic = self.rng.random(len(rows)) < np.array(self.scenario.p_true)[level - 1]
        after = self.rng.random(len(rows)) * self.scenario.window_days
        self.subject_level[rows, column] = level
        self.dosed_on[rows, column] = self.today[rows]
        self.dlt_on[rows, column] = np.where(toxic, self.today[rows] + after, np.inf)
        self.enrolled[rows] += 1
        self.today[rows] += self.rng.exponential(self.scenario.accrual_days, len(rows))

    def await_outcome(self, where: Flags) -> None:
        """Let time pass in these trials until the next outcome is known."""
        known_on = np.minimum(self.dlt_on, self.dosed_on + self.scenario.window_days)
        to_come = np.where(known_on > self.today[:, None], known_on, np.inf).min(axis=1)
        self.today = np.where(where, to_come, self.today)

    def finish(self) -> None:
        """Let everybody's window end: a day later than any, though not so late that a DLT that never comes is due."""
        self.today = np.full(len(self.today), np.finfo(np.float64).max)

    def counts(self) -> tuple[Integers, Integers, Integers, Flags]:
        """Subjects, DLTs and pending per level today, and who is pending."""
        treated = self.subject_level > 0
        toxic = treated & (self.dlt_on <= self.today[:, None])
        pending = treated & ~toxic & (self.dosed_on + self.scenario.window_days > self.today[:, None])
        at_level = [self.subject_level == level for level in range(1, self.scenario.levels + 1)]
        n, dlts, open_ones = (
            np.stack([(who & here).sum(axis=1) for here in at_level], axis=1) for who in (treated, toxic, pending)
        )
        return n, dlts, open_ones, pending

    def follow_up(self, pending: Flags) -> Floats:
        """The share of the window that each pending subject has finished."""
        observed = np.where(pending, self.today[:, None] - np.where(pending, self.dosed_on, 0.0), 0.0)
        return observed / self.scenario.window_days

    def here(self, counts: Integers) -> Integers:
        """The counts at each trial's own level."""
        return np.take_along_axis(counts, self.level[:, None] - 1, axis=1)[:, 0]


class Moves(NamedTuple):
    """What a design says to each trial of a block: the next level, whether to wait, whether to stop for toxicity."""

    to: Integers
    wait: Flags
    stop: Flags


Decide = Callable[[Calendar], Moves]


def _run_by_cohorts(
    scenario: Scenario, trials: int, rng: np.random.Generator, *, cohort_size: int, decide: Decide
) -> tuple[Calendar, Flags]:
    """Trials that decide after each cohort; the calendar with everybody's outcome known, and which stopped."""
    most = scenario.n_cohorts * cohort_size
    calendar = Calendar.begun(scenario, trials, most, rng)
    stopped = np.zeros(trials, dtype=bool)
    decided_at = np.zeros(trials, dtype=np.int64)
    while calendar.running.any():
        due = calendar.running & (calendar.enrolled % cohort_size == 0) & (calendar.enrolled > decided_at)
        waiting = np.zeros(trials, dtype=bool)
        if due.any():
            moves = decide(calendar)
            stopped |= due & moves.stop
            calendar.running &= ~stopped
            waiting = due & ~stopped & moves.wait
            acting = due & ~stopped & ~moves.wait
            calendar.level = np.where(acting, moves.to, calendar.level)
            decided_at = np.where(acting, calendar.enrolled, decided_at)
        calendar.await_outcome(waiting)
        calendar.enrol(calendar.running & ~waiting)
        calendar.running &= calendar.enrolled < most
    calendar.finish()
    return calendar, stopped


def tite_boin_engine(design: TiteBoin) -> Engine:
    """The engine of TITE-BOIN; the MTD is isotonic, from everybody's outcome."""

    def run(scenario: Scenario, trials: int, rng: np.random.Generator) -> Courses:
        levels = scenario.levels
        barred_from = np.full(trials, levels + 1)
        rules_out, ends = _stop_tables(design, scenario.n_cohorts * design.cohort_size)

        def decide(calendar: Calendar) -> Moves:
            nonlocal barred_from
            n, dlts, open_ones, pending = calendar.counts()
            here, y, waiting = calendar.here(n), calendar.here(dlts), calendar.here(open_ones)
            at_level = calendar.subject_level == calendar.level[:, None]
            size = here - waiting + (calendar.follow_up(pending) * at_level).sum(axis=1)
            rate = y / np.maximum(size, 1e-9)
            barred_from = np.where(rules_out[here, y], np.minimum(barred_from, calendar.level), barred_from)
            out = calendar.level >= barred_from
            up = (rate <= design.lambda_e) & ~out & (calendar.level < np.minimum(levels, barred_from - 1))
            down = (rate >= design.lambda_d) | out
            suspended = (waiting > design.max_pending_fraction * here) | (down & (calendar.level == 1) & (waiting > 0))
            to = calendar.level + up - (down & (calendar.level > 1))
            return Moves(to, suspended & ~out, (calendar.level == 1) & ends[here, y])

        calendar, stopped = _run_by_cohorts(scenario, trials, rng, cohort_size=design.cohort_size, decide=decide)
        n, dlts, _, _ = calendar.counts()
        final_out = rules_out[n, dlts]
        first_out = np.where(final_out.any(axis=1), np.argmax(final_out, axis=1) + 1, levels + 1)
        barred_from = np.minimum(barred_from, first_out)
        admissible = (np.arange(1, levels + 1)[None, :] < barred_from[:, None]) & ~stopped[:, None]
        return Courses(n, dlts, isotonic_mtd(n, dlts, target=design.target, admissible=admissible), stopped)

    return run


def _stop_tables(design: IntervalDesign, most: int) -> tuple[Flags, Flags]:
    """Elimination and the end at the lowest level for every count, indexed by subjects and DLTs."""
    rules_out = np.zeros((most + 1, most + 1), dtype=bool)
    ends = rules_out.copy()
    for n in range(1, most + 1):
        for dlts in range(n + 1):
            rules_out[n, dlts], ends[n, dlts] = design.rules_out(n, dlts), design.ends_at_lowest(n, dlts)
    return rules_out, ends


def tite_crm_engine(design: TiteCrm) -> Engine:
    """The engine of TITE-CRM; the fit to everybody's outcome names the MTD."""
    coarse = replace(design, grid_points=MODEL_GRID_POINTS)
    log_p, log_q = coarse.log_rates
    rates = np.exp(log_p)

    def fit(calendar: Calendar) -> tuple[Integers, Floats]:
        n, dlts, open_ones, pending = calendar.counts()
        log_likelihood = dlts @ log_p + (n - dlts - open_ones) @ log_q
        rows, columns = np.nonzero(pending)
        if rows.size:
            share = calendar.follow_up(pending)[rows, columns]
            each = np.log(np.maximum(1 - share[:, None] * rates[calendar.subject_level[rows, columns] - 1], 1e-300))
            starts = np.flatnonzero(np.diff(rows, prepend=-1))
            log_likelihood[rows[starts]] += np.add.reduceat(each, starts, axis=0)
        posterior = coarse.summarize(log_likelihood)
        distance = np.abs(coarse.curve(posterior.mean) - coarse.target).T
        return np.argmin(distance, axis=1) + 1, posterior.lowest_too_toxic

    def decide(calendar: Calendar) -> Moves:
        mtd, too_toxic = fit(calendar)
        n, dlts, open_ones, _ = calendar.counts()
        decided = calendar.here(n) - calendar.here(open_ones)
        incoherent = design.coherent & (calendar.here(dlts) > design.target * decided)
        to = np.minimum(mtd, np.where(incoherent, calendar.level, calendar.level + 1))
        wait = np.zeros(len(to), dtype=bool)
        if design.max_pending_fraction is not None:
            wait = (calendar.here(open_ones) > design.max_pending_fraction * calendar.here(n)) & (to >= calendar.level)
        stop = too_toxic > (1.0 if design.stop_certainty is None else design.stop_certainty)
        return Moves(to, wait, stop)

    def run(scenario: Scenario, trials: int, rng: np.random.Generator) -> Courses:
        calendar, stopped = _run_by_cohorts(scenario, trials, rng, cohort_size=design.cohort_size, decide=decide)
        n, dlts, _, _ = calendar.counts()
        mtd, _ = fit(calendar)
        return Courses(n, dlts, np.where(stopped, NO_LEVEL, mtd), stopped)

    return run


def rolling_six_engine(_: RollingSix) -> Engine:
    """The engine of rolling six: every arriving subject is a decision."""

    def run(scenario: Scenario, trials: int, rng: np.random.Generator) -> Courses:
        levels = scenario.levels
        calendar = Calendar.begun(scenario, trials, levels * FULL, rng)
        ceiling = np.full(trials, levels + 1)
        mtd = np.full(trials, NO_LEVEL)
        stopped = np.zeros(trials, dtype=bool)
        while calendar.running.any():
            n, dlts, open_ones, _ = calendar.counts()
            here, y, waiting = calendar.here(n), calendar.here(dlts), calendar.here(open_ones)
            lowest_toxic = np.where(
                (dlts >= DLTS_TOO_MANY).any(axis=1), np.argmax(dlts >= DLTS_TOO_MANY, axis=1) + 1, levels + 1
            )
            ceiling = np.where(calendar.running, np.minimum(ceiling, lowest_toxic), ceiling)
            toxic = calendar.running & (calendar.level >= ceiling)
            none = toxic & (ceiling == 1)
            below = np.maximum(ceiling - 1, 1)
            row = np.arange(trials)
            decided_below = n[row, below - 1] - open_ones[row, below - 1]
            ends_below = toxic & ~none & (decided_below >= FULL)
            full_below = toxic & ~none & ~ends_below & (n[row, below - 1] >= FULL)

            certain = (here >= FULL) & (y + waiting < DLTS_TOO_MANY)
            clean = (here < FULL) & (here >= ENOUGH_CLEAN) & (y == 0) & (waiting == 0)
            at_top, at_ceiling = calendar.level == levels, calendar.level + 1 == ceiling
            good = calendar.running & ~toxic & (certain | (clean & (at_top | ~at_ceiling)))
            ends_here = good & (at_top | at_ceiling)
            rising = good & ~ends_here
            suspended = calendar.running & ~toxic & (here >= FULL) & ~certain

            mtd = np.where(ends_here, calendar.level, np.where(ends_below, below, mtd))
            stopped |= none
            calendar.running &= ~(none | ends_below | ends_here)
            calendar.level = np.where(toxic & calendar.running, below, calendar.level) + rising
            calendar.await_outcome(suspended | full_below)
            calendar.enrol(calendar.running & ~suspended & ~full_below)
        calendar.finish()
        n, dlts, _, _ = calendar.counts()
        return Courses(n, dlts, mtd, stopped)

    return run
