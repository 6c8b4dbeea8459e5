"""The spider: each subject's change of the sum of diameters from baseline, scan by scan, from the first dose on.

Source: RECIST 1.1 (Eisenhauer 2009) for the line at -30 % from baseline; its +20 % counts from the nadir and not from
baseline, so the line at +20 % only guides the eye.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from clinical.figures.course import Course, LeftOut, Reason, Scan, drawn, in_order, is_cut_off


@dataclass(frozen=True, slots=True)
class Point:
    """One scan on a line."""

    scan: Scan
    day: int
    change_pct: Decimal
    drawn_pct: Decimal
    is_cut_off: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One subject's line. It begins at the first dose with no change; the points follow by day."""

    course: Course
    points: tuple[Point, ...]
    undrawn: tuple[Scan, ...]
    """Scans that have no place: a target was not evaluated, or a day is not known. Nothing is imputed."""


@dataclass(frozen=True, slots=True)
class Spider:
    """The lines by subject, and the subjects without one."""

    lines: tuple[Line, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def total(self) -> int:
        return len(self.lines) + len(self.left_out)

    @property
    def last_day(self) -> int:
        return max((line.points[-1].day for line in self.lines), default=0)

    @property
    def undrawn(self) -> int:
        """How many scans of the drawn subjects have no place."""
        return sum(len(line.undrawn) for line in self.lines)


def spider(courses: Iterable[Course]) -> Spider:
    """The spider of these subjects; scans after progression are drawn too.

    A scan known to the month only is left out rather than put somewhere in that month:

    >>> from clinical.recist.responses import Response
    >>> dated = Scan("27-Apr-2026", 56, Decimal(-20), True, Response.SD)
    >>> vague = Scan("Jun-2026", None, Decimal(-40), True, Response.PR)
    >>> (line,) = spider([Course("101", baseline_mm=Decimal(50), scans=(dated, vague))]).lines
    >>> [point.day for point in line.points], [scan.date for scan in line.undrawn]
    ([56], ['Jun-2026'])
    """
    lines: list[Line] = []
    left_out: list[LeftOut] = []
    for course in sorted(courses, key=lambda each: each.subject):
        placed = [(scan, _point(scan)) for scan in course.scans]
        points = sorted((point for _, point in placed if point is not None), key=lambda point: point.day)
        if points:
            lines.append(Line(course, tuple(points), tuple(scan for scan, point in placed if point is None)))
        else:
            left_out.append(LeftOut(course, course.why_no_change or _why_no_point(course)))
    return Spider(tuple(lines), in_order(left_out))


def _point(scan: Scan) -> Point | None:
    """The scan's place; the sum of a scan with a target missing says nothing of the tumor and has none."""
    if scan.day is None or scan.change_pct is None or not scan.is_complete:
        return None
    return Point(scan, scan.day, scan.change_pct, drawn(scan.change_pct), is_cut_off(scan.change_pct))


def _why_no_point(course: Course) -> Reason:
    return Reason.NO_DAY if course.has_start_day else Reason.NO_START
