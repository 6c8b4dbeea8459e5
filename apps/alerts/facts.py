"""From the rooms' data to the facts of the safety rules, for many subjects with the same few queries.

Names inside a case (`AE-2`) are the numbers that the pages show, so that a signal's key is the same after a restore.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import F, Max, QuerySet

from apps.alerts import cases
from apps.alerts.cases import Case
from apps.assessments.models import Death, ToxicityObservation, YesNo
from apps.assessments.toxicity import EPISODE_GAP
from apps.dosing.models import Administration
from apps.dosing.plan import escalated_product
from apps.enrollment.models import Cohort
from apps.labs.models import LabResult
from apps.safety import asked, authority
from apps.safety import facts as safety_facts
from apps.safety import selectors as safety
from apps.safety.models import AdverseEvent, DltAnswer, DltStanding, Grade, Outcome, Scale, SeriousEventReport
from apps.subjects.models import Subject
from apps.visits.models import EntryState, FormRecord, PathVersion
from clinical import astct
from clinical.dlt.evaluability import State
from clinical.dlt.evaluation import Answer, Assessment, question_arises
from clinical.dlt.facts import ToxicityEvent
from clinical.dlt.subject import DltStatus
from clinical.dlt.verdict import Truth
from clinical.partial_date import LATEST_YEAR, PartialDate
from clinical.signals import toxicity
from clinical.signals.deadlines import DeathFacts, SaeFacts, SaeFollowUpFacts, susar_facts
from clinical.signals.dose_level import DoseFacts
from clinical.signals.laboratory import GradedLabFacts
from clinical.signals.liver import ALKALINE_PHOSPHATASE, AMINOTRANSFERASES, BILIRUBIN, LiverFacts, LiverSample
from clinical.signals.signal import Fact
from clinical.signals.toxicity import EpisodeFacts, ToxicityFacts, Verdict, WindowFacts

LIVER_TESTS = (*AMINOTRANSFERASES, BILIRUBIN, ALKALINE_PHOSPHATASE)
OTHER_FACTS = "laboratory values, doses or treatments"
UNDATED_COMES_LAST = PartialDate(LATEST_YEAR)
DLT_VERDICTS = {DltStanding.CONFIRMED: Verdict.CONFIRMED, DltStanding.REJECTED: Verdict.REJECTED}

BySubject = dict[int, list[Case]]


# Dose-limiting toxicity


@cases.of_subjects("DLT_REPORTED", "DLT_CANDIDATE_UNJUDGED")
def toxicities(subjects: Sequence[Subject], at: datetime) -> BySubject:
    """Each adverse event of a dosed subject, and once the facts that are no event, as the DLT rules see them."""
    found: BySubject = defaultdict(list)
    events = _events(subjects)
    answers = _latest_answers(subjects)
    for case, status in _dosed(subjects, at):
        subject = case.subject
        for event in case.facts.events:
            head = events[int(event.id)]
            standing, _ = safety.standing(case, status, event.id)
            facts = ToxicityFacts(
                subject=subject.number,
                event=_name(head),
                term=_term(head),
                grade=head.maximum_grade,
                began=_words(head.onset),
                dose_level=_level_words(subject, subject.dose_level),
                in_window=_in_window(event, head.onset, status),
                related=head.is_related,
                at=at,
                entered_at=head.record.opened_at,
                criterion=_met(status.of_event(event.id)),
                answer=_answer(answers.get((subject.pk, head.record_id)), standing),
                verdict=DLT_VERDICTS.get(standing, Verdict.NONE),
            )
            found[subject.pk].append(Case(facts, head.record_id))
        found[subject.pk] += _other_facts(case, status, answers.get((subject.pk, None)), at)
    return found


def _other_facts(
    case: safety_facts.DltCase, status: DltStatus, answer: DltAnswer | None, at: datetime
) -> Iterator[Case]:
    """A criterion on laboratory values, missed doses or treatments is met without any adverse event being entered."""
    assessment = next((each for each in status.assessments if each.event_id is None), None)
    if assessment is None or (assessment.answer is not Answer.MET and answer is None):
        return
    rulings = [each for each in case.adjudications if each.event_id is None]
    latest = max(rulings, key=lambda each: each.at, default=None)
    verdict = (
        Verdict.NONE
        if latest is None
        else {"confirmed": Verdict.CONFIRMED, "rejected": Verdict.REJECTED}.get(latest.ruling.value, Verdict.NONE)
    )
    yield Case(
        ToxicityFacts(
            subject=case.subject.number,
            event="other facts",
            term=OTHER_FACTS.capitalize(),
            grade=None,
            began=None,
            dose_level=_level_words(case.subject, case.subject.dose_level),
            in_window=True,
            related=None,
            at=at,
            entered_at=at,
            criterion=_met(assessment),
            answer=_answer(answer, None),
            verdict=verdict,
        )
    )


def _dosed(subjects: Sequence[Subject], at: datetime) -> Iterator[tuple[safety_facts.DltCase, DltStatus]]:
    """The subjects whose protocol asks the DLT question and who were dosed, each with its status."""
    asked_of = [subject for subject in subjects if subject.protocol_version.definition.dlt is not None]
    for case in safety_facts.dlt_cases(asked_of):
        status = safety.status_of(case, at)
        if status is not None and status.window is not None:
            yield case, status


def _in_window(event: ToxicityEvent, onset: PartialDate | None, status: DltStatus) -> bool | None:
    """Whether the event, or a worsening of it, lies in the DLT period; None where its dates cannot tell."""
    if status.window is None or not question_arises(event, status.window):
        return False
    if status.of_event(event.id).answer is Answer.MET:
        return True
    return None if status.window.holds(onset, "the event").truth is Truth.OPEN else True


def _met(assessment: Assessment) -> str:
    return "; ".join(each.text for each in assessment.met)


def _answer(given: DltAnswer | None, standing: DltStanding | None) -> toxicity.Answer:
    """The investigator's latest answer; what a later decision of the sponsor made of it stands beside it."""
    if standing is DltStanding.SITE_REPORTED:
        return toxicity.Answer.YES
    if given is None:
        return toxicity.Answer.UNANSWERED
    return toxicity.Answer.YES if given.is_dlt else toxicity.Answer.NO


def _latest_answers(subjects: Sequence[Subject]) -> dict[tuple[int, int | None], DltAnswer]:
    given = DltAnswer.objects.filter(subject__in=subjects).order_by("answered_at", "pk")
    return {(answer.subject_id, answer.record_id): answer for answer in given}


@cases.of_subjects("DLT_WINDOW_INCOMPLETE")
def windows(subjects: Sequence[Subject], at: datetime) -> BySubject:
    """The DLT period of each dosed subject that is over and undecided, with what is still open."""
    found: BySubject = defaultdict(list)
    for case, status in _dosed(subjects, at):
        window, standing = status.window, status.evaluability
        if window is None or window.closes is None or standing.state is not State.WINDOW_CLOSED_UNDECIDED:
            continue
        zone = case.subject.site.zone_info
        facts = WindowFacts(
            subject=case.subject.number,
            dose_level=_level_words(case.subject, case.subject.dose_level),
            closed=(window.closes - timedelta(seconds=1)).astimezone(zone).date(),
            has_closed=window.is_over(at),
            undecided=(standing.reason,),
            decided_when=standing.until.astimezone(zone).strftime("on %d-%b-%Y") if standing.until else "",
        )
        found[case.subject.pk].append(Case(facts))
    return found


# Cytokine release syndrome and neurotoxicity


@dataclass(frozen=True)
class _Witness:
    """What one page says of an episode: an adverse event as the investigator graded it, or a bedside observation."""

    record_id: int
    name: str
    grade: int | None
    when: PartialDate | None
    severe_signs: tuple[str, ...] = ()

    @property
    def urgency(self) -> tuple[int, bool]:
        """What is looked at first: the highest grade, or a severe sign without a grade, which stands for grade 3."""
        unseen = Grade.SEVERE if self.severe_signs else 0
        return (unseen if self.grade is None else self.grade, self.grade is not None)

    @property
    def begins(self) -> datetime:
        return (self.when or UNDATED_COMES_LAST).earliest()

    def as_fact(self) -> Fact:
        return Fact(
            self.name, "no ASTCT grade" if self.grade is None else f"grade {self.grade}", _words(self.when) or ""
        )


def _episodes(subjects: Sequence[Subject], term: str, grade_of: str) -> BySubject:
    """The episodes of each subject in the order of time, each once, whoever saw it.

    The investigator's event and the observations at the bedside are two views of one episode, so they are one case
    with the worse grade, and both are named. An episode is known by its number: the observations are entered first
    and the event days later, and what the medical monitor acknowledged between must stay the same alert.
    """
    found: BySubject = defaultdict(list)
    heads: dict[int, list[AdverseEvent]] = defaultdict(list)
    for head in _events(subjects).values():
        if head.ctcae_term == term:
            heads[head.record.subject_id].append(head)
    observations = _observations(subjects)
    for subject in subjects:
        episodes = _gathered(heads[subject.pk], observations[subject.pk], grade_of)
        for number, witnesses in enumerate(episodes, start=1):
            worst = max(witnesses, key=lambda each: each.urgency)
            facts = EpisodeFacts(
                subject=subject.number,
                episode=str(number),
                grade=worst.grade,
                worst=_words(worst.when),
                severe_signs=worst.severe_signs,
                witnesses=tuple(each.as_fact() for each in witnesses),
            )
            found[subject.pk].append(Case(facts, worst.record_id))
    return found


def _gathered(
    heads: Sequence[AdverseEvent], rows: Sequence[ToxicityObservation], grade_of: str
) -> list[list[_Witness]]:
    """Each event with the worst observation of its time, and the observations that no event explains, by their gaps."""
    heads = sorted(heads, key=lambda head: (head.onset or UNDATED_COMES_LAST).earliest())
    seen: dict[int, list[_Witness]] = defaultdict(list)
    alone: list[list[_Witness]] = []
    for row in rows:
        witness = _Witness(
            row.record_id, "Bedside observations", getattr(row, grade_of), row.observed, _severe_signs(row, grade_of)
        )
        if not witness.urgency[0]:
            continue
        head = _event_at(row.observed, heads)
        if head is not None:
            seen[head.record_id].append(witness)
        elif alone and row.observed is not None and witness.begins - alone[-1][-1].begins <= EPISODE_GAP:
            alone[-1].append(witness)
        else:
            alone.append([witness])
    episodes = [
        [
            _Witness(head.record_id, f"{_name(head)}, by the investigator", _astct_grade(head), head.onset),
            *_worst(seen[head.record_id]),
        ]
        for head in heads
    ]
    episodes += [_worst(witnesses) for witnesses in alone]
    return sorted(episodes, key=lambda witnesses: min(each.begins for each in witnesses))


def _worst(witnesses: Sequence[_Witness]) -> list[_Witness]:
    return [max(witnesses, key=lambda each: each.urgency)] if witnesses else []


def _event_at(moment: PartialDate | None, heads: Sequence[AdverseEvent]) -> AdverseEvent | None:
    """The event during which (or within the gap of which) something was observed: the last that had begun by then.

    Without a time an observation belongs to the last event, if there is one.
    """
    if moment is None:
        return heads[-1] if heads else None
    near = [
        head
        for head in heads
        if (head.onset is None or head.onset.earliest() - EPISODE_GAP <= moment.latest())
        and (head.ended is None or moment.earliest() <= head.ended.latest() + EPISODE_GAP)
    ]
    begun = [head for head in near if head.onset is None or head.onset.earliest() <= moment.latest()]
    return begun[-1] if begun else next(iter(near), None)


@cases.of_subjects("CRS_GE3")
def crs_episodes(subjects: Sequence[Subject], at: datetime) -> BySubject:
    """Each episode of cytokine release syndrome, as the investigator graded it and as the observations say."""
    return _episodes(subjects, asked.CRS_TERM, "crs_grade")


@cases.of_subjects("ICANS_GE3")
def icans_episodes(subjects: Sequence[Subject], at: datetime) -> BySubject:
    """Each episode of neurotoxicity, as the investigator graded it and as the observations say."""
    return _episodes(subjects, asked.ICANS_TERM, "icans_grade")


def _astct_grade(head: AdverseEvent) -> int | None:
    """The highest grade by ASTCT; a grade by CTCAE is another scale and says nothing here."""
    grades = [
        period.grade
        for period in head.record.gradeperiod_lines.all()
        if period.grade is not None and not period.is_removed and period.scale in (None, Scale.ASTCT)
    ]
    return max(grades, default=None)


def _observations(subjects: Sequence[Subject]) -> dict[int, list[ToxicityObservation]]:
    """The observations at the bedside that stand, in the order of time; those without a time come last."""
    rows = (
        ToxicityObservation.objects.filter(record__subject__in=subjects)
        .exclude(record__state__in=[EntryState.REMOVED, EntryState.NOT_DONE])
        .select_related("record")
        .order_by(F("observed_earliest").asc(nulls_last=True), "pk")
    )
    found: dict[int, list[ToxicityObservation]] = defaultdict(list)
    for row in rows:
        found[row.record.subject_id].append(row)
    return found


def _severe_signs(row: ToxicityObservation, grade_of: str) -> tuple[str, ...]:
    """Observations that by themselves belong to an episode of grade 3 or more (ASTCT), in words."""
    if grade_of == "crs_grade":
        vasopressin = None if row.vasopressin is None else row.vasopressin == YesNo.YES
        pressure = astct.hypotension_of(None, vasopressors=row.vasopressors, vasopressin=vasopressin)
        oxygen = astct.hypoxia_of(astct.Oxygen[row.oxygen] if row.oxygen else None, flow_l_min=row.oxygen_flow)
        found = [(pressure.value, astct.HYPOTENSION_GRADE[pressure][0]), (oxygen.value, astct.HYPOXIA_GRADE[oxygen][0])]
    else:
        found = []
        if row.seizure:
            found.append((astct.Seizure[row.seizure].value, astct.SEIZURE_GRADE[astct.Seizure[row.seizure]]))
        if row.motor:
            found.append((astct.Motor[row.motor].value, astct.MOTOR_GRADE[astct.Motor[row.motor]]))
        if row.edema:
            found.append((astct.Edema[row.edema].value, astct.EDEMA_GRADE[astct.Edema[row.edema]]))
    return tuple(words for words, grade in found if grade >= Grade.SEVERE)


# Laboratory


@cases.of_subjects("HYS_LAW")
def liver_tests(subjects: Sequence[Subject], at: datetime) -> BySubject:
    """The liver tests of each dosed subject by day of treatment, and the last of each before it."""
    found: BySubject = defaultdict(list)
    first = _first_doses(subjects)
    samples: dict[int, list[LiverSample]] = defaultdict(list)
    records: dict[int, int] = {}
    for result in _lab_results(subjects).filter(key__in=LIVER_TESTS, value__isnull=False):
        key, taken = result.record.subject_id, result.record.labpanel.collected
        if key not in first or taken is None:
            continue
        in_si_units = result.standard_value is not None
        value = result.standard_value if in_si_units else result.value
        samples[key].append(
            LiverSample(
                day=(taken.earliest().date() - first[key]).days + 1,
                test=result.key,
                value=Decimal(value),
                upper_limit=result.standard_high if in_si_units else result.high,
                when=_words(taken),
            )
        )
        records[key] = result.record_id  # ordered by day: the latest sample is where a reader goes
    for subject in subjects:
        on_treatment = [sample for sample in samples[subject.pk] if sample.day > 1]
        before = {sample.test: sample for sample in samples[subject.pk] if sample.day <= 1}
        if on_treatment:
            facts = LiverFacts(subject.number, samples=tuple(on_treatment), baseline=tuple(before.values()))
            found[subject.pk].append(Case(facts, records[subject.pk]))
    return found


@cases.of_subjects("LAB_SHIFT")
def graded_results(subjects: Sequence[Subject], at: datetime) -> BySubject:
    """Each graded laboratory result after the first dose, with the grade of its baseline."""
    found: BySubject = defaultdict(list)
    first = _first_doses(subjects)
    entered = {(head.record.subject_id, head.ctcae_term) for head in _events(subjects).values()}
    for result in _lab_results(subjects).filter(grade__gte=1).exclude(grade_term=None).select_related("baseline"):
        subject, taken = result.record.subject, result.record.labpanel.collected
        if subject.pk not in first or taken is None or taken.earliest().date() < first[subject.pk]:
            continue
        before = result.baseline
        comparable = before is not None and before.grade_term in (None, result.grade_term)
        facts = GradedLabFacts(
            subject=subject.number,
            term=result.grade_term or "",
            grade=result.grade,
            baseline_grade=before.grade or 0 if before is not None and comparable else None,
            value=f"{result.reported} {result.unit or ''}".strip(),
            when=_words(taken),
            sample=f"{_page(result.record)} {result.key}",
            event_entered=(subject.pk, result.grade_term) in entered,
        )
        found[subject.pk].append(Case(facts, result.record_id))
    return found


def _lab_results(subjects: Sequence[Subject]) -> QuerySet[LabResult]:
    """The results that stand, in the order in which the samples were taken."""
    return (
        LabResult.objects.filter(record__subject__in=subjects, is_removed=False)
        .exclude(record__state=EntryState.REMOVED)
        .select_related("record__subject", "record__visit", "record__labpanel")
        .order_by("record__labpanel__collected_earliest", "pk")
    )


# Serious events and death


@cases.of_subjects("SAE_CLOCK")
def serious_events(subjects: Sequence[Subject], at: datetime) -> BySubject:
    """Each serious event with the moment the site knew, and the moment the sponsor did."""
    found: BySubject = defaultdict(list)
    received = dict(
        SeriousEventReport.objects.filter(subject__in=subjects, reported_at__isnull=False).values_list(
            "record_id", "reported_at"
        )
    )
    zones = {subject.pk: subject.site.zone_info for subject in subjects}
    for head in _events(subjects).values():
        if not head.is_serious or head.site_aware_at is None:
            continue
        facts = SaeFacts(
            subject=head.record.subject.number,
            sae=_name(head),
            term=_term(head),
            aware_at=head.site_aware_at.earliest_at(zones[head.record.subject_id]).astimezone(
                zones[head.record.subject_id]
            ),
            received_at=received.get(head.record_id),
            at=at,
        )
        found[head.record.subject_id].append(Case(facts, head.record_id))
    return found


@cases.of_subjects("SUSAR_CLOCK")
def reports_to_the_authority(subjects: Sequence[Subject], at: datetime) -> BySubject:
    """Each report that is due on a serious event, with the day on which it went out; days are the sponsor's."""
    found: BySubject = defaultdict(list)
    for case in authority.cases_of_subjects(subjects, at):
        for facts in susar_facts(
            subject=case.record.subject.number,
            sae=_name(case.event),
            term=_term(case.event),
            clocks=case.authority_clocks,
            submitted=case.submitted,
            today=case.today,
        ):
            found[case.record.subject_id].append(Case(facts, case.record.pk))
    return found


@cases.of_subjects("SAE_FOLLOWUP_OVERDUE")
def open_serious_events(subjects: Sequence[Subject], at: datetime) -> BySubject:
    """Each serious event with the day on which anything new was last entered, and whether its outcome is known."""
    found: BySubject = defaultdict(list)
    heads = {key: head for key, head in _events(subjects).items() if head.is_serious}
    last_news = dict(
        PathVersion.objects.filter(record__in=heads).values_list("record_id").annotate(latest=Max("changed_at"))
    )
    for key, head in heads.items():
        news = last_news.get(key, head.record.opened_at)
        outcome_known = head.outcome not in (None, Outcome.UNKNOWN)
        facts = SaeFollowUpFacts(
            subject=head.record.subject.number,
            sae=_name(head),
            term=_term(head),
            last_news=news.date(),
            fatal_or_life_threatening=bool(head.results_in_death or head.is_life_threatening),
            resolved=None if head.ended is None else head.ended.latest().date(),
            outcome_known=outcome_known,
            is_open=head.ended is None or not outcome_known,
            today=at.date(),
        )
        found[head.record.subject_id].append(Case(facts, key))
    return found


@cases.of_subjects("DEATH_30D")
def deaths(subjects: Sequence[Subject], at: datetime) -> BySubject:
    """The death of each subject, from its page or else from a fatal event, with the last dose before it."""
    found: BySubject = defaultdict(list)
    last = _last_doses(subjects)
    pages = (
        Death.objects.filter(record__subject__in=subjects, died__isnull=False)
        .exclude(record__state=EntryState.REMOVED)
        .select_related("record")
    )
    died = {page.record.subject_id: (page.died, page.cause or "", page.record_id) for page in pages}
    for head in _events(subjects).values():
        if head.outcome == Outcome.FATAL and head.ended is not None:
            died.setdefault(head.record.subject_id, (head.ended, _term(head), head.record_id))
    for subject in subjects:
        if subject.pk in died:
            moment, cause, record = died[subject.pk]
            facts = DeathFacts(
                subject=subject.number,
                died_earliest=moment.earliest().date(),
                died_latest=moment.latest().date(),
                last_dose=last.get(subject.pk),
                cause=cause,
            )
            found[subject.pk].append(Case(facts, record))
    return found


# Doses


@cases.of_subjects("DOSE_ABOVE_APPROVED")
def doses(subjects: Sequence[Subject], at: datetime) -> BySubject:
    """Each dose of the escalated product with the level that it reached and the highest that was released by then.

    A level that the committee opens later does not make good a dose that was given before.
    """
    found: BySubject = defaultdict(list)
    released = _released_levels(subjects)
    by_key = {subject.pk: subject for subject in subjects}
    for row in _doses_given(subjects).filter(level_received__isnull=False):
        subject = by_key[row.record.subject_id]
        definition = subject.protocol_version.definition
        dosed_by = row.started.latest_at(subject.site.zone_info)
        opened = released[subject.study_id, subject.part]
        highest = max((level for level, opened_at in opened if opened_at <= dosed_by), default=None)
        level = row.level_received
        if row.product != escalated_product(definition) or highest is None or level is None:
            continue
        facts = DoseFacts(
            subject=subject.number,
            administration=_page(row.record),
            level=level,
            level_name=_level_words(subject, level),
            released_level=highest,
            released_level_name=_level_words(subject, highest),
            unit=row.unit or "",
            amount=row.dose,
            when=_words(row.started),
        )
        found[subject.pk].append(Case(facts, row.record_id))
    return found


def _released_levels(subjects: Sequence[Subject]) -> dict[tuple[int, str | None], list[tuple[int, datetime]]]:
    """The dose levels that a cohort was ever opened at and since when, by study and part."""
    opened = Cohort.objects.filter(
        study__in={subject.study_id for subject in subjects}, opened_at__isnull=False, dose_level__isnull=False
    )
    found: dict[tuple[int, str | None], list[tuple[int, datetime]]] = defaultdict(list)
    for study, part, level, since in opened.values_list("study_id", "part", "dose_level", "opened_at"):
        if level is not None and since is not None:
            found[study, part].append((level, since))
    return found


def _doses_given(subjects: Sequence[Subject]) -> QuerySet[Administration]:
    return (
        Administration.objects.filter(record__subject__in=subjects, was_given=YesNo.YES, started__isnull=False)
        .exclude(record__state=EntryState.REMOVED)
        .select_related("record__visit")
        .order_by("started_earliest", "record_id")
    )


def _first_doses(subjects: Sequence[Subject]) -> dict[int, date]:
    """The first day of treatment with the escalated product."""
    return _dose_days(subjects, newest_first=False)


def _last_doses(subjects: Sequence[Subject]) -> dict[int, date]:
    """The last day of treatment with the escalated product; the one infusion of a cell therapy."""
    return _dose_days(subjects, newest_first=True)


def _dose_days(subjects: Sequence[Subject], *, newest_first: bool) -> dict[int, date]:
    products = {subject.pk: escalated_product(subject.protocol_version.definition) for subject in subjects}
    days: dict[int, date] = {}
    for row in _doses_given(subjects):
        key = row.record.subject_id
        if row.product == products[key] and (newest_first or key not in days):
            days[key] = row.started.latest().date() if newest_first else row.started.earliest().date()
    return days


# Words


def _events(subjects: Sequence[Subject]) -> dict[int, AdverseEvent]:
    """The adverse events that were not removed, by record, in the order of their numbers."""
    heads = (
        AdverseEvent.objects.filter(record__subject__in=subjects)
        .exclude(record__state=EntryState.REMOVED)
        .select_related("record__subject")
        .prefetch_related("record__gradeperiod_lines")
        .order_by("record__subject_id", "record__repeat")
    )
    return {head.record_id: head for head in heads}


def _name(head: AdverseEvent) -> str:
    return f"AE-{head.record.repeat}"


def _page(record: FormRecord) -> str:
    return f"{record.form} {record.visit.code if record.visit else 'log'} {record.repeat}"


def _term(head: AdverseEvent) -> str:
    return head.ctcae_term or head.term or "Adverse event without a term"


def _words(moment: PartialDate | None) -> str | None:
    return None if moment is None else str(moment)


def _level_words(subject: Subject, level: int | None) -> str:
    if level is None:
        return "no dose level"
    levels = subject.protocol_version.definition.dose_levels
    return next((each.label for each in levels if each.number == level), f"dose level {level}")
