"""Results as rows for CSV and JSON: decision tables in the columns of the published ones, advice, simulations."""

from collections.abc import Iterable, Sequence

from clinical.escalation import interval
from clinical.escalation.advice import Action, Advice, Design
from clinical.escalation.boin import Boin
from clinical.escalation.cohort import Step
from clinical.escalation.exact import Characteristics
from clinical.escalation.keyboard import Keyboard
from clinical.escalation.mtpi import Mtpi
from clinical.escalation.mtpi2 import Mtpi2
from clinical.escalation.rolling_six import FULL, RollingSix
from clinical.escalation.simulation import Figure, Summary
from clinical.escalation.three_plus_three import COHORT_SIZE, EXPANDED_SIZE, ThreePlusThree
from clinical.escalation.trial import DoseLevel, Trial

Row = dict[str, object]

# A level judged in the middle of a trial: cleared below, free above, so that the advice is the level's own.
CLEARED, FREE = DoseLevel(treated=3, evaluable=3), DoseLevel()
ROLLING_SIX_WORDS = {Action.STAY: "SAME"}


MOST_SUBJECTS = 500
"""More subjects than any dose level has; a table grows with the square of it."""


TABULATED = (Boin, Keyboard, Mtpi, Mtpi2, RollingSix, ThreePlusThree)


def check_table(kind: type | None, max_n: float) -> None:
    """Refuse a table that cannot be made: of a kind of design that has none, or of too many or too few subjects."""
    tabulated = "3+3, rolling-six, boin, tite-boin, keyboard, mtpi, mtpi-2"
    no_table = (
        f"This design has no decision table: it looks at more than one level's counts. Choose one of: {tabulated}."
    )
    interval.check(
        [
            (kind is None or issubclass(kind, TABULATED), no_table),
            (max_n >= 1, "max-n must be at least 1."),
            (max_n <= MOST_SUBJECTS, f"max-n must be at most {MOST_SUBJECTS}."),
        ]
    )


def decision_table(design: Design, *, max_n: int = 30) -> list[Row]:
    """The design's decision table up to `max_n` subjects."""
    check_table(type(design), max_n)
    match design:
        case Boin():
            return [_boin_row(design, interval.boundaries(design, n)) for n in range(1, max_n + 1)]
        case Keyboard():
            return [_keyboard_row(design, interval.boundaries(design, n)) for n in range(1, max_n + 1)]
        case Mtpi() | Mtpi2():
            return [_mtpi_row(design, n, dlts) for n in range(1, max_n + 1) for dlts in range(n + 1)]
        case RollingSix():
            return [
                _rolling_six_row(design, dlts, clean, enrolled - dlts - clean)
                for enrolled in range(1, min(max_n, FULL) + 1)
                for dlts in range(enrolled + 1)
                for clean in range(enrolled - dlts + 1)
            ]
        case ThreePlusThree():
            return [
                _three_plus_three_row(design, n, dlts) for n in (COHORT_SIZE, EXPANDED_SIZE) for dlts in range(n + 1)
            ]
    raise AssertionError(f"{type(design).__name__} is tabulated and has no table.")


def _boin_row(design: Boin, row: interval.Boundaries) -> Row:
    """The stricter stop at the lowest level is tabulated whether or not it is in force."""
    stop = min((dlts for dlts in range(row.n + 1) if design.exceeds_extrasafe(row.n, dlts)), default=None)
    return {
        "design": "BOIN",
        "target": design.target,
        "p_saf": design.safe_rate,
        "p_tox": design.toxic_rate,
        "cutoff_eli": design.cutoff_eli,
        "lambda_e": design.lambda_e,
        "lambda_d": design.lambda_d,
        "n": row.n,
        "escalate_if_le": row.escalate_if_le,
        "deescalate_if_ge": row.deescalate_if_ge,
        "eliminate_if_ge": row.eliminate_if_ge,
        f"stop_at_lowest_dose_if_ge_offset{round(100 * design.offset):02d}": stop,
    }


def _keyboard_row(design: Keyboard, row: interval.Boundaries) -> Row:
    return {
        "design": "Keyboard",
        "target": design.target,
        "margin_l": design.margin_l,
        "margin_r": design.margin_r,
        "cutoff_eli": design.cutoff_eli,
        "n": row.n,
        "escalate_if_le": row.escalate_if_le,
        "deescalate_if_ge": row.deescalate_if_ge,
        "eliminate_if_ge": row.eliminate_if_ge,
    }


def _mtpi_row(design: Mtpi | Mtpi2, n: int, dlts: int) -> Row:
    return {
        "design": "mTPI" if isinstance(design, Mtpi) else "mTPI-2",
        "target": design.target,
        "epsilon1": design.epsilon1,
        "epsilon2": design.epsilon2,
        "exclusion_certainty": design.exclusion_certainty,
        "n": n,
        "dlt": dlts,
        "action": "DU" if design.rules_out(n, dlts) else design.verdict(n, dlts).value,
    }


def _rolling_six_row(design: RollingSix, dlts: int, clean: int, pending: int) -> Row:
    level = DoseLevel(treated=dlts + clean + pending, evaluable=dlts + clean, dlts=dlts, pending=pending)
    action = design.advise(Trial((CLEARED, level, FREE), current=2)).action
    return {
        "enrolled": level.treated,
        "dlt": dlts,
        "completed_without_dlt": clean,
        "pending": pending,
        "action": ROLLING_SIX_WORDS.get(action, action.upper()),
    }


def _three_plus_three_row(design: ThreePlusThree, n: int, dlts: int) -> Row:
    level = DoseLevel(treated=n, evaluable=n, dlts=dlts)
    action = design.advise(Trial((CLEARED, level, FREE), current=2)).action
    return {"design": f"3+3 {design.variant}", "n": n, "dlt": dlts, "action": action.upper()}


def advice_row(advice: Advice) -> Row:
    """One piece of advice, its numbers last."""
    return {
        "advice": str(advice),
        "action": advice.action.value,
        "level": advice.level,
        "places": advice.places,
        "mtd": advice.mtd,
        "eliminates": " ".join(str(level) for level in sorted(advice.eliminates)),
        "is_for_safety": advice.is_for_safety,
        "reason": advice.reason,
        **advice.numbers,
    }


def step_rows(steps: Iterable[Step]) -> list[Row]:
    """An event log replayed: the counts of the level now open after each event, and the advice on them."""
    return [
        {
            "day": step.event.day,
            "event": step.event.happening.value,
            "subject": step.event.subject,
            "current_level": step.trial.current,
            "treated": step.trial.here.treated,
            "dlts": step.trial.here.dlts,
            "complete_no_dlt": step.trial.here.evaluable - step.trial.here.dlts,
            "pending": step.trial.here.pending,
            "not_evaluable": step.trial.here.not_evaluable,
            "action": step.advice.action.value,
            "level": step.advice.level,
            "eliminates": " ".join(str(level) for level in sorted(step.advice.eliminates)),
            "reason": step.advice.reason,
            "level_after": step.current_after,
        }
        for step in steps
    ]


def summary_rows(summary: Summary, p_true: Sequence[float]) -> list[Row]:
    """A simulation: a row per dose level, then one for trials without MTD, one for early stops and one for totals."""
    rows = [
        _operating_row(str(level), rate, select, n, dlts)
        for level, (rate, select, n, dlts) in enumerate(
            zip(p_true, summary.select_percent, summary.n, summary.dlts, strict=True), start=1
        )
    ]
    return [
        *rows,
        _operating_row("none", None, summary.none_percent, None, None),
        _operating_row("stopped early", None, summary.stopped_percent, None, None),
        _operating_row("all", None, None, summary.total_n, summary.total_dlts),
    ]


def exact_rows(exact: Characteristics, p_true: Sequence[float]) -> list[Row]:
    """Exact operating characteristics in the same columns; their Monte-Carlo error is 0."""
    rows = [
        _operating_row(str(level), rate, Figure(100 * select, 0.0), Figure(n, 0.0), Figure(dlts, 0.0))
        for level, (rate, select, n, dlts) in enumerate(
            zip(p_true, exact.select, exact.n, exact.dlts, strict=True), start=1
        )
    ]
    totals = Figure(sum(exact.n), 0.0), Figure(sum(exact.dlts), 0.0)
    return [
        *rows,
        _operating_row("none", None, Figure(100 * exact.select_none, 0.0), None, None),
        _operating_row("all", None, None, *totals),
    ]


def _operating_row(level: str, rate: float | None, select: Figure | None, n: Figure | None, dlts: Figure | None) -> Row:
    row: Row = {"level": level, "p_true": rate}
    for name, figure in (("select_percent", select), ("n", n), ("dlts", dlts)):
        row[name] = figure.value if figure else None
        row[f"{name}_mc_error"] = figure.error if figure else None
    return row
