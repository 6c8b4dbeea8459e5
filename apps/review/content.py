"""What a signature covers: the investigator's reported data of a form as canonical JSON, every choice as shown.

In it: each value with its label, words, unit, version, and the reason where one is missing; how the form was ended. Not
in it: queries, verification, derived values, codes that coders add and what the sponsor's side assesses. So answering
a query breaks no signature, and correcting a value does.
"""

import hashlib
import json
from typing import Any

from apps.visits import pages, values
from apps.visits.models import FormRecord, PathVersion

SCHEME = 1
"""Raised when the shape of the content changes, so that older signatures verify by the shape they were made in."""


def versions_of(record: FormRecord) -> dict[str, int]:
    """The version of every path ever entered on the record."""
    return dict(PathVersion.objects.filter(record=record).order_by("path").values_list("path", "version"))


def content_of(record: FormRecord) -> dict[str, Any]:
    """The form as it is signed."""
    versions = versions_of(record)
    rows = []
    for place in values.all_places(record):
        if place.stored is None and place.path not in record.blank_reasons:
            continue
        rows.append(
            {
                "path": place.path,
                "label": place.label,
                "text": place.stored_text,
                "words": values.words_of(place.field, place.stored),
                "unit": _unit(record, place),
                "no_value_because": record.blank_reasons.get(place.path, ""),
                "version": versions.get(place.path, 0),
            }
        )
    return {
        "scheme": SCHEME,
        "study": record.study.code,
        "subject": record.subject.number,
        "visit": record.visit.code if record.visit else "",
        "form": record.form,
        "title": record.protocol_version.definition.form(record.form).title,
        "repeat": record.repeat,
        "record": record.pk,
        "protocol": record.protocol_version.sha256,
        "state": record.state,
        "not_done_because": record.not_done_reason,
        "values": rows,
        "versions": versions,
    }


def canonical(content: dict[str, Any]) -> bytes:
    """The same content as the same bytes, whatever the order of keys."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(content)).hexdigest()


def _unit(record: FormRecord, place: values.ValuePlace) -> str:
    """The fixed unit beside the field; a unit that is chosen is a value of its own."""
    if place.path.startswith(f"{values.EXTRA}/"):
        items = record.protocol_version.definition.form(record.form).items
        return next((item.unit or "" for item in items if item.code == place.name), "")
    page = pages.page(record.page)
    kind = place.path.split("/")[0]
    form = page.line_types[kind].form if "/" in place.path else page.form
    return form.units.get(place.name, "")
