"""Partial dates in the database: one ISO 8601 text column, with generated columns for the days it can mean."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func
from django.db.models.expressions import Combinable

from clinical.partial_date import PartialDate


class _Earliest(Func):
    function = "partial_date_earliest"
    arity = 1


class _Latest(Func):
    function = "partial_date_latest"
    arity = 1


class IsPossiblePartialDate(Func):
    """True for text that is a date to some precision: the check constraint of every partial date column."""

    function = "partial_date_is_possible"
    arity = 1
    output_field = models.BooleanField()


class PartialDateField(models.CharField):  # type: ignore[type-arg]  # the value is a PartialDate, the column text
    """A date (with `time=True` a moment) known to the year, month, day or minute, in the site's zone.

    Reads as `clinical.partial_date.PartialDate`. Beside the column `onset` stand `onset_earliest` and `onset_latest`,
    kept by the database, for sorting and for index use. Unknown is null; nothing is ever imputed.
    """

    _pyi_private_set_type: PartialDate | str | Combinable  # type: ignore[assignment]  # what the column takes
    _pyi_private_get_type: PartialDate  # type: ignore[assignment]  # what the column gives
    _pyi_lookup_exact_type: PartialDate | str

    def __init__(self, *args: Any, time: bool = False, **kwargs: Any) -> None:
        self.time = time
        kwargs.setdefault("max_length", 19)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        if self.time:
            kwargs["time"] = True
        return name, path, args, kwargs

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        if cls.__module__ == "__fake__" or cls._meta.abstract:  # migrations list the columns one by one
            return
        for suffix, bound in (("earliest", _Earliest), ("latest", _Latest)):
            column = models.GeneratedField(
                expression=bound(F(name)), output_field=models.DateField(null=True), db_persist=True, null=True
            )
            column.contribute_to_class(cls, f"{name}_{suffix}")

    def from_db_value(self, value: str | None, expression: object, connection: object) -> PartialDate | None:
        return None if value is None else PartialDate.parse(value)

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, PartialDate):
            return value
        try:
            return PartialDate.parse(str(value))
        except ValueError as problem:
            raise ValidationError(str(problem)) from problem

    def run_validators(self, value: Any) -> None:
        super().run_validators(self.get_prep_value(value))

    def get_prep_value(self, value: Any) -> Any:
        return value.iso if isinstance(value, PartialDate) else value

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else str(self.get_prep_value(value))
