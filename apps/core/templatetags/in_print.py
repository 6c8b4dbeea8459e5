"""Units, numbers, moments and titles as a page sets them."""

from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core import in_print as printing

register = template.Library()


@register.filter
def in_print(text: Any) -> str:
    """`10^9/L` as 10⁹/L, `mg/m2` as mg/m²."""
    return "" if text is None else printing.in_print(str(text))


@register.filter
def of_unit(number: Any, unit: Any) -> str:
    """A number with its unit behind it."""
    return printing.in_print(f"{number} {unit or ''}".strip())


@register.filter
def unpadded(number: Decimal | None) -> str:
    """A computed number without zeros behind its digits."""
    return "" if number is None else printing.unpadded(number)


@register.filter
def inside_a_sentence(title: Any) -> str:
    """A title without its capital, unless it begins with a name such as HLA."""
    return printing.inside_a_sentence(str(title))


@register.filter
def minus(text: Any) -> str:
    """A number with a true minus sign, as wide as the plus."""
    return "" if text is None else str(text).replace("-", "\N{MINUS SIGN}")


@register.filter
def moment(at: Any) -> SafeString | str:
    """A moment whose day stays in one piece: a narrow column may put the time beneath it."""
    if at is None or at == "":
        return ""
    day, _, time = str(at).partition(" ")
    return format_html('<span class="day">{}</span>{}', day, f" {time}" if time else "")
