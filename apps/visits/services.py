"""Entry: opening pages, saving values one by one, completing, declaring not done, removing."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction

from apps.core.actor import Actor
from apps.core.events import announce
from apps.core.refusal import NotAllowed, Refusal
from apps.core.transactions import because
from apps.study.models import ProtocolVersion
from apps.subjects.models import Subject
from apps.visits import checks, events, pages, values
from apps.visits.models import EntryState, FormRecord, PathVersion, Visit
from apps.visits.pages import Finding, Weight

REASONS_FOR_CHANGE = (
    "Transcription error",
    "Source corrected",
    "New information",
    "Answer to query",
    "CRF or protocol change",
)


class CannotBeStored(Refusal):
    """Text that no value of this field can come from; the field keeps what was typed."""

    def __init__(self, path: str, sentence: str) -> None:
        super().__init__(sentence)
        self.path = path


class ReasonNeeded(Refusal):
    """The page was completed before, so a change needs its reason."""


class ChangedMeanwhile(Refusal):
    """Somebody else saved this value since it was shown."""

    def __init__(self, *, path: str, yours: str, theirs: str, by: str, at: datetime, version: int) -> None:
        super().__init__(f"{by} saved {theirs or 'an empty value'} here meanwhile. Keep theirs, or save yours over it.")
        self.path, self.yours, self.theirs, self.by, self.at, self.version = path, yours, theirs, by, at, version


class Closed(Refusal):
    """The page is frozen, locked or removed."""


class Incomplete(Refusal):
    """What stands between the page and completion, each with its place."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("This form is not complete yet.", problems=[finding.sentence for finding in findings])
        self.findings = findings


class HoldsValues(Refusal):
    """A page with values cannot be declared not done."""


@dataclass(frozen=True)
class Saved:
    """A value as it now stands."""

    path: str
    version: int
    text: str
    findings: tuple[Finding, ...]


@transaction.atomic
def open_record(
    *,
    actor: Actor,
    subject: Subject,
    form: str,
    visit: Visit | None,
    protocol_version: ProtocolVersion,
    at: datetime,
    repeat: int | None = None,
) -> FormRecord:
    """Bring an expected page (or a new log entry) into being, with the lines it always has."""
    page = pages.page(protocol_version.definition.form(form).page.value)
    if page.is_log or repeat is not None:
        _require_entry(actor, page, subject.site_id)
    if repeat is None:
        taken = FormRecord.objects.filter(subject=subject, visit=visit, form=form)
        repeat = 1 + max(taken.select_for_update().values_list("repeat", flat=True), default=0) if page.is_log else 1
    record = FormRecord.objects.create(
        site_id=subject.site_id,
        study_id=subject.study_id,
        subject=subject,
        visit=visit,
        form=form,
        page=page.code,
        repeat=repeat,
        protocol_version=protocol_version,
        opened_at=at,
    )
    page.model._default_manager.create(record=record)
    page.opened(record)
    announce(events.RecordOpened.of(record, at=at), actor=actor)
    return record


@transaction.atomic
def save_value(
    *, actor: Actor, record: FormRecord, path: str, text: str, seen: int | None, at: datetime, reason: str = ""
) -> Saved:
    """Save one value as typed.

    `seen` is the version of the value that the person had before them (0 for a value never entered); None skips the
    comparison, for writers that have no screen. A value that is already stored as typed saves as it is, so that a
    request repeated after a lost answer does no harm.
    """
    record = _locked_for_entry(actor, record)
    place = values.place(record, path)
    try:
        value = place.read(text)
    except ValidationError as problem:
        raise CannotBeStored(path, values.sentence_of(problem)) from problem
    if value != place.stored:
        _refuse_older(record, place, text, seen)
        _change(record, [(place, value)], actor=actor, at=at, reason=reason)
    return Saved(
        path=path,
        version=version_of(record, path),
        text=place.stored_text,
        findings=tuple(checks.of_value(record, path, place.stored)),
    )


@transaction.atomic
def save_values(
    *,
    actor: Actor,
    record: FormRecord,
    texts: dict[str, str],
    at: datetime,
    reason: str = "",
    seen: dict[str, int] | None = None,
) -> FormRecord:
    """Save several values as one act: all of them, or (with every problem named) none."""
    record = _locked_for_entry(actor, record)
    context = values.entry_context(record)
    changes: list[tuple[values.ValuePlace, Any]] = []
    problems: list[Finding] = []
    places = values.places(record, texts, context=context)
    for path, text in texts.items():
        place = places[path]
        try:
            value = place.read(text)
        except ValidationError as problem:
            problems.append(Finding(path, f"{place.label}: {values.sentence_of(problem)}", Weight.BLOCKS))
            continue
        if value != place.stored:
            if seen is not None and path in seen:
                _refuse_older(record, place, text, seen[path])
            changes.append((place, value))
    if problems:
        raise Incomplete(problems)
    if changes:
        _change(record, changes, actor=actor, at=at, reason=reason)
    return record


@transaction.atomic
def add_line(*, actor: Actor, record: FormRecord, kind: str, at: datetime, key: str | None = None) -> str:
    """Add an empty line (a further grade period, a new measurement) and say its key."""
    record = _locked_for_entry(actor, record)
    line_type = pages.page(record.page).line_types[kind]
    if key is None:
        taken = line_type.model._default_manager.filter(record=record).values_list("key", flat=True)
        key = str(1 + max((int(used) for used in taken if used.isdigit()), default=0))
    line_type.model._default_manager.create(record=record, key=key)
    return key


@transaction.atomic
def remove_line(*, actor: Actor, record: FormRecord, kind: str, key: str, at: datetime, reason: str = "") -> None:
    """Take a line out of the page. Its values stay in the trail."""
    record = _locked_for_entry(actor, record)
    line = pages.page(record.page).line_types[kind].model._default_manager.get(record=record, key=key, is_removed=False)
    if record.needs_reason and not reason:
        raise ReasonNeeded("Say why this line is removed.")
    with because(reason):
        line.is_removed = True
        line.save(update_fields=["is_removed"])
    announce(events.ValuesChanged.of(record, at=at, paths=(f"{kind}/{key}/is_removed",)), actor=actor)


def explain_blank(*, actor: Actor, record: FormRecord, path: str, why: str, at: datetime, reason: str = "") -> None:
    """Say why a value is missing ("not done", "refused"); the page can then be complete without it."""
    explain_blanks(actor=actor, record=record, paths=[path], why=why, at=at, reason=reason)


@transaction.atomic
def explain_blanks(
    *, actor: Actor, record: FormRecord, paths: Sequence[str], why: str, at: datetime, reason: str = ""
) -> None:
    """Say of several values, in one act, why they are missing. Without a `why` the reasons are taken back."""
    record = _locked_for_entry(actor, record)
    for place in values.places(record, paths, context=values.entry_context(record)).values():
        if place.stored is not None and why:
            raise HoldsValues(f"{place.label} holds a value. Clear it first, then say why it is missing.")
    if record.needs_reason and not reason:
        raise ReasonNeeded("Say why this completed form changes.")
    remaining = {path: text for path, text in record.blank_reasons.items() if path not in paths}
    record.blank_reasons = {**remaining, **dict.fromkeys(paths, why)} if why else remaining
    with because(reason):
        record.save(update_fields=["blank_reasons"])
    _begin(record)
    announce(events.ValuesChanged.of(record, at=at, paths=tuple(paths)), actor=actor)


@transaction.atomic
def confirm_value(*, actor: Actor, record: FormRecord, path: str, check: str, why: str, at: datetime) -> None:
    """Answer a check's question: the value is right, because … Kept with the value's text; a new value asks anew."""
    record = _locked_for_entry(actor, record)
    if not why.strip():
        raise ReasonNeeded("Say in a few words why this value is right.")
    text = values.place(record, path).stored_text
    record.confirmations = {**record.confirmations, f"{path} {check}": {"text": text, "why": why.strip()}}
    record.save(update_fields=["confirmations"])
    announce(
        events.ValueConfirmed.of(record, at=at, path=path, check=check, why=why.strip()),
        actor=actor,
    )


@transaction.atomic
def complete_record(*, actor: Actor, record: FormRecord, at: datetime) -> FormRecord:
    """Complete the page, or name everything that stands in the way.

    Confirm checks that nobody answered do not stand in the way; they travel with the announcement and become queries.
    """
    record = _locked_for_entry(actor, record)
    findings = checks.of_record(record)
    blocking = [finding for finding in findings if finding.weight is Weight.BLOCKS]
    if blocking:
        raise Incomplete(blocking)
    record.state = EntryState.COMPLETE
    record.first_completed_at = record.first_completed_at or at
    record.completed_at, record.completed_by_id = at, actor.user_id
    record.save(update_fields=["state", "first_completed_at", "completed_at", "completed_by"])
    unanswered = tuple((finding.path, finding.check, finding.sentence) for finding in findings)
    announce(events.RecordCompleted.of(record, at=at, unanswered=unanswered), actor=actor)
    return record


@transaction.atomic
def mark_not_done(*, actor: Actor, record: FormRecord, why: str, at: datetime) -> FormRecord:
    """Declare that the page was not done, and why."""
    record = _locked_for_entry(actor, record)
    if not why.strip():
        raise ReasonNeeded("Say why this form was not done.")
    if any(place.stored is not None and not place.is_preset for place in values.all_places(record)):
        raise HoldsValues("This form holds values. Clear them first, with their reasons; then mark it not done.")
    record.state, record.not_done_reason = EntryState.NOT_DONE, why.strip()
    with because(why):
        record.save(update_fields=["state", "not_done_reason"])
    announce(events.RecordNotDone.of(record, at=at), actor=actor)
    return record


@transaction.atomic
def remove_record(*, actor: Actor, record: FormRecord, why: str, at: datetime) -> FormRecord:
    """Remove a log entry made in error. It stays in the trail and in the list of removed entries."""
    record = _locked_for_entry(actor, record)
    if not pages.page(record.page).is_log:
        raise Refusal("Only entries of a log can be removed. Mark this form not done instead.")
    if not why.strip():
        raise ReasonNeeded("Say why this entry is removed.")
    record.state, record.removed_reason = EntryState.REMOVED, why.strip()
    with because(why):
        record.save(update_fields=["state", "removed_reason"])
    announce(events.RecordRemoved.of(record, at=at), actor=actor)
    return record


def version_of(record: FormRecord, path: str) -> int:
    """How often the value at the path has changed; 0 for a value never entered."""
    return PathVersion.objects.filter(record=record, path=path).values_list("version", flat=True).first() or 0


def _change(
    record: FormRecord, changes: list[tuple[values.ValuePlace, Any]], *, actor: Actor, at: datetime, reason: str
) -> None:
    if record.needs_reason and not reason.strip():
        raise ReasonNeeded("Not saved yet: this form was completed before. Choose the reason for the change.")
    with because(reason.strip()), _closed_in_words():
        values.put_all(changes)
        explained = {
            path for place, value in changes if value is not None and (path := place.path) in record.blank_reasons
        }
        if explained:
            record.blank_reasons = {path: why for path, why in record.blank_reasons.items() if path not in explained}
            record.save(update_fields=["blank_reasons"])
        _begin(record)
    announce(events.ValuesChanged.of(record, at=at, paths=tuple(place.path for place, _ in changes)), actor=actor)


def _begin(record: FormRecord) -> None:
    if record.state in {EntryState.EXPECTED, EntryState.NOT_DONE}:
        record.state, record.not_done_reason = EntryState.IN_PROGRESS, ""
        record.save(update_fields=["state", "not_done_reason"])


def _locked_for_entry(actor: Actor, record: FormRecord) -> FormRecord:
    """The record, locked against other writers, once the actor may enter and the page is open to entry."""
    page = pages.page(record.page)
    _require_entry(actor, page, record.site_id)
    record = (
        FormRecord.objects.select_for_update(of=("self",))
        .select_related("site", "visit", "protocol_version")
        .get(pk=record.pk)
    )
    if record.is_locked:
        raise Closed("This form is locked. To change it, ask the data manager to unlock it.")
    if record.is_frozen:
        raise Closed("This form is frozen. To change it, ask the data manager to unfreeze it.")
    if record.state == EntryState.REMOVED:
        raise Closed(f"This entry was removed ({record.removed_reason}). Make a new one instead.")
    return record


def _require_entry(actor: Actor, page: pages.PageType, site_id: int) -> None:
    if not any(actor.may(action, at=site_id) for action in page.writes):
        raise NotAllowed(f"Your role here ({actor.role_words or 'none'}) does not allow you to {page.writes[0].value}.")


def _refuse_older(record: FormRecord, place: values.ValuePlace, text: str, seen: int | None) -> None:
    if seen is None:
        return
    latest = PathVersion.objects.filter(record=record, path=place.path).first()
    if latest is not None and latest.version != seen:
        raise ChangedMeanwhile(
            path=place.path,
            yours=text,
            theirs=place.stored_text,
            by=latest.changed_by,
            at=latest.changed_at,
            version=latest.version,
        )


@contextmanager
def _closed_in_words() -> Iterator[None]:
    """The database's own refusals (a lock set a moment ago) in our words; they end the act that it guards."""
    try:
        yield
    except DatabaseError as refused:
        state = getattr(refused.__cause__, "sqlstate", "")
        sentences = {
            "TS001": "Not saved yet: this form was completed before. Choose the reason for the change.",
            "TS002": "This form is locked. To change it, ask the data manager to unlock it.",
            "TS003": "This form is frozen. To change it, ask the data manager to unfreeze it.",
        }
        if state in sentences:
            raise Closed(sentences[state]) from refused
        raise
