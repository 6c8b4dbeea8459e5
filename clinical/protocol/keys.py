"""How a table of the protocol file is declared: a frozen dataclass whose fields carry their own explanation.

The declaration serves four readers: the loader, the sentences about faults, the reference in `docs/protocol-file.md`
and whoever opens the file that declares it.
"""

from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, field
from decimal import Decimal
from types import MappingProxyType
from typing import Any

#: What a free parameter of a design, a rule or a page may be.
Scalar = str | int | Decimal | bool
ParameterValue = Scalar | tuple[Scalar, ...]

#: A fault inside one table: the key it concerns, and the sentence.
Fault = tuple[str, str]
Faults = Iterator[Fault]


def key(
    meaning: str,
    *,
    name: str | None = None,
    default: Any = MISSING,
    least: int | Decimal | None = None,
    most: int | Decimal | None = None,
    shape: str | None = None,
    refers_to: str | None = None,
    codelist: str | None = None,
    read_by: Callable[..., Any] | None = None,
) -> Any:
    """A key of a protocol table.

    `meaning` completes "this is ..."; `name` is the key in the file where it differs from the field; `least` and `most`
    bound a number; `shape` is the pattern a word must have; `refers_to` names the table whose code it must be;
    `codelist` is the SDTM codelist that its word comes from;
    `read_by` reads a list of tables whose language another package owns.
    """
    metadata = {
        "meaning": meaning,
        "name": name,
        "least": least,
        "most": most,
        "shape": shape,
        "refers_to": refers_to,
        "codelist": codelist,
        "read_by": read_by,
    }
    if isinstance(default, dict):
        return field(default_factory=lambda: MappingProxyType(default), metadata=metadata)
    return field(default=default, metadata=metadata)


def is_required(declared: Field[Any]) -> bool:
    """Whether the file must say it."""
    return declared.default is MISSING and declared.default_factory is MISSING


CODE = r"[A-Za-z0-9][A-Za-z0-9_.+-]*"
SNAKE = r"[a-z][a-z0-9_]*"
SDTM_NAME = r"[A-Z][A-Z0-9]{0,7}"
VISIT_PATTERN = r"[A-Za-z0-9_.+{}-]+"

#: How the shapes are told to whoever wrote the file.
SHAPES = MappingProxyType(
    {
        CODE: "Use letters, digits and the signs . _ + - only, without spaces",
        SNAKE: "Use small letters, digits and _ only, beginning with a letter",
        SDTM_NAME: "Use at most 8 capital letters and digits, beginning with a letter",
        VISIT_PATTERN: "Use letters, digits, the signs . _ + - and words in braces only, without spaces",
    }
)
