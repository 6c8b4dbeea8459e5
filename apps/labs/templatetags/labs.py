"""Looking up the derived cells of a row by its test code."""

from typing import Any

from django import template

register = template.Library()


@register.filter
def of_test(rows: dict[str, Any], test: str) -> Any:
    """The row of a test; None where there is none."""
    return rows.get(test)
