"""One subject's tumor burden over the trial, as far as a figure needs it."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from clinical.recist.responses import Response

LARGEST_PCT = Decimal(100)
"""How far the axis of change reaches either way. Nothing shrinks by more; growth beyond is cut off and printed."""


class Reason(StrEnum):
    """Why a subject has no mark, in words."""

    NO_BASELINE = "no scan before treatment"
    NO_TARGET = "no target lesion at baseline"
    NOT_TREATED = "not treated, so no scan after baseline"
    NO_SCAN = "no scan after baseline yet"
    NOTHING_AT_BASELINE = "a baseline sum of 0 mm, from which no change in percent can be told"
    NEVER_COMPLETE = "no scan up to progression evaluated every target lesion"
    NO_START = "the day of the first dose is not known"
    NO_DOSE = "not treated"
    NO_DAY = "no scan with a full date evaluated every target lesion"


@dataclass(frozen=True, slots=True)
class Scan:
    """One assessment after baseline. `day` counts from the first dose; none where either date lacks its day."""

    date: str
    day: int | None
    change_pct: Decimal | None
    is_complete: bool
    response: Response
    has_new_lesion: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """What became of one subject's tumors under one evaluator."""

    subject: str
    site: str = ""
    dose: str = ""
    dose_rank: int | None = None
    best: Response = Response.MISSING
    confirmed: Response = Response.MISSING
    best_change_pct: Decimal | None = None
    has_baseline: bool = True
    baseline_mm: Decimal | None = None
    scans: tuple[Scan, ...] = ()
    is_treated: bool = True
    has_start_day: bool = True
    is_ongoing: bool = False

    @property
    def up_to_progression(self) -> tuple[Scan, ...]:
        """The scans that count for the best response: up to and including the first progression (RECIST 1.1, 4.6)."""
        for place, scan in enumerate(self.scans, start=1):
            if scan.response is Response.PD:
                return self.scans[:place]
        return self.scans

    @property
    def why_no_change(self) -> Reason | None:
        """Why there is no change of the sum to follow; none where there may be one."""
        if not self.has_baseline:
            return Reason.NO_BASELINE
        if self.baseline_mm is None:
            return Reason.NO_TARGET
        if not self.scans:
            return Reason.NO_SCAN if self.is_treated else Reason.NOT_TREATED
        return Reason.NOTHING_AT_BASELINE if self.baseline_mm == 0 else None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A subject without a mark."""

    course: Course
    reason: Reason


def in_order(left_out: Iterable[LeftOut]) -> tuple[LeftOut, ...]:
    """By reason, the more basic one first, then by number."""
    reasons = list(Reason)
    return tuple(sorted(left_out, key=lambda each: (reasons.index(each.reason), each.course.subject)))


def drawn(change_pct: Decimal) -> Decimal:
    """The change as far as the axis reaches.

    >>> drawn(Decimal("143.2")), drawn(Decimal("-100"))
    (Decimal('100'), Decimal('-100'))
    """
    return max(-LARGEST_PCT, min(LARGEST_PCT, change_pct))


def is_cut_off(change_pct: Decimal) -> bool:
    """Whether the change goes beyond the axis, so that its mark is broken and its value printed."""
    return drawn(change_pct) != change_pct
