"""Study days, visit windows and the clocks of the sites.

Two counts of days live side by side and are easily confused. The *study day* of the datasets has no day zero: the day
of the reference start is day 1 and the day before is day -1. The *protocol's own labels* may call the infusion day 0.

Sources: SDTMIG 3.4 section 4.4.4 (--DY has no day 0 and needs a full date on both sides); ICH E6(R3) 4.2.2 (times
unambiguous, with their zone); the IANA time zone database for the changes of the clocks.

>>> study_day(PartialDate(2026, 3, 1), reference=date(2026, 3, 2))
-1
>>> protocol_day(date(2026, 3, 2), anchor=date(2026, 3, 2), first=FirstDay.ZERO)
0
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum, StrEnum
from zoneinfo import ZoneInfo

from clinical.partial_date import Fit, PartialDate, Precision

ONE_DAY = timedelta(days=1)


# ---------------------------------------------------------------------------------------------------------------
# Days and what they are called


class FirstDay(Enum):
    """What a protocol calls the day of the anchor itself; counted from ONE there is no day 0."""

    ZERO = 0
    ONE = 1


def study_day(when: PartialDate, *, reference: date) -> int | None:
    """The study day of the datasets (--DY); a date without its day has none, and none is made up."""
    day = when.full_date
    return None if day is None else protocol_day(day, anchor=reference, first=FirstDay.ONE)


def protocol_day(day: date, *, anchor: date, first: FirstDay) -> int:
    """The label of a day as the protocol counts from an anchor."""
    apart = (day - anchor).days
    return apart + first.value if apart >= 0 else apart


def day_of_label(label: int, *, anchor: date, first: FirstDay) -> date:
    """The date of a protocol's day; the inverse of `protocol_day`."""
    if first is FirstDay.ZERO:
        return anchor + timedelta(days=label)
    if label == 0:
        raise ValueError("This protocol has no day 0: the day before day 1 is day -1.")
    return anchor + timedelta(days=label - 1 if label > 0 else label)


def cycle_day(day: date, *, cycle_starts: Sequence[date]) -> tuple[int, int] | None:
    """The cycle and its day, from the days on which the cycles really began; none before the first.

    After a delay the old cycle goes on: day 35 of a cycle of 28 days is no day of the next one before that is given.

    >>> cycle_day(date(2026, 4, 5), cycle_starts=[date(2026, 3, 2), date(2026, 4, 6)])
    (1, 35)
    """
    begun = sorted(start for start in cycle_starts if start <= day)
    return (len(begun), (day - begun[-1]).days + 1) if begun else None


# ---------------------------------------------------------------------------------------------------------------
# Visit windows


@dataclass(frozen=True, slots=True)
class VisitPlan:
    """When a visit is due, as time after its anchor: a target, how long it lasts, and how early or late it may be.

    Whole days are days of the calendar; anything else is by the hour, as for samples after an infusion.
    """

    offset: timedelta
    early: timedelta = timedelta(0)
    late: timedelta = timedelta(0)
    duration: timedelta = timedelta(0)

    @property
    def is_by_the_hour(self) -> bool:
        """Whether hours matter, so that a date without a time cannot be judged for certain."""
        return any(length % ONE_DAY for length in (self.offset, self.early, self.late, self.duration))


class Phase(StrEnum):
    """Where today stands in a visit's window."""

    AHEAD = "ahead"
    OPEN = "open"
    OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class VisitWindow:
    """The days of a visit: target, earliest and latest, both of which are in time."""

    target: date
    earliest: date
    latest: date

    def phase(self, today: date) -> Phase:
        """Whether the visit is still ahead, due, or overdue."""
        if today < self.earliest:
            return Phase.AHEAD
        return Phase.OPEN if today <= self.latest else Phase.OVERDUE

    def days_left(self, today: date) -> int:
        """Days until the last day of the window; negative when it is over."""
        return (self.latest - today).days

    def __str__(self) -> str:
        if self.earliest == self.latest:
            return str(PartialDate.of(self.target))
        return f"{PartialDate.of(self.earliest)} to {PartialDate.of(self.latest)}"


@dataclass(frozen=True, slots=True)
class Placement:
    """Whether a visit happened inside its window, and if not, by how much at least it missed it."""

    fit: Fit
    too_early_by: timedelta = timedelta(0)
    too_late_by: timedelta = timedelta(0)

    def __str__(self) -> str:
        if self.too_early_by:
            return f"{_length(self.too_early_by)} before the window"
        if self.too_late_by:
            return f"{_length(self.too_late_by)} after the window"
        return (
            "in the window" if self.fit is Fit.INSIDE else "may be outside the window: the dates are not exact enough"
        )


def visit_window(plan: VisitPlan, *, anchor: PartialDate) -> VisitWindow | None:
    """The days of a visit from the date of its anchor; none while that date is not known to the day.

    When the anchor moves (a dose delay, a planned infusion put off), calling this again moves the visits to come. What
    has happened keeps its date and is judged by `place_visit`.
    """
    day = anchor.full_date
    if day is None:
        return None
    start = anchor.earliest() if plan.is_by_the_hour else datetime(day.year, day.month, day.day)  # noqa: DTZ001 - the site's wall time
    target = start + plan.offset
    return VisitWindow(
        target=target.date(),
        earliest=(target - plan.early).date(),
        latest=(target + plan.duration + plan.late).date(),
    )


def place_visit(actual: PartialDate, plan: VisitPlan, *, anchor: PartialDate, zone: ZoneInfo) -> Placement:
    """Whether a visit lies in its window, for every day that either date can mean.

    A plan by the hour is judged in elapsed hours of world time; a plan by the day in days of the site's calendar, so
    that a visit late in the evening of the last day is in time.
    """
    if plan.is_by_the_hour:
        least = actual.earliest_at(zone) - _last_minute(anchor, zone)
        most = _last_minute(actual, zone) - anchor.earliest_at(zone)
    else:
        least = actual.earliest().date() - anchor.latest().date()
        most = actual.latest().date() - anchor.earliest().date()
    first, last = plan.offset - plan.early, plan.offset + plan.duration + plan.late
    if most < first:
        return Placement(Fit.OUTSIDE, too_early_by=first - most)
    if least > last:
        return Placement(Fit.OUTSIDE, too_late_by=least - last)
    return Placement(Fit.INSIDE if first <= least and most <= last else Fit.POSSIBLE)


def _last_minute(when: PartialDate, zone: ZoneInfo) -> datetime:
    """The last moment of a date; a time known to the minute is that minute, not the second before the next."""
    last = when.latest_at(zone)
    return last.replace(second=0) if when.precision is Precision.MINUTE else last


def _length(length: timedelta) -> str:
    if length % ONE_DAY == timedelta(0):
        return f"{length.days} day{'' if length.days == 1 else 's'}"
    hours, minutes = divmod(round(length.total_seconds() / 60), 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part)


# ---------------------------------------------------------------------------------------------------------------
# The clocks of the sites


def today_at(moment: datetime, zone: ZoneInfo) -> date:
    """The calendar date at a site at a moment; a date in Chicago can be yesterday's in Berlin.

    >>> today_at(datetime(2026, 1, 1, 2, 0, tzinfo=UTC), ZoneInfo("America/Chicago")).isoformat()
    '2025-12-31'
    """
    return moment.astimezone(zone).date()


def moments_of(wall: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The moments, in UTC, at which a site's clock shows a wall time: one, none, or two.

    None in the hour that spring leaves out, two in the hour that autumn repeats. Two must be asked back, not guessed.

    >>> [moment.hour for moment in moments_of(datetime(2025, 10, 26, 2, 30), ZoneInfo("Europe/Berlin"))]
    [0, 1]
    >>> moments_of(datetime(2026, 3, 29, 2, 30), ZoneInfo("Europe/Berlin"))
    ()
    """
    if wall.tzinfo is not None:
        raise ValueError("A wall time has no zone of its own; the site's is given beside it.")
    found = {wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
    return tuple(sorted(moment for moment in found if moment.astimezone(zone).replace(tzinfo=None) == wall))


def shown_at_site(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as the site reads it, with its distance from UTC, so that the repeated hour is unambiguous.

    >>> shown_at_site(datetime(2025, 10, 26, 1, 30, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    '26-Oct-2025 02:30 (Europe/Berlin, UTC+01:00)'
    """
    local = moment.astimezone(zone)
    return f"{PartialDate.of(local)} ({zone.key}, {_offset(local)})"


def _offset(local: datetime) -> str:
    text = local.strftime("%z")
    return f"UTC{text[:3]}:{text[3:5]}"
