"""Where serious events stand on their way to the authority: whose answers count, what is due when, what went out.

Everything is read from the data each time. Day zero is the day, at the sponsor, on which the four minimum items were
here; nobody types it, and neither triage nor acknowledgement moves it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from zoneinfo import ZoneInfo

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.core.actor import Actor
from apps.safety import asked
from apps.safety.models import (
    AdverseEvent,
    Attribution,
    AuthorityReport,
    Grade,
    Outcome,
    ProductTriage,
    ReferenceInformation,
    ReportState,
    SeriousEventReport,
    Triage,
)
from apps.subjects.models import Subject
from apps.visits.models import EntryState, FormRecord
from clinical import clocks, triage
from clinical.clocks import AuthorityClock, AuthorityClocks, Report, SeriousEvent
from clinical.protocol.definition import Definition
from clinical.protocol.pages import Page
from clinical.triage import Determination, Opinion, Reference

REPORT_WORDS = {
    Report.OTHER: "15-day report",
    Report.FATAL: "7-day report",
    Report.FOLLOW_UP: "completion of the 7-day report",
}
REGIONS = (clocks.EUROPE, clocks.UNITED_KINGDOM, clocks.UNITED_STATES)


@dataclass(frozen=True)
class ProductView:
    """One study product in the triage of one event: both parties' answers, and what expected is judged against."""

    code: str
    name: str
    opinion: Opinion
    investigator_words: str
    references: tuple[ReferenceInformation, ...]
    """The versions that were in force at the onset; several where the onset is not exact."""
    judged_against: ReferenceInformation | None

    @property
    def sentence(self) -> str:
        """Both opinions in words, and the one that counts where they differ."""
        sponsor = {True: "related", False: "not related", None: "not answered"}[self.opinion.sponsor]
        said = f"Investigator: {self.investigator_words}. Sponsor: {sponsor}."
        if not self.opinion.differs:
            return said
        return f"{said} They differ: it counts as related, and both opinions are transmitted."


@dataclass(frozen=True)
class DueReport:
    """One report that is due to the authority, with the day on which it went out."""

    clock: AuthorityClock
    submitted: date | None
    today: date
    is_provisional: bool

    @property
    def name(self) -> str:
        return REPORT_WORDS[self.clock.report]

    @property
    def words(self) -> str:
        return self.clock.in_words(self.today, self.submitted)

    @property
    def tone(self) -> str:
        """How urgently it is shown: the last two days are a warning."""
        if self.submitted is not None:
            return "ok" if self.submitted <= self.clock.due else "warn"
        left = self.clock.days_left(self.today)
        return "error" if left < 0 else "warn" if left <= 2 else "info"


@dataclass(frozen=True)
class TriageCase:
    """Everything about one serious event between the site's entry and the authority."""

    event: AdverseEvent
    report: SeriousEventReport | None
    triages: tuple[Triage, ...]
    """The latest first; the earlier ones were replaced."""
    reports: tuple[AuthorityReport, ...]
    """Every row, corrected ones too, the oldest first."""
    products: tuple[ProductView, ...]
    zone: ZoneInfo
    at: datetime

    @property
    def record(self) -> FormRecord:
        return self.event.record

    @property
    def definition(self) -> Definition:
        return self.record.protocol_version.definition

    @property
    def is_followed(self) -> bool:
        """Whether it is serious to somebody, or was."""
        return bool(self.event.is_serious or self.report is not None or self.triages)

    @property
    def today(self) -> date:
        """The day at the sponsor."""
        return self.at.astimezone(self.zone).date()

    @property
    def latest(self) -> Triage | None:
        """The triage that counts."""
        return self.triages[0] if self.triages else None

    @property
    def page_is_fatal(self) -> bool:
        """Whether the site's page says fatal or life threatening."""
        return is_fatal(self.event)

    @cached_property
    def minimum(self) -> clocks.MinimumInformation:
        """When each minimum item was here. Reporter and suspect product are named with the page itself: the product
        is the trial's own, and whether it is suspected is what the two parties answer."""
        opened = self.record.opened_at
        noted = opened if self.report is None else self.report.event_at
        named = noted if self.event.term or self.event.ctcae_term else None
        return clocks.MinimumInformation(subject=opened, reporter=opened, product=opened, event=named)

    @cached_property
    def facts(self) -> SeriousEvent:
        """What the clocks are computed from."""
        latest, leading = self.latest, triage.leading(view.opinion for view in self.products)
        return SeriousEvent(
            sponsor_zone=self.zone,
            received_at=self.minimum.complete_at,
            serious=clocks.either_says_serious(self.event.is_serious, None if latest is None else latest.is_serious),
            related=leading.related,
            unexpected=leading.unexpected,
            fatal_or_life_threatening=self.page_is_fatal or (latest is not None and latest.is_fatal),
            fatal_known_at=self._fatal_known_at,
            determined_at=self._determined_at,
        )

    @property
    def _fatal_known_at(self) -> datetime | None:
        """When the sponsor first knew, by the page or otherwise; None where that is not told: from the beginning."""
        moments = []
        if self.page_is_fatal:
            moments.append(None if self.report is None else self.report.fatal_known_at)
        if self.latest is not None and self.latest.fatal_known_at is not None:
            moments.append(self.latest.fatal_known_at)
        known = [moment for moment in moments if moment is not None]
        return min(known, default=None) if len(known) == len(moments) else None

    @property
    def _determined_at(self) -> datetime | None:
        """When the sponsor first said that it goes to the authority (21 CFR 312.32(c)(1))."""
        said = [each.triaged_at for each in self.triages if each.determination == Determination.SUSAR]
        return min(said, default=None)

    @cached_property
    def authority_clocks(self) -> AuthorityClocks:
        """What is due by the strictest reading of all regions, and by the protocol where that is stricter still."""
        safety = self.definition.safety
        region = clocks.at_most(clocks.EARLIEST, fatal_days=safety.susar_fatal_days, other_days=safety.susar_days)
        return clocks.authority_clocks(self.facts, region)

    @property
    def determination(self) -> Determination:
        return triage.determination(self.authority_clocks.is_susar)

    @property
    def day_zero(self) -> date | None:
        moment = self.minimum.complete_at
        return None if moment is None else moment.astimezone(self.zone).date()

    @cached_property
    def rows(self) -> tuple[AuthorityReport, ...]:
        """Each number as it was last corrected, the initial report first; those taken back too."""
        replaced = {each.replaces_id for each in self.reports}
        return tuple(sorted((each for each in self.reports if each.pk not in replaced), key=lambda each: each.number))

    @property
    def sent(self) -> tuple[AuthorityReport, ...]:
        """What went out."""
        return tuple(each for each in self.rows if each.was_sent)

    @cached_property
    def submitted(self) -> Mapping[Report, date]:
        """The day at the sponsor on which each report went out."""
        return clocks.submitted_on(
            clocks.Submission(
                each.submitted_at.astimezone(self.zone).date(), frozenset(Report(word) for word in each.answers)
            )
            for each in self.sent
        )

    @cached_property
    def due(self) -> list[DueReport]:
        """Every report with its clock, the most urgent first."""
        found, out = self.authority_clocks, self.submitted
        is_provisional = found.is_susar is None
        return [DueReport(clock, out.get(clock.report), self.today, is_provisional) for clock in found.clocks]

    @property
    def may_be_sent(self) -> bool:
        """Whether a report can go out: there is something to report, and it is not ruled out or went out before."""
        return self.minimum.complete_at is not None and (
            bool(self.sent) or (self.is_followed and self.authority_clocks.is_susar is not False)
        )

    @property
    def owed(self) -> list[DueReport]:
        """The reports that are due and have not gone out."""
        return [each for each in self.due if each.submitted is None]

    @property
    def by_region(self) -> list[tuple[str, str]]:
        """The first report still owed as each authority counts it, in words; nothing where they all count alike."""
        owed = {each.clock.report for each in self.owed}
        found: dict[str, str] = {}
        for region, clock in clocks.earliest_reports(self.facts, REGIONS):
            if clock.report in owed:
                found.setdefault(region.name, f"{clock.due:%d-%b-%Y} ({REPORT_WORDS[clock.report]})")
        return sorted(found.items()) if len(set(found.values())) > 1 else []

    @property
    def standing(self) -> triage.Case:
        return triage.Case(
            reported=self.report is not None and self.report.state == ReportState.REPORTED,
            triaged=self.latest is not None,
            determination=self.determination,
            latest_report=max((each.number for each in self.sent), default=None),
            all_answered=not self.owed,
            outcome_known=self.event.outcome not in (None, Outcome.UNKNOWN)
            and (self.event.ended is not None or self.event.is_ongoing is False),
        )

    @property
    def state_in_words(self) -> str:
        return triage.in_words(self.standing)

    @property
    def clock_in_words(self) -> str:
        """The line at the top of the section: what is due next, or why nothing is."""
        if self.authority_clocks.is_susar is False:
            return "Nothing is due at the authority"
        if self.minimum.complete_at is None:
            return f"The clock of the authority has not started: {', '.join(self.minimum.missing)} is missing"
        owed = self.owed
        if not owed:
            return "Everything that is due went to the authority"
        first = owed[0]
        name = f"{first.name[0].upper()}{first.name[1:]}"
        return f"{name} {first.words}" + (" (provisional: an answer is missing)" if first.is_provisional else "")

    @property
    def tone(self) -> str:
        """How urgently the case is shown."""
        return self.owed[0].tone if self.owed else "ok" if self.standing.triaged else "info"

    @property
    def basis(self) -> str:
        """What the triage rests on, in words; another basis later means that the facts have changed since."""
        parts = [
            f"serious: {_yes_no(self.event.is_serious)}",
            f"fatal or life threatening: {_yes_no(self.page_is_fatal)}",
            f"began: {self.event.onset or 'not known'}",
            *(f"{view.name}: {view.investigator_words}" for view in self.products),
        ]
        return "; ".join(parts)[:500]

    @property
    def needs_new_look(self) -> bool:
        """Whether the page says something else than when the sponsor triaged, or a reference was corrected since."""
        if self.latest is None:
            return False
        judged = [view for view in self.products if view.judged_against is not None]
        return self.latest.basis != self.basis or any(view.judged_against not in view.references for view in judged)


@dataclass(frozen=True)
class HistoryEntry:
    """One record of the triage or of a report, as the history shows it."""

    at: datetime
    title: str
    lines: tuple[str, ...]
    reason: str
    who: str
    role: str
    number: int | None = None
    """The number of a report that can still be corrected."""


def history(case: TriageCase) -> list[HistoryEntry]:
    """Everything that was recorded of the event, the newest first."""
    names = {product.code: product.name for product in case.definition.products}
    products: dict[int, list[ProductTriage]] = defaultdict(list)
    for row in ProductTriage.objects.filter(triage__in=case.triages).select_related("reference").order_by("pk"):
        products[row.triage_id].append(row)
    found = [_of_triage(each, products[each.pk], names, case.zone) for each in case.triages]
    current = {each.pk for each in case.sent}
    found += [_of_report(each, case.zone, is_current=each.pk in current) for each in case.reports]
    return sorted(found, key=lambda entry: entry.at, reverse=True)


def _of_triage(
    row: Triage, products: Sequence[ProductTriage], names: Mapping[str, str], zone: ZoneInfo
) -> HistoryEntry:
    fatal = _yes_no(row.is_fatal)
    if row.fatal_known_at is not None:
        fatal += f", known since {_moment(row.fatal_known_at, zone)}"
    lines = [f"Serious: {_yes_no(row.is_serious)}. Fatal or life threatening: {fatal}."]
    for each in products:
        words = f"{names.get(each.product, each.product)}: related for the sponsor {_yes_no(each.is_related)}, "
        words += f"for the investigator {_yes_no(each.investigator_related)}"
        if each.reference is not None:
            words += f"; expected {_yes_no(each.is_expected)} by {each.reference.version}"
        lines.append(f"{words}.")
    title = f"Triaged: {row.get_determination_display()}"
    return HistoryEntry(row.triaged_at, title, tuple(lines), row.reason, row.triaged_by_name, row.triaged_by_role)


def _of_report(row: AuthorityReport, zone: ZoneInfo, *, is_current: bool) -> HistoryEntry:
    name = report_name(row.number)
    sent_as = ", ".join(REPORT_WORDS[Report(word)] for word in row.answers) or "a further follow-up"
    line = f"Went to {row.authority} on {_moment(row.submitted_at, zone)} as {sent_as}."
    if not row.was_sent:
        title, line = f"{name} taken back", "It was never sent."
    elif row.replaces_id is None:
        title = f"{name} submitted"
    else:
        title = f"{name} corrected"
    return HistoryEntry(
        row.recorded_at,
        title,
        (line,),
        row.reason,
        row.recorded_by_name,
        row.recorded_by_role,
        row.number if is_current else None,
    )


def report_name(number: int) -> str:
    """The initial report, or a follow-up by its number."""
    return f"Follow-up {number}" if number else "Initial report"


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%d-%b-%Y %H:%M} ({zone.key})"


def is_fatal(event: AdverseEvent) -> bool:
    """Whether the page says that the event is fatal or life threatening."""
    return bool(
        event.results_in_death
        or event.is_life_threatening
        or event.outcome == Outcome.FATAL
        or event.maximum_grade == Grade.DEATH
    )


def serious_events() -> QuerySet[AdverseEvent]:
    """Events that are serious to somebody, or were: a report that was begun is never forgotten."""
    reports = SeriousEventReport.objects.filter(record=OuterRef("record"))
    triages = Triage.objects.filter(record=OuterRef("record"))
    found: QuerySet[AdverseEvent] = (
        AdverseEvent.objects.filter(Q(is_serious=True) | Exists(reports) | Exists(triages))
        .filter(record__page=Page.ADVERSE_EVENT.value)
        .exclude(record__state=EntryState.REMOVED)
        .select_related("record__subject", "record__site", "record__study", "record__protocol_version")
        .order_by("record__subject__number", "record__repeat")
    )
    return found


def cases_of_subjects(subjects: Sequence[Subject], at: datetime) -> list[TriageCase]:
    """The serious events of these subjects, with the same few queries for any number of them."""
    return _cases(list(serious_events().filter(record__subject__in=subjects)), at)


def cases_of_study(*, actor: Actor, at: datetime) -> list[TriageCase]:
    """Every serious event that the actor sees: what is owed first, the most urgent first, then the others."""
    events = serious_events().filter(record__study_id=actor.study_id, site_id__in=actor.site_ids)
    return sorted(
        _cases(list(events), at),
        key=lambda case: (case.owed[0].clock.due if case.owed else date.max, case.standing.triaged),
    )


def case_of(record: FormRecord, at: datetime) -> TriageCase | None:
    """The case of one event, whether serious or not; None for an entry that was removed or is no adverse event."""
    events = AdverseEvent.objects.filter(record=record, record__page=Page.ADVERSE_EVENT.value).exclude(
        record__state=EntryState.REMOVED
    )
    found = _cases(
        list(events.select_related("record__subject", "record__site", "record__study", "record__protocol_version")), at
    )
    return found[0] if found else None


def _cases(events: Sequence[AdverseEvent], at: datetime) -> list[TriageCase]:
    if not events:
        return []
    keys = [event.record_id for event in events]
    reports = {each.record_id: each for each in SeriousEventReport.objects.filter(record__in=keys)}
    triages: dict[int, list[Triage]] = defaultdict(list)
    for row in Triage.objects.filter(record__in=keys).order_by("-triaged_at", "-pk"):
        triages[row.record_id].append(row)
    judged: dict[int, dict[str, ProductTriage]] = defaultdict(dict)
    latest = [rows[0].pk for rows in triages.values()]
    for product in ProductTriage.objects.filter(triage__in=latest).select_related("reference"):
        judged[product.triage_id][product.product] = product
    sent: dict[int, list[AuthorityReport]] = defaultdict(list)
    for each in AuthorityReport.objects.filter(record__in=keys).order_by("recorded_at", "pk"):
        sent[each.record_id].append(each)
    relations: dict[int, dict[str, str | None]] = defaultdict(dict)
    for line in Attribution.objects.filter(record__in=keys, is_removed=False):
        relations[line.record_id][line.key] = line.relation
    references = references_of({event.record.study_id for event in events})
    found = []
    for event in events:
        key = event.record_id
        rows = tuple(triages[key])
        found.append(
            TriageCase(
                event=event,
                report=reports.get(key),
                triages=rows,
                reports=tuple(sent[key]),
                products=tuple(
                    _products(
                        event, relations[key], judged[rows[0].pk] if rows else {}, references[event.record.study_id]
                    )
                ),
                zone=ZoneInfo(event.record.study.zone),
                at=at,
            )
        )
    return found


def references_of(studies: Iterable[int]) -> dict[int, list[ReferenceInformation]]:
    """The versions that stand, corrected ones left out, by study; in the order in which they came into force."""
    found: dict[int, list[ReferenceInformation]] = defaultdict(list)
    standing = ReferenceInformation.objects.filter(study__in=studies, replaced_by=None)
    for row in standing.order_by("product", "in_force_from", "pk"):
        found[row.study_id].append(row)
    return found


def _products(
    event: AdverseEvent,
    relations: Mapping[str, str | None],
    judged: Mapping[str, ProductTriage],
    references: Sequence[ReferenceInformation],
) -> Iterable[ProductView]:
    """One view of each study product. Other products (premedication, lymphodepletion) are not what is investigated."""
    definition = event.record.protocol_version.definition
    words, related = dict(asked.relations(definition)), definition.safety.related_terms
    for product in definition.products:
        if not product.study_product:
            continue
        word = relations.get(product.code) or event.relation
        said = judged.get(product.code)
        yield ProductView(
            code=product.code,
            name=product.name,
            opinion=Opinion(
                product=product.code,
                investigator=None if word is None else word in related,
                sponsor=None if said is None else said.is_related,
                expected=None if said is None else said.is_expected,
            ),
            investigator_words="not answered" if word is None else words.get(word, word).lower(),
            references=_in_force(references, product.code, event),
            judged_against=None if said is None else said.reference,
        )


def _in_force(
    references: Sequence[ReferenceInformation], product: str, event: AdverseEvent
) -> tuple[ReferenceInformation, ...]:
    rows = {Reference(each.product, each.version, each.in_force_from): each for each in references}
    return tuple(rows[each] for each in triage.in_force(rows, product=product, onset=event.onset))


def _yes_no(answer: bool | None) -> str:
    return {True: "yes", False: "no", None: "not answered"}[answer]
