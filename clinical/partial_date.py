"""Partial dates: a date known only as far as it is known, compared without pretending to know more.

Subjects remember "some time in March". The value keeps exactly that (`2026-03`), is never filled up with
zeros or a first of the month, and answers a comparison with *before*, *after*, *same* or *indeterminate*.
Imputation is an analysis decision and belongs to analysis datasets, not to the case report form.

Sources: ISO 8601 truncated representations as SDTMIG 3.4 section 4.4 uses them for --DTC variables
(a component that is not known ends the text); CDASHIG 2.2 on collecting dates with an unambiguous month.

Two things that people get wrong. A month is not its first day, so it is not before the second:

>>> PartialDate.parse("2026-03").compare(PartialDate.parse("2026-03-02")).value
'indeterminate'

and two events of the same month need not be on the same day:

>>> PartialDate.parse("2026-03").compare(PartialDate.parse("2026-03")).value
'indeterminate'
"""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum, IntEnum
from itertools import zip_longest
from zoneinfo import ZoneInfo

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
EARLIEST_YEAR, LATEST_YEAR = 1850, 2199


class Precision(IntEnum):
    """How far a date is known; a larger value knows more."""

    YEAR = 1
    MONTH = 2
    DAY = 3
    HOUR = 4
    MINUTE = 5
    SECOND = 6


class Order(Enum):
    """Three-valued comparison, with a fourth answer where both name the very same day or minute."""

    BEFORE = "before"
    AFTER = "after"
    SAME = "same"
    INDETERMINATE = "indeterminate"

    @property
    def reversed(self) -> "Order":
        """The answer with the two dates exchanged."""
        return {Order.BEFORE: Order.AFTER, Order.AFTER: Order.BEFORE}.get(self, self)


class Fit(Enum):
    """Whether a partial date lies in a range: certainly, possibly, or with none of its days."""

    INSIDE = "inside"
    POSSIBLE = "possible"
    OUTSIDE = "outside"


_ISO = re.compile(
    r"(?P<year>\d{4})"
    r"(?:-(?P<month>\d{2})"
    r"(?:-(?P<day>\d{2})"
    r"(?:T(?P<hour>\d{2})"
    r"(?::(?P<minute>\d{2})"
    r"(?::(?P<second>\d{2}))?)?)?)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date, or date and time of day at the site, to the precision known.

    The time of day is wall time; the zone is the site's and is handed to the methods that need it.
    A component can be known only when every larger one is: there is no day without its month.

    >>> str(PartialDate(2026, 3)), PartialDate(2026, 3).iso
    ('Mar-2026', '2026-03')
    """

    year: int
    month: int | None = None
    day: int | None = None
    hour: int | None = None
    minute: int | None = None
    second: int | None = None

    def __post_init__(self) -> None:
        known = [component is not None for component in self._all()]
        if known != sorted(known, reverse=True):
            raise ValueError(
                "A date can leave out only its smaller parts: a day needs its month, a time needs its day."
            )
        if not EARLIEST_YEAR <= self.year <= LATEST_YEAR:
            raise ValueError(f"{self.year} is not a year this trial can have.")
        if self.month is not None and not 1 <= self.month <= 12:
            raise ValueError(f"There is no month {self.month}.")
        if self.month is not None and self.day is not None:
            days = calendar.monthrange(self.year, self.month)[1]
            if not 1 <= self.day <= days:
                raise ValueError(
                    f"{MONTHS[self.month - 1]}-{self.year} has {days} days, so there is no day {self.day}."
                )
        if self.hour is not None and not 0 <= self.hour <= 23:
            raise ValueError(f"There is no hour {self.hour}; midnight is 00:00 of the day that begins.")
        for part in (self.minute, self.second):
            if part is not None and not 0 <= part <= 59:
                raise ValueError(f"Minutes and seconds run from 00 to 59, so {part} is not one.")

    @classmethod
    def parse(cls, text: str) -> "PartialDate":
        """The value of an ISO 8601 text to the precision known, e.g. `2026-03` or `2026-03-15T14:05`."""
        found = _ISO.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not a date in the form 2026, 2026-03, 2026-03-15 or 2026-03-15T14:05.")
        return cls(**{name: int(part) for name, part in found.groupdict().items() if part is not None})

    @classmethod
    def of(cls, value: date | datetime) -> "PartialDate":
        """A full date, or a moment to its minute in the wall time it carries."""
        if isinstance(value, datetime):
            return cls(value.year, value.month, value.day, value.hour, value.minute)
        return cls(value.year, value.month, value.day)

    @property
    def precision(self) -> Precision:
        """The smallest component that is known."""
        return Precision(len(self.components))

    @property
    def components(self) -> tuple[int, ...]:
        """The known components, largest first."""
        return tuple(part for part in self._all() if part is not None)

    @property
    def iso(self) -> str:
        """ISO 8601 text to the precision known, as stored and as exported to --DTC."""
        text = f"{self.year:04d}"
        for mark, part in zip("--T::", self._all()[1:], strict=True):
            if part is None:
                break
            text += f"{mark}{part:02d}"
        return text

    @property
    def full_date(self) -> date | None:
        """The calendar day, where it is known."""
        if self.month is None or self.day is None:
            return None
        return date(self.year, self.month, self.day)

    def to_day(self) -> "PartialDate":
        """The same date without its time of day."""
        return PartialDate(self.year, self.month, self.day)

    def earliest(self) -> datetime:
        """The first second this date can mean, in the site's wall time."""
        return datetime(  # noqa: DTZ001 - wall time on purpose: the zone is the site's and kept beside the value
            self.year, self.month or 1, self.day or 1, self.hour or 0, self.minute or 0, self.second or 0
        )

    def latest(self) -> datetime:
        """The last second this date can mean, in the site's wall time."""
        month = self.month or 12
        return datetime(  # noqa: DTZ001 - wall time on purpose: the zone is the site's and kept beside the value
            self.year,
            month,
            self.day or calendar.monthrange(self.year, month)[1],
            23 if self.hour is None else self.hour,
            59 if self.minute is None else self.minute,
            59 if self.second is None else self.second,
        )

    def earliest_at(self, zone: ZoneInfo) -> datetime:
        """The first moment this date can mean at a site in `zone`, in UTC.

        In the hour that the clock shows twice in autumn the first passage is taken here and the second one
        in `latest_at`, so 02:30 of that night spans an hour.
        """
        return min(_passages(self.earliest(), zone))

    def latest_at(self, zone: ZoneInfo) -> datetime:
        """The last moment this date can mean at a site in `zone`, in UTC."""
        return max(_passages(self.latest(), zone))

    def compare(self, other: "PartialDate") -> Order:
        """Whether this date is before or after another for every day that either can mean.

        Two full dates that agree are the same day; a day and a minute of that day are indeterminate.

        >>> PartialDate.parse("2026-03-15").compare(PartialDate.parse("2026-03-15T14:05")).value
        'indeterminate'
        """
        for mine, theirs in zip_longest(self.components, other.components):
            if mine is None or theirs is None:
                return Order.INDETERMINATE
            if mine != theirs:
                return Order.BEFORE if mine < theirs else Order.AFTER
        return Order.SAME if self.precision >= Precision.DAY else Order.INDETERMINATE

    def compare_days(self, other: "PartialDate") -> Order:
        """As `compare`, on calendar days alone: times of day are left out on both sides."""
        return self.to_day().compare(other.to_day())

    def fit(self, *, not_before: "PartialDate | None" = None, not_after: "PartialDate | None" = None) -> Fit:
        """Whether this date lies in a range whose ends belong to it.

        OUTSIDE deserves an error, POSSIBLE at most a question: some day in it can be right.

        >>> PartialDate.parse("2026-03").fit(not_before=PartialDate.parse("2026-03-10")).value
        'possible'
        """
        if not_before is not None and self.compare(not_before) is Order.BEFORE:
            return Fit.OUTSIDE
        if not_after is not None and self.compare(not_after) is Order.AFTER:
            return Fit.OUTSIDE
        # A limit given by the day admits every time of that day.
        late_enough = not_before is None or self.earliest() >= not_before.earliest()
        early_enough = not_after is None or self.latest() <= not_after.latest()
        return Fit.INSIDE if late_enough and early_enough else Fit.POSSIBLE

    @property
    def in_words(self) -> str:
        """As `str`, with the day of the week where the day is known: `Sunday 15-Mar-2026`."""
        day = self.full_date
        return str(self) if day is None else f"{calendar.day_name[day.weekday()]} {self}"

    def __str__(self) -> str:
        if self.month is None:
            return f"{self.year}"
        text = f"{MONTHS[self.month - 1]}-{self.year}"
        if self.day is None:
            return text
        text = f"{self.day:02d}-{text}"
        if self.hour is None:
            return text
        if self.minute is None:
            return f"{text} {self.hour:02d}h"
        text = f"{text} {self.hour:02d}:{self.minute:02d}"
        return text if self.second is None else f"{text}:{self.second:02d}"

    def _all(self) -> tuple[int | None, ...]:
        return (self.year, self.month, self.day, self.hour, self.minute, self.second)


def _passages(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments at which the site's clock can show this wall time: one, but two in the repeated hour of autumn."""
    return (
        wall.replace(tzinfo=zone, fold=0).astimezone(UTC),
        wall.replace(tzinfo=zone, fold=1).astimezone(UTC),
    )


# ---------------------------------------------------------------------------------------------------------------
# What a coordinator types


@dataclass(frozen=True, slots=True)
class AskBack:
    """A typed date that is not taken as it stands: what to say under the box, and the readings to choose from."""

    message: str
    choices: tuple[PartialDate, ...] = ()


_HOW_TO_TYPE = "Type it like 15mar2026, mar 2026 or 2026."
_UNKNOWN_WORDS = frozenset({"un", "unk", "uk", "nk", "unknown"})
_MONTH_WORDS = {
    **{name.lower(): number for number, name in enumerate(calendar.month_name) if number},
    **{name.lower(): number for number, name in enumerate(MONTHS, start=1)},
    "sept": 9,
    # German sites type German months; none of these is an English word for another month.
    "mär": 3,
    "mrz": 3,
    "märz": 3,
    "maerz": 3,
    "mai": 5,
    "okt": 10,
    "dez": 12,
    "januar": 1,
    "februar": 2,
    "juni": 6,
    "juli": 7,
    "oktober": 10,
    "dezember": 12,
}
_TIME = re.compile(
    r"(?:^|[\sT])(?P<hour>\d{1,2}):(?P<minute>\d{2}|un|unk)\s*(?P<half>am|pm|a\.m\.|p\.m\.)?$", re.I | re.A
)
_WORDS = re.compile(r"\d+|[^\W\d_]+")
_DATE_CHARACTERS = re.compile(r"[\w\s./,-]+")
_SHIFT = re.compile(r"[+-]\s*\d{1,4}", re.ASCII)


YearReader = Callable[[str], int]


class _NotADateError(ValueError):
    """Carries the answer for a text that is not taken, from the depth where it was found."""

    def __init__(self, message: str, *choices: PartialDate) -> None:
        super().__init__(message)
        self.answer = AskBack(message, choices)


def read_typed(
    text: str,
    *,
    today: date,
    visit: date | None = None,
    at_least: Precision = Precision.YEAR,
    at_most: Precision = Precision.MINUTE,
    not_after: PartialDate | None = None,
    years_ahead: int = 10,
) -> PartialDate | AskBack:
    """What a typed date means, or what to ask back; nothing ambiguous is guessed.

    Understood: `15mar26`, `15-3-2026`, `15 Mar 2026`, `mar 2026`, `3/2026`, `2026`, `un mar 2026`, ISO 8601 as
    stored, `t` today, `y` yesterday, `v` the visit date, `+3` and `-3` days from the visit date; after each a
    24-hour time, `15mar26 14:05`, or `14:un` when the minute is not known.

    `at_least` and `at_most` are the precisions that the field allows. `not_after` refuses what certainly lies
    later (usually now at the site). A two-digit year is read as at most `years_ahead` years after today.

    >>> read_typed("3/4/26", today=date(2026, 6, 1)).message
    'This can be 03-Apr-2026 or 04-Mar-2026. Type the month in letters.'
    """
    try:
        value = _read(text, today=today, visit=visit, years_ahead=years_ahead)
    except _NotADateError as refusal:
        return refusal.answer
    if value.precision < at_least:
        missing = {Precision.MONTH: "month", Precision.DAY: "day", Precision.HOUR: "hour"}
        part = missing.get(Precision(value.precision + 1), "minute")
        return AskBack(f"{value} leaves out the {part}, which is needed here. {_example(at_least)}")
    if value.precision > at_most:
        shorter = PartialDate(*value.components[:at_most])
        return AskBack(f"Only {_known_as(at_most)} is kept here. Type {shorter}.", (shorter,))
    if not_after is not None and value.compare(not_after) is Order.AFTER:
        return AskBack(f"{value.in_words} is later than {not_after}. Correct the date.")
    return value


def _read(text: str, *, today: date, visit: date | None, years_ahead: int) -> PartialDate:
    rest = text.strip()
    if not rest:
        raise _NotADateError(_HOW_TO_TYPE)
    time = _TIME.search(rest)
    if time is not None:
        if time["half"]:
            raise _NotADateError("Type the time by the 24-hour clock, like 14:05.")
        rest = rest[: time.start()].strip()
        if not rest:
            raise _NotADateError("A time needs its day, like 15mar2026 14:05.")
    day = _read_date(rest, today=today, visit=visit, years_ahead=years_ahead)
    if time is None:
        return day
    if day.precision < Precision.DAY:
        raise _NotADateError(f"{day} leaves out the day, and a time needs its day.")
    if day.precision > Precision.DAY:
        raise _NotADateError(f"Two times were typed. {_HOW_TO_TYPE}")
    minute = None if time["minute"].lower().startswith("un") else int(time["minute"])
    return _value(day.year, day.month, day.day, int(time["hour"]), minute)


def _read_date(text: str, *, today: date, visit: date | None, years_ahead: int) -> PartialDate:
    if _ISO.fullmatch(text):
        try:
            return PartialDate.parse(text)
        except ValueError as fault:
            raise _NotADateError(str(fault)) from None
    word = text.lower()
    if word in {"t", "today"}:
        return PartialDate.of(today)
    if word in {"y", "yesterday"}:
        return PartialDate.of(today - timedelta(days=1))
    if word in {"v", "visit"} or _SHIFT.fullmatch(word):
        if visit is None:
            raise _NotADateError(f"The visit has no date yet to count from. {_HOW_TO_TYPE}")
        days = 0 if word.startswith("v") else int(re.sub(r"\s", "", word))
        return PartialDate.of(visit + timedelta(days=days))
    words = _WORDS.findall(word)
    if not _DATE_CHARACTERS.fullmatch(word) or not words or "_" in word:
        raise _NotADateError(f"“{text}” is not understood as a date. {_HOW_TO_TYPE}")
    return _from_words(text, words, today=today, years_ahead=years_ahead)


def _from_words(text: str, words: list[str], *, today: date, years_ahead: int) -> PartialDate:
    """Reads up to three words: day, month and year in the orders people write them."""
    unknown = sum(word in _UNKNOWN_WORDS for word in words)
    months = [word for word in words if word in _MONTH_WORDS]
    numbers = [word for word in words if word.isascii() and word.isdigit()]
    understood = unknown + len(months) + len(numbers) == len(words)
    if not understood or len(months) > 1 or not numbers or len(words) > 3:
        raise _NotADateError(f"“{text}” is not understood as a date. {_HOW_TO_TYPE}")

    def year(word: str) -> int:
        return _four_digit_year(word, text=text, today=today, years_ahead=years_ahead)

    if months:
        month = _MONTH_WORDS[months[0]]
        if len(numbers) == 2 and not unknown:
            first, last = numbers
            if len(first) == 4 and len(last) <= 2:  # 2026 Mar 15
                first, last = last, first
            return _value(year(last), month, int(first))
        if len(numbers) == 1 and (len(numbers[0]) == 4 or (unknown and words[-1] == numbers[0])):
            return _value(year(numbers[0]), month)
        if len(numbers) == 1 and not unknown:
            day_or_year = numbers[0]
            raise _NotADateError(f"“{text}” does not say whether {day_or_year} is the day or the year. {_HOW_TO_TYPE}")
        raise _NotADateError(f"“{text}” is not understood as a date. {_HOW_TO_TYPE}")
    if unknown:
        if len(words) == 3 and len(numbers) == 2:
            return _with_unknown_word(text, words, numbers, year_of=year)
        if words[-1] in _UNKNOWN_WORDS and len(numbers[0]) != 4:
            raise _NotADateError(
                "A day can be kept only with its month and year. Type the year alone if no more is known."
            )
        return _value(year(numbers[0]))
    if len(numbers) == 1:
        if len(numbers[0]) != 4:
            raise _NotADateError(f"“{text}” is not understood as a date. {_HOW_TO_TYPE}")
        return _value(year(numbers[0]))
    if len(numbers) == 2:
        month_text, year_text = numbers if len(numbers[1]) == 4 else (numbers[1], numbers[0])
        if len(year_text) != 4:
            raise _NotADateError(f"“{text}” leaves out the year, or it is not clear which number it is. {_HOW_TO_TYPE}")
        return _value(year(year_text), int(month_text))
    return _from_three_numbers(text, numbers, year_of=year)


def _with_unknown_word(text: str, words: list[str], numbers: list[str], *, year_of: YearReader) -> PartialDate:
    """`un 3 2026` is March 2026; `15 un 2026` would be a day without its month, which cannot be kept."""
    if words[0] in _UNKNOWN_WORDS:
        month = int(numbers[0])
        if month <= 12:
            return _value(year_of(numbers[1]), month)
    alone = year_of(numbers[-1])
    raise _NotADateError(f"A day without its month cannot be kept. Type {alone} if no more is known.", _value(alone))


def _from_three_numbers(text: str, numbers: list[str], *, year_of: YearReader) -> PartialDate:
    if len(numbers[0]) == 4:  # 2026/3/15: a year in front is followed by the month everywhere
        return _value(year_of(numbers[0]), int(numbers[1]), int(numbers[2]))
    year, first, second = year_of(numbers[2]), int(numbers[0]), int(numbers[1])
    readings: list[PartialDate] = []
    faults: list[_NotADateError] = []
    for day, month in ((first, second), (second, first)):
        try:
            reading = _value(year, month, day)
        except _NotADateError as fault:
            faults.append(fault)
        else:
            if reading not in readings:
                readings.append(reading)
    if not readings:
        plausible = [fault for fault in faults if not str(fault).startswith("There is no month")]
        raise (plausible or faults)[0]
    if len(readings) > 1:
        either = " or ".join(str(reading) for reading in readings)
        raise _NotADateError(f"This can be {either}. Type the month in letters.", *readings)
    return readings[0]


def _four_digit_year(word: str, *, text: str, today: date, years_ahead: int) -> int:
    """The year a word of two or four digits names: of two digits, the only one in the hundred years allowed."""
    if len(word) == 4:
        return int(word)
    if len(word) != 2:
        raise _NotADateError(f"“{text}” has no year of two or four digits. {_HOW_TO_TYPE}")
    last = today.year + years_ahead
    return last - (last - int(word)) % 100


def _value(*components: int | None) -> PartialDate:
    try:
        return PartialDate(*[part for part in components if part is not None])
    except ValueError as fault:
        raise _NotADateError(str(fault)) from None


def _example(precision: Precision) -> str:
    if precision >= Precision.HOUR:
        return "Type it like 15mar2026 14:05."
    return "Type it like 15mar2026." if precision is Precision.DAY else "Type it like mar 2026."


def _known_as(precision: Precision) -> str:
    if precision >= Precision.HOUR:
        return "the time to the minute" if precision is Precision.MINUTE else "the hour"
    return {Precision.YEAR: "the year", Precision.MONTH: "the month and year", Precision.DAY: "the date"}[precision]
