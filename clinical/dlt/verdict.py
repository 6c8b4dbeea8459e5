"""Yes, no and not yet: the three-valued answers of the DLT rules and how they combine (Kleene's strong logic).

*Open* has two sources that must not be mixed up: time that still has to pass, and a fact that nobody has entered.
Time brings an answer by itself (`until`, and what it `becomes` if nothing changes); a missing fact never does.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum


class Truth(Enum):
    """One of three answers."""

    YES = "yes"
    NO = "no"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer with the facts in words that it rests on."""

    truth: Truth
    facts: tuple[str, ...] = ()
    until: datetime | None = None
    becomes: Truth | None = None
    missing: tuple[str, ...] = ()


def yes(*facts: str) -> Verdict:
    """Holds, for these facts."""
    return Verdict(Truth.YES, facts)


def no(*facts: str) -> Verdict:
    """Does not hold, for these facts."""
    return Verdict(Truth.NO, facts)


def waits(until: datetime, becomes: Truth, *facts: str) -> Verdict:
    """Not known before `until`; then it is as said if nothing changes."""
    return Verdict(Truth.OPEN, facts, until=until, becomes=becomes)


def lacks(*missing: str) -> Verdict:
    """Not known until somebody enters what is missing."""
    return Verdict(Truth.OPEN, missing=missing)


def opposite(verdict: Verdict) -> Verdict:
    """The answer to the opposite question."""
    turned = {Truth.YES: Truth.NO, Truth.NO: Truth.YES}
    becomes = turned.get(verdict.becomes) if verdict.becomes else None
    return replace(verdict, truth=turned.get(verdict.truth, Truth.OPEN), becomes=becomes)


def all_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Holds when all hold; one that does not is the reason.

    An open answer that is going to be no settles the matter at that time, whatever else is missing.
    """
    parts = list(verdicts)
    failed = [part for part in parts if part.truth is Truth.NO]
    if failed:
        return Verdict(Truth.NO, failed[0].facts)
    return _combined(parts, decisive=Truth.NO)


def any_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Holds when one holds; nothing at all does not hold."""
    parts = list(verdicts)
    held = [part for part in parts if part.truth is Truth.YES]
    if held:
        return Verdict(Truth.YES, _once(fact for part in held for fact in part.facts))
    if not any(part.truth is Truth.OPEN for part in parts):
        return Verdict(Truth.NO, _once(fact for part in parts for fact in part.facts))
    return _combined([part for part in parts if part.truth is Truth.OPEN], decisive=Truth.YES)


def _combined(parts: list[Verdict], *, decisive: Truth) -> Verdict:
    """Open parts together: the first that turns decisive settles it, otherwise the last one to be settled does."""
    facts = _once(fact for part in parts for fact in part.facts)
    still_open = [part for part in parts if part.truth is Truth.OPEN]
    if not still_open:
        return Verdict(Truth.YES if decisive is Truth.NO else Truth.NO, facts)
    missing = _once(fact for part in still_open for fact in part.missing)
    settling = [part.until for part in still_open if part.until and part.becomes is decisive]
    if settling:
        return Verdict(Truth.OPEN, facts, min(settling), decisive, missing)
    moments = [part.until for part in still_open if part.until]
    if len(moments) == len(still_open):
        return Verdict(Truth.OPEN, facts, max(moments), still_open[0].becomes, missing)
    return Verdict(Truth.OPEN, facts, missing=missing)


def _once(facts: Iterable[str]) -> tuple[str, ...]:
    """Each fact in the order of its first mention."""
    return tuple(dict.fromkeys(facts))
