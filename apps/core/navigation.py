"""The study's places in the left rail; each app names its own in `ready()`."""

from dataclasses import dataclass

from apps.core.action import Action
from apps.core.actor import Actor


@dataclass(frozen=True, order=True)
class Place:
    """A place of the study: its order in the rail, title, url name, and the actions of which one opens it."""

    order: int
    title: str
    url_name: str
    actions: tuple[Action, ...] = ()


_places: list[Place] = []


def add(place: Place) -> None:
    _places.append(place)


def places(actor: Actor) -> list[Place]:
    """The places that the actor can open, in the rail's order."""
    return [place for place in sorted(_places) if actor.may_any(place.actions)]
