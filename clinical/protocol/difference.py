"""What an amendment changes, in words: two definitions of one trial compared entry by entry.

Entries are matched by their own code, not by their place, so that a visit moved up the file is not a visit removed and
another one added.
"""

from collections.abc import Iterator, Mapping
from dataclasses import Field, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from clinical.protocol.definition import Definition
from clinical.protocol.reading import name_of

#: What identifies an entry, the first that it has.
IDENTITIES = ("code", "number", "id", "rule", "test", "product", "parameter", "fact", "when", "name")
LONGEST_VALUE = 160


def differences(before: Definition, after: Definition) -> tuple[str, ...]:
    """Sentences, in the order of the definition; empty when nothing that matters differs.

    The version and the sentence about it always differ and are not listed.
    """
    found: list[str] = []
    if before.study.code != after.study.code:
        found.append(f"These are two trials: {before.study.code} and {after.study.code}.")
    for field in fields(Definition):
        table = name_of(field)
        found += _changes(table, getattr(before, field.name), getattr(after, field.name))
    return tuple(found)


def _changes(place: str, before: Any, after: Any) -> Iterator[str]:
    if before == after or place in ("study.version", "study.changes", "study.effective"):
        return
    if _is_entry(before) and type(before) is type(after):
        for field in fields(before):
            name = _key(field)
            yield from _changes(f"{place}.{name}", getattr(before, field.name), getattr(after, field.name))
    elif isinstance(before, tuple) and isinstance(after, tuple) and any(map(_is_entry, (*before, *after))):
        yield from _entries(place, before, after)
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in (*before, *(name for name in after if name not in before)):
            yield from _changes(f"{place}.{name}", before.get(name), after.get(name))
    elif isinstance(before, tuple) and isinstance(after, tuple):
        yield from _lists(place, before, after)
    elif before is None:
        yield f"{place} is now {_shown(after)}; it was not set."
    elif after is None:
        yield f"{place} is no longer set; it was {_shown(before)}."
    else:
        yield f"{place} changes from {_shown(before)} to {_shown(after)}."


def _entries(place: str, before: tuple[Any, ...], after: tuple[Any, ...]) -> Iterator[str]:
    old, new = _named(before), _named(after)
    for name in old:
        if name in new:
            yield from _changes(f"{place} {name}", old[name], new[name])
        else:
            yield f"{place} {name} is removed{_titled(old[name])}."
    for name in new:
        if name not in old:
            yield f"{place} {name} is added{_titled(new[name])}."
    kept_before, kept_after = [name for name in old if name in new], [name for name in new if name in old]
    if kept_before != kept_after:
        yield f"{place}: the order is now {', '.join(kept_after)}."


def _named(entries: tuple[Any, ...]) -> dict[str, Any]:
    """Entries by what identifies them; a second one of the same name is told apart by its place."""
    named: dict[str, Any] = {}
    for entry in entries:
        name = str(next((getattr(entry, key) for key in IDENTITIES if getattr(entry, key, None) is not None), ""))
        number = 2
        unique = name or "1"
        while unique in named:
            unique = f"{name} ({number})" if name else str(number)
            number += 1
        named[unique] = entry
    return named


def _lists(place: str, before: tuple[Any, ...], after: tuple[Any, ...]) -> Iterator[str]:
    gone = [each for each in before if each not in after]
    come = [each for each in after if each not in before]
    if gone:
        yield f"{place} no longer has {', '.join(map(_shown, gone))}."
    if come:
        yield f"{place} now has {', '.join(map(_shown, come))}."
    if not gone and not come:
        yield f"{place}: the order is now {', '.join(map(_shown, after))}."


def _titled(entry: Any) -> str:
    title = next((getattr(entry, key) for key in ("title", "text", "label", "name") if getattr(entry, key, None)), None)
    return f": {title.rstrip('.')}" if isinstance(title, str) else ""


def _is_entry(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _key(field: Field[Any]) -> str:
    return str(field.metadata.get("name") or field.name)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, StrEnum):
        return f"“{value.value}”"
    if isinstance(value, str):
        return f"“{value}”"
    if isinstance(value, (int, Decimal)):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if _is_entry(value):
        parts = (
            f"{_key(field)} {_shown(getattr(value, field.name))}" for field in fields(value) if _matters(value, field)
        )
        words = ", ".join(parts) or "its defaults"
        return words if len(words) <= LONGEST_VALUE else f"{words[:LONGEST_VALUE]}..."
    if isinstance(value, tuple):
        return ", ".join(map(_shown, value)) or "none"
    return str(value)


def _matters(value: Any, field: Field[Any]) -> bool:
    given = getattr(value, field.name)
    return given is not None and given != field.default and given != ()
