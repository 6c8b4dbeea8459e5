"""Where a path leads: from `grade`, `results/ALT/reported` or `extra/taste` to the row, the form field and its text."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from apps.core.refusal import NotFound
from apps.visits import extra_items, pages
from apps.visits.forms import CrfForm, EntryContext
from apps.visits.models import CrfLine, CrfModel, FormRecord
from clinical.protocol.pages import Item

EXTRA = "extra"


@dataclass(frozen=True)
class ValuePlace:
    """One captured value of a record: the row that holds it and the field that reads it."""

    path: str
    row: models.Model
    name: str
    field: forms.Field
    label: str
    is_needed: bool = False
    is_preset: bool = False

    @property
    def stored(self) -> Any:
        """The value as stored; None when there is none."""
        if isinstance(self.row, FormRecord):
            return self.row.extra.get(self.name)
        return getattr(self.row, self.name)

    @property
    def stored_text(self) -> str:
        """The stored value as the entry field shows it."""
        return text_of(self.field, self.stored)

    def read(self, text: str) -> Any:
        """The typed text as a storable value; ValidationError with a sentence when it cannot be stored."""
        value = self.field.clean(text.strip())
        if isinstance(self.row, FormRecord):
            return None if value is None else extra_items.to_json(value)
        column = self.row._meta.get_field(self.name)
        if value is not None and isinstance(column, models.Field):
            column.run_validators(value)
        return value

    def put(self, value: Any) -> None:
        """Write the value. Versions, trail and the rules of closed records are the database's."""
        self.row.save(update_fields=[self.set(value)])

    def set(self, value: Any) -> str:
        """Set the value on its row, unsaved, and say in which column it stands."""
        if isinstance(self.row, FormRecord):
            self.row.extra = {**self.row.extra, self.name: value}
            return "extra"
        setattr(self.row, self.name, value)
        return self.name


def put_all(changes: Iterable[tuple[ValuePlace, Any]]) -> None:
    """Write several values, each row of the record once."""
    rows: dict[int, tuple[models.Model, list[str]]] = {}
    for place, value in changes:
        _, columns = rows.setdefault(id(place.row), (place.row, []))
        columns.append(place.set(value))
    for row, columns in rows.values():
        row.save(update_fields=columns)


def text_of(field: forms.Field, value: Any) -> str:
    """A stored value as text for its entry field."""
    if value is None:
        return ""
    shown = field.prepare_value(value)
    if isinstance(shown, bool):
        return "True" if shown else "False"
    return str(shown)


def words_of(field: forms.Field, value: Any) -> str:
    """A stored value as a person reads it: the label of a choice, an en dash for nothing."""
    if value is None or value == "":
        return "–"
    if isinstance(field, forms.ChoiceField):
        labels = dict(_flat(field.choices))
        return str(labels.get(value, labels.get(str(value), value)))
    return text_of(field, value)


def _flat(choices: Any) -> list[tuple[Any, str]]:
    rows: list[tuple[Any, str]] = []
    for key, label in choices:
        rows.extend(label if isinstance(label, list | tuple) else [(key, label)])
    return rows


def entry_context(record: FormRecord) -> EntryContext:
    """What typed text is read against: today at the site, the visit's day, the subject's protocol version."""
    today: date = timezone.now().astimezone(record.site.zone_info).date()
    took_place = record.visit.took_place if record.visit else None
    return EntryContext(
        today=today,
        visit_date=took_place.full_date if took_place else None,
        definition=record.protocol_version.definition,
        form_code=record.form,
    )


def head(record: FormRecord) -> CrfModel:
    """The typed head row of the record."""
    return pages.page(record.page).model._default_manager.get(record=record)


def lines(record: FormRecord, kind: str) -> list[CrfLine]:
    """The lines of one kind that were not removed, in the order they came."""
    model = pages.page(record.page).line_types[kind].model
    found = list(model._default_manager.filter(record=record, is_removed=False).order_by("pk"))
    for line in found:
        line.record = record  # labels of lines ask the protocol: one record for all of them, not a query each
    return found


def head_form(record: FormRecord, *, context: EntryContext | None = None, row: CrfModel | None = None) -> CrfForm:
    return pages.page(record.page).form(instance=row or head(record), context=context or entry_context(record))


def line_form(record: FormRecord, line: CrfLine, *, context: EntryContext) -> CrfForm:
    kind = pages.page(record.page).line_types[line.kind]
    return kind.form(instance=line, context=context, path_prefix=f"{line.kind}/{line.key}/")


def place(record: FormRecord, path: str, *, context: EntryContext | None = None) -> ValuePlace:
    """The place of a value; NotFound when the page has no such path."""
    context = context or entry_context(record)
    match path.split("/"):
        case [name]:
            form = head_form(record, context=context)
            return _in_form(path, form, name)
        case ["extra", code]:
            item = next((item for item in context.definition.form(record.form).items if item.code == code), None)
            if item is not None:
                return _extra(record, item, context)
        case [kind, key, name]:
            line_type = pages.page(record.page).line_types.get(kind)
            if line_type is not None:
                line = line_type.model._default_manager.filter(record=record, key=key, is_removed=False).first()
                if line is not None:
                    return _in_form(path, line_form(record, line, context=context), name)
    raise NotFound(f"This form has no field {path}.")


def places(record: FormRecord, paths: Iterable[str], *, context: EntryContext) -> dict[str, ValuePlace]:
    """The places of several values: each row of the record is read once, and its values share it."""
    found: dict[str, ValuePlace] = {}
    head: CrfForm | None = None
    of_lines: dict[tuple[str, str], CrfForm] = {}
    for path in paths:
        match path.split("/"):
            case [name]:
                head = head or head_form(record, context=context)
                found[path] = _in_form(path, head, name)
            case [kind, key, name]:
                if not any(known == kind for known, _ in of_lines) and kind in pages.page(record.page).line_types:
                    for line in lines(record, kind):
                        of_lines[kind, line.key] = line_form(record, line, context=context)
                if (kind, key) not in of_lines:
                    raise NotFound(f"This form has no field {path}.")
                found[path] = _in_form(path, of_lines[kind, key], name)
            case _:
                found[path] = place(record, path, context=context)
    return found


def in_words(record: FormRecord, place: ValuePlace) -> str:
    """What a value is called where its field is not in sight: "Result, Systolic blood pressure"."""
    line = place.row
    if not isinstance(line, CrfLine):
        return place.label
    line.record = record  # the caller's, which knows its protocol already
    return f"{place.label}, {pages.page(record.page).line_types[line.kind].label(line)}"


def _in_form(path: str, form: CrfForm, name: str) -> ValuePlace:
    if name not in form.fields:
        raise NotFound(f"This form has no field {path}.")
    field = form.fields[name]
    return ValuePlace(
        path=path,
        row=form.instance,
        name=name,
        field=field,
        label=str(field.label),
        is_needed=name in form.needed,
        is_preset=name in form.presets,
    )


def _extra(record: FormRecord, item: Item, context: EntryContext) -> ValuePlace:
    return ValuePlace(
        path=f"{EXTRA}/{item.code}",
        row=record,
        name=item.code,
        field=extra_items.field(item, context),
        label=item.label,
        is_needed=item.required,
    )


def all_places(record: FormRecord) -> list[ValuePlace]:
    """Every captured value of the record, in page order: head, extra items, lines."""
    context = entry_context(record)
    form = head_form(record, context=context)
    left_out = context.definition.form(record.form).leave_out
    places = [_in_form(name, form, name) for name in form.fields if name not in left_out]
    places += [_extra(record, item, context) for item in context.definition.form(record.form).items]
    for line_type in pages.page(record.page).lines:
        for line in lines(record, line_type.kind):
            line_fields = line_form(record, line, context=context)
            places += [
                _in_form(f"{line_type.kind}/{line.key}/{name}", line_fields, name) for name in line_fields.fields
            ]
    return places


def sentence_of(problem: ValidationError) -> str:
    """The words of a validation error, in one line."""
    return " ".join(problem.messages)
