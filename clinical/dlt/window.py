"""The DLT window: from which dose it runs, what step dosing and delays do to it, and what lies inside.

Day 1 is the day of the dose that it is counted from. In the usual convention a window of 28 days ends with day 28,
that is at midnight of the site's calendar; others let it end at the hour of the dose.

Source: the conventions are those of phase I protocols; for step-up dosing of T-cell engagers the anchor (first dose or
first full dose) differs between protocols and is a setting here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from clinical.dlt.facts import Exposure
from clinical.dlt.verdict import Verdict, lacks, no, yes
from clinical.partial_date import PartialDate, Precision


class StepDosing(StrEnum):
    """What the first full dose does to a window that opened with a priming dose."""

    IGNORE = "ignore"  # the window is counted from the first dose, whatever was given
    EXTEND = "extend"  # it stays open until its length after the first full dose
    RESTART = "restart"  # its days are counted anew from the first full dose


class WindowEnd(StrEnum):
    """When the last day is over."""

    MIDNIGHT = "midnight"  # with the calendar day
    HOUR_OF_DOSE = "hour of dose"  # after as many full days as the window has, at the wall time of the dose


@dataclass(frozen=True, slots=True)
class WindowRule:
    """A protocol's DLT window.

    `priming_counts`: whether a toxicity between the first dose and a restart by the full dose is looked at as well.
    `full_dose_within_days`: after so many days without a full dose none is waited for (absent: always waited for).
    `delays_extend`: a dose of the window that comes late prolongs it by the days that it was late, unless it was late
    for one of the reasons in `delays_not_extending`: who is delayed by toxicity is not observed for longer.
    `repriming_restarts`: a priming dose after a full dose, as after a long gap, makes the next full dose the anchor.
    `dose_day_counts`: an onset known only by its day, on the day of the dose, is inside; otherwise its time is asked.
    """

    days: int
    step_dosing: StepDosing = StepDosing.IGNORE
    end: WindowEnd = WindowEnd.MIDNIGHT
    priming_counts: bool = True
    full_dose_within_days: int | None = None
    delays_extend: bool = False
    delays_not_extending: tuple[str, ...] = ("related toxicity",)
    repriming_restarts: bool = False
    dose_day_counts: bool = True


@dataclass(frozen=True, slots=True)
class DltWindow:
    """The window of one subject as it stands at one moment.

    `opens` is where toxicities begin to count, `day_one` the dose from which the days are counted; they differ under
    RESTART. `closes` is the last moment, excluded, in UTC; `None` while a full dose is waited for. Where the dose has
    no day or time it is the last moment that is possible, and `closes_earliest` the first.
    """

    rule: WindowRule
    zone: ZoneInfo
    opens: PartialDate | None
    day_one: PartialDate
    closes: datetime | None
    closes_earliest: datetime | None = None
    extended_by_days: int = 0
    reached_full_dose: bool = True

    def day(self, at: datetime) -> int:
        """The day of the window at a moment; the day of the dose is 1."""
        return (at.astimezone(self.zone).date() - self.day_one.latest().date()).days + 1

    @property
    def length_days(self) -> int:
        """How many days the window has, delays included."""
        if self.closes is None:
            return self.rule.days
        last_day = (self.closes - timedelta(seconds=1)).astimezone(self.zone).date()
        counted = (last_day - self.day_one.latest().date()).days + 1
        return counted if self.rule.end is WindowEnd.MIDNIGHT else self.rule.days + self.extended_by_days

    def is_over(self, at: datetime) -> bool:
        """Whether nothing that begins now can count any more."""
        return self.closes is not None and at >= self.closes

    def holds(self, onset: PartialDate | None, what: str) -> Verdict:
        """Whether something that began at a partial date began inside the window."""
        if onset is None:
            return lacks(f"the day on which {what} began")
        if self.opens is None:
            return no(f"{what} began before the first full dose, from which this protocol counts")
        first, last = onset.earliest_at(self.zone), onset.latest_at(self.zone)
        opens_first, opens_last = self._opening(onset)
        if last < opens_first:
            return no(f"{what} began {onset}, before the DLT period opened on {self.opens}")
        if self.closes is not None and first >= self.closes:
            return no(f"{what} began {onset}, after the DLT period closed")
        if first >= opens_last and (self.closes_earliest is None or last < self.closes_earliest):
            return yes(f"{what} began {onset}, {self._named_day(onset)}")
        finer = "time" if onset.precision >= Precision.DAY and self.opens.precision >= Precision.DAY else "day"
        return lacks(f"the {finer} on which {what} began ({onset} can be inside or outside the DLT period)")

    def _opening(self, onset: PartialDate) -> tuple[datetime, datetime]:
        """The first and last moment at which the window can have opened, as seen by an onset of that precision."""
        assert self.opens is not None
        both_timed = min(onset.precision, self.opens.precision) >= Precision.HOUR
        if both_timed or not self.rule.dose_day_counts:
            exact = self.opens.latest_at(self.zone).replace(second=0)
            return self.opens.earliest_at(self.zone), exact
        day = self.opens.to_day()
        return day.earliest_at(self.zone), _midnight(day.latest().date(), self.zone)

    def _named_day(self, onset: PartialDate) -> str:
        day, one = onset.full_date, self.day_one.full_date
        if day is None or one is None:
            return "inside the DLT period"
        if day < one:
            return "inside the DLT period, before the first full dose"
        return f"day {(day - one).days + 1} of the DLT period"


def dlt_window(rule: WindowRule, doses: Sequence[Exposure], *, at: datetime, zone: ZoneInfo) -> DltWindow | None:
    """The window as the doses given so far make it; none before the first dose."""
    given = sorted(((dose.given, dose) for dose in doses if dose.given), key=lambda pair: pair[0].earliest())
    given = [(moment, dose) for moment, dose in given if moment.earliest_at(zone) <= at]
    if not given:
        return None
    first = given[0][0]
    if rule.step_dosing is StepDosing.IGNORE:
        return _closed(rule, zone, opens=first, day_one=first, doses=doses, at=at)
    full = _first_full_dose(rule, given)
    if full is not None:
        restart = rule.step_dosing is StepDosing.RESTART
        opens = full if restart and not rule.priming_counts else first
        return _closed(
            rule, zone, opens=opens, day_one=full if restart else first, doses=doses, at=at, counted_from=full
        )
    if rule.full_dose_within_days is not None:
        waited_until = _midnight(first.latest().date() + timedelta(days=rule.full_dose_within_days), zone)
        if at >= waited_until:
            closed = _closed(rule, zone, opens=first, day_one=first, doses=doses, at=at)
            assert closed.closes is not None
            closes = max(closed.closes, waited_until)
            return replace(closed, closes=closes, closes_earliest=closes, reached_full_dose=False)
    counts_now = rule.step_dosing is StepDosing.EXTEND or rule.priming_counts
    return DltWindow(rule, zone, first if counts_now else None, first, None, reached_full_dose=False)


def _first_full_dose(rule: WindowRule, given: Sequence[tuple[PartialDate, Exposure]]) -> PartialDate | None:
    """The full dose from which the window counts."""
    anchor: PartialDate | None = None
    for moment, dose in given:
        if anchor is None and dose.is_full:
            anchor = moment
        elif anchor is not None and not dose.is_full and rule.repriming_restarts:
            days_since = (moment.earliest().date() - anchor.latest().date()).days
            anchor = None if days_since < rule.days else anchor
    return anchor


def _closed(
    rule: WindowRule,
    zone: ZoneInfo,
    *,
    opens: PartialDate,
    day_one: PartialDate,
    doses: Sequence[Exposure],
    at: datetime,
    counted_from: PartialDate | None = None,
) -> DltWindow:
    anchor = counted_from or day_one
    last_day = anchor.latest().date() + timedelta(days=rule.days - 1)
    extra = 0
    if rule.delays_extend:
        spared = {reason.casefold() for reason in rule.delays_not_extending}
        extending = [dose for dose in doses if (dose.reason or "").casefold() not in spared]
        extra = _days_late(extending, first=opens, last=last_day, today=at.astimezone(zone).date())

    def end(start: datetime) -> datetime:
        day = start.date() + timedelta(days=rule.days + extra)
        if rule.end is WindowEnd.MIDNIGHT:
            return _midnight(day, zone)
        return datetime.combine(day, start.time().replace(second=0), tzinfo=zone).astimezone(UTC)

    return DltWindow(rule, zone, opens, day_one, end(anchor.latest()), end(anchor.earliest()), extra)


def _days_late(doses: Sequence[Exposure], *, first: PartialDate, last: date, today: date) -> int:
    """By how many days the latest dose of the window came, or is still, behind its plan."""
    late = 0
    for dose in doses:
        planned = dose.planned.full_date if dose.planned else None
        if planned is None or dose.was_missed or not first.earliest().date() <= planned <= last:
            continue
        given = dose.given.latest().date() if dose.given else today
        late = max(late, (given - planned).days)
    return late


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    """The moment at which a day begins at the site."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
