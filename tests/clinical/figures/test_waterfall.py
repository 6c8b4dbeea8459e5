"""The waterfall's bars: their order, what is cut off, what a bar alone would hide, and who has none."""

import doctest
from decimal import Decimal
from typing import Any

import pytest

from clinical.figures import course as courses
from clinical.figures import spider as spiders
from clinical.figures import swimmer as swimmers
from clinical.figures import waterfall as waterfalls
from clinical.figures.course import Course, Reason, Scan
from clinical.figures.waterfall import Bar, waterfall
from clinical.recist.responses import Response

CR, PR, SD, PD, NE = Response.CR, Response.PR, Response.SD, Response.PD, Response.NE


def subject(number: str, change: str | None, confirmed: Response = SD, **more: Any) -> Course:
    facts: dict[str, Any] = {"best": confirmed, "baseline_mm": Decimal(50), "scans": (scan(SD),)} | more
    return Course(number, confirmed=confirmed, best_change_pct=None if change is None else Decimal(change), **facts)


def scan(response: Response, *, new_lesion: bool = False) -> Scan:
    return Scan("27-Apr-2026", 56, Decimal(0), True, response, new_lesion)


def only(course: Course) -> Bar:
    (bar,) = waterfall([course]).bars
    return bar


@pytest.mark.parametrize("module", [courses, waterfalls, spiders, swimmers])
def test_the_examples_of_the_figures_hold(module: Any) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ([("A", "-40", PR), ("B", "25", PD), ("C", "0", SD)], "B C A"),
        ([("A", "-30", SD), ("B", "-29.96", SD)], "B A"),
        ([("B", "-50", PR), ("A", "-50", PR)], "A B"),
        ([("A", "-100", CR), ("B", "-100", PR)], "B A"),
        ([("A", "-10", SD), ("B", "-10", PD)], "B A"),
        ([("A", "160", PD), ("B", "120", PD)], "A B"),
        ([], ""),
    ],
)
def test_bars_stand_from_worst_to_best_and_ties_by_response_then_number(
    given: list[tuple[str, str, Response]], order: str
) -> None:
    found = waterfall([subject(number, change, response) for number, change, response in given])
    assert " ".join(bar.course.subject for bar in found.bars) == order


@pytest.mark.parametrize(
    ("change", "drawn", "is_cut_off"),
    [("100", "100", False), ("100.1", "100", True), ("340", "100", True), ("-100", "-100", False), ("0", "0", False)],
)
def test_growth_beyond_the_axis_is_cut_off_and_keeps_its_value(change: str, drawn: str, is_cut_off: bool) -> None:
    bar = only(subject("A", change, PD))
    assert (bar.change_pct, bar.drawn_pct, bar.is_cut_off) == (Decimal(change), Decimal(drawn), is_cut_off)


@pytest.mark.parametrize(
    ("best", "confirmed", "is_unconfirmed"),
    [
        (PR, PR, False),
        (PR, SD, True),
        (CR, PR, True),
        (CR, CR, False),
        (SD, SD, False),
        (PR, NE, True),
        (SD, NE, False),
    ],
)
def test_a_response_that_was_seen_and_not_confirmed_is_marked(
    best: Response, confirmed: Response, is_unconfirmed: bool
) -> None:
    assert only(subject("A", "-35", confirmed, best=best)).is_unconfirmed is is_unconfirmed


@pytest.mark.parametrize(
    ("change", "confirmed", "scans", "is_marked"),
    [
        ("-40", PD, (scan(PD, new_lesion=True),), True),
        ("-40", PD, (scan(PD),), True),  # a non-target progressed
        ("-40", PR, (scan(PR), scan(PD, new_lesion=True)), True),
        ("12", PD, (scan(PD, new_lesion=True),), True),
        ("12", PD, (scan(PD),), False),  # growth that the bar shows
        ("-40", PR, (scan(PR), scan(PD)), False),  # it grew again: the best response stands
        ("-40", PR, (scan(PD), scan(PD, new_lesion=True)), False),  # after progression nothing counts
        ("0", PD, (scan(PD),), False),
    ],
)
def test_a_bar_that_hides_a_new_lesion_or_progression_is_marked(
    change: str, confirmed: Response, scans: tuple[Scan, ...], is_marked: bool
) -> None:
    assert only(subject("A", change, confirmed, scans=scans)).is_worse_than_drawn is is_marked


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"has_baseline": False, "scans": ()}, Reason.NO_BASELINE),
        ({"baseline_mm": None}, Reason.NO_TARGET),
        ({"baseline_mm": None, "scans": ()}, Reason.NO_TARGET),
        ({"scans": ()}, Reason.NO_SCAN),
        ({"scans": (), "is_treated": False}, Reason.NOT_TREATED),
        ({"baseline_mm": Decimal(0)}, Reason.NOTHING_AT_BASELINE),
        ({}, Reason.NEVER_COMPLETE),
    ],
)
def test_who_has_no_bar_is_listed_with_the_reason(facts: dict[str, Any], reason: Reason) -> None:
    found = waterfall([subject("A", None, NE, **facts), subject("B", "-10")])
    assert [(each.course.subject, each.reason) for each in found.left_out] == [("A", reason)]
    assert (len(found.bars), found.total) == (1, 2)


def test_the_counts_of_the_finding_take_the_lines_themselves_in() -> None:
    found = waterfall([subject(str(n), change) for n, change in enumerate(["20", "19.99", "-30", "-29.99", "-80"])])
    assert (found.responded, found.grew) == (2, 1)
