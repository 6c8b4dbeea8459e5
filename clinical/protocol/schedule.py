"""When things are due: anchors, visits, cycles that repeat, and scans on a calendar of their own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from clinical.protocol.keys import CODE, VISIT_PATTERN, Faults, key

HOURS_A_DAY = 24


class AnchorSource(StrEnum):
    """What fixes the moment of an anchor."""

    CONSENT = "consent"
    GATE = "gate"
    PLANNED = "planned date"
    FIRST_DOSE = "first dose"
    FIRST_FULL_DOSE = "first full dose"
    LAST_DOSE = "last dose"
    END_OF_TREATMENT = "end of treatment"
    PROGRESSION = "progression"
    VISIT = "visit"


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """A moment in a subject's trial that visits and periods are counted from."""

    code: str = key("the code of the anchor", shape=CODE)
    title: str = key("the anchor in words, as in “days after the first dose”")
    source: AnchorSource = key("what fixes the moment", name="from")
    day: int = key("what the day of the anchor itself is called: 1, or 0", default=1, least=0, most=1)
    gate: str | None = key("the gate whose consent or sign-off it is", default=None, refers_to="gate")
    product: str | None = key("the product whose dose it is", default=None, refers_to="product")
    visit: str | None = key("the visit whose date it is", default=None, refers_to="visit")
    until_known: str | None = key("the anchor used while this one has not happened", default=None, refers_to="anchor")

    def faults(self) -> Faults:
        """An anchor says which gate, product or visit fixes it."""
        doses = (AnchorSource.FIRST_DOSE, AnchorSource.FIRST_FULL_DOSE, AnchorSource.LAST_DOSE)
        if self.source in doses and self.product is None:
            yield "product", f"Missing: the product whose {self.source.value} it is. Add `product`."
        if self.source is AnchorSource.GATE and self.gate is None:
            yield "gate", "Missing: the gate whose sign-off it is. Add `gate`."
        if self.source is AnchorSource.VISIT and self.visit is None:
            yield "visit", "Missing: the visit whose date it is. Add `visit`."

    def offset(self, day: int) -> timedelta:
        """How long after the anchor a day of the protocol is; where the anchor is day 1 there is no day 0.

        >>> Anchor(code="c1d1", title="", source=AnchorSource.FIRST_DOSE, product="X").offset(-1).days
        -1
        >>> Anchor(code="inf", title="", source=AnchorSource.FIRST_DOSE, product="X", day=0).offset(28).days
        28
        """
        return timedelta(days=day - 1 if self.day == 1 and day > 0 else day)

    def day_at(self, offset_days: int) -> int:
        """The protocol's own label of the day so many days after the anchor; the inverse of `offset`."""
        return offset_days + 1 if self.day == 1 and offset_days >= 0 else offset_days


@dataclass(frozen=True, kw_only=True)
class Window:
    """How far from its target a visit may be and still be in its window."""

    before: int = key("days early", default=0, least=0, most=400)
    after: int = key("days late", default=0, least=0, most=400)
    before_hours: int = key("hours early, beside the days", default=0, least=0, most=10000)
    after_hours: int = key("hours late, beside the days", default=0, least=0, most=10000)

    @property
    def early(self) -> timedelta:
        """How much too early is still in time."""
        return timedelta(days=self.before, hours=self.before_hours)

    @property
    def late(self) -> timedelta:
        """How much too late is still in time."""
        return timedelta(days=self.after, hours=self.after_hours)


class TimePointFrom(StrEnum):
    """The moment of a dose that time points are counted from."""

    START = "start of dose"
    END = "end of dose"


@dataclass(frozen=True, kw_only=True)
class TimePoints:
    """A form repeated by the hour around a dose."""

    form: str = key("the form that is repeated", refers_to="form")
    product: str = key("the product whose dose it follows", refers_to="product")
    hours: tuple[Decimal, ...] = key("hours from that moment; before it they are negative")
    source: TimePointFrom = key("the moment of the dose they are counted from", name="from", default=TimePointFrom.END)


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A planned visit and the forms that are expected of it."""

    code: str = key("the code of the visit", shape=CODE)
    name: str = key("what the visit is called, also in the datasets (VISIT)")
    number: Decimal = key("its number in the datasets (VISITNUM), unique in the trial", least=0, most=10_000_000)
    forms: tuple[str, ...] = key("the forms of the visit, in order", refers_to="form")
    epoch: str = key("the epoch it belongs to", refers_to="epoch")
    anchor: str | None = key("the anchor it is counted from; none for a visit without a planned day", default=None)
    day: int | None = key("the day, as the protocol labels it from that anchor", default=None, least=-4000, most=40000)
    through: int | None = key("the last day, for a visit that lasts several", default=None, least=-4000, most=40000)
    hours: Decimal | None = key("hours from the anchor, if the hour matters", default=None, least=-96000, most=960000)
    window: Window | None = key("how far from the target day is still in time; absent, no date is late", default=None)
    gate: str | None = key("the gate that must be passed before it", default=None, refers_to="gate")
    optional: bool = key("whether a subject may go without it", default=False)
    parts: tuple[str, ...] = key("the parts that have this visit; all when empty", default=(), refers_to="part")
    logs: tuple[str, ...] = key("the logs that are confirmed as reviewed at the visit", default=(), refers_to="form")
    time_points: tuple[TimePoints, ...] = key("forms repeated by the hour", name="time_point", default=())
    overnight_hours: int = key("hours of observation in hospital after the dose", default=0, least=0)

    def faults(self) -> Faults:
        """A visit is planned by a day or by hours from an anchor, or not at all."""
        if self.day is not None and self.hours is not None:
            yield "hours", "A visit is planned by `day` or by `hours`, not both. Remove one."
        if (self.anchor is None) != (self.day is None and self.hours is None):
            yield "anchor", "A planned visit needs an `anchor` and a `day` (or `hours`); one of them is missing."
        if self.through is not None and (self.day is None or self.through <= self.day):
            yield "through", "The last day must come after `day`."


@dataclass(frozen=True, kw_only=True)
class CycleVisit:
    """One visit of a cycle, as it is in every repetition."""

    day: int = key("the day of the cycle", least=1, most=400)
    forms: tuple[str, ...] = key("the forms of the visit, in order", refers_to="form")
    window: Window | None = key("how far from the target day is still in time; absent, no date is late", default=None)
    optional: bool = key("whether a subject may go without it", default=False)
    logs: tuple[str, ...] = key("the logs that are confirmed as reviewed at the visit", default=(), refers_to="form")
    only_every: int = key("in which cycles it happens: every one, every second ...", default=1, least=1)


class DelayMoves(StrEnum):
    """What a delayed dose does to the visits that follow. Past visits never move."""

    LATER_CYCLES = "later cycles"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """A template of visits that repeats every so many days."""

    code: str = key("the code of a visit, with {cycle} and {day} in it, such as C{cycle}D{day}", shape=VISIT_PATTERN)
    name: str = key("its name, with {cycle} and {day} in it")
    anchor: str = key("the anchor of day 1 of cycle 1", refers_to="anchor")
    length_days: int = key("how long a cycle is", least=1, most=400)
    first: int = key("the first cycle made from this template", least=1, most=10_000)
    last: int | None = key("the last one; none to repeat until treatment ends", default=None, least=1)
    number: Decimal = key(
        "the number of day 0 of the first cycle in the datasets (VISITNUM); the day is added", least=0, most=10_000_000
    )
    number_step: Decimal = key("by how much the number rises from cycle to cycle", least=1, most=10_000)
    epoch: str = key("the epoch the visits belong to", refers_to="epoch")
    delay_moves: DelayMoves = key("what a delayed dose moves", default=DelayMoves.LATER_CYCLES)
    parts: tuple[str, ...] = key("the parts that have this template; all when empty", default=(), refers_to="part")
    visits: tuple[CycleVisit, ...] = key("the visits of each cycle", name="visit")

    def faults(self) -> Faults:
        """Visits lie inside the cycle, and their names can be told apart."""
        for name in ("code", "name"):
            if any(part not in getattr(self, name) for part in ("{cycle}", "{day}")):
                yield name, "Write {cycle} and {day} where their numbers go, or two visits get the same name."
        if self.last is not None and self.last < self.first:
            yield "last", f"The last cycle {self.last} comes before the first {self.first}."
        for index, visit in enumerate(self.visits):
            if visit.day > self.length_days:
                yield (
                    f"visit[{index + 1}].day",
                    f"Day {visit.day} lies beyond the {self.length_days} days of the cycle.",
                )


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A stretch of a calendar with one interval."""

    first_day: int = key("days from the anchor to the first one", least=0, most=40000)
    every_days: int = key("days from one to the next", least=1, most=4000)
    until_day: int | None = key(
        "days from the anchor after which the stretch ends; none for no end", default=None, least=0, most=40000
    )
    window: Window | None = key("how far from the target day is still in time; absent, no date is late", default=None)


@dataclass(frozen=True, kw_only=True)
class Imaging:
    """Scans on their own calendar, which stays where it is when doses slip."""

    code: str = key("the code of an assessment, with {n} in it", shape=VISIT_PATTERN)
    name: str = key("its name, with {n} or {week} in it")
    anchor: str = key("the anchor of the calendar", refers_to="anchor")
    forms: tuple[str, ...] = key("the forms of each assessment", refers_to="form")
    epoch: str = key("the epoch it belongs to", refers_to="epoch")
    number: Decimal = key("the number before the first one in the datasets (VISITNUM)", least=0, most=10_000_000)
    stretches: tuple[Stretch, ...] = key("the stretches, one after the other", name="stretch")
    first_n: int = key("the n of the first assessment", default=1, least=0)
    until: str = key("when the scans end, in words", default="progression, new anticancer therapy or end of study")
    parts: tuple[str, ...] = key("the parts that have this calendar; all when empty", default=(), refers_to="part")

    def faults(self) -> Faults:
        """Assessments can be told apart, and only the last stretch is open."""
        if "{n}" not in self.code:
            yield "code", "Write {n} where the number goes, or all assessments get the same code."
        for index, stretch in enumerate(self.stretches[:-1]):
            if stretch.until_day is None:
                yield f"stretch[{index + 1}].until_day", "Only the last stretch may be without an end."


@dataclass(frozen=True, kw_only=True)
class Unscheduled:
    """Visits that nobody planned."""

    allowed: bool = key("whether a site may add one", default=True)
    name: str = key("its name, with {number} in it", default="Unscheduled {number}")
    number_step: Decimal = key(
        "what is added to the number of the visit before it: 3 becomes 3.1, then 3.2", default=Decimal("0.1")
    )
    forms: tuple[str, ...] = key("the forms a site may choose from", default=(), refers_to="form")


@dataclass(frozen=True, kw_only=True)
class DayLabels:
    """How days are named on pages. The study day of the datasets is derived apart and has no day 0."""

    anchor: str = key("the anchor whose days are shown", refers_to="anchor")
    text: str = key("how a day is written, with {day} in it", default="Day {day}")


@dataclass(frozen=True)
class PlannedVisit:
    """A visit of the expanded schedule: everything fixed but the date of its anchor."""

    code: str
    name: str
    number: Decimal
    epoch: str
    forms: tuple[str, ...]
    logs: tuple[str, ...]
    anchor: str | None
    day: int | None
    offset: timedelta | None
    duration: timedelta
    window: Window | None
    optional: bool
    gate: str | None = None
    cycle: int | None = None
    on_imaging_calendar: bool = False
    time_points: tuple[TimePoints, ...] = ()
    overnight_hours: int = 0

    @property
    def earliest(self) -> timedelta | None:
        """The earliest moment after the anchor that is in the window."""
        return None if self.offset is None or self.window is None else self.offset - self.window.early

    @property
    def latest(self) -> timedelta | None:
        """The latest moment after the anchor that is in the window."""
        if self.offset is None or self.window is None:
            return None
        return self.offset + self.duration + self.window.late


def planned(visit: Visit, anchor: Anchor | None) -> PlannedVisit:
    """A single visit, placed."""
    offset, duration = None, timedelta(0)
    if anchor is not None and visit.day is not None:
        offset = anchor.offset(visit.day)
        if visit.through is not None:
            duration = anchor.offset(visit.through) - offset
    elif visit.hours is not None:
        offset = timedelta(hours=float(visit.hours))
    return PlannedVisit(
        code=visit.code,
        name=visit.name,
        number=visit.number,
        epoch=visit.epoch,
        forms=visit.forms,
        logs=visit.logs,
        anchor=visit.anchor,
        day=visit.day,
        offset=offset,
        duration=duration,
        window=visit.window,
        optional=visit.optional,
        gate=visit.gate,
        time_points=visit.time_points,
        overnight_hours=visit.overnight_hours,
    )


def repeated(template: Cycle, *, through: timedelta) -> Iterator[PlannedVisit]:
    """The visits of a cycle template whose target lies no later than `through` after its anchor."""
    cycle = template.first
    while template.last is None or cycle <= template.last:
        start = timedelta(days=(cycle - 1) * template.length_days)
        if start > through:
            return
        for visit in template.visits:
            offset = start + timedelta(days=visit.day - 1)
            if offset > through or (cycle - template.first) % visit.only_every:
                continue
            yield PlannedVisit(
                code=template.code.format(cycle=cycle, day=visit.day),
                name=template.name.format(cycle=cycle, day=visit.day),
                number=template.number + (cycle - template.first) * template.number_step + visit.day,
                epoch=template.epoch,
                forms=visit.forms,
                logs=visit.logs,
                anchor=template.anchor,
                day=offset.days + 1,
                offset=offset,
                duration=timedelta(0),
                window=visit.window,
                optional=visit.optional,
                cycle=cycle,
            )
        cycle += 1


def scans(calendar: Imaging, *, through: timedelta) -> Iterator[PlannedVisit]:
    """The assessments of an imaging calendar whose target lies no later than `through` after its anchor.

    The calendar counts from its anchor alone: a dose given three weeks late moves no scan.
    """
    index = 0
    for stretch in calendar.stretches:
        day = stretch.first_day
        while day <= through.days and (stretch.until_day is None or day <= stretch.until_day):
            n, week = calendar.first_n + index, day // 7
            yield PlannedVisit(
                code=calendar.code.format(n=n, week=week),
                name=calendar.name.format(n=n, week=week),
                number=calendar.number + index + 1,
                epoch=calendar.epoch,
                forms=calendar.forms,
                logs=(),
                anchor=calendar.anchor,
                day=day + 1,
                offset=timedelta(days=day),
                duration=timedelta(0),
                window=stretch.window,
                optional=False,
                on_imaging_calendar=True,
            )
            index += 1
            day += stretch.every_days
