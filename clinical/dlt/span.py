"""A length of time as a protocol writes it: "72 h", "7 d"."""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

_WRITTEN = re.compile(r"\s*(\d{1,5})\s*(h|hours?|d|days?|w|weeks?)\s*", re.ASCII | re.IGNORECASE)
DAYS_A_WEEK = 7


class Unit(StrEnum):
    """What a protocol counts in; hours elapse, days are turned over in the calendar of the site."""

    HOURS = "h"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class Span:
    """A number of hours or days. 72 hours and 3 days are not the same: days may be known where hours are not.

    >>> str(Span.parse("72 h")), str(Span.parse("7 days")), str(Span.parse("1 d"))
    ('72 h', '7 days', '1 day')
    """

    amount: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> "Span":
        """Reads "72 h", "7 d" or "2 weeks" (which is 14 days)."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ValueError(f"“{text}” is not a length of time. Write it like “72 h” or “7 d”.")
        amount, unit = int(found[1]), found[2][0].lower()
        if unit == "h":
            return cls(amount, Unit.HOURS)
        return cls(amount * (DAYS_A_WEEK if unit == "w" else 1), Unit.DAYS)

    @property
    def length(self) -> timedelta:
        """The span as elapsed time."""
        return timedelta(hours=self.amount) if self.unit is Unit.HOURS else timedelta(days=self.amount)

    def __str__(self) -> str:
        return f"{self.amount} {'day' if self.unit is Unit.DAYS and self.amount == 1 else self.unit.value}"
