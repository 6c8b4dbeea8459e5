"""How typed text becomes a stored value, and how a stored value is shown for entry."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from apps.core.measured_field import MeasuredField
from apps.core.partial_date_field import PartialDateField
from clinical.partial_date import AskBack, PartialDate, Precision, read_typed
from clinical.protocol.definition import Definition

MOST_RADIO_BUTTONS = 6


@dataclass(frozen=True)
class EntryContext:
    """What reading typed text needs to know: today at the site, the visit's date, the subject's protocol, the form."""

    today: date
    visit_date: date | None
    definition: Definition
    form_code: str


class TypedDate(forms.CharField):
    """A date as a coordinator types it (`15mar26`, `mar 2026`, `t`, `-3`), to the precision that the field allows."""

    def __init__(
        self,
        *,
        at_least: Precision = Precision.YEAR,
        at_most: Precision = Precision.DAY,
        in_future: bool = False,
        **kwargs: Any,
    ) -> None:
        self.at_least, self.at_most, self.in_future = at_least, at_most, in_future
        self.context: EntryContext | None = None
        kwargs.pop("max_length", None)
        super().__init__(**kwargs)

    def clean(self, value: Any) -> PartialDate | None:
        text = super().clean(value)
        if not text:
            return None
        today = self.context.today if self.context else date.max
        read = read_typed(
            text,
            today=today,
            visit=self.context.visit_date if self.context else None,
            at_least=self.at_least,
            at_most=self.at_most,
            not_after=None if self.in_future or not self.context else PartialDate.of(today),
        )
        if isinstance(read, AskBack):
            raise ValidationError(read.message)
        return read

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else str(value)


class Measured(forms.CharField):
    """An exact number, with `,` or `.` as the decimal sign, kept with the digits typed."""

    def __init__(self, *, least: Decimal | None = None, most: Decimal | None = None, **kwargs: Any) -> None:
        self.least, self.most = least, most
        for name in ("max_digits", "decimal_places", "min_value", "max_value"):
            kwargs.pop(name, None)
        super().__init__(**kwargs)
        self.widget.attrs.setdefault("inputmode", "decimal")

    def clean(self, value: Any) -> Decimal | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            number = Decimal(text.replace(",", ".").replace("\N{MINUS SIGN}", "-"))
        except InvalidOperation as problem:
            raise ValidationError(f"“{text}” is not a number. Type digits, such as 71.2.") from problem
        if not number.is_finite() or abs(number) >= Decimal(10) ** 12 or number.as_tuple().exponent < -10:  # type: ignore[operator]  # finite
            raise ValidationError(f"“{text}” cannot be a measured value. Check it.")
        if (self.least is not None and number < self.least) or (self.most is not None and number > self.most):
            between = f"between {self.least} and {self.most}" if self.most is not None else f"at least {self.least}"
            raise ValidationError(f"{text} cannot be stored here: the value must be {between}.")
        return number

    def prepare_value(self, value: Any) -> Any:
        return "" if value is None else format(value, "f") if isinstance(value, Decimal) else value


def entry_field(column: "models.Field[Any, Any]", **kwargs: Any) -> forms.Field | None:
    """The entry field of a model column, in the house's own kinds. Name it as `formfield_callback` of a CrfForm."""
    kwargs.setdefault("label", str(column.verbose_name)[:1].upper() + str(column.verbose_name)[1:])
    kwargs.setdefault("help_text", column.help_text)
    if isinstance(column, PartialDateField):
        return TypedDate(at_most=Precision.MINUTE if column.time else Precision.DAY, **kwargs)
    if isinstance(column, MeasuredField):
        return Measured(**kwargs)
    if column.choices:
        choices = [choice for choice in column.choices if choice[0] not in (None, "")]
        few = len(choices) <= MOST_RADIO_BUTTONS
        kwargs.setdefault("widget", forms.RadioSelect if few else forms.Select)
        kwargs.setdefault("choices", choices if kwargs["widget"] is forms.RadioSelect else [("", "–"), *choices])
        return forms.TypedChoiceField(coerce=column.to_python, empty_value=None, **kwargs)
    if isinstance(column, models.CharField | models.TextField):
        kwargs.setdefault("empty_value", None)
        if isinstance(column, models.CharField) and column.max_length:
            kwargs.setdefault("max_length", column.max_length)
        kwargs.setdefault("widget", forms.Textarea if isinstance(column, models.TextField) else forms.TextInput)
        return forms.CharField(**kwargs)
    return column.formfield(**kwargs)


class CrfForm(forms.ModelForm):  # type: ignore[type-arg]  # the model is the page's own
    """The base of every entry form. Forms validate and show; services save, value by value.

    `needed` names the fields without which the page is not complete (a value, or the reason why there is none).
    `presets` names fields that a new page fills by itself (a unit), which alone make no page begun. Choices that the
    protocol declares are filled in `prepare`.
    """

    needed: tuple[str, ...] = ()
    presets: tuple[str, ...] = ()
    units: dict[str, str] = {}

    def __init__(self, *args: Any, context: EntryContext | None = None, path_prefix: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.context, self.path_prefix = context, path_prefix
        for name, field in self.fields.items():
            field.required = False
            if isinstance(field, TypedDate):
                field.context = context
            field.widget.attrs["data-path"] = path_prefix + name
        if context is not None:
            self.prepare(context)

    def prepare(self, context: EntryContext) -> None:
        """Fill in what the protocol says: choices, units, help."""

    class Meta:
        formfield_callback = entry_field
