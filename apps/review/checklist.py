"""What must be settled before a form is locked: a registry, so that floors above add what they know.

Each item counts, for many forms at once, how often something of its kind still stands in the way. Coding, the
reconciliation of serious events and of external data are added by the floors that own them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count

from apps.review import signatures, verification
from apps.review.models import UNRESOLVED, Query, QueryState
from apps.visits.models import EntryState, FormRecord

Counter = Callable[[Sequence[FormRecord]], Mapping[int, int]]


@dataclass(frozen=True)
class Item:
    """One line of the checklist.

    `count` gives the number of obstacles by record (absent means none). `url_name` and `query` lead to the rows it
    counts: a page of the study that takes `subject` in its address.
    """

    code: str
    title: str
    count: Counter
    url_name: str = ""
    query: str = ""


_items: list[Item] = []


def add(item: Item) -> Item:
    """Register a line; call it from the app's `ready()`."""
    if any(known.code == item.code for known in _items):
        raise ValueError(f"The checklist has an item {item.code} already.")
    _items.append(item)
    return item


def items() -> tuple[Item, ...]:
    return tuple(_items)


def obstacles(records: Sequence[FormRecord]) -> dict[str, dict[int, int]]:
    """For each item, the records that cannot be locked yet and how much stands in the way; one pass for all records."""
    current = [record for record in records if record.state != EntryState.REMOVED]
    return {
        item.code: {key: count for key, count in item.count(current).items() if count} if current else {}
        for item in _items
    }


def _unfinished(records: Sequence[FormRecord]) -> dict[int, int]:
    return {record.pk: 1 for record in records if record.state in {EntryState.EXPECTED, EntryState.IN_PROGRESS}}


def _unsettled(records: Sequence[FormRecord]) -> dict[int, int]:
    rows = (
        Query.objects.filter(record__in=[each.pk for each in records], state__in=(QueryState.DRAFT, *UNRESOLVED))
        .values("record_id")
        .annotate(queries=Count("pk"))
        .order_by()
    )
    return {row["record_id"]: row["queries"] for row in rows}


def _unverified(records: Sequence[FormRecord]) -> dict[int, int]:
    finished = [record for record in records if record.state in verification.FINISHED]
    return {key: 1 for key, standing in verification.standings(finished).items() if standing.is_outstanding}


def _unsigned(records: Sequence[FormRecord]) -> dict[int, int]:
    finished = [record for record in records if record.state in verification.FINISHED]
    signed = signatures.standing(finished)
    return {record.pk: 1 for record in finished if record.pk not in signed}


def add_own_items() -> None:
    """The lines that review itself can count."""
    add(Item("forms", "Forms not complete", _unfinished, "freeze_lock_forms", "state=unfinished"))
    add(Item("queries", "Queries not settled", _unsettled, "queries", "state=unsettled"))
    add(Item("verification", "Forms to verify", _unverified, "verification", "show=outstanding"))
    add(Item("signatures", "Forms not signed", _unsigned, "signature_queue", "show=unsigned"))
