"""Which fields of a lesion's line are usually answered, and the earlier cells of its row."""

from collections.abc import Mapping

from django import template

from apps.tumor.models import Kind, LesionMeasurement
from apps.visits.presentation import FieldView, LineView
from clinical.recist.responses import Response

register = template.Library()
MISSING = Response.MISSING.value


STATED = ("target_response", "non_target_response", "new_lesions", "overall_response", "why_different")
"""What an evaluator concludes from the lesions, so it is asked beneath them."""


@register.filter
def before_lesions(fields: list[FieldView]) -> list[FieldView]:
    """What is known before the lesions are looked at: who looks, when, and by which method."""
    return [view for view in fields if view.path not in STATED]


@register.filter
def after_lesions(fields: list[FieldView]) -> list[FieldView]:
    """The responses that the evaluator states."""
    return [view for view in fields if view.path in STATED]


def _usual(line: LesionMeasurement) -> tuple[str, ...]:
    if line.lesion_kind == Kind.TARGET:
        return ("short_axis_mm" if line.lesion_is_node else "longest_mm", "state", "reason")
    return ("state", "reason")


def _named(row: LineView, *, usual: bool) -> list[FieldView]:
    assert isinstance(row.line, LesionMeasurement)
    names = _usual(row.line)
    return [view for view in row.fields if (view.path.rpartition("/")[2] in names) is usual]


@register.filter
def usual_fields(row: LineView) -> list[FieldView]:
    """The fields that a lesion of this kind is answered with."""
    return _named(row, usual=True)


@register.filter
def other_fields(row: LineView) -> list[FieldView]:
    """The measures that are kept besides."""
    return _named(row, usual=False)


@register.filter
def has_others(row: LineView) -> bool:
    """Whether one of the other measures is there, so that it is shown."""
    return any(view.bound.value() not in (None, "") for view in _named(row, usual=False))


@register.filter
def response_words(code: str) -> str:
    """A response as people write it: PR, SD; in words where nothing could be assessed yet."""
    return "no scan yet" if code == MISSING else code


@register.filter
def of_lesion(cells: Mapping[str, tuple[str, ...]], name: str) -> tuple[str, ...]:
    """The earlier cells of a lesion's row."""
    return cells.get(name, ())


@register.filter
def place_of(places: Mapping[str, str], name: str) -> str:
    """Kind, organ and side of a lesion."""
    return places.get(name, "")
