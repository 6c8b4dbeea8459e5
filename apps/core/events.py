"""Facts: how a lower floor tells a higher one that something happened, without knowing it.

`announce(fact)` inside the transaction that made it true. Subscribers that must succeed with the change run at once;
for the rest one outbox row each is written, which survives the death of the queue, the worker or this process.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

from apps.core.actor import Actor


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened at `at`, at a study-site. Subclasses carry primary keys, never values."""

    study_id: int
    site_id: int
    at: datetime


F = TypeVar("F", bound=Fact)
Immediate = Callable[[Any, Actor], None]
Background = Callable[[dict[str, Any], Actor], None]

_immediate: dict[type[Fact], list[Immediate]] = {}
_background: dict[type[Fact], list[str]] = {}
_handlers: dict[str, Background] = {}


def at_once(kind: type[F]) -> Callable[[Callable[[F, Actor], None]], Callable[[F, Actor], None]]:
    """Subscribe a function that must succeed with the change: (fact, actor), in the same transaction."""

    def subscribe(handler: Callable[[F, Actor], None]) -> Callable[[F, Actor], None]:
        _immediate.setdefault(kind, []).append(handler)
        return handler

    return subscribe


def in_background(*kinds: type[Fact]) -> Callable[[Background], Background]:
    """Subscribe a function for the worker: (payload, system actor of the study). Must recompute from data.

    It may run more than once for one fact and must then change nothing: give what it creates a unique key.
    """

    def subscribe(handler: Background) -> Background:
        name = f"{handler.__module__}.{handler.__qualname__}"
        _handlers[name] = handler
        for kind in kinds:
            _background.setdefault(kind, []).append(name)
        return handler

    return subscribe


def handler_named(name: str) -> Background:
    return _handlers[name]


def announce(fact: Fact, *, actor: Actor) -> None:
    """Tell everyone who subscribed; call it in the transaction that made the fact true."""
    from apps.core import outbox  # the outbox needs the app registry, facts are declared before it is ready

    for immediate in _immediate.get(type(fact), ()):
        immediate(fact, actor)
    if handlers := _background.get(type(fact)):
        outbox.put(handlers=handlers, payload={"fact": type(fact).__name__, **asdict(fact)}, fact=fact)
