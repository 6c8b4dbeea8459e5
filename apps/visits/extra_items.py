"""The questions a protocol adds to a typed page: the same entry fields, kept as JSON on the record."""

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.visits.forms import MOST_RADIO_BUTTONS, EntryContext, Measured, TypedDate
from clinical.partial_date import PartialDate, Precision
from clinical.protocol.pages import Item, ItemType


class _Time(forms.CharField):
    def clean(self, value: Any) -> str | None:
        text = super().clean(value)
        if not text:
            return None
        if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", text):
            raise ValidationError(f"“{text}” is not a time of day. Type it like 14:05.")
        return str(text.zfill(5))


class _WholeNumber(Measured):
    def clean(self, value: Any) -> Decimal | None:
        number = super().clean(value)
        if number is not None and number != number.to_integral_value():
            raise ValidationError(f"{number} is not a whole number.")
        return number


def field(item: Item, context: EntryContext) -> forms.Field:
    """The entry field of an extra item."""
    common: dict[str, Any] = {"label": item.label, "required": False}
    built: forms.Field
    match item.type:
        case ItemType.INTEGER:
            built = _WholeNumber(**common)
        case ItemType.DECIMAL:
            built = Measured(**common)
        case ItemType.DATE:
            built = TypedDate(at_most=Precision.DAY, **common)
        case ItemType.DATETIME:
            built = TypedDate(at_most=Precision.MINUTE, **common)
        case ItemType.TIME:
            built = _Time(empty_value=None, **common)
        case ItemType.YES_NO:
            built = _choice([("Y", "Yes"), ("N", "No")], common)
        case ItemType.CHOICE:
            terms = context.definition.codelist(item.codelist or "").terms
            built = _choice([(term.value, term.label) for term in terms], common)
        case ItemType.TEXT:
            built = forms.CharField(max_length=1000, empty_value=None, **common)
    if isinstance(built, TypedDate):
        built.context = context
    built.widget.attrs["data-path"] = f"extra/{item.code}"
    return built


def _choice(choices: list[tuple[str, str]], common: dict[str, Any]) -> forms.Field:
    if len(choices) <= MOST_RADIO_BUTTONS:
        return forms.TypedChoiceField(choices=choices, widget=forms.RadioSelect, empty_value=None, **common)
    return forms.TypedChoiceField(choices=[("", "–"), *choices], empty_value=None, **common)


def to_json(value: Any) -> Any:
    """A read value as it is kept in the record's JSON: dates as ISO 8601 text, numbers as the text typed."""
    if isinstance(value, PartialDate):
        return value.iso
    return format(value, "f") if isinstance(value, Decimal) else value
