"""Whether an event, or the subject's other facts, meet the protocol's DLT criteria at a given moment.

The answer names the clause and the facts that fired; or why not, clause by clause; or that it is undecided, until when
if only time is missing, and which fact if one is. It is a proposal to the investigator and the adjudicator.

The case people get wrong: a duration criterion at the end of the window. Grade 4 neutropenia that begins on day 26 of
28 began inside, so it counts if it then lasts more than 7 days, although these days lie behind the window's end; until
then the subject is neither free of DLT nor has one.

Sources: `clinical.dlt.criteria` for the language; CTCAE v5.0 for grades; for worsening from baseline, CTCAE's guidance
that an event present at baseline is reported when it worsens.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from zoneinfo import ZoneInfo

from clinical import units
from clinical.dlt import verdict as kleene
from clinical.dlt.criteria import (
    ANY_STUDY_PRODUCT,
    FATAL_GRADE,
    HAEMATOLOGICAL_SOC,
    HAEMATOLOGICAL_TERMS,
    Clause,
    Criterion,
    DoseDelay,
    EventPattern,
    GradeRange,
    Group,
    Interventions,
    LabCombination,
    LabLimit,
    MissedDoses,
    MissingRelation,
    Persistence,
    TermSet,
    Times,
)
from clinical.dlt.facts import Exposure, LabFact, SubjectFacts, ToxicityEvent
from clinical.dlt.timeline import Segment, grade_before, lasts, run_above, timeline
from clinical.dlt.verdict import Truth, Verdict, lacks, no, waits, yes
from clinical.dlt.window import DltWindow
from clinical.partial_date import PartialDate


@dataclass(frozen=True, slots=True)
class Conventions:
    """What protocols settle differently, beside the criteria themselves.

    `study_products` are those that “study” in `related_to` means; empty, every product of the event's page.
    `first_day_counts`: dates from the 15th to the 22nd are 8 days rather than 7.
    `worse_than_at_opening`: a toxicity already there when the window opened must exceed its grade of that time;
    otherwise every worsening inside the window counts, also the return of an old grade.
    """

    study_products: tuple[str, ...] = ()
    first_day_counts: bool = False
    worse_than_at_opening: bool = False
    haematological_terms: tuple[str, ...] = HAEMATOLOGICAL_TERMS
    haematological_socs: tuple[str, ...] = (HAEMATOLOGICAL_SOC,)


class Answer(Enum):
    """What the engine says about the DLT question."""

    MET = "met"
    NOT_MET = "not met"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class CriterionAnswer:
    """The answer to one criterion: the facts that fired or failed, until when it is open, and what is missing."""

    id: str
    text: str
    answer: Answer
    facts: tuple[str, ...]
    until: datetime | None = None
    qualifies: bool = False
    missing: tuple[str, ...] = ()

    def in_words(self, zone: ZoneInfo) -> str:
        """One sentence for the DLT page and the alert."""
        facts = "; ".join(self.facts)
        if self.answer is Answer.MET:
            return f"Meets “{self.text}”: {facts}."
        if self.answer is Answer.NOT_MET:
            return f"Does not meet “{self.text}”: {facts}."
        needs = f" Needs {', and '.join(self.missing)}." if self.missing else ""
        when = ""
        if self.until is not None:
            moment = PartialDate.of(self.until.astimezone(zone)).in_words
            when = f" {'Qualifies' if self.qualifies else 'Falls away'} {moment}."
        return f"Undecided on “{self.text}”: {facts or 'not all is known'}.{needs}{when}"


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answers to all criteria for one event, or for the facts that are no event (`event_id` is then `None`)."""

    event_id: str | None
    answer: Answer
    criteria: tuple[CriterionAnswer, ...]
    highest_grade: int | None = None

    @property
    def met(self) -> tuple[CriterionAnswer, ...]:
        """The criteria that are met."""
        return tuple(each for each in self.criteria if each.answer is Answer.MET)

    @property
    def undecided(self) -> tuple[CriterionAnswer, ...]:
        """The criteria that may still be met."""
        return tuple(each for each in self.criteria if each.answer is Answer.UNDECIDED)

    @property
    def until(self) -> datetime | None:
        """When the next open criterion is settled by time alone."""
        return min((each.until for each in self.undecided if each.until), default=None)

    @property
    def basis(self) -> str:
        """What an adjudicator decides on, in one line; while it stays the same, so does the decision.

        It holds no running durations, so that it does not change from day to day.
        """
        which = {Answer.MET: self.met, Answer.UNDECIDED: self.undecided}.get(self.answer, ())
        grade = f", grade {self.highest_grade}" if self.highest_grade else ""
        return f"{self.answer.value}: {', '.join(each.id for each in which)}{grade}" if which else self.answer.value

    def in_words(self, zone: ZoneInfo) -> str:
        """The sentences that matter: those met, else those undecided, else why each is not met."""
        return " ".join(each.in_words(zone) for each in self.met or self.undecided or self.criteria)


def assess_event(
    event: ToxicityEvent,
    *,
    criteria: Sequence[Criterion],
    window: DltWindow | None,
    facts: SubjectFacts,
    at: datetime,
    conventions: Conventions = Conventions(),
) -> Assessment:
    """The DLT question asked of one adverse event; `facts` are all facts of its subject."""
    asked = [criterion for criterion in criteria if criterion.is_about_an_event]
    if window is None:
        answers = [_answer(criterion, no("the subject has not been dosed")) for criterion in asked]
    else:
        question = _Question(window=window, facts=facts, at=at, conventions=conventions)
        answers = [_answer(criterion, question.of_event(criterion, event)) for criterion in asked]
    grades = [period.grade for period in event.periods if period.grade] + ([FATAL_GRADE] if event.fatal else [])
    return Assessment(event.id, _overall(answers), tuple(answers), max(grades, default=None))


def assess_subject(
    *,
    criteria: Sequence[Criterion],
    window: DltWindow | None,
    facts: SubjectFacts,
    at: datetime,
    conventions: Conventions = Conventions(),
) -> Assessment:
    """The DLT question asked once of a subject's laboratory values, doses and interventions."""
    asked = [criterion for criterion in criteria if not criterion.is_about_an_event]
    if window is None:
        answers = [_answer(criterion, no("the subject has not been dosed")) for criterion in asked]
    else:
        question = _Question(window=window, facts=facts, at=at, conventions=conventions)
        answers = [
            _answer(criterion, kleene.any_of(question.of_subject(clause) for clause in criterion.alternatives))
            for criterion in asked
        ]
    return Assessment(None, _overall(answers), tuple(answers))


def assess_all(
    *,
    criteria: Sequence[Criterion],
    window: DltWindow | None,
    facts: SubjectFacts,
    at: datetime,
    conventions: Conventions = Conventions(),
) -> tuple[Assessment, ...]:
    """Every event of a subject, and the subject's other facts last."""
    events = [
        assess_event(event, criteria=criteria, window=window, facts=facts, at=at, conventions=conventions)
        for event in facts.events
    ]
    rest = assess_subject(criteria=criteria, window=window, facts=facts, at=at, conventions=conventions)
    return (*events, rest)


def question_arises(event: ToxicityEvent, window: DltWindow | None) -> bool:
    """Whether the DLT question is put to the site: a grade began or worsened, or may have, inside the window."""
    if window is None:
        return False
    for scale in {period.scale for period in event.periods}:
        segments = timeline(event, scale)
        for index, segment in enumerate(segments):
            worse = segment.grade is None or segment.grade > grade_before(segments, index)
            if worse and window.holds(segment.began, "it").truth is not Truth.NO:
                return True
    return not event.periods


def _overall(answers: Iterable[CriterionAnswer]) -> Answer:
    found = {each.answer for each in answers}
    return next((answer for answer in (Answer.MET, Answer.UNDECIDED) if answer in found), Answer.NOT_MET)


def _answer(criterion: Criterion, found: Verdict) -> CriterionAnswer:
    answer = {Truth.YES: Answer.MET, Truth.NO: Answer.NOT_MET, Truth.OPEN: Answer.UNDECIDED}[found.truth]
    return CriterionAnswer(
        id=criterion.id,
        text=criterion.text,
        answer=answer,
        facts=found.facts,
        until=found.until,
        qualifies=found.becomes is Truth.YES,
        missing=found.missing,
    )


@dataclass(frozen=True, slots=True)
class _Question:
    """One subject at one moment, asked clause by clause."""

    window: DltWindow
    facts: SubjectFacts
    at: datetime
    conventions: Conventions
    zone: ZoneInfo = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "zone", self.window.zone)

    # -- adverse events ------------------------------------------------------------------------------------------

    def of_event(self, criterion: Criterion, event: ToxicityEvent) -> Verdict:
        """Whether an event meets a criterion, whatever the grades are that nobody has entered."""
        begun = tuple(
            period for period in event.periods if period.began is None or period.began.earliest_at(self.zone) <= self.at
        )
        if event.periods and not begun:
            return no(f"{event.term or 'the event'} had not begun")
        event = replace(event, periods=begun)
        if all(period.grade is not None for period in event.periods):
            return self._of_graded(criterion, event)
        answers = [
            self._of_graded(
                criterion,
                replace(
                    event,
                    periods=tuple(
                        period if period.grade is not None else replace(period, grade=grade) for period in event.periods
                    ),
                ),
            )
            for grade in range(FATAL_GRADE + 1)
        ]
        if len({answer.truth for answer in answers}) == 1:
            return answers[0]
        ungraded = next(period for period in event.periods if period.grade is None)
        return lacks(f"the grade of {event.term or 'the event'} from {ungraded.began or 'an unknown day'}")

    def _of_graded(self, criterion: Criterion, event: ToxicityEvent) -> Verdict:
        return kleene.any_of(self._of_clause(clause, criterion.unless, event) for clause in criterion.alternatives)

    def _of_clause(self, clause: Clause, unless: Sequence[Clause], event: ToxicityEvent) -> Verdict:
        named = self._named(clause.terms, event)
        if named.truth is Truth.NO:
            return named
        if clause.fatal and not event.fatal and all(period.grade != FATAL_GRADE for period in event.periods):
            return no("not fatal")
        segments = timeline(event, clause.scale)
        if not segments:
            return kleene.all_of([named, lacks(f"the {clause.scale} grade of {event.term or 'the event'}")])
        grades = clause.grades or GradeRange()
        begins = [index for index in range(len(segments)) if self._worsens(segments, index, grades.at_least)]
        if not begins:
            highest = max(segment.grade or 0 for segment in segments)
            if highest < grades.at_least:
                return no(f"the highest grade is {highest}, and the criterion begins at grade {grades.at_least}")
            return no(f"grade {grades.at_least} or higher was there before the DLT period and did not worsen in it")
        return kleene.any_of(
            kleene.all_of(
                [
                    named,
                    self._began_inside(segments, index, event),
                    *self._conditions(clause, event, segments, index),
                    *(kleene.opposite(self._excepted(exception, event, segments, index)) for exception in unless),
                ]
            )
            for index in begins
        )

    def _worsens(self, segments: Sequence[Segment], index: int, at_least: int) -> bool:
        """Whether this grade is one that a criterion may begin with: high enough, and higher than the one before."""
        grade = segments[index].grade or 0
        before = grade_before(segments, index)
        if self.conventions.worse_than_at_opening:
            before = max(before, self._grade_at_opening(segments))
        return grade >= at_least and grade > before

    def _grade_at_opening(self, segments: Sequence[Segment]) -> int:
        """The grade in force when the window opened."""
        opens = self.window.opens or self.window.day_one
        there = [
            segment.grade or 0
            for segment in segments
            if segment.began is not None
            and segment.began.earliest() < opens.earliest()
            and (segment.ended is None or segment.ended.latest() >= opens.earliest())
        ]
        return there[-1] if there else 0

    def _began_inside(self, segments: Sequence[Segment], index: int, event: ToxicityEvent) -> Verdict:
        return self.window.holds(segments[index].began, f"{event.term or 'the event'} grade {segments[index].grade}")

    def _conditions(
        self, clause: Clause, event: ToxicityEvent, segments: Sequence[Segment], index: int
    ) -> list[Verdict]:
        """What a clause asks of a toxicity that begins or worsens with the segment at `index`."""
        asked: list[Verdict] = []
        if clause.grades:
            run = run_above(segments, index, clause.grades.at_least - 1)
            if not any((segment.grade or 0) in clause.grades for segment in run):
                asked.append(no(f"never {clause.grades}"))
        if clause.persists:
            asked.append(self._lasts(segments, index, clause.persists))
        if clause.fatal:
            asked.append(yes("fatal"))
        if clause.related_to is not None:
            asked.append(self._related(clause.related_to, clause.missing_relation, event))
        if clause.together_with:
            level = clause.grades.at_least - 1 if clause.grades else 0
            asked.append(self._together(clause.together_with, event, run_above(segments, index, level)))
        return asked + self._circumstances(clause, event, segments, index)

    def _circumstances(
        self, clause: Clause, event: ToxicityEvent, segments: Sequence[Segment], index: int
    ) -> list[Verdict]:
        """The conditions that criteria and exceptions have in common."""
        asked = [self._answered(event, question, wanted) for question, wanted in clause.answers]
        if clause.worsens_by:
            before, now = self._grade_at_opening(segments), segments[index].grade or 0
            told = f"from grade {before} at the opening of the DLT period to grade {now}"
            asked.append(yes(told) if now - before >= clause.worsens_by else no(told))
        if clause.resolves:
            asked.append(kleene.opposite(self._lasts(segments, index, clause.resolves)))
        if clause.due_to:
            named = [cause for cause in clause.due_to if cause.casefold() in {each.casefold() for each in event.causes}]
            asked.append(
                yes(f"due to {named[0]}") if named else no(f"not recorded as due to {' or '.join(clause.due_to)}")
            )
        if clause.symptom_of:
            asked.append(self._symptom(clause.symptom_of, event))
        return asked

    def _excepted(self, clause: Clause, event: ToxicityEvent, segments: Sequence[Segment], index: int) -> Verdict:
        """Whether an exception takes this toxicity out; it looks at the highest grade from here until it is over."""
        asked = [self._named(clause.terms, event)]
        if clause.grades:
            highest = max(segment.grade or 0 for segment in run_above(segments, index, 0))
            fits = highest in clause.grades
            asked.append(yes(f"{clause.grades}") if fits else no(f"the highest grade is {highest}"))
        if clause.fatal:
            asked.append(yes("fatal") if event.fatal else no("not fatal"))
        if clause.persists:
            asked.append(self._lasts(segments, index, clause.persists))
        if clause.related_to is not None:
            # An exception needs its answer: a missing one must not take a toxicity out.
            asked.append(self._related(clause.related_to, MissingRelation.UNRELATED, event))
        if clause.together_with:
            asked.append(self._together(clause.together_with, event, run_above(segments, index, 0)))
        found = kleene.all_of(asked + self._circumstances(clause, event, segments, index))
        return replace(found, facts=(f"excepted: {', '.join(found.facts)}",)) if found.truth is Truth.YES else found

    def _lasts(self, segments: Sequence[Segment], index: int, persistence: Persistence) -> Verdict:
        run = run_above(segments, index, persistence.above)
        return lasts(run, persistence, at=self.at, zone=self.zone, first_day_counts=self.conventions.first_day_counts)

    def _named(self, terms: TermSet | None, event: ToxicityEvent) -> Verdict:
        """Whether the event is one of those that a criterion names."""
        if terms is None:
            return yes()
        if event.term is None:
            return lacks("the CTCAE term of the event")
        term = _plain(event.term)
        if term in map(_plain, terms.other_than):
            return no(f"{event.term} is left out of this criterion")
        if terms.terms or terms.socs:
            if term in map(_plain, terms.terms):
                return yes()
            return self._in_class(event, terms.socs) if terms.socs else no(f"{event.term} is not one of its terms")
        if terms.group is Group.ANY:
            return yes()
        blood = yes(f"{event.term} is haematological")
        if term not in map(_plain, self.conventions.haematological_terms):
            blood = self._in_class(event, self.conventions.haematological_socs)
        if terms.group is Group.HAEMATOLOGICAL:
            return blood
        turned = kleene.opposite(blood)
        return yes() if turned.truth is Truth.YES else turned

    def _in_class(self, event: ToxicityEvent, socs: Sequence[str]) -> Verdict:
        if event.soc is None:
            return lacks(f"the system organ class of {event.term}")
        if _plain(event.soc) in map(_plain, socs):
            return yes(f"{event.term} is of the class {event.soc}")
        return no(f"{event.term} is of the class {event.soc}")

    def _related(self, products: tuple[str, ...], if_missing: MissingRelation, event: ToxicityEvent) -> Verdict:
        if products == ANY_STUDY_PRODUCT:
            products = self.conventions.study_products or tuple(event.relations) or ("the study treatment",)
        related = [product for product in products if event.relations.get(product)]
        if related:
            return yes(f"related to {' and '.join(related)}")
        unanswered = [product for product in products if event.relations.get(product) is None]
        if not unanswered or if_missing is MissingRelation.UNRELATED:
            return no(f"not related to {' or '.join(products)}")
        if if_missing is MissingRelation.RELATED:
            return yes(f"relation to {' and '.join(unanswered)} not answered, so taken as related")
        return lacks(f"the relation to {' and '.join(unanswered)}")

    def _answered(self, event: ToxicityEvent, question: str, wanted: bool) -> Verdict:
        answer = event.answers.get(question, self.facts.answers.get(question))
        if answer is None:
            return lacks(f"the answer to “{question}”")
        said = f"{question}: {'yes' if answer else 'no'}"
        return yes(said) if answer is wanted else no(said)

    def _symptom(self, pattern: EventPattern, event: ToxicityEvent) -> Verdict:
        whole = next((other for other in self.facts.events if other.id == event.symptom_of), None)
        if whole is None:
            return no("not recorded as part of another event")
        grades = [segment.grade or 0 for segment in timeline(whole, pattern.scale)]
        if not grades:
            return kleene.all_of(
                [self._named(pattern.terms, whole), lacks(f"the {pattern.scale} grade of {whole.term}")]
            )
        fits = max(grades) in pattern.grades
        told = f"part of {whole.term} of grade {max(grades)}"
        return kleene.all_of([self._named(pattern.terms, whole), yes(told) if fits else no(told)])

    def _together(self, pattern: EventPattern, event: ToxicityEvent, run: Sequence[Segment]) -> Verdict:
        """Whether another event of the subject runs at the same time as these grades."""
        found = [
            kleene.all_of([self._named(pattern.terms, other), self._overlaps(run, segment, other)])
            for other in self.facts.events
            if other.id != event.id
            for segment in timeline(other, pattern.scale)
            if segment.grade is None or segment.grade in pattern.grades
        ]
        together = kleene.any_of(found)
        return together if together.truth is not Truth.NO else no("without the other event that the criterion asks for")

    def _overlaps(self, run: Sequence[Segment], segment: Segment, other: ToxicityEvent) -> Verdict:
        if segment.grade is None:
            return lacks(f"the grade of {other.term} from {segment.began or 'an unknown day'}")
        if segment.began is None or run[0].began is None:
            return lacks(f"the day on which {other.term if segment.began is None else 'it'} began")
        mine = self._days(run[0].began, run[-1])
        theirs = self._days(segment.began, segment)
        told = f"together with {other.term} {segment.in_words}"
        if max(mine.start_last, theirs.start_last) <= min(mine.end_first, theirs.end_first):
            return yes(told)
        if mine.start_first > theirs.end_last or theirs.start_first > mine.end_last:
            return no(f"{other.term} was at another time")
        return lacks(f"the days of {other.term} more exactly")

    def _days(self, began: PartialDate, last: Segment) -> "_Days":
        """Over which days something ran, by the calendar: the same day is the same time."""
        start_first, start_last = began.earliest().date(), began.latest().date()
        today = self.at.astimezone(self.zone).date()
        if last.ended is not None:
            end_first, end_last = last.ended.earliest().date(), last.ended.latest().date()
        else:
            end_first, end_last = (start_last if last.is_over else today), today
        return _Days(start_first, start_last, max(start_first, end_first), max(start_last, end_last))

    # -- facts that are no event ---------------------------------------------------------------------------------

    def of_subject(self, clause: Clause) -> Verdict:
        """Whether the subject's other facts meet a clause."""
        if clause.labs:
            return self._labs(clause.labs)
        if clause.missed_doses:
            return self._missed(clause.missed_doses)
        if clause.dose_delay:
            return self._delayed(clause.dose_delay)
        assert clause.interventions is not None
        return self._intervened(clause.interventions)

    def _labs(self, combination: LabCombination) -> Verdict:
        first, *others = combination.all_of
        samples = sorted(
            (lab for lab in self.facts.labs if lab.test in first.tests and lab.taken.earliest_at(self.zone) <= self.at),
            key=lambda lab: lab.taken.earliest(),
        )
        judged = [(lab, kleene.all_of([self._limit(first, lab), self._drawn_inside(lab)])) for lab in samples]
        possible = [(lab, found) for lab, found in judged if found.truth is not Truth.NO]
        if not possible:
            return no(f"no {first} in the DLT period")
        spared = self._spared(combination, [lab for lab, found in judged if found.truth is Truth.YES])
        if spared is not None:
            return spared
        judged_others = [(limit, self._judged(limit)) for limit in others]
        found = [
            kleene.all_of(
                [first_found, *(self._follows(limit, lab, combination, rest) for limit, rest in judged_others)]
            )
            for lab, first_found in possible
        ]
        # The first time that all held is told, not every later sample that held too.
        return next((each for each in found if each.truth is Truth.YES), kleene.any_of(found))

    def _spared(self, combination: LabCombination, qualifying: Sequence[LabFact]) -> Verdict | None:
        """Why the combination does not count: another value on the day of the earliest first one explains it."""
        limit = combination.unless_same_day
        if limit is None or not qualifying:
            return None
        day = qualifying[0].taken.full_date
        for other_day, found in self._judged(limit):
            if other_day == day and found.truth is Truth.YES:
                return no(f"{found.facts[0]} on the day of the first {combination.all_of[0]}")
        return None

    def _judged(self, limit: LabLimit) -> list[tuple[date, Verdict]]:
        """Every sample that a limit is about, by its day."""
        return [
            (day, self._limit(limit, lab))
            for lab in self.facts.labs
            if lab.test in limit.tests
            and (day := lab.taken.full_date) is not None
            and lab.taken.earliest_at(self.zone) <= self.at
        ]

    def _drawn_inside(self, lab: LabFact) -> Verdict:
        drawn = self.window.holds(lab.taken, f"the {lab.test} sample")
        return yes() if drawn.truth is Truth.YES else drawn

    def _follows(
        self, limit: LabLimit, first: LabFact, combination: LabCombination, judged: Sequence[tuple[date, Verdict]]
    ) -> Verdict:
        """Whether another limit is passed on the day of the first value or within the days after it."""
        assert combination.within is not None
        start = first.taken.full_date
        if start is None:
            return lacks(f"the day of the {first.test} of {first.taken}")
        end = start + combination.within.length
        later = [found for day, found in judged if start <= day <= end]
        if later:
            return kleene.any_of(later)
        closes = datetime.combine(end + timedelta(days=1), time(), tzinfo=self.zone).astimezone(UTC)
        asked = f"{' or '.join(limit.tests)} on {first.taken.to_day()} or up to {combination.within} after it"
        if self.at >= closes:
            return no(f"no {asked} was measured")
        return replace(waits(closes, Truth.NO), missing=(asked,))

    def _limit(self, limit: LabLimit, lab: LabFact) -> Verdict:
        told = f"{lab.test} {lab.value} {lab.unit} of {lab.taken}"
        if limit.times is Times.VALUE:
            return self._limit_in_unit(limit, lab, told)
        basis = self._basis(limit.times, lab)
        if basis is None:
            return lacks(f"the {limit.times.value} for {told}")
        if limit.side.holds(lab.value, limit.limit * basis):
            return yes(f"{told} ({limit}, which is {limit.limit * basis})")
        return no(f"{told} is not {limit.side.sign} {limit.limit * basis}")

    def _limit_in_unit(self, limit: LabLimit, lab: LabFact, told: str) -> Verdict:
        assert limit.unit is not None
        try:
            value = units.convert(lab.value, lab.unit, limit.unit, analyte=lab.test)
        except (units.UnknownUnit, units.NoConversion):
            return lacks(f"{told} in {limit.unit}")
        if limit.side.holds(value, limit.limit):
            return yes(f"{told} ({limit})")
        return no(f"{told} is not {limit.side.sign} {limit.limit} {limit.unit}")

    def _basis(self, times: Times, lab: LabFact) -> Decimal | None:
        """What a limit is a multiple of; a raised baseline replaces the ULN, a missing one leaves it."""
        match times:
            case Times.ULN:
                return lab.uln
            case Times.LLN:
                return lab.lln
            case Times.BASELINE:
                return lab.baseline
            case Times.ULN_OR_BASELINE:
                return None if lab.uln is None else max(lab.uln, lab.baseline or lab.uln)
            case Times.VALUE:
                return Decimal(1)

    def _planned_inside(self) -> list[Exposure]:
        """The doses planned in the window, by the day, in the order of the plan."""
        planned = [
            (dose.planned.earliest(), dose)
            for dose in self.facts.doses
            if dose.planned and self.window.holds(dose.planned.to_day(), "the dose").truth is not Truth.NO
        ]
        return [dose for _, dose in sorted(planned, key=lambda pair: pair[0])]

    def _missed(self, rule: MissedDoses) -> Verdict:
        planned = self._planned_inside()[: rule.of]
        missed = [dose for dose in planned if dose.was_missed and dose.planned]
        counted = [dose for dose in missed if rule.reason is None or _same(dose.reason, rule.reason)]
        unclear = [dose for dose in missed if rule.reason is not None and dose.reason is None]
        overdue = [dose for dose in planned if not dose.given and not dose.was_missed and self._is_past(dose.planned)]
        told = f"{len(counted)} of {rule.of or len(planned)} doses missed" + (
            f" for {rule.reason}" if rule.reason else ""
        )
        days = ", ".join(str(dose.planned) for dose in counted)
        if len(counted) >= rule.at_least:
            return yes(f"{told} ({days})")
        if len(counted) + len(unclear) + len(overdue) >= rule.at_least:
            asked = [f"why the dose of {dose.planned} was missed" for dose in unclear]
            return lacks(*asked, *(f"whether the dose of {dose.planned} was given" for dose in overdue))
        return no(told)

    def _is_past(self, planned: PartialDate | None) -> bool:
        return planned is not None and planned.latest_at(self.zone) < self.at

    def _delayed(self, rule: DoseDelay) -> Verdict:
        return kleene.any_of(self._delay_of(rule, dose) for dose in self._planned_inside() if not dose.was_missed)

    def _delay_of(self, rule: DoseDelay, dose: Exposure) -> Verdict:
        assert dose.planned is not None
        because = yes(f"for {dose.reason}" if dose.reason else "for any reason")
        if rule.reason is not None and not _same(dose.reason, rule.reason):
            because = (
                no(f"delayed for {dose.reason}") if dose.reason else lacks(f"why the dose of {dose.planned} is late")
            )
        wait = Segment(
            FATAL_GRADE, dose.planned.to_day(), dose.given.to_day() if dose.given else None, bool(dose.given)
        )
        late = lasts([wait], Persistence(0, rule.longer_than), at=self.at, zone=self.zone, first_day_counts=False)
        told = f"the dose of {dose.planned} is late by more than {rule.longer_than}"
        if late.truth is Truth.NO or not self._is_past(dose.planned):
            return no(f"the dose of {dose.planned} is not late by more than {rule.longer_than}")
        return kleene.all_of([replace(late, facts=(told,)) if late.truth is Truth.YES else late, because])

    def _intervened(self, rule: Interventions) -> Verdict:
        wanted = {_plain(kind) for kind in rule.kinds}
        inside = [
            (each, self.window.holds(each.given, f"the {each.kind}").truth)
            for each in self.facts.interventions
            if _plain(each.kind) in wanted
        ]
        certain = [each for each, held in inside if held is Truth.YES]
        told = f"{len(certain)} × {' or '.join(rule.kinds)}"
        if len(certain) >= rule.at_least:
            return yes(f"{told} in the DLT period ({', '.join(str(each.given) for each in certain)})")
        unclear = [each for each, held in inside if held is Truth.OPEN]
        if len(certain) + len(unclear) >= rule.at_least:
            return lacks(*(f"the day of the {each.kind} of {each.given}" for each in unclear))
        return no(told)


@dataclass(frozen=True, slots=True)
class _Days:
    """The first and last day on which something can have begun and ended."""

    start_first: date
    start_last: date
    end_first: date
    end_last: date


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _same(text: str | None, other: str) -> bool:
    return text is not None and _plain(text) == _plain(other)
