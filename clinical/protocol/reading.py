"""Tables of TOML into the dataclasses that declare them, with every fault noted and none thrown.

Where a value is missing or wrong a blank of its type stands in, so that reading goes on and the rest is judged too.
A definition with faults is never handed out, so no blank leaves this package.
"""

import difflib
import re
import types
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from clinical.protocol.keys import SHAPES, ParameterValue, Scalar, is_required
from clinical.protocol.problems import Findings, Path

T = TypeVar("T")

WORDS = {str: "a text in quotes", int: "a whole number", Decimal: "a number", bool: "true or false", date: "a date"}
LONGEST_LIST_OF_KEYS = 12


def name_of(declared: Field[Any]) -> str:
    """The key in the file."""
    return declared.metadata.get("name") or declared.name


@cache
def types_of(table: type) -> dict[str, Any]:
    """The type of each field of a table, resolved."""
    return get_type_hints(table)


def read_table(table: type[T], raw: object, path: Path, findings: Findings) -> T:
    """Read one table, noting every fault in it and below it."""
    assert is_dataclass(table)
    if not isinstance(raw, Mapping):
        findings.add(path, f"This should be a table, not {_shown(raw)}. Write {_example(table)}.")
        return cast(T, _blank(table))
    declared = {name_of(field): field for field in fields(table)}
    for unknown in raw.keys() - declared.keys():
        findings.add((*path, unknown), _unknown_key(unknown, set(declared) - raw.keys(), set(declared)))
    values: dict[str, Any] = {}
    for name, field in declared.items():
        wanted = types_of(table)[field.name]
        if name in raw:
            values[field.name] = _read(wanted, raw[name], (*path, name), field.metadata, findings)
        elif is_required(field):
            findings.add((*path, name), f"Missing: {field.metadata['meaning']}. Add `{name}`.")
            values[field.name] = _blank(wanted)
    read = table(**values)
    if not findings.has(path) and hasattr(read, "faults"):
        for name, sentence in read.faults():
            findings.add((*path, name) if name else path, sentence)
    return read


def _unknown_key(unknown: str, unused: set[str], all_keys: set[str]) -> str:
    near = difflib.get_close_matches(unknown, sorted(unused), n=1, cutoff=0.6)
    near = near or difflib.get_close_matches(unknown, sorted(all_keys), n=1, cutoff=0.6)
    if near:
        return f"There is no key `{unknown}` here. Did you mean `{near[0]}`?"
    known = ", ".join(f"`{name}`" for name in sorted(all_keys)[:LONGEST_LIST_OF_KEYS])
    more = ", ..." if len(all_keys) > LONGEST_LIST_OF_KEYS else ""
    return f"There is no key `{unknown}` here. Remove it, or use one of {known}{more}."


def _read(wanted: Any, raw: object, path: Path, rules: Mapping[str, Any], findings: Findings) -> Any:
    """One value of the type that the table declares."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if wanted == ParameterValue:
        return _parameter(raw, path, findings)
    if origin in (Union, types.UnionType):
        return _read(_without_none(arguments), raw, path, rules, findings)
    if origin is tuple:
        if not isinstance(raw, list):
            findings.add(path, f"This should be a list in square brackets, not {_shown(raw)}.")
            return ()
        if rules.get("read_by"):
            entries, problems = rules["read_by"](raw, ".".join(str(part) for part in path))
            for problem in problems:
                findings.add(problem.path, problem.sentence)
            return entries
        return tuple(_read(arguments[0], each, (*path, index), rules, findings) for index, each in enumerate(raw))
    if origin is Mapping:
        if not isinstance(raw, Mapping):
            findings.add(path, f"This should be a table, not {_shown(raw)}.")
            return MappingProxyType({})
        read = {name: _read(arguments[1], each, (*path, name), rules, findings) for name, each in raw.items()}
        return MappingProxyType(read)
    if isinstance(wanted, type) and is_dataclass(wanted):
        return read_table(wanted, raw, path, findings)
    if issubclass(wanted, StrEnum):
        return _choice(wanted, raw, path, findings)
    return _scalar(wanted, raw, path, rules, findings)


def _scalar(wanted: type, raw: object, path: Path, rules: Mapping[str, Any], findings: Findings) -> Any:
    if wanted is Decimal and isinstance(raw, int) and not isinstance(raw, bool):
        raw = Decimal(raw)
    fits = type(raw) is wanted
    if not fits:
        findings.add(path, f"This should be {WORDS[wanted]}, not {_shown(raw)}.")
        return _blank(wanted)
    if isinstance(raw, str):
        if not raw.strip():
            findings.add(path, "This is empty. Say what it is, or remove the key.")
        elif rules.get("shape") and not re.fullmatch(rules["shape"], raw):
            how = SHAPES.get(rules["shape"], f"It is {rules['meaning']}")
            findings.add(path, f"“{raw}” is not written as `{path[-1]}` wants it. {how}.")
    if isinstance(raw, (int, Decimal)) and not isinstance(raw, bool):
        if isinstance(raw, Decimal) and not raw.is_finite():
            findings.add(path, f"{raw} is not a number that can be used here.")
            return _blank(wanted)
        least, most = rules.get("least"), rules.get("most")
        if least is not None and raw < least:
            findings.add(path, f"{raw} is too small: {rules['meaning']}, at least {least}.")
            return _blank(wanted)
        if most is not None and raw > most:
            findings.add(path, f"{raw} is too large: {rules['meaning']}, at most {most}.")
            return _blank(wanted)
    return raw


def _choice(wanted: type[StrEnum], raw: object, path: Path, findings: Findings) -> StrEnum:
    words = [member.value for member in wanted]
    if isinstance(raw, str) and raw in words:
        return wanted(raw)
    near = difflib.get_close_matches(raw, words, n=1, cutoff=0.6) if isinstance(raw, str) else []
    advice = f"Did you mean “{near[0]}”?" if near else f"Use one of {', '.join(f'“{word}”' for word in words)}."
    findings.add(path, f"{_shown(raw)} is not known here. {advice}")
    return next(iter(wanted))


def _parameter(raw: object, path: Path, findings: Findings) -> ParameterValue:
    if isinstance(raw, list):
        return tuple(_parameter_word(each, (*path, index), findings) for index, each in enumerate(raw))
    return _parameter_word(raw, path, findings)


def _parameter_word(raw: object, path: Path, findings: Findings) -> Scalar:
    if isinstance(raw, (str, int, Decimal)):  # a bool is an int
        return raw
    findings.add(path, f"A parameter is a text, a number, true or false, or a list of these, not {_shown(raw)}.")
    return ""


def _without_none(arguments: tuple[Any, ...]) -> Any:
    return next(argument for argument in arguments if argument is not type(None))


def _shown(raw: object) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, str):
        return f"“{raw}”"
    if isinstance(raw, Mapping):
        return "a table"
    if isinstance(raw, list):
        return "a list"
    return str(raw)


def _example(table: type) -> str:
    required = [name_of(field) for field in fields(table) if is_required(field)]
    return "{ " + ", ".join(f"{name} = ..." for name in required or ["..."]) + " }"


def _blank(wanted: Any) -> Any:
    """A stand-in that lets reading go on after a fault."""
    origin, arguments = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        return None if type(None) in arguments else ""
    if origin is tuple:
        return ()
    if origin is Mapping:
        return MappingProxyType({})
    if isinstance(wanted, type) and is_dataclass(wanted):
        hints = types_of(wanted)
        missing = [field for field in fields(wanted) if is_required(field)]
        return wanted(**{field.name: _blank(hints[field.name]) for field in missing})
    if wanted is date:
        return date.min
    if issubclass(wanted, StrEnum):
        return next(iter(wanted))
    return wanted()
