"""Every key that the pages listen to: the one table behind the list of keys. A test holds it to the scripts."""

from dataclasses import dataclass

from apps.core.action import Action
from apps.core.actor import Actor


@dataclass(frozen=True)
class Key:
    """One key or keys pressed together, what it does, and for whom (no action: everybody)."""

    press: tuple[str, ...]
    does: str
    actions: tuple[Action, ...] = ()

    @property
    def is_single(self) -> bool:
        """A letter or sign alone: such a key can be switched off (WCAG 2.2, 2.1.4)."""
        return len(self.press[-1]) == 1 and set(self.press[:-1]) <= {"Shift"}


@dataclass(frozen=True)
class Place:
    """Where some keys work."""

    title: str
    keys: tuple[Key, ...]


ENTRY = (Action.ENTER_DATA, Action.RECORD_DOSING)
PLACES = (
    Place(
        "On every page",
        (
            Key(("/",), "Go to the search box", (Action.READ_DATA,)),
            Key(("?",), "Show this list"),
            Key(("Alt", "A"), "On a page of a subject, enter a new adverse event", (Action.ENTER_DATA,)),
        ),
    ),
    Place(
        "In the search box",
        (
            Key(("Arrow down",), "Next hit", (Action.READ_DATA,)),
            Key(("Arrow up",), "The hit before, or back to the box", (Action.READ_DATA,)),
            Key(("Enter",), "Open the hit; in the box, show all hits on a page", (Action.READ_DATA,)),
            Key(("Escape",), "Close the hits", (Action.READ_DATA,)),
        ),
    ),
    Place(
        "On a form",
        (
            Key(("Enter",), "In a grid, the field below", ENTRY),
            Key(("Ctrl", "S"), "Save now", ENTRY),
            Key(("Ctrl", "Enter"), "Complete the form", ENTRY),
            Key(("Alt", "N"), "Say why the field stays empty", ENTRY),
            Key(("Alt", "H"), "Open the history of the field", ENTRY),
            Key(("Alt", "Page down"), "Next form of the visit, or next entry", (Action.READ_DATA,)),
            Key(("Alt", "Page up"), "The form or entry before", (Action.READ_DATA,)),
        ),
    ),
    Place(
        "In the review of forms and in their queries",
        (
            Key(("Alt", "Q"), "Next open query of the form", (Action.READ_DATA,)),
            Key(
                ("Ctrl", "Enter"),
                "Send what was written under a query",
                (Action.ANSWER_QUERY, Action.RAISE_QUERY, Action.CLOSE_QUERY),
            ),
            Key(("V",), "Verify the form, or the row of the worklist", (Action.VERIFY_SOURCE,)),
            Key(("Shift", "V"), "Verify its visit", (Action.VERIFY_SOURCE,)),
        ),
    ),
    Place(
        "In the listing of adverse events",
        (
            Key(("R",), "Mark the row for review and go down", (Action.REVIEW_DATA,)),
            Key(("Q",), "Ask about the cell or row", (Action.RAISE_QUERY,)),
            Key(("Escape",), "Close the question and go back to its row", (Action.RAISE_QUERY,)),
        ),
    ),
)


def places(actor: Actor) -> list[Place]:
    """The keys that do something for the actor, by where they work."""
    found = [
        Place(place.title, tuple(key for key in place.keys if not key.actions or actor.may_any(key.actions)))
        for place in PLACES
    ]
    return [place for place in found if place.keys]
