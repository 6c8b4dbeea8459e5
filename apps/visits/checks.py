"""Edit checks: what is missing, what lies outside the expected range, and what the typed page itself asks."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from apps.visits import pages, values
from apps.visits.models import FormRecord
from apps.visits.pages import Finding, Weight


def of_record(record: FormRecord) -> list[Finding]:
    """Everything to say about the stored values at completion; findings already answered are left out."""
    places = values.all_places(record)
    found = [*_missing(record, places), *_unexpected(record, places), *pages.page(record.page).checks(record)]
    return [finding for finding in found if not _is_answered(record, finding)]


def of_value(record: FormRecord, path: str, value: Any) -> Iterator[Finding]:
    """What to say about one value just saved, beside its field."""
    for finding in _outside(record, path, value):
        if not _is_answered(record, finding):
            yield finding


def _missing(record: FormRecord, places: Sequence[values.ValuePlace]) -> Iterator[Finding]:
    """Values that the page needs and that are neither there nor explained."""
    for place in places:
        if place.stored is not None or place.path in record.blank_reasons:
            continue
        if place.is_needed:
            words = values.in_words(record, place)
            yield Finding(place.path, f"{words}: enter a value, or say why there is none.", Weight.BLOCKS, "missing")


def _unexpected(record: FormRecord, places: Sequence[values.ValuePlace]) -> Iterator[Finding]:
    for place in places:
        if place.stored is not None:
            yield from _outside(record, place.path, place.stored)


def _outside(record: FormRecord, path: str, value: Any) -> Iterator[Finding]:
    """Expected ranges of the protocol file, for this form's field or extra item."""
    definition = record.protocol_version.definition
    if not isinstance(value, Decimal | int | str) or isinstance(value, bool):
        return
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return
    for expected in definition.expected_ranges:
        if expected.form == record.form and expected.field == path:
            yield from _if_outside(number, path, expected.least, expected.most, expected.unit, expected.code)
    for item in definition.form(record.form).items:
        if path == f"{values.EXTRA}/{item.code}":
            yield from _if_outside(number, path, item.least, item.most, item.unit or "", f"range of {item.code}")


def _if_outside(
    number: Decimal, path: str, least: Decimal | None, most: Decimal | None, unit: str, check: str
) -> Iterator[Finding]:
    where = None
    if least is not None and number < least:
        where = "below"
    if most is not None and number > most:
        where = "above"
    if where:
        bounds = f"{'' if least is None else least}–{'' if most is None else most} {unit}".strip()
        yield Finding(
            path, f"{number} {unit} is {where} the expected {bounds}. Correct it, or say why it is right.", check=check
        )


def _is_answered(record: FormRecord, finding: Finding) -> bool:
    """Whether somebody said why the value is right, and it is still that value. What blocks cannot be said away."""
    if finding.weight is Weight.BLOCKS:
        return False
    answer = record.confirmations.get(f"{finding.path} {finding.check}")
    if answer is None:
        return False
    return bool(answer["text"] == values.place(record, finding.path).stored_text)
