"""The figures as a page and a file need them: picture, table of the same data, and the line beneath them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from apps.core.drawing import LinkOf
from apps.tumor import drawings
from apps.tumor.drawings import TimeAxis, percent
from clinical.figures.course import Course, LeftOut, Reason
from clinical.figures.spider import Line, Spider, spider
from clinical.figures.waterfall import Bar, Waterfall, waterfall

WITHOUT_SCAN = frozenset({Reason.NO_BASELINE, Reason.NOT_TREATED, Reason.NO_SCAN})


@dataclass(frozen=True, slots=True)
class Notes:
    """What stands beneath a figure."""

    shown: str
    """`n shown of N`."""
    definitions: str
    left_out: tuple[str, ...]
    """Who has no mark, by reason."""

    def caption(self, source: str) -> str:
        """All of it in one paragraph, for a file; on a page, which has no `source` to name, the page says it."""
        if not source:
            return ""
        left_out = f" Not shown: {'; '.join(self.left_out)}." if self.left_out else ""
        return f"{source}; {self.shown}. {self.definitions}{left_out}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: what it shows, or in words why there is nothing to show."""

    code: str
    title: str
    finding: str
    picture: SafeString | None
    headings: tuple[str, ...]
    numbers: tuple[str, ...]
    """Which of them head a column of numbers."""
    rows: tuple[tuple[str, ...], ...]
    """The data of the picture, those left out included; the first cell is the subject."""
    notes: Notes

    @property
    def marked_rows(self) -> Iterator[list[tuple[str, bool]]]:
        """Each cell with whether it is a number."""
        for row in self.rows:
            yield [(cell, heading in self.numbers) for heading, cell in zip(self.headings, row, strict=True)]

    @property
    def picture_name(self) -> str:
        """The name of the address of the picture as a file."""
        return f"{self.code}_picture"

    @property
    def table_name(self) -> str:
        return f"{self.code}_table"


def of_waterfall(courses: Iterable[Course], *, link: LinkOf | None, source: str = "") -> Figure:
    """The waterfall; a file has no links and names its `source`: study, data cut and filters."""
    found = waterfall(courses)
    finding = _waterfall_finding(found)
    notes = Notes(
        shown=shown(len(found.bars), found.total),
        definitions=(
            "Bar: best change of the sum of diameters from baseline over complete sums up to progression; "
            "values beyond 100 % are cut off and printed. Colour and shape: confirmed best overall response by "
            "RECIST 1.1, as the system derives it. Circle: a response was seen and not confirmed. Star: a new lesion "
            "was seen, or the best response is progression although the targets shrank. Lines at "
            "+20 % and \N{MINUS SIGN}30 %."
        ),
        left_out=by_reason(found.left_out),
    )
    caption = notes.caption(source)
    return Figure(
        code="waterfall",
        title="Best change of each subject",
        finding=finding,
        picture=drawings.waterfall(found, finding=finding, link=link, caption=caption) if found.bars else None,
        headings=(
            "Subject",
            "Site",
            "Dose",
            "Best change (%)",
            "Confirmed best response",
            "Best response",
            "Not confirmed",
            "New lesion or progression although shrunk",
            "Not shown because",
        ),
        numbers=("Best change (%)",),
        rows=(*(_bar_row(bar) for bar in found.bars), *(left_out_row(each, 5) for each in found.left_out)),
        notes=notes,
    )


def of_spider(courses: Iterable[Course], *, axis: TimeAxis, link: LinkOf | None, source: str = "") -> Figure:
    """The spider, with the same two ways."""
    found = spider(courses)
    finding = _spider_finding(found, axis)
    notes = Notes(
        shown=shown(len(found.lines), found.total),
        definitions=(
            "Line: change of the sum of diameters from baseline at every scan that evaluated all target lesions, scans "
            "after progression included; values beyond 100 % are cut off and printed. Shape: overall response of the "
            "scan by RECIST 1.1, as the system derives it. Cross upright: a new lesion. Arrow: still on treatment. "
            f"Lines at +20 %, 0 and \N{MINUS SIGN}30 %.{_not_drawn(found.undrawn)}"
        ),
        left_out=by_reason(found.left_out),
    )
    caption = notes.caption(source)
    return Figure(
        code="spider",
        title="Change over time",
        finding=finding,
        picture=drawings.spider(found, axis=axis, finding=finding, link=link, caption=caption) if found.lines else None,
        headings=(
            "Subject",
            "Site",
            "Dose",
            "Scan",
            "Day",
            "Change from baseline (%)",
            "Overall response",
            "New lesion",
            "On treatment",
            "Not shown because",
        ),
        numbers=("Day", "Change from baseline (%)"),
        rows=(
            *(row for line in found.lines for row in _line_rows(line, axis)),
            *(left_out_row(each, 6) for each in found.left_out),
        ),
        notes=notes,
    )


def _not_drawn(count: int) -> str:
    if not count:
        return ""
    scans = "1 scan has" if count == 1 else f"{count} scans have"
    return f" {scans} no place: not every target was evaluated, or the day is not known."


def shown(count: int, total: int) -> str:
    """How many of the subjects of the filters have a mark."""
    return f"{count} shown of {total}"


def subjects(count: int) -> str:
    """A number of subjects in words."""
    return f"{count} subject{'' if count == 1 else 's'}"


def _waterfall_finding(found: Waterfall) -> str:
    if not found.bars:
        return _nothing(found.left_out, "A bar appears with a subject's first scan of every target lesion.")
    worst, best = found.bars[0].change_pct, found.bars[-1].change_pct
    reach = percent(worst) if len(found.bars) == 1 else f"from {percent(worst)} to {percent(best)}"
    return (
        f"Best change of {subjects(len(found.bars))}, {reach}: {found.responded} shrank by 30 % or more, "
        f"{found.grew} grew by 20 % or more."
    )


def _spider_finding(found: Spider, axis: TimeAxis) -> str:
    if not found.lines:
        return _nothing(found.left_out, "A line appears with a subject's first scan of every target lesion.")
    below = sum(line.points[-1].change_pct < 0 for line in found.lines)
    return (
        f"Change of {subjects(len(found.lines))} up to {axis.day_in_words(found.last_day)}: {below} smaller than "
        f"at baseline at the last scan shown."
    )


def _nothing(left_out: Sequence[LeftOut], remedy: str) -> str:
    """Why there is no mark at all: no disease to measure, no scan yet, or some of each."""
    reasons = {each.reason for each in left_out}
    if reasons == {Reason.NO_TARGET}:
        return (
            "Nobody here has a target lesion, so there is no sum of diameters to follow; the response is judged by "
            "the other lesions and stands in the table below."
        )
    if reasons <= WITHOUT_SCAN:
        return f"Nobody here has a scan after baseline yet. {remedy}"
    return f"Nobody here has a change of the sum of diameters to show. {remedy}"


def by_reason(left_out: Sequence[LeftOut]) -> tuple[str, ...]:
    """Who has no mark, a sentence for each reason."""
    found: dict[Reason, list[str]] = {}
    for each in left_out:
        found.setdefault(each.reason, []).append(each.course.subject)
    return tuple(f"{reason[:1].upper()}{reason[1:]}: {', '.join(named)}" for reason, named in found.items())


def _bar_row(bar: Bar) -> tuple[str, ...]:
    course = bar.course
    return (
        course.subject,
        course.site,
        course.dose,
        f"{bar.change_pct:.1f}",
        course.confirmed.value,
        course.best.value,
        "yes" if bar.is_unconfirmed else "",
        "new lesion" if bar.has_new_lesion else "progression" if bar.progressed_although_shrunk else "",
        "",
    )


def _line_rows(line: Line, axis: TimeAxis) -> Iterable[tuple[str, ...]]:
    course, points = line.course, {id(point.scan) for point in line.points}
    for scan in course.scans:
        yield (
            course.subject,
            course.site,
            course.dose,
            scan.date,
            "" if scan.day is None else str(axis.anchor.day_at(scan.day)),
            "" if scan.change_pct is None else f"{scan.change_pct:.1f}",
            scan.response.value,
            "yes" if scan.has_new_lesion else "",
            "yes" if course.is_ongoing else "",
            "" if id(scan) in points else "day not known" if scan.day is None else "not every target evaluated",
        )


def left_out_row(each: LeftOut, empty: int) -> tuple[str, ...]:
    """The row of a subject without a mark."""
    return (each.course.subject, each.course.site, each.course.dose, *[""] * empty, each.reason.value)
