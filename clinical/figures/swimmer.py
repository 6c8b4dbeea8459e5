"""The swimmer: one bar per treated subject from the first dose on, with responses above it and events below.

The bar is the time on treatment as recorded: it ends with the end of treatment, or at the data cut while that is not
recorded. A single infusion is a treatment that goes on until somebody ends it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from clinical.figures.course import Course, LeftOut, Reason, Scan, in_order
from clinical.recist.responses import Response


@dataclass(frozen=True, slots=True)
class Dose:
    """One dose of the product that counts: its day from the first one, and the level it reached; or that it was missed.

    The day of a missed dose is that of its plan.
    """

    day: int
    level: int | None = None
    was_given: bool = True


@dataclass(frozen=True, slots=True)
class Event:
    """An adverse event by its onset; `day` is none where the date lacks its day, and then it has no place."""

    words: str
    day: int | None


@dataclass(frozen=True, slots=True)
class Treatment:
    """What a swimmer needs of a subject beside the course of the tumors."""

    course: Course
    doses: tuple[Dose, ...] = ()
    cut_day: int = 0
    end_day: int | None = None
    """The last day on treatment; none while it goes on."""
    end_reason: str = ""
    death_day: int | None = None
    dlts: tuple[Event, ...] = ()
    serious: tuple[Event, ...] = ()


class Fill(StrEnum):
    """What a stretch of a bar is."""

    TREATED = "treated"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the bar at one dose level, or an interruption of it."""

    from_day: int
    to_day: int
    level: int | None
    fill: Fill = Fill.TREATED


@dataclass(frozen=True, slots=True)
class Lane:
    """One subject's lane."""

    treatment: Treatment
    length: int
    segments: tuple[Segment, ...]
    scans: tuple[tuple[int, Scan], ...]
    response: tuple[int, int] | None
    """From the first response to progression or the last scan."""
    dlts: tuple[tuple[int, str], ...]
    serious: tuple[tuple[int, str], ...]

    @property
    def course(self) -> Course:
        return self.treatment.course

    @property
    def is_ongoing(self) -> bool:
        return self.treatment.end_day is None and self.treatment.death_day is None

    @property
    def last_day(self) -> int:
        """The last day on which the lane has anything."""
        days = [self.length, *(day for day, _ in (*self.scans, *self.dlts, *self.serious))]
        return max(*days, self.treatment.death_day or 0)

    @property
    def undrawn(self) -> int:
        """How many scans and events have no place, for want of a day on the axis."""
        there = len(self.scans) + len(self.dlts) + len(self.serious)
        return len(self.course.scans) + len(self.treatment.dlts) + len(self.treatment.serious) - there


class Order(StrEnum):
    """What stands on top."""

    LENGTH = "length"
    DOSE = "dose"


@dataclass(frozen=True, slots=True)
class Swimmer:
    """The lanes from top to bottom, and the subjects without one."""

    lanes: tuple[Lane, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def total(self) -> int:
        return len(self.lanes) + len(self.left_out)

    @property
    def last_day(self) -> int:
        return max((lane.last_day for lane in self.lanes), default=0)


def swimmer(treatments: Iterable[Treatment], *, order: Order = Order.LENGTH) -> Swimmer:
    """The swimmer of these subjects: the longest on treatment on top, or the highest dose and then the longest.

    >>> short = Treatment(Course("101"), doses=(Dose(0, 1),), cut_day=30)
    >>> long = Treatment(Course("102"), doses=(Dose(0, 1), Dose(7, 1)), cut_day=90, end_day=60)
    >>> [(lane.course.subject, lane.length, lane.is_ongoing) for lane in swimmer([short, long]).lanes]
    [('102', 60, False), ('101', 30, True)]
    """
    lanes: list[Lane] = []
    left_out: list[LeftOut] = []
    for treatment in treatments:
        course = treatment.course
        if not any(dose.was_given for dose in treatment.doses):
            reason = Reason.NO_START if course.is_treated and not course.has_start_day else Reason.NO_DOSE
            left_out.append(LeftOut(course, reason))
        else:
            lanes.append(_lane(treatment))
    return Swimmer(tuple(sorted(lanes, key=_by_dose if order is Order.DOSE else _by_length)), in_order(left_out))


def _by_length(lane: Lane) -> tuple[int, str]:
    return -lane.length, lane.course.subject


def _by_dose(lane: Lane) -> tuple[bool, int, int, str]:
    rank = lane.course.dose_rank
    return rank is None, -(rank or 0), *_by_length(lane)


def _lane(treatment: Treatment) -> Lane:
    ends = [day for day in (treatment.end_day, treatment.death_day) if day is not None]
    length = max(0, min(ends) if ends else treatment.cut_day)
    scans = tuple((scan.day, scan) for scan in treatment.course.scans if scan.day is not None)
    return Lane(
        treatment=treatment,
        length=length,
        segments=tuple(_segments(treatment.doses, length)),
        scans=scans,
        response=_response(scans),
        dlts=_placed(treatment.dlts),
        serious=_placed(treatment.serious),
    )


def _placed(events: Iterable[Event]) -> tuple[tuple[int, str], ...]:
    """The events with a day on the axis: what began before the first dose has none."""
    return tuple((event.day, event.words) for event in events if event.day is not None and event.day >= 0)


def _segments(doses: Iterable[Dose], length: int) -> Iterable[Segment]:
    """The bar in stretches: a new one where the level changes, hatched from a missed dose to the next one given."""
    turns: list[Segment] = []
    level = None
    for dose in sorted((each for each in doses if each.day <= length), key=lambda each: each.day):
        if dose.was_given:
            level = dose.level
        fill = Fill.TREATED if dose.was_given else Fill.INTERRUPTED
        if not turns or (turns[-1].level, turns[-1].fill) != (level, fill):
            turns.append(Segment(max(0, dose.day), length, level, fill))
    for here, following in pairwise(turns):
        if here.from_day < following.from_day:
            yield Segment(here.from_day, following.from_day, here.level, here.fill)
    if turns:
        yield turns[-1]


def _response(scans: tuple[tuple[int, Scan], ...]) -> tuple[int, int] | None:
    """From the first CR or PR to the progression after it, or to the last scan so far."""
    began = next((day for day, scan in scans if scan.response in (Response.CR, Response.PR)), None)
    if began is None:
        return None
    progressed = next((day for day, scan in scans if scan.response is Response.PD), None)
    if progressed is not None and progressed < began:
        return None
    return began, scans[-1][0] if progressed is None else progressed
