"""SVG as the server writes it: the sheet, its colours, texts, lines and the small shapes that mark a point.

Presentation attributes only, so one text serves the page, the file and print; `static/css/plots.css` gives the colours
named here their other value in the dark scheme.
"""

import textwrap
from collections.abc import Callable, Iterable

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH = 960
INK, MUTED, LINE, ACCENT, GROUND = "#1B1B1B", "#595959", "#D5DAE0", "#0B4F8A", "#FFFFFF"

LinkOf = Callable[[str], str]
"""From a subject's number to the address of what stands behind its mark."""

Number = float | int


def sheet(
    *, code: str, title: str, finding: str, height: Number, parts: Iterable[SafeString], width: Number = WIDTH
) -> SafeString:
    """A whole drawing; its `finding` says in one sentence what there is to see.

    It is as wide as its box, unless so many marks need more: then it keeps its own width and its box scrolls. It is a
    group and not an image, because an image would hide the links in it from who listens to the page.
    """
    return format_html(
        '<svg role="group" aria-labelledby="{}-title {}-desc" viewBox="0 0 {} {}" width="{}" '
        'font-family="system-ui, sans-serif" font-size="12" fill="{}">'
        '<title id="{}-title">{}</title><desc id="{}-desc">{}</desc>{}</svg>',
        code,
        code,
        _n(width),
        _n(height),
        "100%" if width <= WIDTH else _n(width),
        INK,
        code,
        title,
        code,
        finding,
        joined(parts),
    )


def caption(words: str, *, top: Number, letters: int = 150) -> tuple[list[SafeString], Number]:
    """A paragraph beneath a drawing that leaves its page, and where it ends."""
    lines = textwrap.wrap(words, letters)
    return (
        [text(14, top + 14 * (place + 1), each, fill=MUTED) for place, each in enumerate(lines)],
        top + 14 * len(lines) + 10,
    )


def as_file(drawing: SafeString) -> str:
    """The drawing as a document of its own."""
    return drawing.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)


def joined(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


def mark(name: str, parts: Iterable[SafeString], *, address: str = "") -> SafeString:
    """Something that stands for a subject: a link where there is an address, and its name for tooltip and listener."""
    if not address:
        return format_html("<g><title>{}</title>{}</g>", name, joined(parts))
    return format_html('<a href="{}"><title>{}</title>{}</a>', address, name, joined(parts))


def text(
    x: Number,
    y: Number,
    words: str,
    *,
    size: int = 11,
    anchor: str = "start",
    fill: str = INK,
    weight: int = 400,
    upright: bool = True,
) -> SafeString:
    """Words at a point; not `upright` they read from below to above it."""
    turned = SafeString("") if upright else format_html(' transform="rotate(-90 {} {})"', _n(x), _n(y))
    return format_html(
        '<text x="{}" y="{}" font-size="{}" font-weight="{}" text-anchor="{}" fill="{}"{}>{}</text>',
        _n(x), _n(y), size, weight, anchor, fill, turned, words,
    )  # fmt: skip


def line(
    x1: Number, y1: Number, x2: Number, y2: Number, *, stroke: str = LINE, width: Number = 1, dashes: str = ""
) -> SafeString:
    return format_html(
        '<line x1="{}" y1="{}" x2="{}" y2="{}" stroke="{}" stroke-width="{}"{}/>',
        _n(x1), _n(y1), _n(x2), _n(y2), stroke, width, _dashed(dashes),
    )  # fmt: skip


def polyline(
    points: Iterable[tuple[Number, Number]], *, stroke: str = INK, width: Number = 1.5, dashes: str = ""
) -> SafeString:
    return format_html(
        '<polyline points="{}" fill="none" stroke="{}" stroke-width="{}" stroke-linejoin="round"{}/>',
        " ".join(f"{_n(x)},{_n(y)}" for x, y in points), stroke, width, _dashed(dashes),
    )  # fmt: skip


def rect(x: Number, y: Number, width: Number, height: Number, *, fill: str, stroke: str = "none") -> SafeString:
    return format_html(
        '<rect x="{}" y="{}" width="{}" height="{}" fill="{}" stroke="{}"/>',
        _n(x), _n(y), _n(width), _n(height), fill, stroke,
    )  # fmt: skip


def hatched(x: Number, y: Number, width: Number, height: Number) -> SafeString:
    """A rectangle filled with slanting lines."""
    reach = range(0, max(0, int(width - height)) + 1, 4)
    strokes = "".join(f"M{_n(x + along)} {_n(y + height)}l{_n(height)} {_n(-height)}" for along in reach)
    lines = format_html('<path d="{}" fill="none" stroke="{}" stroke-width="1"/>', strokes, MUTED)
    return format_html("{}{}", rect(x, y, width, height, fill=GROUND, stroke=INK), lines if width >= height else "")


def touch_area(x: Number, y: Number, width: Number, height: Number) -> SafeString:
    """An unseen area that belongs to a thin mark, so that a finger or a pointer finds it."""
    return format_html(
        '<rect x="{}" y="{}" width="{}" height="{}" fill="none" pointer-events="all"/>',
        _n(x), _n(y), _n(width), _n(height),
    )  # fmt: skip


def shape(kind: str, x: Number, y: Number, *, radius: Number = 5, fill: str = INK, stroke: str = INK) -> SafeString:
    """A small shape round a point. Filled: circle, triangle, square, diamond; of strokes: ring, cross, plus, star."""
    if kind in ("circle", "ring"):
        return format_html(
            '<circle cx="{}" cy="{}" r="{}" fill="{}" stroke="{}"{}/>',
            _n(x), _n(y), _n(radius), fill if kind == "circle" else "none", stroke,
            SafeString("") if kind == "circle" else SafeString(' stroke-width="1.5"'),
        )  # fmt: skip
    outline = _OUTLINES.get(kind)
    if outline is not None:
        corners = " ".join(f"{_n(x + radius * across)},{_n(y + radius * down)}" for across, down in outline)
        return format_html('<polygon points="{}" fill="{}" stroke="{}"/>', corners, fill, stroke)
    strokes = "".join(
        f"M{_n(x - radius * across)} {_n(y - radius * down)}L{_n(x + radius * across)} {_n(y + radius * down)}"
        for across, down in _STROKES[kind]
    )
    return format_html('<path d="{}" fill="none" stroke="{}" stroke-width="2"/>', strokes, stroke)


_OUTLINES = {
    "triangle": ((0, -1.1), (1.05, 0.8), (-1.05, 0.8)),
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "diamond": ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
}
"""Corners, in units of the radius."""

_STROKES = {
    "cross": ((0.8, 0.8), (0.8, -0.8)),
    "plus": ((1, 0), (0, 1)),
    "star": ((1, 0), (0.5, 0.87), (0.5, -0.87)),
}
"""Half of each stroke through the point; the other half lies opposite."""


def arrow(x: Number, y: Number, *, length: Number = 12, stroke: str = INK) -> SafeString:
    """An arrow to the right that begins at the point."""
    end = x + length
    return format_html(
        '<path d="M{} {}H{}M{} {}L{} {}L{} {}" fill="none" stroke="{}" stroke-width="1.5"/>',
        _n(x), _n(y), _n(end), _n(end - 4), _n(y - 3), _n(end), _n(y), _n(end - 4), _n(y + 3), stroke,
    )  # fmt: skip


def cut(x: Number, y: Number, width: Number) -> SafeString:
    """The break across a bar that goes on beyond the axis: two slanting strokes in the colour of the ground."""
    left, right = x - 2, x + width + 2
    strokes = "".join(f"M{_n(left)} {_n(y + down + 3)}L{_n(right)} {_n(y + down - 3)}" for down in (0, 5))
    return format_html('<path d="{}" fill="none" stroke="{}" stroke-width="2"/>', strokes, GROUND)


def _n(number: Number) -> str:
    """A coordinate without digits that nobody sees."""
    return f"{number:.1f}".rstrip("0").rstrip(".") if isinstance(number, float) else str(number)


def _dashed(dashes: str) -> SafeString:
    return format_html(' stroke-dasharray="{}"', dashes) if dashes else SafeString("")
