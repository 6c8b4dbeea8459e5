"""Reading a criterion by its number in a template."""

from collections.abc import Mapping
from typing import Any

from django import template

register = template.Library()


@register.filter
def at(mapping: Mapping[str, Any], key: str) -> Any:
    """The entry at a key that only the template knows; nothing where there is none."""
    return mapping.get(key)
