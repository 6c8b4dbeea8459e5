"""The date of a scan as it was reported, ready for counting days; it may be known to the month or the year only."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from clinical.partial_date import PartialDate


@dataclass(frozen=True, slots=True)
class ScanDate:
    """A partial date with the first and the last day it can mean. Nothing is imputed."""

    text: str
    earliest: date
    latest: date

    @property
    def is_exact(self) -> bool:
        return self.earliest == self.latest

    def is_surely_after(self, other: "ScanDate") -> bool:
        return self.earliest > other.latest

    def is_at_least(self, days: int, *, after: "ScanDate") -> bool:
        """Whether this date is surely so many days after the other one.

        A scan known to the month only proves an interval only if its first possible day does:

        >>> scan_date("2014-02").is_at_least(28, after=scan_date("2014-01-10"))
        False
        >>> scan_date("2014-02-07").is_at_least(28, after=scan_date("2014-01-10"))
        True
        """
        return self.earliest >= after.latest + timedelta(days=days)

    def may_be(self, other: "ScanDate") -> bool:
        """Whether both can be the same day."""
        return self.earliest <= other.latest and other.earliest <= self.latest

    def __str__(self) -> str:
        return self.text


def on(day: date) -> ScanDate:
    """A date known to the day."""
    return ScanDate(day.isoformat(), day, day)


def of(reported: PartialDate) -> ScanDate:
    """A partial date as the date of a scan; the time of day is left out."""
    day = reported.to_day()
    return ScanDate(day.iso, day.earliest().date(), day.latest().date())


@lru_cache(maxsize=4096)
def scan_date(text: str) -> ScanDate:
    """Read an ISO 8601 date, complete or cut short. A ValueError says what is wrong with it.

    >>> scan_date("2014-02").latest
    datetime.date(2014, 2, 28)
    >>> scan_date("2014-02-06T10:30").text
    '2014-02-06'
    """
    return of(PartialDate.parse(text))
