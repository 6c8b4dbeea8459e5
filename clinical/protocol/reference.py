"""Every table and key of a protocol file, told from the declarations themselves, so that the two cannot disagree."""

import types
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Union, get_args, get_origin

from clinical.protocol.definition import Definition
from clinical.protocol.keys import ParameterValue, is_required
from clinical.protocol.reading import name_of, types_of

WORDS = {str: "text", int: "whole number", Decimal: "number", bool: "true or false", date: "date"}


def tables() -> str:
    """The reference in Markdown: one section a table, one row a key."""
    return "\n\n".join(_sections()) + "\n"


def _sections() -> Iterator[str]:
    for field in fields(Definition):
        wanted = types_of(Definition)[field.name]
        entry = _entry_type(wanted)
        brackets = "[[{}]]" if get_origin(wanted) is tuple else "[{}]"
        need = "" if is_required(field) else " Optional."
        heading = f"### `{brackets.format(name_of(field))}`\n\n{_sentence(field.metadata['meaning'])}{need}"
        yield heading + "\n\n" + "\n".join(_rows(entry))


def _rows(entry: type) -> Iterator[str]:
    yield "| key | what it is | type | needed |"
    yield "|---|---|---|---|"
    yield from _keys(entry, "")


def _keys(entry: type, before: str) -> Iterator[str]:
    assert is_dataclass(entry)
    for field in fields(entry):
        wanted = types_of(entry)[field.name]
        name = f"{before}{name_of(field)}"
        yield f"| `{name}` | {_meaning(field)} | {_type_in_words(wanted, field)} | {_need(field)} |"
        inner = _entry_type(wanted)
        if isinstance(inner, type) and is_dataclass(inner) and not field.metadata.get("read_by"):
            yield from _keys(inner, f"{name}.")


def _meaning(field: Field[Any]) -> str:
    meaning = field.metadata["meaning"].replace("|", "\\|")
    table = field.metadata.get("refers_to")
    return f"{meaning} (a code of `{table}`)" if table else meaning


def _type_in_words(wanted: Any, field: Field[Any]) -> str:
    origin, arguments = get_origin(wanted), get_args(wanted)
    if wanted == ParameterValue:
        return "text, number, true or false, or a list of these"
    if origin in (Union, types.UnionType):
        return _type_in_words(next(each for each in arguments if each is not type(None)), field)
    if origin is tuple:
        inner = arguments[0]
        return "list of tables" if is_dataclass(inner) else f"list of {_type_in_words(inner, field)}"
    if origin is Mapping:
        return "table of parameters"
    if is_dataclass(wanted):
        return "table"
    if issubclass(wanted, StrEnum):
        return ", ".join(f"“{member.value}”" for member in wanted)
    return WORDS[wanted] + _bounds(field)


def _bounds(field: Field[Any]) -> str:
    least, most = field.metadata.get("least"), field.metadata.get("most")
    if least is not None and most is not None:
        return f", {least} to {most}"
    return f", at least {least}" if least is not None else ""


def _need(field: Field[Any]) -> str:
    if is_required(field):
        return "yes"
    default = field.default
    if default in (None, (), MISSING) or is_dataclass(default):
        return ""
    if isinstance(default, bool):
        return f"default {'true' if default else 'false'}"
    if isinstance(default, tuple):
        return f"default {', '.join(map(str, default))}"
    return f"default {default.value if isinstance(default, StrEnum) else default}"


def _entry_type(wanted: Any) -> Any:
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin is tuple:
        return arguments[0]
    if origin in (Union, types.UnionType):
        return _entry_type(next(each for each in arguments if each is not type(None)))
    return wanted


def _sentence(meaning: str) -> str:
    return meaning[0].upper() + meaning[1:] + "."
