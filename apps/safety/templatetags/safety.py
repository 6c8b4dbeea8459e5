"""The relations of an event to the products, grouped as a reader asks for them."""

from collections.abc import Iterable

from django import template

register = template.Library()


@register.filter
def by_relation(relations: Iterable[tuple[str, str, str]]) -> list[tuple[str, list[str]]]:
    """The products under each relation, in the order in which the protocol asks for the first of them.

    >>> by_relation([("IMA402", "Related", ""), ("Dexamethasone", "Not related", ""), ("Saline", "Not related", "")])
    [('Related', ['IMA402']), ('Not related', ['Dexamethasone', 'Saline'])]
    """
    grouped: dict[str, list[str]] = {}
    for product, relation, _ in relations:
        grouped.setdefault(relation, []).append(product)
    return list(grouped.items())
