"""A dataset as it leaves: a name, columns with their lengths, and rows that can be read again and again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Value = str | int | float | Decimal | None
Row = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Column:
    """One variable of a finished dataset. `length` is bytes: the longest text in it, or 8 for a number."""

    name: str
    label: str
    type: Literal["Char", "Num"]
    length: int
    format: str = ""

    @property
    def is_numeric(self) -> bool:
        return self.type == "Num"


@dataclass(frozen=True)
class Dataset:
    """A finished dataset. `rows` starts from the beginning each time it is iterated, and is never held whole here."""

    name: str
    label: str
    columns: tuple[Column, ...]
    rows: Iterable[Row]

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)
