"""Entering what was transferred, through the services that a site's own entry goes through."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from django.db import connection, transaction

from apps.core.actor import Actor, system_actor
from apps.core.transactions import acting, because, note_in_trail
from apps.exports.importing.mapping import LeftOut, PlannedPage, plan
from apps.exports.importing.source import SourceRow, Transfer
from apps.exports.models import BroughtOverRow, SubjectOrigin, TransferredTerm
from apps.exports.transferred import NOT_TRANSFERRED
from apps.study.models import ProtocolVersion, Site, Study
from apps.study.selectors import latest_version
from apps.subjects import services as subject_services
from apps.subjects.models import Status, Subject
from apps.tumor.models import Lesion
from apps.visits import pages, schedule
from apps.visits import services as entry
from apps.visits.models import FormRecord, Visit, VisitStatus
from apps.visits.pages import Finding, Weight
from clinical.partial_date import PartialDate
from clinical.protocol.pages import Page

LONGEST_REASON = 1000


@dataclass
class Report:
    """What a run found and did, or would do."""

    written: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    left_out: list[LeftOut] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)

    def sentences(self) -> Iterator[str]:
        """The report in words: counts first, then conflicts, then every row that found no place and why."""
        for dataset in sorted(self.rows):
            yield (
                f"{dataset}: {self.rows[dataset]:,} rows, {self.written[dataset]:,} to write,"
                f" {self.known[dataset]:,} brought over before,"
                f" {len({each.row.number for each in self.left_out if each.row.dataset == dataset}):,} without a place"
            )
        yield from (f"Conflict: {sentence}" for sentence in self.conflicts)
        yield from (f"Not complete: {sentence}" for sentence in self.unfinished)
        reasons: dict[tuple[str, str], list[int]] = defaultdict(list)
        for each in self.left_out:
            reasons[each.row.file, each.why].append(each.row.number)
        for (file, why), numbers in sorted(reasons.items()):
            yield f"Without a place: {file} {_rows_in_words(numbers)}: {why}"


def _rows_in_words(numbers: list[int]) -> str:
    """row 3; rows 1–64, 70."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    words = ", ".join(str(first) if first == last else f"{first}–{last}" for first, last in runs)
    return f"{'row' if len(set(numbers)) == 1 else 'rows'} {words}"


def bring_over(*, study: Study, transfer: Transfer, at: datetime, commit: bool) -> Report:
    """Enter every row that has a place: all in one transaction, taken back again unless `commit`."""
    actor = import_actor(study)
    try:
        with acting(actor, place=f"study_import {study.code}"):
            report = _Bringing(actor, study, transfer, at).run()
            if not commit:
                raise _TakenBack(report)
            note_in_trail(act="study_import", about={"key": study.code, "rows": dict(report.written)})
    except _TakenBack as dry:
        return dry.report
    return report


class _TakenBack(Exception):  # no error: it takes back what a dry run entered
    def __init__(self, report: Report) -> None:
        super().__init__("dry run")
        self.report = report


def import_actor(study: Study) -> Actor:
    """The part of the system in whose name everything is brought over."""
    return system_actor(f"Import of study {study.code}", study_id=study.pk, site_ids=_sites_of(study))


def known_as(study: Study) -> frozenset[str]:
    """The STUDYIDs under which the study's datasets may come: its code, or the one its protocol names instead."""
    with acting(import_actor(study), place=f"study_import {study.code}"):
        named = latest_version(study).definition.study.transferred_as
    return frozenset({named or study.code})


def _sites_of(study: Study) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("select study_site_ids(%s)", [study.pk])
        (found,) = cursor.fetchone()
    return list(found or ())


class _Bringing:
    """One run, subject by subject: identity, visits, then pages in the order of the mapping."""

    def __init__(self, actor: Actor, study: Study, transfer: Transfer, at: datetime) -> None:
        self.actor, self.study, self.transfer, self.at = actor, study, transfer, at
        self.version: ProtocolVersion = latest_version(study)
        self.definition = self.version.definition
        self.sites = {site.number: site for site in Site.objects.filter(study=study)}
        self.report = Report(rows=Counter({name: len(rows) for name, rows in transfer.tables.items()}))
        self.digests = {
            (each.dataset, each.natural_key): each.digest for each in BroughtOverRow.objects.filter(study=study)
        }
        self.subjects: dict[str, Subject] = {
            each.unique_id: each.subject
            for each in SubjectOrigin.objects.filter(study=study).select_related("subject__protocol_version")
        }
        self.visits: dict[tuple[str, Decimal], Visit] = {}
        self.lesions: dict[tuple[str, str, str], str] = {}  # by subject, evaluator and the source's name

    def run(self) -> Report:
        made = plan(self.transfer, self.definition)
        self.report.left_out += made.left_out
        for row in self.transfer.rows("DM"):
            self._enter_subject(row)
        for subject in self.subjects.values():
            self._remember_visits(subject)
        for row in sorted(self.transfer.rows("SV"), key=lambda each: (each.subject, float(each.text("VISITNUM") or 0))):
            self._start_visit(row)
        for page in made.pages:
            self._fill(page)
        return self.report

    # -------------------------------------------------------------------------------------------------- subjects

    def _enter_subject(self, row: SourceRow) -> None:
        unique_id, number = row.subject, f"{row.text('SITEID')}-{row.text('SUBJID')}"
        site = self.sites.get(row.text("SITEID"))
        if unique_id in self.subjects:
            return
        if site is None:
            self._leave_out(
                row, f"Site {row.text('SITEID') or 'without number'} is not open in study {self.study.code}."
            )
            return
        if Subject.objects.filter(study=self.study, number=number).exists():
            self.report.conflicts.append(f"{row.place}: subject {number} was entered here by hand; it is left alone.")
            return
        with self._because(row):
            subject = subject_services.enter_subject(
                actor=self.actor, site=site, protocol_version=self.version, at=self.at, number=number
            )
            self._place_in_cohort(subject, row)
            SubjectOrigin.objects.create(
                study=self.study, subject=subject, unique_id=unique_id, subject_number=row.text("SUBJID")
            )
        schedule.plan_visits(subject=subject)
        self.subjects[unique_id] = subject

    def _place_in_cohort(self, subject: Subject, row: SourceRow) -> None:
        """The arm that the source randomized the subject to. No slot was asked for here and none is invented."""
        cohort = next((each for each in self.definition.cohorts if each.arm == row.text("ARMCD")), None)
        if cohort is None:
            if row.text("ARMCD"):
                self._leave_out(row, f"The protocol has no cohort for the arm {row.text('ARMCD')}.")
            return
        subject.part, subject.cohort, subject.dose_level = cohort.part, cohort.code, cohort.dose_level
        subject.save(update_fields=["part", "cohort", "dose_level"])
        subject_services.change_status(
            actor=self.actor, subject=subject, status=Status.ENROLLED, at=self.at, why=self._reason([row])
        )

    # -------------------------------------------------------------------------------------------------- visits

    def _remember_visits(self, subject: Subject) -> None:
        unique_id = next(known for known, each in self.subjects.items() if each.pk == subject.pk)
        for visit in Visit.objects.filter(subject=subject).select_related("subject__protocol_version"):
            self.visits[unique_id, visit.number.normalize()] = visit

    def _start_visit(self, row: SourceRow) -> None:
        subject = self.subjects.get(row.subject)
        if not self._is_new(row):
            return
        if subject is None or not row.text("VISITNUM"):
            self._leave_out(row, "Its subject was not brought over." if row.text("VISITNUM") else "It has no VISITNUM.")
            return
        number = Decimal(row.text("VISITNUM")).normalize()
        took_place = _moment(row.text("SVSTDTC"))
        if took_place is None:
            self._leave_out(row, "The visit has no date (SVSTDTC).")
            return
        visit = self.visits.get((row.subject, number))
        with self._because(row):
            if visit is None:
                visit = schedule.add_unscheduled_visit(
                    actor=self.actor, subject=subject, took_place=took_place, forms=(), at=self.at, number=number
                )
            elif visit.status == VisitStatus.STARTED:
                self.report.conflicts.append(f"{row.place}: the visit {visit.name} was started here before.")
                return
            else:
                visit = schedule.start_visit(actor=self.actor, visit=visit, took_place=took_place, at=self.at)
            self.visits[row.subject, number] = visit
            self._remember([row], subject, None)

    # -------------------------------------------------------------------------------------------------- pages

    def _fill(self, page: PlannedPage) -> None:
        subject = self.subjects.get(page.subject)
        fresh = [row for row in page.rows if self._is_new(row)]
        if not fresh:
            return
        if subject is None:
            for row in fresh:
                self._leave_out(row, "Its subject was not brought over.")
            return
        if len(fresh) < len(page.rows):
            if any((row.dataset, row.natural_key) in self.digests for row in page.rows if row not in fresh):
                self.report.conflicts += [
                    f"{row.place}: its page was brought over before without this row; enter it there." for row in fresh
                ]
            return
        if not pages.known(self.definition.form(page.form).page.value):
            for row in fresh:
                self._leave_out(row, f"The form {page.form} has no page here.")
            return
        with self._because(*page.rows):
            record = self._open(page, subject)
            if record is None:
                return
            self._type(page, record)
            self._complete(page, record)
            self._keep_terms(page, record)
            self._remember(page.rows, subject, record)

    def _open(self, page: PlannedPage, subject: Subject) -> FormRecord | None:
        visit = None if page.is_log or page.visit is None else self.visits.get((page.subject, page.visit.normalize()))
        if not page.is_log and (visit is None or visit.status != VisitStatus.STARTED):
            for row in page.rows:
                self._leave_out(row, "Its visit did not take place by SV.")
            return None
        if page.is_log or visit is None:
            return entry.open_record(
                actor=self.actor,
                subject=subject,
                form=page.form,
                visit=None,
                protocol_version=self.version,
                at=self.at,
            )
        record = schedule.open_form(actor=self.actor, visit=visit, form=page.form, at=self.at)
        taken = BroughtOverRow.objects.filter(record__visit=visit, record__form=page.form)
        if taken.filter(record=record).exists():
            repeats = FormRecord.objects.filter(visit=visit, form=page.form).count()
            record = entry.open_record(
                actor=self.actor,
                subject=subject,
                form=page.form,
                visit=visit,
                protocol_version=self.version,
                at=self.at,
                repeat=repeats + 1,
            )
        return record

    def _type(self, page: PlannedPage, record: FormRecord) -> None:
        """Save the texts as one act; a text that its field refuses is left out with the field's own sentence."""
        texts = dict(page.texts)
        is_lesion = self.definition.form(page.form).page is Page.LESION
        while texts:
            try:
                self._save(page, record, texts, is_lesion=is_lesion)
                return
            except entry.Incomplete as refused:
                for finding in refused.findings:
                    self._leave_out(page.sources[finding.path], finding.sentence)
                    del texts[finding.path]

    def _save(self, page: PlannedPage, record: FormRecord, texts: dict[str, str], *, is_lesion: bool) -> None:
        """Who assessed what comes first: it names a lesion, and decides which lesions an assessment has a line for."""
        first = {path: text for path, text in texts.items() if path in ("evaluator", "kind")}
        if first:
            entry.save_values(actor=self.actor, record=record, texts=first, at=self.at, reason=self._reason(page.rows))
        if is_lesion:
            name = Lesion.objects.values_list("lesion_id", flat=True).get(record=record)
            self.lesions[page.subject, page.texts.get("evaluator", ""), page.rows[0].text("TULNKID")] = name or ""
        rest = {self._path(page, path): (path, text) for path, text in texts.items() if path not in first}
        unknown = [path for path, _ in rest.values() if not self._path(page, path)]
        if unknown:
            raise entry.Incomplete(
                [
                    Finding(path, f"The lesion {path.split('/')[1]} is not identified in TU.", Weight.BLOCKS)
                    for path in unknown
                ]
            )
        for kind, link in page.lines:
            key = self._path(page, f"{kind}/{link}/").split("/")[1]
            model = pages.page(record.page).line_types[kind].model
            if not model._default_manager.filter(record=record, key=key).exists():
                entry.add_line(actor=self.actor, record=record, kind=kind, key=key, at=self.at)
        told = {here: text for here, (_, text) in rest.items()}
        try:
            entry.save_values(actor=self.actor, record=record, texts=told, at=self.at, reason=self._reason(page.rows))
        except entry.Incomplete as refused:
            raise entry.Incomplete(
                [replace(finding, path=rest[finding.path][0]) for finding in refused.findings]
            ) from refused

    def _path(self, page: PlannedPage, path: str) -> str:
        """The path here: a lesion has the name that it was allotted when it was entered. Empty for one not known."""
        if not path.startswith("lesions/"):
            return path
        kind, link, column = path.split("/")
        name = self.lesions.get((page.subject, page.texts.get("evaluator", ""), link))
        return f"{kind}/{name}/{column}" if name else ""

    def _complete(self, page: PlannedPage, record: FormRecord) -> None:
        """Complete the page; what it needs and the source does not have is blank with that as its reason."""
        try:
            entry.complete_record(actor=self.actor, record=record, at=self.at)
            return
        except entry.Incomplete as refused:
            missing = [finding for finding in refused.findings if finding.check == "missing"]
        if missing:
            entry.explain_blanks(
                actor=self.actor,
                record=record,
                paths=[finding.path for finding in missing],
                why=NOT_TRANSFERRED,
                at=self.at,
                reason=self._reason(page.rows),
            )
        try:
            entry.complete_record(actor=self.actor, record=record, at=self.at)
        except entry.Incomplete as refused:
            self.report.unfinished.append(f"{page.rows[0].place}: {' '.join(refused.problems)}")

    def _keep_terms(self, page: PlannedPage, record: FormRecord) -> None:
        words = page.coding
        if words is None or not (words.preferred_term or words.lowest_term or words.body_system or page.drug_class):
            return
        TransferredTerm.objects.create(
            subject_id=record.subject_id,
            record=record,
            lowest_term=words.lowest_term or "",
            preferred_term=words.preferred_term or "",
            high_term=words.high_term or "",
            high_group=words.high_group or "",
            body_system=words.body_system or "",
            drug_class=page.drug_class,
        )

    # -------------------------------------------------------------------------------------------------- provenance

    def _is_new(self, row: SourceRow) -> bool:
        """Whether the row was not brought over before. One that says something else is a conflict."""
        known = self.digests.get((row.dataset, row.natural_key))
        if known is None:
            return True
        if known == row.digest:
            self.report.known[row.dataset] += 1
        else:
            self.report.conflicts.append(f"{row.place}: it says something else than when it was brought over.")
        return False

    def _remember(self, rows: list[SourceRow], subject: Subject, record: FormRecord | None) -> None:
        BroughtOverRow.objects.bulk_create(
            BroughtOverRow(
                site_id=subject.site_id,
                study=self.study,
                subject=subject,
                record=record,
                dataset=row.dataset,
                natural_key=row.natural_key,
                digest=row.digest,
                file=row.file,
                row=row.number,
            )
            for row in rows
        )
        self.report.written.update(row.dataset for row in rows)

    def _leave_out(self, row: SourceRow, why: str) -> None:
        self.report.left_out.append(LeftOut(row, why))

    def _reason(self, rows: list[SourceRow]) -> str:
        numbers: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            numbers[row.file].append(row.number)
        places = "; ".join(f"{file} {_rows_in_words(found)}" for file, found in numbers.items())
        return f"Import of study {self.study.code} from {places}"[:LONGEST_REASON]

    @contextmanager
    def _because(self, *rows: SourceRow) -> Iterator[None]:
        with transaction.atomic(), because(self._reason(list(rows))):
            yield


def _moment(text: str) -> PartialDate | None:
    try:
        return PartialDate.parse(text)
    except ValueError:
        return None
