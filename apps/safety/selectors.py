"""Questions about harm: where a subject stands on DLT, what an event's page says, the clock of a serious event."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import QuerySet

from apps.core.actor import Actor
from apps.safety import asked, facts
from apps.safety.models import (
    AdverseEvent,
    Attribution,
    DltAdjudication,
    DltAnswer,
    DltStanding,
    GradePeriod,
    Judgement,
    ReportState,
    SeriousEventReport,
)
from apps.subjects.models import Subject
from apps.visits import pages, values
from apps.visits.models import EntryState, FormRecord
from clinical import clocks
from clinical.dlt import subject as engine
from clinical.dlt.evaluability import evaluate_subject
from clinical.dlt.evaluation import Answer, Assessment, question_arises
from clinical.dlt.subject import DltStatus
from clinical.protocol.pages import Page


def dlt_status(subject: Subject, at: datetime) -> DltStatus | None:
    """Where the subject stands on dose-limiting toxicity at a moment; None where the protocol has no DLT."""
    return dlt_statuses([subject], at)[subject.pk]


def dlt_statuses(subjects: Sequence[Subject], at: datetime) -> dict[int, DltStatus | None]:
    """The same of many subjects, by their key, with no more queries for the data of safety and laboratory."""
    found: dict[int, DltStatus | None] = {subject.pk: None for subject in subjects}
    asked_of = [subject for subject in subjects if subject.protocol_version.definition.dlt is not None]
    for case in facts.dlt_cases(asked_of):
        found[case.subject.pk] = status_of(case, at)
    return found


def status_of(case: facts.DltCase, at: datetime) -> DltStatus | None:
    """The status of one case. An event that could be dose limiting waits for the investigator's answer."""
    definition = facts.dlt_definition(case.subject.protocol_version.definition)
    if definition is None:
        return None
    status = engine.dlt_status(
        definition,
        case.facts,
        adjudications=case.adjudications,
        at=at,
        zone=case.subject.site.zone_info,
        departure=case.departure,
    )
    missing = _unanswered(case, status, facts.lowest_dose_limiting_grade(definition.criteria))
    if not missing:
        return status
    return replace(
        status,
        evaluability=evaluate_subject(
            window=status.window,
            assessments=status.assessments,
            adjudications=case.adjudications,
            doses=case.facts.doses,
            at=at,
            minimum=definition.minimum,
            departure=case.departure,
            missing=missing,
        ),
    )


def _unanswered(case: facts.DltCase, status: DltStatus, lowest_grade: int) -> tuple[str, ...]:
    """The events on which the investigator owes an answer before the subject counts as free of DLT."""
    judged = {each.event_id for each in case.adjudications}
    owed = []
    for event in case.facts.events:
        if event.id in case.answered or event.id in judged or not question_arises(event, status.window):
            continue
        highest = status.of_event(event.id).highest_grade
        if highest is not None and highest >= lowest_grade:
            owed.append(f"the investigator's answer on {event.term or 'an event'}")
    return tuple(owed)


def standing(case: facts.DltCase, status: DltStatus | None, event_id: str) -> tuple[DltStanding, datetime | None]:
    """Where the question stands for one event, and when time alone makes an undecided one a candidate."""
    if status is None or status.window is None:
        return DltStanding.NOT_ASKED, None
    assessment = status.of_event(event_id)
    rulings = [each for each in case.adjudications if each.event_id == event_id]
    latest = max(rulings, key=lambda each: each.at, default=None)
    if latest is not None and latest.ruling.value == Judgement.CONFIRMED.value:
        return DltStanding.CONFIRMED, None
    is_open = event_id in status.evaluability.candidates
    if latest is not None and latest.ruling.value == Judgement.REJECTED.value and not is_open:
        return DltStanding.REJECTED, None
    if latest is not None and latest.ruling.value != Judgement.REJECTED.value:
        return DltStanding.SITE_REPORTED, None
    match assessment.answer:
        case Answer.MET:
            return DltStanding.SUGGESTED, None
        case Answer.UNDECIDED:
            due = [each.until for each in assessment.undecided if each.until and each.qualifies]
            return DltStanding.UNDECIDED, min(due, default=None)
    event = next(each for each in case.facts.events if each.id == event_id)
    return (DltStanding.NOT_MET if question_arises(event, status.window) else DltStanding.NOT_ASKED), None


@dataclass(frozen=True)
class DltQuestion:
    """The DLT question of one event (or of the subject's other facts) as its page shows it: three answers."""

    subject: Subject
    record: FormRecord | None
    status: DltStatus
    assessment: Assessment
    answer: DltAnswer | None
    earlier_answers: tuple[DltAnswer, ...]
    adjudication: DltAdjudication | None
    earlier_adjudications: tuple[DltAdjudication, ...]
    arises: bool
    at: datetime

    @property
    def criteria(self) -> list[tuple[str, str, str]]:
        """Each criterion: its answer as a word, its own words, and the facts, which need not name it once more."""
        zone = self.subject.site.zone_info
        facts = [each.in_words(zone).partition(f"“{each.text}”: ")[2] for each in self.assessment.criteria]
        return [
            (each.answer.value, each.text, fact[:1].upper() + fact[1:])
            for each, fact in zip(self.assessment.criteria, facts, strict=True)
        ]

    @property
    def system_says(self) -> str:
        """The system's suggestion in one word or two."""
        return {
            Answer.MET: "Meets a criterion",
            Answer.NOT_MET: "Meets no criterion",
            Answer.UNDECIDED: "Undecided",
        }[self.assessment.answer]

    @property
    def system_reason(self) -> str:
        return self.assessment.in_words(self.subject.site.zone_info)

    @property
    def system_sentence(self) -> str:
        """The suggestion in one line: what is met or open says so itself; of what is not met the table tells why."""
        return f"{self.system_says}." if self.assessment.answer is Answer.NOT_MET else self.system_reason

    @property
    def window_words(self) -> str:
        """The DLT period as this subject is in it."""
        return str(self.status.evaluability)

    @property
    def disagreement(self) -> str:
        """In words where the three answers differ; nothing while they agree or are not all given."""
        said = []
        if self.assessment.answer is not Answer.UNDECIDED:
            said.append(("the system", self.assessment.answer is Answer.MET))
        if self.answer is not None:
            said.append(("the investigator", self.answer.is_dlt))
        if self.adjudication is not None:
            said.append(("the sponsor", self.adjudication.judgement == Judgement.CONFIRMED))
        yes = [who for who, is_dlt in said if is_dlt]
        no = [who for who, is_dlt in said if not is_dlt]
        if not yes or not no:
            return ""
        return f"A DLT for {' and '.join(yes)}, not for {' and '.join(no)}."

    @property
    def needs_new_look(self) -> bool:
        """Whether the facts have changed since the sponsor decided."""
        event = None if self.record is None else str(self.record.pk)
        return event in self.status.evaluability.ruled_on_other_facts


def dlt_question(subject: Subject, record: FormRecord | None, at: datetime) -> DltQuestion | None:
    """The question as it stands; None where the protocol has none or the subject was not dosed."""
    if subject.protocol_version.definition.dlt is None:
        return None
    (case,) = facts.dlt_cases([subject])
    status = status_of(case, at)
    if status is None or status.window is None:
        return None
    event_id = None if record is None else str(record.pk)
    assessment = next((each for each in status.assessments if each.event_id == event_id), None)
    if assessment is None:  # the event was removed
        return None
    answers = list(DltAnswer.objects.filter(subject=subject, record=record).order_by("-answered_at", "-pk"))
    judged = list(DltAdjudication.objects.filter(subject=subject, record=record).order_by("-adjudicated_at", "-pk"))
    event = next((each for each in case.facts.events if each.id == event_id), None)
    arises = assessment.answer is not Answer.NOT_MET if event is None else question_arises(event, status.window)
    return DltQuestion(
        subject=subject,
        record=record,
        status=status,
        assessment=assessment,
        answer=answers[0] if answers else None,
        earlier_answers=tuple(answers[1:]),
        adjudication=judged[0] if judged else None,
        earlier_adjudications=tuple(judged[1:]),
        arises=arises or bool(answers) or bool(judged),
        at=at,
    )


@dataclass(frozen=True)
class ReportClock:
    """The clock of a serious event's report to the sponsor."""

    report: SeriousEventReport | None
    clock: clocks.SiteClock | None
    at: datetime

    @property
    def words(self) -> str:
        """For the top of the page: “Report due in 22 h 10 min”."""
        if self.clock is None:
            return "Enter when the site became aware: the report to the sponsor is due from that moment."
        words = self.clock.in_words(self.at)
        return words[0].upper() + words[1:] if words.startswith("report") else f"Report {words}"

    @property
    def tone(self) -> str:
        """How urgently it is shown."""
        if self.clock is None:
            return "warn"
        return {
            clocks.SiteClockState.RUNNING: "info",
            clocks.SiteClockState.WARNED: "warn",
            clocks.SiteClockState.OVERDUE: "error",
            clocks.SiteClockState.IN_TIME: "ok",
            clocks.SiteClockState.LATE: "warn",
        }[self.clock.state(self.at)]

    @property
    def is_reported(self) -> bool:
        return self.report is not None and self.report.state == ReportState.REPORTED


def report_clock(event: AdverseEvent, record: FormRecord, at: datetime) -> ReportClock | None:
    """The clock of the event's report; None for an event that is not serious and never was reported."""
    report = SeriousEventReport.objects.filter(record=record).first()
    is_reported = report is not None and report.state == ReportState.REPORTED
    if not event.is_serious and not is_reported:
        return None
    safety = record.protocol_version.definition.safety
    clock = None
    if event.site_aware_at is not None:
        reminders = safety.sae_reminder_hours
        clock = clocks.site_clock(
            aware_at=event.site_aware_at.earliest_at(record.site.zone_info),
            received_at=report.reported_at if report else None,
            rule=clocks.SiteRule(
                due_after=timedelta(hours=safety.sae_hours),
                warn_after=timedelta(hours=min(reminders, default=safety.sae_hours)),
            ),
        )
    elif not asked.is_collected(record.protocol_version.definition, "site_aware_at"):
        return None
    return ReportClock(report=report, clock=clock, at=at)


def events_of_subject(*, actor: Actor, subject: Subject, ongoing_only: bool = False) -> QuerySet[AdverseEvent]:
    """The adverse events of a subject that were not removed, in the order of their numbers."""
    found: QuerySet[AdverseEvent] = (
        AdverseEvent.objects.visible_to(actor)
        .filter(record__subject=subject, record__page=Page.ADVERSE_EVENT.value)
        .exclude(record__state=EntryState.REMOVED)
        .select_related("record__subject", "record__site", "record__protocol_version")
        .order_by("record__repeat")
    )
    if ongoing_only:
        found = found.filter(ended=None).exclude(is_ongoing=False)
    return found


def safety_overview(*, actor: Actor) -> dict[str, int]:
    """The counts at the head of the Safety place."""
    events = (
        AdverseEvent.objects.visible_to(actor)
        .filter(record__study_id=actor.study_id)
        .exclude(record__state=EntryState.REMOVED)
    )
    reports = SeriousEventReport.objects.visible_to(actor).filter(study_id=actor.study_id, state=ReportState.DRAFT)
    return {
        "events": events.count(),
        "serious": events.filter(is_serious=True).count(),
        "candidates": events.filter(dlt__in=[DltStanding.SUGGESTED, DltStanding.SITE_REPORTED]).count(),
        "reports_due": reports.filter(record__adverseevent__is_serious=True).count(),
    }


@dataclass(frozen=True)
class EventLine:
    """One event as a line of its subject's list."""

    event: AdverseEvent
    steps: tuple[int, ...]
    relations: tuple[tuple[str, str, str], ...]
    """Product, relation in words, action in words; only what is answered."""

    @property
    def is_open(self) -> bool:
        """Whether end and outcome are still to come."""
        return self.event.ended is None and self.event.is_ongoing is not False


def lines_of(events: Sequence[AdverseEvent]) -> list[EventLine]:
    """Grades and relations of several events of one protocol, with two queries."""
    keys = [event.pk for event in events]
    steps: dict[int, list[int]] = {key: [] for key in keys}
    for period in GradePeriod.objects.filter(record__in=keys, is_removed=False).exclude(grade=None).order_by("pk"):
        steps[period.record_id].append(period.grade or 0)
    lines: dict[int, list[Attribution]] = {key: [] for key in keys}
    for line in Attribution.objects.filter(record__in=keys, is_removed=False).exclude(relation=None).order_by("pk"):
        lines[line.record_id].append(line)
    found = []
    for event in events:
        definition = event.record.protocol_version.definition
        words = dict(asked.relations(definition))
        relations = tuple(
            (
                definition.product(line.key).name,
                words.get(line.relation or "", line.relation or ""),
                line.get_action_display() if line.action else "",
            )
            for line in lines[event.pk]
        )
        found.append(EventLine(event=event, steps=tuple(steps[event.pk]), relations=relations))
    return found


def query_paths(record: FormRecord) -> list[tuple[str, str]]:
    """The values of an event that a question can be about, with their words; first the event as a whole."""
    context = values.entry_context(record)
    found = [("", "The event as a whole")]
    form = values.head_form(record, context=context)
    found += [(name, str(field.label)) for name, field in form.fields.items()]
    for line_type in pages.page(record.page).lines:
        for line in values.lines(record, line_type.kind):
            named = values.line_form(record, line, context=context)
            found += [
                (f"{line_type.kind}/{line.key}/{name}", f"{line_type.label(line)}: {field.label}")
                for name, field in named.fields.items()
            ]
    return found
