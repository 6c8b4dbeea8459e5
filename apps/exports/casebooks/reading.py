"""One subject's casebook as it stood at a cut, read with one query a table."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from django.db import models

from apps.exports import images
from apps.exports.images import Cut
from apps.exports.models import SubjectOrigin, TransferredTerm
from apps.exports.transferred import NOT_TRANSFERRED
from apps.study.models import ProtocolVersion, Site
from apps.subjects.models import Subject
from apps.visits import pages
from apps.visits.models import CrfLine, EntryState, FormRecord, Visit
from clinical.partial_date import PartialDate
from clinical.protocol.definition import Definition
from clinical.protocol.pages import Form
from clinical.protocol.schedule import PlannedVisit
from clinical.sdtm import facts

M = TypeVar("M", bound=models.Model)


@dataclass(frozen=True)
class Page:
    """One filled page: its record, its head, its lines that were not removed, and the protocol's form behind it."""

    record: FormRecord
    head: Any  # the typed head row of the page
    lines: dict[str, list[Any]]  # typed lines by kind
    visit: Visit | None
    visit_fact: facts.Visit | None
    form: Form
    definition: Definition
    site: Site

    @property
    def reference(self) -> str:
        """The page's lasting name within its subject: adverse_event-2, C1D1.vital_signs-1."""
        place = f"{self.visit.code}." if self.visit else ""
        return f"{place}{self.record.form}-{self.record.repeat}"

    def line_reference(self, line: CrfLine) -> str:
        return f"{self.reference}.{line.key}"

    def why_blank(self, path: str) -> str | None:
        """Why there is no value: the reason given for the field, or for the whole page not done."""
        reason = self.record.blank_reasons.get(path) or self.record.not_done_reason
        return None if reason == NOT_TRANSFERRED else reason or None

    @property
    def is_not_done(self) -> bool:
        return bool(self.record.state == EntryState.NOT_DONE)

    def local(self, moment: datetime | None) -> str | None:
        """A moment of the server in the site's own time, to the minute."""
        return None if moment is None else local_iso(moment, self.site)

    @property
    def asked(self) -> str | None:
        """The day on which the page was last completed: what "still ongoing" was true of."""
        return None if self.record.completed_at is None else local_iso(self.record.completed_at, self.site)[:10]


def local_iso(moment: datetime, site: Site) -> str:
    return moment.astimezone(site.zone_info).strftime("%Y-%m-%dT%H:%M")


def iso(value: PartialDate | None) -> str | None:
    """A partial date as the datasets hold it."""
    return None if value is None else value.iso


@dataclass(frozen=True)
class StudyAtCut:
    """What all casebooks of an export share."""

    cut: Cut
    code: str
    versions: dict[int, ProtocolVersion]
    sites: dict[int, Site]
    laboratories: dict[int, str]

    @property
    def page_codes(self) -> frozenset[str]:
        """The typed pages that any version of the protocol asks for."""
        return frozenset(
            form.page.value
            for version in self.versions.values()
            for form in version.definition.forms
            if pages.known(form.page.value)
        )


class SubjectReading:
    """The rows of one subject, each table read once and only when something asks for it."""

    def __init__(self, subject: Subject, study: StudyAtCut) -> None:
        self.subject, self.study = subject, study
        self.definition = study.versions[subject.protocol_version_id].definition
        self.site = study.sites[subject.site_id]
        self._rows: dict[type[models.Model], list[Any]] = {}

    def rows(self, model: type[M]) -> list[M]:
        if model not in self._rows:
            self._rows[model] = images.of_subject(model, self.subject.pk, cut=self.study.cut)
        return self._rows[model]

    @cached_property
    def origin(self) -> SubjectOrigin | None:
        return next(iter(self.rows(SubjectOrigin)), None)

    @cached_property
    def records(self) -> dict[int, FormRecord]:
        """The pages that hold something or say why not; removed entries and pages not begun are left out."""
        silent = (EntryState.REMOVED, EntryState.EXPECTED)
        return {each.pk: each for each in self.rows(FormRecord) if each.state not in silent}

    @cached_property
    def visits(self) -> dict[int, Visit]:
        return {each.pk: each for each in self.rows(Visit)}

    @cached_property
    def planned(self) -> dict[str, PlannedVisit]:
        return {each.code: each for each in self.definition.visits_for(part=self.subject.part)}

    @cached_property
    def terms(self) -> dict[int, TransferredTerm]:
        return {each.record_id: each for each in self.rows(TransferredTerm)}

    def visit_fact(self, visit: Visit | None) -> facts.Visit | None:
        """The visit as the datasets name it."""
        if visit is None:
            return None
        planned = self.planned.get(visit.code)
        return facts.Visit(visit.number, visit.name, planned_day(planned) if planned else None)

    def visit_named(self, code: str | None) -> Visit | None:
        return next((each for each in self.visits.values() if each.code == code), None)

    def pages(self, *codes: str) -> list[Page]:
        """The pages of these kinds, in the order in which they were opened."""
        found: list[Page] = []
        for code in codes:
            if code in self.study.page_codes:
                found += self._pages(code)
        return sorted(found, key=lambda page: page.record.pk)

    def _pages(self, code: str) -> Iterable[Page]:
        kind = pages.page(code)
        lines: dict[int, dict[str, list[Any]]] = {}
        for line_type in kind.lines:
            for line in self.rows(line_type.model):
                if not line.is_removed:
                    lines.setdefault(line.record_id, {}).setdefault(line_type.kind, []).append(line)
        for head in self.rows(kind.model):
            record = self.records.get(head.record_id)
            if record is None or record.page != code:
                continue
            visit = self.visits.get(record.visit_id) if record.visit_id else None
            definition = self.study.versions[record.protocol_version_id].definition
            yield Page(
                record=record,
                head=head,
                lines=lines.get(record.pk, {}),
                visit=visit,
                visit_fact=self.visit_fact(visit),
                form=definition.form(record.form),
                definition=definition,
                site=self.site,
            )

    def all_pages(self) -> list[Page]:
        return self.pages(*sorted(self.study.page_codes))


def planned_day(planned: PlannedVisit) -> int | None:
    """VISITDY: the planned study day, counted without a day 0 whatever the protocol calls its days."""
    if planned.offset is None:
        return None
    days = planned.offset.days
    return days + 1 if days >= 0 else days
