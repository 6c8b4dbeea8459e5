"""Short words for scans: `scan("C1", T01=20, NT01="present")`, three weeks apart unless a day is given."""

from datetime import date, timedelta
from decimal import Decimal

from clinical.recist.lesions import Assessment, Kind, Lesion, Measurement, State
from clinical.recist.scan_date import on

FIRST_SCAN = date(2026, 1, 5)
Seen = int | float | str | None


def lesion(name: str, *, site: str = "", parent: str = "") -> Lesion:
    """T is a target, NT a non-target, NEW a new lesion; N after the number makes it a node: T02N."""
    kind = Kind.NON_TARGET if name.startswith("NT") else Kind.NEW if name.startswith("NEW") else Kind.TARGET
    return Lesion(name, kind, site, is_node=name.endswith("N"), parent=parent)


def lesions(*names: str) -> list[Lesion]:
    return [lesion(name) for name in names]


def measurement(name: str, seen: Seen) -> Measurement:
    """A number is a diameter in mm, a word a state."""
    if isinstance(seen, str):
        return Measurement(name, State(seen))
    return Measurement(name, State.MEASURED, Decimal(str(seen)))


def scan(visit: str, *, day: int | None = None, **seen: Seen) -> Assessment:
    """One assessment; the visit's number times three weeks is its day, unless the day is given."""
    after = 21 * int("".join(filter(str.isdigit, visit)) or 0) if day is None else day
    found = tuple(measurement(name, what) for name, what in seen.items() if what is not None)
    return Assessment(visit, on(FIRST_SCAN + timedelta(days=after)), found)


def sums(*values: Seen) -> list[Assessment]:
    """Scans of one target: the first is the baseline."""
    return [scan(f"C{number}", T01=value) for number, value in enumerate(values)]
