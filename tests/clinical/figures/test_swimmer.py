"""The swimmer's lanes: order, length, where the bar changes, what has a place above and below it."""

from typing import Any

import pytest

from clinical.figures.course import Course, Reason, Scan
from clinical.figures.swimmer import Dose, Event, Fill, Lane, Order, Treatment, swimmer
from clinical.recist.responses import Response

CR, PR, SD, PD = Response.CR, Response.PR, Response.SD, Response.PD


def treated(number: str = "A", *, rank: int = 1, scans: tuple[Scan, ...] = (), **more: Any) -> Treatment:
    facts: dict[str, Any] = {"doses": (Dose(0, 1),), "cut_day": 100} | more
    return Treatment(Course(number, dose_rank=rank, scans=scans), **facts)


def scan(day: int | None, response: Response) -> Scan:
    return Scan(f"day {day}", day, None, True, response)


def only(treatment: Treatment) -> Lane:
    (lane,) = swimmer([treatment]).lanes
    return lane


@pytest.mark.parametrize(("order", "expected"), [(Order.LENGTH, "C A B D"), (Order.DOSE, "B A D C")])
def test_the_longest_on_treatment_is_on_top_or_the_highest_dose(order: Order, expected: str) -> None:
    given = [
        treated("D", rank=2, end_day=20),
        treated("B", rank=3, end_day=40),
        treated("A", rank=2, end_day=40),
        treated("C", rank=1),
    ]
    assert " ".join(lane.course.subject for lane in swimmer(given, order=order).lanes) == expected


@pytest.mark.parametrize(
    ("facts", "length", "is_ongoing"),
    [
        ({}, 100, True),
        ({"end_day": 30}, 30, False),
        ({"end_day": 30, "death_day": 50}, 30, False),
        ({"death_day": 50}, 50, False),
        ({"end_day": 60, "death_day": 50}, 50, False),  # nobody is treated after death
        ({"cut_day": -2}, 0, True),
    ],
)
def test_a_bar_ends_with_treatment_or_with_the_data(facts: dict[str, Any], length: int, is_ongoing: bool) -> None:
    lane = only(treated(**facts))
    assert (lane.length, lane.is_ongoing) == (length, is_ongoing)


@pytest.mark.parametrize(
    ("doses", "segments"),
    [
        ([(0, 1), (7, 1), (14, 1)], [(0, 100, 1)]),
        ([(0, 1), (7, 2), (14, 2)], [(0, 7, 1), (7, 100, 2)]),
        ([(0, 2), (21, None), (28, None), (42, 2)], [(0, 21, 2), (21, 42, "hatch"), (42, 100, 2)]),
        ([(0, 2), (21, None)], [(0, 21, 2), (21, 100, "hatch")]),
        ([(0, 2), (7, 1), (14, None), (21, 2)], [(0, 7, 2), (7, 14, 1), (14, 21, "hatch"), (21, 100, 2)]),
        ([(0, 1), (120, 2)], [(0, 100, 1)]),
        ([(7, 2), (0, 1), (0, 1)], [(0, 7, 1), (7, 100, 2)]),
    ],
)
def test_the_bar_changes_with_the_level_and_is_hatched_while_doses_are_missed(
    doses: list[tuple[int, int | None]], segments: list[tuple[int, int, int | str]]
) -> None:
    given = tuple(Dose(day, level, level is not None) for day, level in doses)
    found = only(treated(doses=given)).segments
    assert [
        (each.from_day, each.to_day, "hatch" if each.fill is Fill.INTERRUPTED else each.level) for each in found
    ] == segments


@pytest.mark.parametrize(
    ("scans", "response"),
    [
        ([(56, SD), (112, SD)], None),
        ([(56, PR), (112, PR)], (56, 112)),
        ([(56, SD), (112, CR), (168, PD), (224, PD)], (112, 168)),
        ([(56, PR)], (56, 56)),
        ([(56, PD), (112, PR)], None),
    ],
)
def test_a_response_lasts_until_progression_or_the_last_scan(
    scans: list[tuple[int, Response]], response: tuple[int, int] | None
) -> None:
    assert only(treated(scans=tuple(scan(*each) for each in scans))).response == response


def test_what_has_no_day_on_the_axis_is_counted_and_not_drawn() -> None:
    lane = only(
        treated(
            scans=(scan(None, SD), scan(56, SD)),
            dlts=(Event("Fever", 10), Event("Rash", None)),
            serious=(Event("Fall", -3), Event("Fever", 130)),
        )
    )
    assert ([day for day, _ in lane.scans], lane.dlts, lane.serious) == ([56], ((10, "Fever"),), ((130, "Fever"),))
    assert (lane.undrawn, lane.last_day) == (3, 130)


@pytest.mark.parametrize(
    ("course", "reason"),
    [
        (Course("A", is_treated=False, has_start_day=False), Reason.NO_DOSE),
        (Course("A", has_start_day=False), Reason.NO_START),
    ],
)
def test_who_has_no_lane_is_listed_with_the_reason(course: Course, reason: Reason) -> None:
    found = swimmer([Treatment(course, doses=(Dose(0, None, was_given=False),))])
    assert (found.lanes, [each.reason for each in found.left_out], found.total) == ((), [reason], 1)
