"""What the pages of a visit and a form record show."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms

from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.in_print import in_print
from apps.core.refusal import NotFound, Refusal
from apps.visits import checks, extra_items, overlays, pages, running, schedule, selectors, services, values
from apps.visits.forms import CrfForm
from apps.visits.models import CrfLine, EntryState, FormRecord, Visit, VisitStatus
from clinical.protocol.pages import Form


@dataclass
class FieldView:
    """One entry field as the page shows it."""

    path: str
    bound: forms.BoundField
    version: int
    unit: str = ""
    blank_reason: str = ""
    problem: str = ""
    is_needed: bool = False
    findings: list[pages.Finding] = field(default_factory=list)
    notes: list[overlays.MarginNote] = field(default_factory=list)

    @property
    def dom_id(self) -> str:
        return dom_id(self.path)

    @property
    def is_radio(self) -> bool:
        return isinstance(self.bound.field.widget, forms.RadioSelect)

    @property
    def only_choice(self) -> str:
        """The one choice there is, when it is what stands stored: shown as text, not asked."""
        choices = [choice for choice in getattr(self.bound.field, "choices", ()) if choice[0] not in (None, "")]
        if len(choices) == 1 and str(self.bound.value()) == str(choices[0][0]):
            return in_print(str(choices[0][1]))
        return ""

    @property
    def is_date(self) -> bool:
        return type(self.bound.field).__name__ == "TypedDate"

    @property
    def words(self) -> str:
        """The value for reading only."""
        return in_print(values.words_of(self.bound.field, self.bound.value()))


@dataclass
class LineView:
    line: CrfLine
    label: str
    fields: list[FieldView]


@dataclass
class LinesView:
    type: pages.LineType
    columns: list[str]
    rows: list[LineView]


def dom_id(path: str) -> str:
    """A path as an element's id."""
    return "f-" + path.replace("/", "-")


def label(record: FormRecord, path: str) -> str:
    """The words for a path: "Result, Alanine aminotransferase"."""
    return labels(record, [path])[0]


def labels(record: FormRecord, paths: Sequence[str]) -> list[str]:
    """The words for several paths, each row of the record read once; a path that leads nowhere stands for itself."""
    try:
        places = values.places(record, paths, context=values.entry_context(record))
    except NotFound:
        return [label(record, path) for path in paths] if len(paths) > 1 else list(paths)
    return [values.in_words(record, places[path]) for path in paths]


def record(
    record: FormRecord, *, actor: Actor, refusal: Refusal | None = None, typed: dict[str, str] | None = None
) -> dict[str, Any]:
    """Everything the page of a record shows."""
    page = pages.page(record.page)
    context = values.entry_context(record)
    versions = selectors.versions(record)
    notes = overlays.margin(record, actor)
    problems = {finding.path: finding.sentence for finding in getattr(refusal, "findings", ())}
    if isinstance(refusal, services.CannotBeStored | services.ChangedMeanwhile):
        problems[refusal.path] = refusal.sentence
    findings: dict[str, list[pages.Finding]] = {}
    if record.state != EntryState.EXPECTED:
        for finding in checks.of_record(record):
            if finding.weight is pages.Weight.CONFIRM:
                findings.setdefault(finding.path, []).append(finding)

    def show(form: CrfForm, name: str, path: str) -> FieldView:
        return FieldView(
            path=path,
            bound=_bound(form, name, path, typed or {}),
            version=versions.get(path, 0),
            unit=form.units.get(name, ""),
            blank_reason=record.blank_reasons.get(path, ""),
            problem=problems.get(path, ""),
            is_needed=name in form.needed,
            findings=findings.get(path, []),
            notes=notes.get(path, []),
        )

    head = values.head_form(record, context=context)
    left_out = set(context.definition.form(record.form).leave_out)
    fields = [show(head, name, name) for name in head.fields if name not in left_out]
    fields += _extra_fields(
        record, context, show_versions=versions, notes=notes, problems=problems, findings=findings, typed=typed or {}
    )
    groups = []
    for line_type in page.lines:
        rows = []
        for line in values.lines(record, line_type.kind):
            form = values.line_form(record, line, context=context)
            rows.append(
                LineView(
                    line=line,
                    label=line_type.label(line),
                    fields=[show(form, name, f"{line_type.kind}/{line.key}/{name}") for name in form.fields],
                )
            )
        columns = [str(each.label) for each in line_type.form(context=context).fields.values()]
        groups.append(LinesView(type=line_type, columns=columns, rows=rows))
    is_open = not (record.is_locked or record.is_frozen or record.state == EntryState.REMOVED)
    may_enter = is_open and any(actor.may(action, at=record.site_id) for action in page.writes)
    shown = {view.path for view in fields} | {
        view.path for group in groups for row in group.rows for view in row.fields
    }
    return {
        "record": record,
        "subject": record.subject,
        "visit": record.visit,
        "page_type": page,
        "title": title_of(record),
        "neighbours": [(each, each and title_of(each)) for each in selectors.neighbours(record)],
        "fields": fields,
        "groups": groups,
        "may_enter": may_enter,
        "status": overlays.status_words([record])[record.pk],
        "reasons": services.REASONS_FOR_CHANGE,
        "problems": [(path, dom_id(path), sentence) for path, sentence in problems.items()],
        "record_notes": notes.get("", [])
        + [note for path, each in notes.items() if path and path not in shown for note in each],
        "panels": overlays.panels(record, actor),
        **derived(record, actor=actor),
    }


def title_of(record: FormRecord) -> str:
    """The form's title as the protocol words it."""
    return record.protocol_version.definition.form(record.form).title


def derived(record: FormRecord, *, actor: Actor) -> dict[str, Any]:
    """What the system made of the values: the panel that answers each save."""
    page = pages.page(record.page)
    return {"panel": page.panel, "panel_context": page.context(record)}


def _bound(form: CrfForm, name: str, path: str, typed: dict[str, str]) -> forms.BoundField:
    """The field with its stored value, or with what was typed and could not be saved."""
    if f"value:{path}" in typed:
        form.initial[name] = typed[f"value:{path}"]
    bound = form[name]
    bound.html_name = f"value:{path}"
    bound.html_initial_name = f"value:{path}"
    widget = form.fields[name].widget
    widget.attrs["id"] = dom_id(path)
    if isinstance(widget, forms.Select | forms.RadioSelect):
        # Only what the page shows: the label that a signature covers stays the field's own.
        widget.choices = [(value, in_print(str(words))) for value, words in widget.choices]
    return bound


def _extra_fields(
    record: FormRecord,
    context: Any,
    *,
    show_versions: dict[str, int],
    notes: dict[str, list[overlays.MarginNote]],
    problems: dict[str, str],
    findings: dict[str, list[pages.Finding]],
    typed: dict[str, str],
) -> list[FieldView]:
    """The protocol's extra items as fields of a small form of their own."""
    form = forms.Form()
    shown = []
    for item in context.definition.form(record.form).items:
        path = f"{values.EXTRA}/{item.code}"
        entry = extra_items.field(item, context)
        stored = record.extra.get(item.code)
        entry.initial = typed.get(f"value:{path}", "" if stored is None else stored)
        entry.widget.attrs["id"] = dom_id(path)
        form.fields[item.code] = entry
        bound = form[item.code]
        bound.html_name = f"value:{path}"
        shown.append(
            FieldView(
                path=path,
                bound=bound,
                version=show_versions.get(path, 0),
                unit=item.unit or "",
                blank_reason=record.blank_reasons.get(path, ""),
                problem=problems.get(path, ""),
                is_needed=item.required,
                findings=findings.get(path, []),
                notes=notes.get(path, []),
            )
        )
    return shown


def visit(visit: Visit, *, actor: Actor) -> dict[str, Any]:
    """A visit as a task list."""
    records = selectors.records_of_visit(visit)
    words = overlays.status_words(records)
    definition = visit.subject.protocol_version.definition
    planned = schedule.planned_visit(visit)
    waits = planned is not None and visit.status != VisitStatus.STARTED
    return {
        "visit": visit,
        "subject": visit.subject,
        "tasks": [(each, definition.form(each.form).title, words[each.pk]) for each in records],
        "expected": [definition.form(code).title for code in planned.forms] if planned and waits else [],
        "logs": [_log(definition.form(code), visit, actor) for code in planned.logs] if planned else [],
        "since": running.since_last_visit(visit, actor=actor),
        "may_enter": actor.may(Action.ENTER_DATA, at=visit.site_id),
    }


def _log(form: Form, visit: Visit, actor: Actor) -> tuple[Form, bool]:
    """A log to look through, and whether this person writes in it: a pharmacist enters doses, not adverse events."""
    writes = pages.page(form.page.value).writes
    return form, any(actor.may(action, at=visit.site_id) for action in writes)
