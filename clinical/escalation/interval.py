"""What the interval designs (BOIN, Keyboard, mTPI, mTPI-2) share: a verdict per count of DLTs, and its table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from scipy.special import betainc

from clinical.escalation.advice import Action, Advice
from clinical.escalation.trial import Trial


class Verdict(StrEnum):
    """The verdict on one level by its own counts, in the letters of the published tables."""

    ESCALATE = "E"
    STAY = "S"
    DE_ESCALATE = "D"


class IntervalDesign(Protocol):
    """A design that looks at nothing but the subjects and DLTs of the level at hand."""

    @property
    def cohort_size(self) -> int:
        """How many evaluable subjects a decision needs."""

    def verdict(self, n: int, dlts: int) -> Verdict:
        """Whether the level calls for more dose, the same, or less."""

    def rules_out(self, n: int, dlts: int) -> bool:
        """Whether the level, and with it every higher one, is eliminated."""

    def ends_at_lowest(self, n: int, dlts: int) -> bool:
        """Whether these counts at the lowest level end the trial."""


def probability_above(rate: float, *, n: int, dlts: int) -> float:
    """The posterior probability that the DLT rate exceeds `rate`, from a uniform prior.

    >>> round(probability_above(0.3, n=3, dlts=3), 4)
    0.9919
    """
    return float(1 - betainc(dlts + 1, n - dlts + 1, rate))


def ruled_out_by(trial: Trial, design: IntervalDesign) -> frozenset[int]:
    """The levels that the data rule out: the lowest one with too many DLTs and everything above it."""
    for number, level in enumerate(trial.levels, start=1):
        if design.rules_out(level.evaluable, level.dlts):
            return frozenset(range(number, trial.top + 1))
    return frozenset()


def decide(trial: Trial, design: IntervalDesign, numbers: Mapping[str, float]) -> Advice:
    """The decision at the level now open, everybody's outcome taken as known.

    The case people get wrong: an eliminated level stays eliminated, so counts that would escalate into it stay.
    """
    level, here = trial.current, trial.here
    n, dlts = here.evaluable, here.dlts
    figures = MappingProxyType({"n": float(n), "dlts": float(dlts), **numbers})
    new = ruled_out_by(trial, design) - trial.eliminated
    barred = trial.eliminated | new
    found = f"{dlts} of {n} subjects at level {level} had a DLT"
    if 1 in barred:
        return Advice(
            Action.STOP,
            level,
            f"The lowest level is too toxic: {trial[1].dlts} of {trial[1].evaluable} subjects had a DLT.",
            is_for_safety=True,
            eliminates=new,
            numbers=figures,
        )
    if level == 1 and design.ends_at_lowest(n, dlts):
        return Advice(
            Action.STOP, level, f"{found}, too many at the lowest level.", is_for_safety=True, numbers=figures
        )
    if level in barred:
        below = max(number for number in range(1, level) if number not in barred)
        return Advice(
            Action.DE_ESCALATE,
            below,
            f"{found}; level {min(barred)} and above are eliminated.",
            places=design.cohort_size,
            is_for_safety=True,
            eliminates=new,
            numbers=figures,
        )
    match design.verdict(n, dlts):
        case Verdict.ESCALATE if level == trial.top:
            action, to, why = Action.STAY, level, "there is no higher level"
        case Verdict.ESCALATE if level + 1 in barred:
            action, to, why = Action.STAY, level, f"level {level + 1} is eliminated"
        case Verdict.ESCALATE:
            action, to, why = Action.ESCALATE, level + 1, "few enough to go up"
        case Verdict.STAY:
            action, to, why = Action.STAY, level, "close to the target"
        case Verdict.DE_ESCALATE if level == 1:
            action, to, why = Action.STAY, level, "too many, but there is no lower level"
        case _:
            action, to, why = Action.DE_ESCALATE, level - 1, "too many"
    return Advice(
        action,
        to,
        f"{found}: {why}.",
        places=design.cohort_size,
        is_for_safety=n > 0 and design.verdict(n, dlts) is Verdict.DE_ESCALATE,
        eliminates=new,
        numbers=figures,
    )


@dataclass(frozen=True)
class Boundaries:
    """One row of a decision table: the DLT counts among `n` subjects at which each thing begins, or None if at none."""

    n: int
    escalate_if_le: int | None
    deescalate_if_ge: int | None
    eliminate_if_ge: int | None


def boundaries(design: IntervalDesign, n: int) -> Boundaries:
    """The row of the design's decision table for `n` evaluable subjects.

    A level that is eliminated is left, so no elimination begins before de-escalation does.
    """
    counts = range(n + 1)
    verdicts = [design.verdict(n, dlts) for dlts in counts]
    eliminate = min((dlts for dlts in counts if design.rules_out(n, dlts)), default=None)
    return Boundaries(
        n,
        max((dlts for dlts in counts if verdicts[dlts] is Verdict.ESCALATE), default=None),
        min((dlts for dlts in counts if verdicts[dlts] is Verdict.DE_ESCALATE or dlts == eliminate), default=None),
        eliminate,
    )


def check(claims: list[tuple[bool, str]]) -> None:
    """Refuse parameters that cannot be meant, naming every one in a line."""
    if faults := [fault for holds, fault in claims if not holds]:
        raise ValueError("\n".join(faults))


class RefusedNumber(float):
    """Stands in for a number that was refused or is missing: every claim about it holds.

    So the claims about the other parameters can still be judged, and one refusal names all that is wrong.

    >>> refused = RefusedNumber()
    >>> 0 < refused < 1, 0.4 > 1 - refused, 0.4 < 0.6 * refused
    (True, True, True)
    """

    def _holds(self, other: object) -> bool:
        return True

    def _stays(self, other: object) -> "RefusedNumber":
        return self

    __lt__ = __le__ = __gt__ = __ge__ = _holds
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _stays
