"""The tables of worked examples in `docs/clinical` are computed again, row by row."""

import re
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from clinical.clocks import SeriousEvent, authority_clocks
from clinical.partial_date import AskBack, PartialDate, read_typed
from clinical.units import ANALYTES, convert

DOCS = Path(__file__).resolve().parents[2] / "docs" / "clinical"
CODES = {each.name.casefold(): code for code, each in ANALYTES.items()} | {"alt": "ALT", "bilirubin": "BILI"}
BERLIN = ZoneInfo("Europe/Berlin")


def table(page: str, first_heading: str) -> list[list[str]]:
    """The rows of the table that begins with this heading, cell by cell."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first_heading}"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_the_conversions_of_the_units_page() -> None:
    rows = table("units.md", "analyte")
    assert len(rows) == 5
    for analyte, conventional, si in rows:
        value, unit = conventional.split()
        expected, si_unit = si.split()
        code = next(code for name, code in CODES.items() if name.startswith(analyte.casefold()))
        assert convert(Decimal(value), unit, si_unit, analyte=code) == Decimal(expected), analyte


def test_what_is_typed_on_the_calendar_page() -> None:
    for typed, kept in table("calendar.md", "typed on 1-Jun-2026"):
        texts = re.findall(r"`([^`]+)`", typed)
        values = re.findall(r"`([^`]+)`", kept)
        answers = [read_typed(text, today=date(2026, 6, 1), visit=date(2026, 5, 1)) for text in texts]
        if not values:
            assert all(isinstance(answer, AskBack) for answer in answers), typed
            continue
        found = [answer.iso if isinstance(answer, PartialDate) else answer for answer in answers]
        assert found == (values if len(values) > 1 else values * len(texts)), typed


def day(text: str) -> date:
    return datetime.strptime(text, "%d-%b-%Y").date()  # noqa: DTZ007  # a day has no zone


def test_the_reports_of_the_clocks_page() -> None:
    rows = table("clocks.md", "received")
    assert len(rows) == 3
    for received, fatal, known, due in rows:
        on, _, at = received.partition(" ")
        when = datetime.fromisoformat(f"{day(on).isoformat()}T{at or '09:00'}").replace(tzinfo=BERLIN)
        known_at = datetime.combine(day(known), when.time(), BERLIN) if known[:1].isdigit() else None
        event = SeriousEvent(
            BERLIN,
            when,
            related=True,
            unexpected=True,
            fatal_or_life_threatening=fatal == "yes",
            fatal_known_at=known_at,
        )
        expected = sorted(day(word) for word in re.findall(r"\d{2}-\w{3}-\d{4}", due))
        assert sorted(clock.due for clock in authority_clocks(event).clocks) == expected, received
