"""Every address of the system, for tests that try each of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.views import View

from apps.core.action import Action


@dataclass(frozen=True)
class Address:
    """One named address, what it takes, and the actions of which one opens it (none: no study page)."""

    name: str
    takes: frozenset[str]
    view: type[View] | None
    actions: tuple[Action, ...] | None

    @property
    def names_an_object(self) -> bool:
        """Whether it leads to something of a subject, so that another site must not find it."""
        return bool(self.takes - {"study"})

    def url(self, samples: dict[str, Any]) -> str:
        return reverse(self.name, kwargs={name: samples[name] for name in self.takes})


def addresses() -> list[Address]:
    """All of them, in the order of the URLconf."""
    return list(_walk(get_resolver().url_patterns, frozenset()))


def _walk(patterns: list[Any], taken: frozenset[str]) -> Iterator[Address]:
    for pattern in patterns:
        takes = taken | set(pattern.pattern.converters)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, takes)
        elif isinstance(pattern, URLPattern):
            view = getattr(pattern.callback, "view_class", None)
            declared = getattr(view, "action", None)
            actions = None if declared is None else (declared,) if isinstance(declared, Action) else tuple(declared)
            assert pattern.name is not None, f"{pattern} has no name"
            yield Address(pattern.name, frozenset(takes), view, actions)
