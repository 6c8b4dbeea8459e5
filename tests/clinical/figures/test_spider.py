"""The spider's lines: which scans have a place, where, and who has no line."""

from decimal import Decimal
from typing import Any

import pytest

from clinical.figures.course import Course, Reason, Scan
from clinical.figures.spider import spider
from clinical.recist.responses import Response


def scan(day: int | None, change: str | None, *, complete: bool = True) -> Scan:
    return Scan(f"day {day}", day, None if change is None else Decimal(change), complete, Response.SD)


def subject(*scans: Scan, number: str = "A", **more: Any) -> Course:
    return Course(number, scans=scans, **({"baseline_mm": Decimal(50)} | more))


def test_a_line_follows_the_days_and_goes_on_after_progression() -> None:
    (line,) = spider([subject(scan(112, "40"), scan(56, "-20"))]).lines
    assert [(point.day, point.drawn_pct) for point in line.points] == [(56, Decimal(-20)), (112, Decimal(40))]


@pytest.mark.parametrize("homeless", [scan(None, "-20"), scan(84, None), scan(84, "-60", complete=False)])
def test_a_scan_without_a_place_is_counted_and_not_drawn(homeless: Scan) -> None:
    found = spider([subject(scan(56, "-10"), homeless)])
    assert [point.day for point in found.lines[0].points] == [56]
    assert (found.lines[0].undrawn, found.undrawn, found.last_day) == ((homeless,), 1, 56)


def test_growth_beyond_the_axis_is_cut_off_and_keeps_its_value() -> None:
    point = spider([subject(scan(56, "143.2"))]).lines[0].points[0]
    assert (point.change_pct, point.drawn_pct, point.is_cut_off) == (Decimal("143.2"), Decimal(100), True)


@pytest.mark.parametrize(
    ("course", "reason"),
    [
        (subject(), Reason.NO_SCAN),
        (subject(is_treated=False), Reason.NOT_TREATED),
        (subject(scan(56, None), baseline_mm=None), Reason.NO_TARGET),
        (subject(scan(None, "-20"), has_start_day=False), Reason.NO_START),
        (subject(scan(None, "-20")), Reason.NO_DAY),
        (subject(scan(56, "-20", complete=False)), Reason.NO_DAY),
        (subject(scan(56, None), baseline_mm=Decimal(0)), Reason.NOTHING_AT_BASELINE),
    ],
)
def test_who_has_no_line_is_listed_with_the_reason(course: Course, reason: Reason) -> None:
    found = spider([course])
    assert (found.lines, [each.reason for each in found.left_out], found.total) == ((), [reason], 1)


def test_lines_stand_by_number_and_an_empty_figure_has_no_last_day() -> None:
    both = spider([subject(scan(56, "1"), number="B"), subject(scan(28, "1"), number="A")])
    assert [line.course.subject for line in both.lines] == ["A", "B"]
    assert both.last_day == 56
    assert spider([]).last_day == 0
