"""The clocks of serious adverse events: site to sponsor in hours, sponsor to authority in calendar days.

Clock 1 runs in elapsed hours from the site's awareness, computed in UTC, so a night of 25 hours does not give an hour
more. Clock 2 runs in calendar days of the *sponsor's* zone; day zero is the date on which the minimum information was
there, weekends and holidays count, and neither triage nor acknowledgement sets or moves it.

The case people get wrong: a case that turns fatal. Its seven days run from the day the sponsor learnt *that*, while
the fifteen days of the report that was already due go on beside them.

Sources: Regulation (EU) 536/2014 Art. 41 (24 hours), Art. 42 and Annex III 2 (7, 8 and 15 days; causality of either
party); 21 CFR 312.32(c) (15 and 7 calendar days) and 312.64(b) (immediately); UK SI 2004/1031 reg. 32-33; ICH E2A
(minimum information: an identifiable subject, a reporter, a suspect product, an event).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

# ---------------------------------------------------------------------------------------------------------------
# Clock 1: site to sponsor


@dataclass(frozen=True, slots=True)
class SiteRule:
    """How long a site has, and after how long it is warned."""

    due_after: timedelta = timedelta(hours=24)
    warn_after: timedelta = timedelta(hours=12)


class SiteClockState(StrEnum):
    """Where a report to the sponsor stands."""

    RUNNING = "running"
    WARNED = "due soon"
    OVERDUE = "overdue"
    IN_TIME = "reported in time"
    LATE = "reported late"


@dataclass(frozen=True, slots=True)
class SiteClock:
    """When the sponsor must have the report; moments in UTC."""

    aware_at: datetime
    warn_at: datetime
    due_at: datetime
    received_at: datetime | None

    @property
    def is_late(self) -> bool | None:
        """Whether the report came late; nobody knows before it came. On the very minute is on time."""
        return None if self.received_at is None else self.received_at.replace(second=0, microsecond=0) > self.due_at

    def state(self, at: datetime) -> SiteClockState:
        """Where the report stands at a moment, from data alone."""
        if self.received_at is not None and self.received_at <= at:
            return SiteClockState.LATE if self.is_late else SiteClockState.IN_TIME
        if at.replace(second=0, microsecond=0) > self.due_at:
            return SiteClockState.OVERDUE
        return SiteClockState.WARNED if at >= self.warn_at else SiteClockState.RUNNING

    def late_by(self, at: datetime) -> timedelta:
        """By how much the report is or was late; nothing while it is in time."""
        arrived = min(self.received_at or at, at)
        return max(timedelta(0), arrived.astimezone(UTC) - self.due_at)

    def in_words(self, at: datetime) -> str:
        """For the top of the page: `already late by 9 h`."""
        state, late = self.state(at), _hours(self.late_by(at))
        if state is SiteClockState.OVERDUE:
            return f"already late by {late}"
        if state is SiteClockState.LATE:
            return f"reported {late} late"
        if state is SiteClockState.IN_TIME:
            return "reported in time"
        return f"due in {_hours(max(timedelta(0), self.due_at - at.astimezone(UTC)))}"


def site_clock(*, aware_at: datetime, received_at: datetime | None = None, rule: SiteRule = SiteRule()) -> SiteClock:
    """The clock from a site's awareness to the sponsor.

    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> clock = site_clock(aware_at=datetime(2025, 10, 25, 14, 0, tzinfo=berlin))
    >>> clock.due_at.astimezone(berlin).isoformat()  # the night has 25 hours
    '2025-10-26T13:00:00+01:00'
    """
    aware = _in_utc(aware_at)
    received = None if received_at is None else _in_utc(received_at)
    return SiteClock(aware, aware + rule.warn_after, aware + rule.due_after, received)


def _hours(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = ((days, "day" if days == 1 else "days"), (hours, "h"), (0 if days else minutes, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "less than a minute"


# ---------------------------------------------------------------------------------------------------------------
# Clock 2: sponsor to authority


@dataclass(frozen=True, slots=True)
class MinimumInformation:
    """When each of the four things that make a report was there; the last one starts the clock (ICH E2A)."""

    subject: datetime | None = None
    reporter: datetime | None = None
    product: datetime | None = None
    event: datetime | None = None

    @property
    def complete_at(self) -> datetime | None:
        """When all four were there."""
        moments = [moment for moment in self._named().values() if moment is not None]
        return max(_in_utc(moment) for moment in moments) if len(moments) == len(self._named()) else None

    @property
    def missing(self) -> tuple[str, ...]:
        """What is still needed."""
        return tuple(name for name, moment in self._named().items() if moment is None)

    def _named(self) -> dict[str, datetime | None]:
        return {
            "an identifiable subject": self.subject,
            "a reporter": self.reporter,
            "a suspect product": self.product,
            "an event": self.event,
        }


class CountedFrom(StrEnum):
    """Which day is day zero of the longer clock."""

    RECEIPT = "receipt"  # of the minimum information
    DETERMINATION = "determination"  # that it qualifies (21 CFR 312.32(c)(1))


@dataclass(frozen=True, slots=True)
class Region:
    """One authority's days."""

    name: str
    fatal_days: int = 7
    other_days: int = 15
    follow_up_days: int = 8
    other_counted_from: CountedFrom = CountedFrom.RECEIPT


EUROPE = Region("EU")
UNITED_KINGDOM = Region("UK")
UNITED_STATES = Region("US", other_counted_from=CountedFrom.DETERMINATION)
EARLIEST = Region("earliest of all")


def at_most(region: Region, *, fatal_days: int, other_days: int) -> Region:
    """The region with a trial's own days, where these are fewer: a protocol may be stricter than the law, never laxer.

    >>> trial = at_most(EARLIEST, fatal_days=5, other_days=20)
    >>> trial.fatal_days, trial.other_days
    (5, 15)
    """
    return replace(region, fatal_days=min(fatal_days, region.fatal_days), other_days=min(other_days, region.other_days))


class Report(StrEnum):
    """Which report to the authority is due."""

    FATAL = "7-day"
    OTHER = "15-day"
    FOLLOW_UP = "follow-up"


ANSWERED_BY: dict[Report, frozenset[Report]] = {
    Report.FATAL: frozenset({Report.FATAL}),
    Report.FOLLOW_UP: frozenset({Report.FOLLOW_UP}),
    Report.OTHER: frozenset({Report.OTHER, Report.FOLLOW_UP}),
}
"""What answers each report. The 7-day report may be incomplete, so it does not stand for the 15-day one; its completion
does (EU CTR 536/2014 Art. 42(2) and (3); 21 CFR 312.32(c)(1) and (2))."""


@dataclass(frozen=True, slots=True)
class Submission:
    """What went to the authority on a day of the sponsor's zone, and which due reports it was sent as."""

    on: date
    answers: frozenset[Report]


def submitted_on(submissions: Iterable[Submission]) -> dict[Report, date]:
    """The first day on which each report was answered. A further follow-up that answers none changes nothing.

    >>> sent = submitted_on([Submission(date(2026, 3, 9), frozenset({Report.FATAL}))])
    >>> Report.OTHER in sent  # the 15-day report that was due before the case turned fatal still is
    False
    """
    found: dict[Report, date] = {}
    for each in sorted(submissions, key=lambda submission: submission.on):
        for report, answers in ANSWERED_BY.items():
            if each.answers & answers:
                found.setdefault(report, each.on)
    return found


@dataclass(frozen=True, slots=True)
class AuthorityClock:
    """One report to one authority: day zero and the last day on which it is in time, dates at the sponsor."""

    report: Report
    day_zero: date
    due: date

    def days_left(self, today: date) -> int:
        """Days until the last day; negative when it is over."""
        return (self.due - today).days

    def in_words(self, today: date, submitted: date | None = None) -> str:
        """For the top of the page: `due at the authority on 21-Mar-2026, 5 days left`. The due day is still in time.

        >>> clock = AuthorityClock(Report.FATAL, date(2026, 3, 14), date(2026, 3, 21))
        >>> clock.in_words(date(2026, 3, 23))
        'already late by 2 days, it was due at the authority on 21-Mar-2026'
        """
        due = f"{self.due:%d-%b-%Y}"
        if submitted is not None:
            late = (submitted - self.due).days
            return f"submitted on {submitted:%d-%b-%Y}, {'in time' if late <= 0 else f'{_days(late)} late'}"
        left = self.days_left(today)
        if left < 0:
            return f"already late by {_days(-left)}, it was due at the authority on {due}"
        return f"due at the authority on {due}, {'today is the last day' if left == 0 else f'{_days(left)} left'}"


def _days(count: int) -> str:
    return f"{count} day{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class SeriousEvent:
    """What the clocks need to know of a serious adverse event.

    `received_at` is when the minimum information was with the sponsor. `None` as an answer is one not given yet: while
    any of the three is missing the event is not ruled out and its clock is shown as provisional.
    `fatal_known_at` is when the sponsor learnt that it is fatal or life threatening, if later than `received_at`.
    """

    sponsor_zone: ZoneInfo
    received_at: datetime | None
    serious: bool | None = True
    related: bool | None = None
    unexpected: bool | None = None
    fatal_or_life_threatening: bool = False
    fatal_known_at: datetime | None = None
    determined_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuthorityClocks:
    """Whether an event goes to the authority, and all reports that are due, in the order in which they are."""

    is_susar: bool | None
    clocks: tuple[AuthorityClock, ...] = field(default=())

    @property
    def expedited(self) -> AuthorityClock | None:
        """The clock that the event has now: the 7-day one once it is fatal or life threatening."""
        reports = {clock.report: clock for clock in self.clocks}
        return reports.get(Report.FATAL) or reports.get(Report.OTHER)

    @property
    def follow_up(self) -> AuthorityClock | None:
        """The completion of a 7-day report."""
        return next((clock for clock in self.clocks if clock.report is Report.FOLLOW_UP), None)


def is_susar(event: SeriousEvent) -> bool | None:
    """Serious, related and unexpected: no as soon as one is no, otherwise not known while one is missing."""
    answers = (event.serious, event.related, event.unexpected)
    if False in answers:
        return False
    return None if None in answers else True


def either_says_related(investigator: bool | None, sponsor: bool | None) -> bool | None:
    """The relation that counts: either party can make an event related, and the other cannot take that away.

    Source: Regulation (EU) 536/2014 Annex III 2.1 (the sponsor does not downgrade the investigator's causality).
    """
    return _either(investigator, sponsor)


def either_says_serious(investigator: bool | None, sponsor: bool | None) -> bool | None:
    """The seriousness that counts: an event is serious in the view of either the investigator or the sponsor.

    Source: 21 CFR 312.32(a). An investigator who takes seriousness back after the sponsor has seen the event leaves
    the question open until the sponsor agrees.
    """
    return _either(investigator, sponsor)


def _either(investigator: bool | None, sponsor: bool | None) -> bool | None:
    if investigator or sponsor:
        return True
    return None if None in (investigator, sponsor) else False


def authority_clocks(event: SeriousEvent, region: Region = EARLIEST) -> AuthorityClocks:
    """The reports that are due to one authority.

    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> event = SeriousEvent(berlin, datetime(2025, 6, 10, 23, 59, tzinfo=berlin), related=True, unexpected=True)
    >>> authority_clocks(event).expedited.due.isoformat()
    '2025-06-25'
    """
    susar = is_susar(event)
    if susar is False or event.received_at is None:
        return AuthorityClocks(susar)
    day_zero = _date_at(event.received_at, event.sponsor_zone)
    clocks: list[AuthorityClock] = []
    fatal_zero: date | None = None
    if event.fatal_or_life_threatening:
        known_at = event.fatal_known_at or event.received_at
        fatal_zero = max(day_zero, _date_at(known_at, event.sponsor_zone))
        due = fatal_zero + timedelta(days=region.fatal_days)
        clocks.append(AuthorityClock(Report.FATAL, fatal_zero, due))
        clocks.append(AuthorityClock(Report.FOLLOW_UP, fatal_zero, due + timedelta(days=region.follow_up_days)))
    if fatal_zero is None or fatal_zero > day_zero:
        zero = day_zero
        if region.other_counted_from is CountedFrom.DETERMINATION and event.determined_at is not None:
            zero = max(day_zero, _date_at(event.determined_at, event.sponsor_zone))
        clocks.append(AuthorityClock(Report.OTHER, zero, zero + timedelta(days=region.other_days)))
    return AuthorityClocks(susar, tuple(sorted(clocks, key=lambda clock: clock.due)))


def earliest_reports(event: SeriousEvent, regions: tuple[Region, ...]) -> tuple[tuple[Region, AuthorityClock], ...]:
    """Every region's reports, the most urgent first."""
    due = [(region, clock) for region in regions for clock in authority_clocks(event, region).clocks]
    return tuple(sorted(due, key=lambda pair: (pair[1].due, pair[0].name)))


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("A reporting clock needs moments with their time zone.")
    return moment.astimezone(UTC)


def _date_at(moment: datetime, zone: ZoneInfo) -> date:
    return _in_utc(moment).astimezone(zone).date()
