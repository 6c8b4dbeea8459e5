"""The grades of one event in order of time, and how long it stays above a grade.

Hours elapse: 72 h are 72 hours of world time, also over the night in which the clocks change. Days are turned over in
the site's calendar: dates without a time are counted as days, 15 to 22 March being 7, or 8 where a protocol counts the
first day in. A toxicity that is still going on has not come back, so it passes a limit at the limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from clinical.dlt.criteria import Persistence
from clinical.dlt.facts import GradePeriod, ToxicityEvent
from clinical.dlt.span import Unit
from clinical.dlt.verdict import Truth, Verdict, lacks, no, waits, yes
from clinical.partial_date import Order, PartialDate, Precision

FATAL_GRADE = 5
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Segment:
    """A grade from one moment to another. Without an end it goes on, unless it is over at an unknown time."""

    grade: int | None
    began: PartialDate | None
    ended: PartialDate | None
    is_over: bool

    @property
    def in_words(self) -> str:
        """For a sentence: `grade 3 from 15-Mar-2026 to 18-Mar-2026`."""
        began = f"from {self.began}" if self.began else "from an unknown day"
        ended = f"to {self.ended}" if self.ended else "to an unknown day" if self.is_over else "going on"
        return f"grade {self.grade or 'not entered'} {began} {ended}"


def timeline(event: ToxicityEvent, scale: str) -> tuple[Segment, ...]:
    """The grades of an event on one scale; a death adds its grade 5 where the site has not entered it."""
    ordered = sorted(
        (period for period in event.periods if period.scale.casefold().startswith(scale.casefold())), key=_first_moment
    )
    segments: list[Segment] = []
    for index, period in enumerate(ordered):
        following = ordered[index + 1].began if index + 1 < len(ordered) else event.died
        ended = period.ended or (None if period.end_unknown else following)
        segments.append(Segment(period.grade, period.began, ended, is_over=period.end_unknown or ended is not None))
    died = event.died or (segments[-1].ended if segments else None)
    if event.fatal and died and segments and all(segment.grade != FATAL_GRADE for segment in segments):
        segments.append(Segment(FATAL_GRADE, died, None, is_over=False))
    return tuple(segments)


def _first_moment(period: GradePeriod) -> tuple[bool, datetime, int]:
    began = period.began
    return began is not None, began.earliest() if began else datetime.min, len(began.components) if began else 0  # noqa: DTZ901 - wall time


def touches(earlier: Segment, later: Segment) -> bool:
    """Whether one grade follows the other without a break; where the dates leave it open, no break is invented.

    An end on the 15th and a beginning on the 16th touch when neither has a time: that is how diaries are kept.
    """
    if earlier.ended is None or later.began is None:
        return True
    if earlier.ended.compare(later.began) is not Order.BEFORE:
        return True
    end_day, next_day = earlier.ended.full_date, later.began.full_date
    if min(earlier.ended.precision, later.began.precision) >= Precision.HOUR or not end_day or not next_day:
        return False
    return next_day - end_day <= ONE_DAY


def grade_before(segments: Sequence[Segment], index: int) -> int:
    """The grade from which a segment came: that of the one before it, or none after a break."""
    if index == 0 or not touches(segments[index - 1], segments[index]):
        return 0
    return segments[index - 1].grade or 0


def run_above(segments: Sequence[Segment], start: int, above: int) -> Sequence[Segment]:
    """The segments from `start` on that stay above a grade without a break."""
    end = start
    while end < len(segments) and (segments[end].grade or 0) > above:
        if end > start and not touches(segments[end - 1], segments[end]):
            break
        end += 1
    return segments[start:end]


def lasts(
    run: Sequence[Segment], persistence: Persistence, *, at: datetime, zone: ZoneInfo, first_day_counts: bool
) -> Verdict:
    """Whether a run of grades stays above a grade for longer than the span, as far as that is known at `at`."""
    if not run:
        return no(f"never above grade {persistence.above}")
    began, is_over = run[0].began, run[-1].is_over
    # Entries may overlap: it is over when the last of them is, in whatever order they began.
    known = [segment.ended for segment in run if segment.ended is not None]
    ended = max(known, key=lambda end: (end.latest(), end.earliest())) if known and run[-1].ended else run[-1].ended
    if began is None:
        return lacks(f"the day on which grade {run[0].grade} began")
    if ended is not None and ended.earliest_at(zone) > at:
        # An end that lies ahead has not happened yet: at this moment the toxicity is going on.
        ended, is_over = None, False
    by_the_clock = began.precision >= Precision.MINUTE and (
        not is_over or (ended and ended.precision >= Precision.MINUTE)
    )
    if persistence.span.unit is Unit.HOURS or by_the_clock:
        return _by_the_clock(persistence, began, ended, is_over=is_over, at=at, zone=zone)
    return _by_the_calendar(
        persistence, began, ended, is_over=is_over, at=at, zone=zone, first_day_counts=first_day_counts
    )


def _by_the_clock(
    persistence: Persistence,
    began: PartialDate,
    ended: PartialDate | None,
    *,
    is_over: bool,
    at: datetime,
    zone: ZoneInfo,
) -> Verdict:
    span, limit = persistence.span, persistence.span.length
    wording = _wording(persistence)
    start_first, start_last = began.earliest_at(zone), _last_minute(began, zone)
    if not is_over:
        until = _later(start_last, persistence, zone)
        if at >= until:
            return yes(f"{wording}: since {began}, not back by {_local(until, zone)}")
        return waits(until, Truth.YES, f"since {began}, going on")
    end_first = max(start_last, ended.earliest_at(zone)) if ended else start_last
    end_last = _last_minute(ended, zone) if ended else at
    shortest = _elapsed(start_last, end_first, span.unit, zone)
    longest = _elapsed(start_first, end_last, span.unit, zone)
    if shortest > limit or (persistence.or_equal and shortest >= limit):
        return yes(f"{wording}: from {began} to {ended}")
    if longest < limit or (not persistence.or_equal and longest == limit):
        return no(f"back after {_rounded(longest)}, from {began} to {ended or 'an unknown day'}")
    return _asks_for(began, ended, wording)


def _by_the_calendar(
    persistence: Persistence,
    began: PartialDate,
    ended: PartialDate | None,
    *,
    is_over: bool,
    at: datetime,
    zone: ZoneInfo,
    first_day_counts: bool,
) -> Verdict:
    wording = _wording(persistence)
    needed = persistence.span.amount + (0 if persistence.or_equal else 1) - (1 if first_day_counts else 0)
    counted_in = 1 if first_day_counts else 0
    first, last = began.earliest().date(), began.latest().date()
    today = at.astimezone(zone).date()
    if not is_over:
        due = last + timedelta(days=needed)
        if today >= due:
            return yes(f"{wording}: {(today - last).days + counted_in} days, since {began} and not reported as over")
        return waits(datetime.combine(due, time(), tzinfo=zone).astimezone(UTC), Truth.YES, f"since {began}, going on")
    end_first = ended.earliest().date() if ended else last
    end_last = ended.latest().date() if ended else today
    if (end_first - last).days >= needed:
        return yes(f"{wording}: {(end_first - last).days + counted_in} days, from {began} to {ended}")
    if (end_last - first).days < needed:
        return no(
            f"over after {(end_last - first).days + counted_in} days, from {began} to {ended or 'an unknown day'}"
        )
    return _asks_for(began, ended, wording)


def _asks_for(began: PartialDate, ended: PartialDate | None, wording: str) -> Verdict:
    if ended is None:
        return lacks(f"when it ended ({wording}?)")
    return lacks(f"the time or day more exactly than from {began} to {ended} ({wording}?)")


def _wording(persistence: Persistence) -> str:
    more = "at least" if persistence.or_equal else "more than"
    return f"above grade {persistence.above} for {more} {persistence.span}"


def _later(moment: datetime, persistence: Persistence, zone: ZoneInfo) -> datetime:
    """The moment a span later: hours of world time, days at the same wall time."""
    if persistence.span.unit is Unit.HOURS:
        return moment + persistence.span.length
    return (moment.astimezone(zone) + persistence.span.length).astimezone(UTC)


def _elapsed(start: datetime, end: datetime, unit: Unit, zone: ZoneInfo) -> timedelta:
    if unit is Unit.HOURS:
        return end - start
    return end.astimezone(zone).replace(tzinfo=None) - start.astimezone(zone).replace(tzinfo=None)


def _last_minute(value: PartialDate, zone: ZoneInfo) -> datetime:
    return value.latest_at(zone) if value.precision is Precision.SECOND else value.latest_at(zone).replace(second=0)


def _rounded(length: timedelta) -> str:
    hours, minutes = divmod(max(0, round(length.total_seconds() / 60)), 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return str(PartialDate.of(moment.astimezone(zone)))
