"""Measured values: exact decimals that keep the digits as entered."""

from typing import Any

from django.db import models


class MeasuredField(models.DecimalField):  # type: ignore[type-arg]  # a Decimal in and out
    """A decimal that is stored as typed: 71.20 stays 71.20, because trailing digits say how it was measured."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 20)
        kwargs.setdefault("decimal_places", 10)
        super().__init__(*args, **kwargs)

    def db_type(self, connection: object) -> str:
        return "numeric"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return self.to_python(value)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return value if hasattr(value, "as_sql") else self.to_python(value)
