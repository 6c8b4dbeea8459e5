"""The waterfall: one bar per subject, the best change of the sum of diameters from baseline, worst left to best right.

Sources: RECIST 1.1 (Eisenhauer 2009) for the lines at +20 % and -30 %; Gillespie TW, J Adv Pract Oncol 2012;3:106-11
(understanding waterfall plots) for what a bar hides: a new lesion, and a response that nobody confirmed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from clinical.figures.course import Course, LeftOut, Reason, drawn, in_order, is_cut_off
from clinical.recist.endpoints import BEST_FIRST
from clinical.recist.responses import PARTIAL_RESPONSE_SHRINKAGE, PROGRESSION_GROWTH, Response

RESPONSE_LINE, PROGRESSION_LINE = -100 * PARTIAL_RESPONSE_SHRINKAGE, 100 * PROGRESSION_GROWTH
RESPONSES = (Response.CR, Response.PR)


@dataclass(frozen=True, slots=True)
class Bar:
    """One subject's bar: the change, what of it fits on the axis, and what the bar alone would hide."""

    course: Course
    change_pct: Decimal
    drawn_pct: Decimal
    is_cut_off: bool
    is_unconfirmed: bool
    """The best response was seen and is not, or not yet, confirmed as such."""
    has_new_lesion: bool
    progressed_although_shrunk: bool
    """The best response is progression, by what is no target."""

    @property
    def is_worse_than_drawn(self) -> bool:
        return self.has_new_lesion or self.progressed_although_shrunk


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The bars from left to right, and the subjects without one."""

    bars: tuple[Bar, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def total(self) -> int:
        return len(self.bars) + len(self.left_out)

    @property
    def responded(self) -> int:
        return sum(bar.change_pct <= RESPONSE_LINE for bar in self.bars)

    @property
    def grew(self) -> int:
        return sum(bar.change_pct >= PROGRESSION_LINE for bar in self.bars)


def waterfall(courses: Iterable[Course]) -> Waterfall:
    """The waterfall of these subjects.

    The bar is the *best* change, so a tumor that shrank by 40 % and then doubled is drawn at -40 %. Equal changes stand
    by response, the worse one left, then by number, so the same data always give the same picture.

    >>> grown = Course("101", baseline_mm=Decimal(50), best_change_pct=Decimal(8), confirmed=Response.SD)
    >>> shrunk = Course("102", baseline_mm=Decimal(50), best_change_pct=Decimal(-40), confirmed=Response.PR)
    >>> [bar.course.subject for bar in waterfall([shrunk, grown]).bars]
    ['101', '102']
    """
    bars: list[Bar] = []
    left_out: list[LeftOut] = []
    for course in courses:
        if course.best_change_pct is None:
            left_out.append(LeftOut(course, course.why_no_change or Reason.NEVER_COMPLETE))
        else:
            bars.append(_bar(course, course.best_change_pct))
    return Waterfall(tuple(sorted(bars, key=_place)), in_order(left_out))


def _bar(course: Course, change_pct: Decimal) -> Bar:
    return Bar(
        course=course,
        change_pct=change_pct,
        drawn_pct=drawn(change_pct),
        is_cut_off=is_cut_off(change_pct),
        is_unconfirmed=course.best in RESPONSES and course.confirmed is not course.best,
        has_new_lesion=any(scan.has_new_lesion for scan in course.up_to_progression),
        progressed_although_shrunk=course.confirmed is Response.PD and change_pct < 0,
    )


def _place(bar: Bar) -> tuple[Decimal, int, str]:
    return -bar.change_pct, -BEST_FIRST.index(bar.course.confirmed), bar.course.subject
