"""The cohort board as SVG: a row per dose level, a tile per subject. Presentation attributes only."""

import textwrap
from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core import drawing
from apps.core.drawing import ACCENT, GROUND, INK, LINE, MUTED, WIDTH, LinkOf
from apps.escalation.selectors import Board, Row, Tile

LABEL_WIDTH, SUMMARY_WIDTH = 190, 250
TILE_WIDTH, GAP = 167, 6
PADDING, LINE_HEIGHT = 8, 16
TILE_LINE, TILE_FOOT, TILE_LETTERS = 13, 13, 29
"""Within a tile: the height of a line, what the bar takes beneath them, and how many letters go into one."""
BAR, DLT_FILL = "#9DB8D2", "#F6D3D0"
TILES_A_LINE = (WIDTH - LABEL_WIDTH - SUMMARY_WIDTH) // (TILE_WIDTH + GAP)
LONGEST_LABEL, LONGEST_SUMMARY = 29, 34


def cohort_board(board: Board, *, link: LinkOf) -> SafeString:
    """The board as one SVG; `link` gives the address behind a subject's tile."""
    parts: list[SafeString] = []
    top = 0
    for row in board.rows:
        height = _height(row, board)
        parts.append(_row(row, board, top, height, link))
        top += height
    return drawing.sheet(code="board", title="Cohort board", finding=board.finding, height=top + 1, parts=parts)


def _height(row: Row, board: Board) -> int:
    """As much as the tiles or the words beside them need; a level that nobody reached is a thin row."""
    tiles = -(-len(row.tiles) // TILES_A_LINE) * (_tile_height(row) + GAP)
    words = max(len(_left(row)), len(_right(row, board))) * LINE_HEIGHT
    return max(tiles, words) + 2 * PADDING


def _row(row: Row, board: Board, top: int, height: int, link: LinkOf) -> SafeString:
    frame = (
        format_html(
            '<rect x="1" y="{}" width="{}" height="{}" fill="none" stroke="{}" stroke-width="2"/>',
            top + 1,
            WIDTH - 2,
            height - 2,
            ACCENT,
        )
        if row.is_current
        else format_html('<line x1="0" y1="{}" x2="{}" y2="{}" stroke="{}"/>', top + height, WIDTH, top + height, LINE)
    )
    return format_html(
        "<g>{}{}{}{}</g>",
        frame,
        _texts(_left(row), x=PADDING, top=top),
        format_html_join("", "{}", ((each,) for each in _tiles(row, top, link))),
        _texts(_right(row, board), x=WIDTH - SUMMARY_WIDTH + PADDING, top=top),
    )


def _left(row: Row) -> list[tuple[str, str, str]]:
    """Label and places: text, weight, colour."""
    state = f", {row.cohort.get_state_display().lower()}" if row.cohort else ""
    lines = [(_short(row.label, LONGEST_LABEL), "600", INK)]
    lines.append((f"{row.enrolled} of {row.planned} places{state}", "400", MUTED))
    if row.elsewhere:
        lines.append((f"{row.elsewhere} treated at other sites", "400", MUTED))
    return lines


def _right(row: Row, board: Board) -> list[tuple[str, str, str]]:
    lines = [(_short(part, LONGEST_SUMMARY), "600", INK) for part in row.summary.split(", ")]
    if row.is_current:
        lines.append((_short(f"{board.advice.design}: {board.advice.short}", LONGEST_SUMMARY), "400", INK))
    if row.is_eliminated:
        lines.append(("✕ ruled out", "400", INK))
    if row.decision is not None:
        kind = row.decision.get_kind_display()
        lines.append((f"Decided {row.decision.decided_at:%d-%b-%Y}: {kind}", "400", MUTED))
    return lines


def _texts(lines: list[tuple[str, str, str]], *, x: int, top: int) -> SafeString:
    return format_html_join(
        "",
        '<text x="{}" y="{}" font-weight="{}" fill="{}">{}</text>',
        (
            (x, top + PADDING + 12 + LINE_HEIGHT * place, weight, colour, words)
            for place, (words, weight, colour) in enumerate(lines)
        ),
    )


def _tile_height(row: Row) -> int:
    """All tiles of a row are as high as its wordiest: a term is wrapped, never cut."""
    return max((len(_words(tile)) for tile in row.tiles), default=0) * TILE_LINE + TILE_FOOT


def _words(tile: Tile) -> list[str]:
    """The lines of a tile: subject, where it stands, the event, whether it is backfill."""
    mark = "▲ " if tile.is_dlt else "? " if tile.is_candidate else ""
    said = (mark + tile.words, tile.event, "backfill" if tile.is_backfill else "")
    return [tile.number, *(line for words in said for line in textwrap.wrap(words, TILE_LETTERS))]


def _tiles(row: Row, top: int, link: LinkOf) -> Iterator[SafeString]:
    height = _tile_height(row)
    for place, tile in enumerate(row.tiles):
        line, column = divmod(place, TILES_A_LINE)
        x = LABEL_WIDTH + column * (TILE_WIDTH + GAP)
        yield _tile(tile, x, top + PADDING + line * (height + GAP), height, link(tile.number))


def _tile(tile: Tile, x: int, y: int, height: int, address: str) -> SafeString:
    return format_html(
        '<a href="{}"><title>{}</title>'
        '<rect x="{}" y="{}" width="{}" height="{}" fill="{}" stroke="{}" stroke-width="{}"{}/>'
        '<rect x="{}" y="{}" width="{}" height="4" fill="{}"/>{}</a>',
        address,
        tile.name,
        x,
        y,
        TILE_WIDTH,
        height,
        DLT_FILL if tile.is_dlt else GROUND,
        INK if tile.is_dlt or tile.is_candidate else MUTED,
        3 if tile.is_dlt else 1,
        SafeString(' stroke-dasharray="4 3"') if tile.is_backfill else SafeString(""),
        x + 2,
        y + height - 6,
        round((TILE_WIDTH - 4) * tile.share),
        BAR,
        format_html_join(
            "",
            '<text x="{}" y="{}" font-size="10" font-weight="{}" fill="{}">{}</text>',
            (
                (x + 4, y + 12 + TILE_LINE * place, "600" if place == 0 else "400", INK, words)
                for place, words in enumerate(_words(tile))
            ),
        ),
    )


def _short(words: str, longest: int) -> str:
    return words if len(words) <= longest else f"{words[: longest - 1]}…"
