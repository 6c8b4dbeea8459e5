"""Waterfall and spider as SVG. What stands where is decided in `clinical.figures`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

from django.utils.safestring import SafeString

from apps.core import drawing
from apps.core.drawing import GROUND, INK, LINE, MUTED, WIDTH, LinkOf
from clinical.figures.course import Course
from clinical.figures.spider import Line, Spider
from clinical.figures.waterfall import PROGRESSION_LINE, RESPONSE_LINE, Bar, Waterfall
from clinical.protocol.schedule import Anchor
from clinical.recist.responses import Response
from clinical.survival import DAYS_PER_MONTH

LEFT, RIGHT, TOP = 58, 14, 18
LINE_HEIGHT = 20
UNITS_A_PERCENT = 1.4
ZERO_OFFSET = 100 * UNITS_A_PERCENT
PLOT_HEIGHT = 2 * ZERO_OFFSET
WIDEST_SLOT, NARROWEST_SLOT = 120.0, 14.0
"""How wide a bar's place may be, and how narrow before the sheet grows instead."""
LETTER = 6.3
"""About how wide a letter of a mark's text is."""
LABEL_COLUMN, LABEL_HEIGHT = 104, 13


@dataclass(frozen=True, slots=True)
class Look:
    """Colour and shape of a response; the shape alone tells it too."""

    fill: str
    shape: str
    stroke: str = INK


LOOKS = {
    Response.CR: Look("#08306B", "circle"),
    Response.PR: Look("#1F7FBF", "triangle"),
    Response.SD: Look("#8A8A8A", "square"),
    Response.PD: Look("#B84A00", "diamond"),
    Response.NE: Look(GROUND, "cross"),
}


def look_of(response: Response) -> Look:
    """The look of a response; whatever is neither response, stability nor progression says as much as NE."""
    return LOOKS.get(Response.SD if response is Response.NON_CR_NON_PD else response, LOOKS[Response.NE])


def percent(value: Decimal) -> str:
    """A change as people write it, with its sign.

    >>> percent(Decimal("24.13")), percent(Decimal("-40")), percent(Decimal(0))
    ('+24.1 %', '−40.0 %', '0.0 %')
    """
    return f"{value:+.1f} %".replace("-", "\N{MINUS SIGN}") if value else "0.0 %"


# ---------------------------------------------------------------------------------------------------------------
# What both figures have: the axis of change and the key to the marks


def key(entries: Iterable[tuple[float, SafeString, str]]) -> tuple[list[SafeString], float]:
    """The key above a figure, in as many lines as it needs: samples (with their width) and words; and its height."""
    parts: list[SafeString] = []
    x, y = float(LEFT), float(TOP)
    for width, sample, words in entries:
        needed = width + 6 + LETTER * len(words) + 16
        if x + needed > WIDTH and x > LEFT:
            x, y = float(LEFT), y + LINE_HEIGHT
        parts.append(SafeString(f'<g transform="translate({x:.0f} {y:.0f})">{sample}</g>'))
        parts.append(drawing.text(x + width + 6, y + 4, words))
        x += needed
    return parts, y + LINE_HEIGHT


def response_key() -> Iterator[tuple[float, SafeString, str]]:
    """The entries for the responses."""
    for response, look in LOOKS.items():
        yield 10.0, drawing.shape(look.shape, 5, 0, fill=look.fill, stroke=look.stroke), response.value


def _axis(zero: float, right: float) -> Iterator[SafeString]:
    """Percent up and down from 0, with the lines of response and progression."""
    middle = zero - ZERO_OFFSET + PLOT_HEIGHT / 2
    yield drawing.text(14, middle, "Change from baseline, %", anchor="middle", fill=MUTED, upright=False)
    for tick in (100, 50, 0, -50, -100):
        y = zero - tick * UNITS_A_PERCENT
        yield drawing.line(LEFT, y, right, y, stroke=MUTED if tick == 0 else LINE)
        yield drawing.text(LEFT - 6, y + 4, f"{tick:+d}".replace("-", "\N{MINUS SIGN}") if tick else "0", anchor="end")
    for tick in (int(PROGRESSION_LINE), int(RESPONSE_LINE)):
        y = zero - tick * UNITS_A_PERCENT
        yield drawing.line(LEFT, y, right, y, stroke=MUTED, dashes="5 4")
        yield drawing.text(LEFT - 6, y + 4, f"{tick:+d}".replace("-", "\N{MINUS SIGN}"), anchor="end", weight=600)


# ---------------------------------------------------------------------------------------------------------------
# Waterfall


def bar_name(bar: Bar) -> str:
    """A bar in words: tooltip, and what a listener hears."""
    course = bar.course
    said = [f"best change {percent(bar.change_pct)}", f"confirmed best response {course.confirmed.value}"]
    if bar.is_unconfirmed:
        said.append(f"{course.best.value} seen and not confirmed")
    if bar.has_new_lesion:
        said.append("a new lesion was seen")
    elif bar.progressed_although_shrunk:
        said.append("progression although the targets shrank")
    return f"{who(course)}: {', '.join(said)}"


def who(course: Course) -> str:
    """A subject with the dose, as a mark's name begins."""
    return f"{course.subject} ({course.dose})" if course.dose else course.subject


def waterfall(found: Waterfall, *, finding: str, link: LinkOf | None, caption: str = "") -> SafeString:
    """The bars from worst to best; beneath each its response as a shape, the subject and the dose.

    Without `link` it is for a file: no mark leads anywhere, and the `caption` says what the page around it would say.
    """
    slot = max(NARROWEST_SLOT, min(WIDEST_SLOT, (WIDTH - LEFT - RIGHT) / len(found.bars)))
    right = LEFT + slot * len(found.bars)
    ring = (10.0, drawing.shape("ring", 5, 0), "response not confirmed")
    star = (10.0, drawing.shape("star", 5, 0), "new lesion, or progression although shrunk")
    parts, top = key([*response_key(), ring, star])
    zero = top + (44 if any(bar.is_cut_off for bar in found.bars) else 10) + ZERO_OFFSET
    parts += _axis(zero, max(right, WIDTH - RIGHT))
    longest = max(max(len(bar.course.subject), len(bar.course.dose)) for bar in found.bars) * LETTER
    is_level = slot >= longest + 4
    for place, bar in enumerate(found.bars):
        parts.append(_bar(bar, LEFT + place * slot, slot, zero, is_level=is_level, link=link))
    both = max(len(_strip(bar.course)) for bar in found.bars) * LETTER
    below, bottom = drawing.caption(caption, top=zero + ZERO_OFFSET + (62 if is_level else 34 + both))
    return drawing.sheet(
        code="waterfall",
        title="Waterfall: best change of the sum of diameters from baseline",
        finding=finding,
        width=max(WIDTH, right + RIGHT),
        height=bottom,
        parts=[*parts, *below],
    )


def _strip(course: Course) -> str:
    return f"{course.subject}  {course.dose}".rstrip()


def _bar(bar: Bar, left: float, slot: float, zero: float, *, is_level: bool, link: LinkOf | None) -> SafeString:
    look, middle, width = look_of(bar.course.confirmed), left + slot / 2, min(slot * 0.76, 44)
    end = zero - float(bar.drawn_pct) * UNITS_A_PERCENT
    x, bottom = middle - width / 2, zero + ZERO_OFFSET
    is_up = bar.change_pct > 0
    parts = [
        drawing.touch_area(left, zero - ZERO_OFFSET, slot, 2 * ZERO_OFFSET),
        drawing.rect(x, min(end, zero) - (0 if is_up else 0.5), width, max(abs(zero - end), 1), fill=look.fill,
                     stroke=look.stroke),
    ]  # fmt: skip
    if bar.is_cut_off:
        parts.append(drawing.cut(x, end + 8, width))
        level = slot >= 9 * LETTER  # as long as +160.0 %
        parts.append(
            drawing.text(
                middle if level else middle + 4, end - 5, percent(bar.change_pct),
                anchor="middle" if level else "start", weight=600, upright=level,
            )
        )  # fmt: skip
    # On the far side of 0 from the bar, where neither its end nor a printed value is in the way.
    away = 9.0 if is_up else -9.0
    marks = [kind for kind, is_so in (("ring", bar.is_unconfirmed), ("star", bar.is_worse_than_drawn)) if is_so]
    for place, kind in enumerate(marks):
        parts.append(drawing.shape(kind, middle, zero + away * (1 + 1.5 * place), radius=4.5))
    parts.append(drawing.shape(look.shape, middle, bottom + 12, radius=4.5, fill=look.fill, stroke=look.stroke))
    if is_level:
        parts.append(drawing.text(middle, bottom + 34, bar.course.subject, anchor="middle", weight=600))
        parts.append(drawing.text(middle, bottom + 50, bar.course.dose, anchor="middle", size=10, fill=MUTED))
    else:
        parts.append(drawing.text(middle + 4, bottom + 24, _strip(bar.course), anchor="end", upright=False))
    return drawing.mark(bar_name(bar), parts, address=link(bar.course.subject) if link else "")


# ---------------------------------------------------------------------------------------------------------------
# Spider

DASHES = ("", "7 3", "2 3", "9 3 2 3", "14 4", "5 2 1 2 1 2")
"""One kind of line per dose group, in the order of the ladder."""


class TimeUnit(StrEnum):
    """What the time axis counts in."""

    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"


STEPS = {
    TimeUnit.DAYS: (7, 14, 28, 56, 84, 168, 336),
    TimeUnit.WEEKS: (7, 14, 28, 56, 84, 168, 336),
    TimeUnit.MONTHS: tuple(float(months * DAYS_PER_MONTH) for months in (1, 2, 3, 6, 12)),
}
DAYS_IN = {TimeUnit.DAYS: 1.0, TimeUnit.WEEKS: 7.0, TimeUnit.MONTHS: float(DAYS_PER_MONTH)}
MOST_TICKS = 13


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """How time is counted: in which unit, and what the protocol calls the day it begins with."""

    anchor: Anchor
    unit: TimeUnit = TimeUnit.DAYS

    def ticks(self, last_day: int) -> list[tuple[float, str]]:
        """Days since the anchor, and what the axis says there."""
        steps = STEPS[self.unit]
        step = next((each for each in steps if last_day / each < MOST_TICKS), steps[-1])
        days = [step * place for place in range(int(last_day / step) + 1)]
        return [(day, str(self.anchor.day_at(int(day)) if self.unit is TimeUnit.DAYS else self._count(day)))
                for day in days]  # fmt: skip

    def _count(self, day: float) -> int:
        return round(day / DAYS_IN[self.unit])

    def ruler(self, *, last_day: int, across: float, y: float, left: float = LEFT) -> Iterator[SafeString]:
        """The axis beneath a figure whose days are `across` units wide."""
        for day, words in self.ticks(last_day):
            x = left + day * across
            yield drawing.line(x, y, x, y + 5, stroke=MUTED)
            yield drawing.text(x, y + 18, words, anchor="middle")
        yield drawing.text(left + last_day * across / 2, y + 36, self.title, anchor="middle", fill=MUTED)

    def day_in_words(self, day: int) -> str:
        """A day as the protocol counts it."""
        return f"day {self.anchor.day_at(day)}"

    @property
    def title(self) -> str:
        beginning = self.anchor.title[:1].lower() + self.anchor.title[1:]
        if self.unit is TimeUnit.DAYS:
            return f"Day ({beginning} = day {self.anchor.day})"
        return f"{self.unit.capitalize()} since {beginning}"


def line_name(line: Line, axis: TimeAxis) -> str:
    """A line in words: tooltip, and what a listener hears."""
    last = line.points[-1]
    best = min(point.change_pct for point in line.points)
    said = [
        f"{len(line.points)} scan{'' if len(line.points) == 1 else 's'}",
        f"lowest {percent(best)}",
        f"last {percent(last.change_pct)} on {axis.day_in_words(last.day)} ({last.scan.response.value})",
    ]
    new = next((point for point in line.points if point.scan.has_new_lesion), None)
    if new is not None:
        said.append(f"new lesion on {axis.day_in_words(new.day)}")
    if line.course.is_ongoing:
        said.append("on treatment")
    return f"{who(line.course)}: {', '.join(said)}"


def spider(found: Spider, *, axis: TimeAxis, finding: str, link: LinkOf | None, caption: str = "") -> SafeString:
    """One line per subject from no change at the first dose; its name stands at the right."""
    doses = sorted(
        {(line.course.dose_rank is None, line.course.dose_rank or 0, line.course.dose) for line in found.lines}
    )
    dashes = {dose: DASHES[place % len(DASHES)] for place, (_, _, dose) in enumerate(doses)}
    parts, top = key(
        [
            *response_key(),
            (10.0, drawing.shape("plus", 5, 0), "new lesion"),
            (14.0, drawing.arrow(0, 0), "on treatment"),
            *(
                (30.0, drawing.line(0, 0, 30, 0, stroke=INK, width=2, dashes=dash), dose)
                for dose, dash in dashes.items()
                if dose
            ),
        ]
    )
    zero = top + (24 if any(point.is_cut_off for line in found.lines for point in line.points) else 10) + ZERO_OFFSET
    right, bottom = WIDTH - LABEL_COLUMN, zero + ZERO_OFFSET
    parts += _axis(zero, right)
    days = max(found.last_day, 28)
    across = (right - LEFT - 24) / days
    parts += axis.ruler(last_day=days, across=across, y=bottom)
    ends = [zero - float(line.points[-1].drawn_pct) * UNITS_A_PERCENT for line in found.lines]
    lowest = max(bottom, zero - ZERO_OFFSET + LABEL_HEIGHT * len(ends))
    for line, label in zip(found.lines, spread(ends, least=LABEL_HEIGHT, lowest=lowest), strict=True):
        drawn = _line(line, across=across, zero=zero, label=label, dashes=dashes[line.course.dose])
        address = link(line.course.subject) if link else ""
        parts.append(drawing.mark(line_name(line, axis), drawn, address=address))
    below, height = drawing.caption(caption, top=max(bottom + 44, lowest + 14))
    return drawing.sheet(
        code="spider",
        title="Spider: change of the sum of diameters from baseline over time",
        finding=finding,
        height=height,
        parts=[*parts, *below],
    )


def _line(line: Line, *, across: float, zero: float, label: float, dashes: str) -> Iterator[SafeString]:
    places = [
        (LEFT + point.day * across, zero - float(point.drawn_pct) * UNITS_A_PERCENT, point) for point in line.points
    ]
    way = [(float(LEFT), zero), *((x, y) for x, y, _ in places)]
    end_x, end_y = way[-1]
    column = WIDTH - LABEL_COLUMN + 12
    yield drawing.polyline([(end_x, end_y), (column - 10, label), (column - 3, label)], stroke=LINE, width=1)
    yield drawing.polyline(way, stroke=MUTED, width=1.75, dashes=dashes)
    for x, y, point in places:
        look = look_of(point.scan.response)
        yield drawing.shape(look.shape, x, y, fill=look.fill, stroke=look.stroke)
        if point.scan.has_new_lesion:
            yield drawing.shape("plus", x, y - 13)
        if point.is_cut_off:
            yield drawing.text(x, y - 8 - (14 if point.scan.has_new_lesion else 0), percent(point.change_pct),
                               anchor="middle", weight=600)  # fmt: skip
    if line.course.is_ongoing:
        yield drawing.arrow(end_x + 7, end_y)
    yield drawing.touch_area(column - 4, label - LABEL_HEIGHT / 2, LABEL_COLUMN - 12, LABEL_HEIGHT)
    yield drawing.text(column, label + 4, line.course.subject)


def spread(wanted: Sequence[float], *, least: float, lowest: float) -> list[float]:
    """Heights for labels as near as may be to where they belong, in the same order and nowhere over one another.

    >>> spread([50, 52, 200], least=10, lowest=200)
    [50, 60, 200]
    >>> spread([198, 199], least=10, lowest=200)
    [190, 200]
    """
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    heights = [wanted[place] for place in order]
    for before, here in pairwise(range(len(heights))):
        heights[here] = max(heights[here], heights[before] + least)
    limit = lowest
    for here in reversed(range(len(heights))):
        heights[here] = min(heights[here], limit)
        limit = heights[here] - least
    found = [0.0] * len(wanted)
    for place, height in zip(order, heights, strict=True):
        found[place] = height
    return found
