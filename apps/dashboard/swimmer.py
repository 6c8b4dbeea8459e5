"""The swimmer as SVG and as a table. What stands where is decided in `clinical.figures.swimmer`."""

from collections.abc import Iterable, Iterator

from django.utils.safestring import SafeString

from apps.core import drawing
from apps.core.drawing import ACCENT, GROUND, INK, MUTED, WIDTH, LinkOf
from apps.tumor.drawings import TimeAxis, key, look_of, response_key, who
from apps.tumor.figures import Figure, Notes, by_reason, left_out_row, shown, subjects
from clinical.figures.swimmer import Fill, Lane, Order, Segment, Swimmer, Treatment, swimmer
from clinical.recist.responses import Response

LEFT, RIGHT, LANE, BAR = 262, 46, 36, 9
LONGEST_DOSE = 23
FILLS = ("#DCE8F3", "#B7D0E6", "#8FB5D6", "#5F97C4", "#3A7DB0", "#1F679E", ACCENT)
"""Dose levels from the lowest up; more of them share the darkest."""


def figure(
    treatments: Iterable[Treatment], *, axis: TimeAxis, order: Order, link: LinkOf | None, source: str = ""
) -> Figure:
    """The swimmer; a file has no links and names its `source`."""
    found = swimmer(treatments, order=order)
    finding = _finding(found)
    undrawn = sum(lane.undrawn for lane in found.lanes)
    homeless = f" {undrawn} scans or events have no place, for want of a day after the first dose." if undrawn else ""
    notes = Notes(
        shown=shown(len(found.lanes), found.total),
        definitions=(
            "Bar: from the first dose to the recorded end of treatment, or to the data cut while none is recorded; its "
            "fill is the dose level that a dose reached (empty: none), hatched from a dose recorded as not given to "
            "the next one given. Above: overall response of each scan by RECIST 1.1, as the system derives it; the "
            "thin line runs from the first response to progression or the last scan. Below, by onset: confirmed DLTs "
            f"and serious adverse events.{homeless}"
        ),
        left_out=by_reason(found.left_out),
    )
    return Figure(
        code="swimmer",
        title="Time on treatment",
        finding=finding,
        picture=_draw(found, axis, finding, link, notes.caption(source)) if found.lanes else None,
        headings=(
            "Subject",
            "Site",
            "Dose",
            "Last day on treatment",
            "On treatment",
            "Ended because",
            "Death, day",
            "Confirmed best response",
            "Responses by day",
            "DLTs by day",
            "Serious events by day",
            "Not shown because",
        ),
        numbers=("Last day on treatment", "Death, day"),
        rows=(*(_row(lane, axis) for lane in found.lanes), *(left_out_row(each, 8) for each in found.left_out)),
        notes=notes,
    )


def _finding(found: Swimmer) -> str:
    if not found.lanes:
        return "No subject has started treatment. A lane appears with a subject's first dose."
    ongoing = sum(lane.is_ongoing for lane in found.lanes)
    responding = sum(lane.response is not None for lane in found.lanes)
    return (
        f"{subjects(len(found.lanes))} treated, {ongoing} still on treatment; {responding} with a response at one scan "
        "at least."
    )


def name_of(lane: Lane, axis: TimeAxis) -> str:
    """A lane in words: tooltip, and what a listener hears."""
    said = [f"on treatment {'until now, ' if lane.is_ongoing else 'up to '}{axis.day_in_words(lane.length)}"]
    if lane.treatment.end_reason and not lane.is_ongoing:
        said.append(lane.treatment.end_reason.lower())
    if lane.treatment.death_day is not None:
        said.append(f"died {axis.day_in_words(lane.treatment.death_day)}")
    said.append(f"confirmed best response {_best(lane)}")
    said += [f"DLT {words} on {axis.day_in_words(day)}" for day, words in lane.dlts]
    said += [f"serious {words} on {axis.day_in_words(day)}" for day, words in lane.serious]
    return f"{who(lane.course)}: {', '.join(said)}"


def _best(lane: Lane) -> str:
    return "no scan yet" if lane.course.confirmed is Response.MISSING else lane.course.confirmed.value


def _draw(found: Swimmer, axis: TimeAxis, finding: str, link: LinkOf | None, caption: str) -> SafeString:
    levels = sorted({each.level for lane in found.lanes for each in lane.segments if each.level is not None})
    fills = {level: FILLS[min(place, len(FILLS) - 1)] for place, level in enumerate(levels)}
    letters = _letters(lane.treatment.end_reason for lane in found.lanes if not lane.is_ongoing)
    parts, top = key(
        [
            *response_key(),
            (24.0, drawing.line(0, 0, 24, 0, stroke=INK, width=1.5), "in response"),
            (10.0, drawing.shape("triangle", 5, 0), "DLT (below)"),
            (10.0, drawing.shape("plus", 5, 0), "serious event (below)"),
            (14.0, drawing.arrow(0, 0), "on treatment"),
            (8.0, drawing.text(0, 4, "†", size=13), "died"),
            *((16.0, drawing.rect(0, -5, 16, 9, fill=fill, stroke=INK), f"level {level}")
              for level, fill in fills.items()),
            (16.0, drawing.hatched(0, -5, 16, 9), "dose not given"),
            *((10.0, drawing.text(0, 4, letter, weight=600), reason.lower()) for reason, letter in letters.items()),
        ]
    )  # fmt: skip
    for x, words in ((14, "Subject"), (84, "Dose"), (222, "Best")):
        parts.append(drawing.text(x, top + 8, words, fill=MUTED))
    top += 16
    days = max(found.last_day, 28)
    across = (WIDTH - LEFT - RIGHT) / days
    for place, lane in enumerate(found.lanes):
        middle = top + LANE * (place + 0.5)
        drawn = _lane(lane, middle, across, fills, letters.get(lane.treatment.end_reason, ""))
        address = link(lane.course.subject) if link else ""
        parts.append(drawing.line(14, middle + LANE / 2, WIDTH - 14, middle + LANE / 2))
        parts.append(drawing.mark(name_of(lane, axis), drawn, address=address))
    bottom = top + LANE * len(found.lanes) + 4
    parts += axis.ruler(last_day=days, across=across, y=bottom, left=LEFT)
    below, height = drawing.caption(caption, top=bottom + 44)
    return drawing.sheet(
        code="swimmer",
        title="Swimmer: time on treatment with responses and events",
        finding=finding,
        height=height,
        parts=[*parts, *below],
    )


def _letters(reasons: Iterable[str]) -> dict[str, str]:
    """A letter for each reason to stop: its first one that no other reason has.

    >>> _letters(["Progressive disease", "Adverse event", "Physician decision", "Adverse event"])
    {'Adverse event': 'A', 'Physician decision': 'P', 'Progressive disease': 'R'}
    """
    given: dict[str, str] = {}
    for reason in sorted(filter(None, set(reasons))):
        free = (letter.upper() for letter in reason if letter.isalpha() and letter.upper() not in given.values())
        given[reason] = next(free, "?")
    return given


def _lane(lane: Lane, middle: float, across: float, fills: dict[int, str], letter: str) -> Iterator[SafeString]:
    def x(day: int) -> float:
        return LEFT + day * across

    dose = lane.course.dose
    yield drawing.touch_area(10, middle - LANE / 2 + 1, WIDTH - 24, LANE - 2)
    yield drawing.text(14, middle + 4, lane.course.subject, weight=600)
    yield drawing.text(84, middle + 4, dose if len(dose) <= LONGEST_DOSE else f"{dose[: LONGEST_DOSE - 1]}…", size=10)
    yield drawing.text(222, middle + 4, "–" if lane.course.confirmed is Response.MISSING else _best(lane))
    for segment in lane.segments:
        yield _segment(segment, x(segment.from_day), max(x(segment.to_day) - x(segment.from_day), 1.5), middle, fills)
    if lane.response is not None:
        yield drawing.line(x(lane.response[0]), middle - 11, x(lane.response[1]), middle - 11, stroke=INK, width=1.5)
    for day, scan in lane.scans:
        look = look_of(scan.response)
        yield drawing.shape(look.shape, x(day), middle - 11, radius=4.5, fill=look.fill, stroke=look.stroke)
    for day, _ in lane.serious:
        yield drawing.shape("plus", x(day), middle + 11, radius=4)
    for day, _ in lane.dlts:
        yield drawing.shape("triangle", x(day), middle + 11, radius=4)
    end, death = x(lane.length), lane.treatment.death_day
    if lane.is_ongoing:
        yield drawing.arrow(end + 2, middle)
    elif lane.treatment.end_day is not None:
        yield drawing.line(end + 2, middle - 6, end + 2, middle + 6, stroke=INK, width=2)
        yield drawing.text(end + 6, middle + 4, letter, weight=600)
    if death is not None:
        is_beside_the_letter = bool(letter) and x(death) < end + 16
        yield drawing.text(max(x(death), end) + (17 if is_beside_the_letter else 4), middle + 5, "†", size=13)


def _segment(segment: Segment, left: float, width: float, middle: float, fills: dict[int, str]) -> SafeString:
    top = middle - BAR / 2
    if segment.fill is Fill.INTERRUPTED:
        return drawing.hatched(left, top, width, BAR)
    fill = GROUND if segment.level is None else fills[segment.level]
    return drawing.rect(left, top, width, BAR, fill=fill, stroke=INK)


def _row(lane: Lane, axis: TimeAxis) -> tuple[str, ...]:
    def days(marks: Iterable[tuple[int, str]]) -> str:
        return ", ".join(f"{words} ({axis.anchor.day_at(day)})" for day, words in marks)

    death = lane.treatment.death_day
    return (
        lane.course.subject,
        lane.course.site,
        lane.course.dose,
        str(axis.anchor.day_at(lane.length)),
        "yes" if lane.is_ongoing else "",
        "" if lane.is_ongoing else lane.treatment.end_reason,
        "" if death is None else str(axis.anchor.day_at(death)),
        _best(lane),
        days((day, scan.response.value) for day, scan in lane.scans),
        days(lane.dlts),
        days(lane.serious),
        "",
    )
