"""The demo of IMA402: dose levels climbed three by three, with two dose-limiting toxicities on the way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from apps.access.roles import Role
from apps.demo import disease, harm, visit_pages, way_in
from apps.demo.casebook import Casebook
from apps.demo.committee import decide
from apps.demo.disease import Course
from apps.demo.harm import Harm
from apps.demo.stage import Stage
from apps.demo.visit_pages import VisitFacts
from apps.escalation.models import DecisionKind
from apps.study.models import Site
from apps.visits.models import FormRecord
from clinical.protocol.definition import Definition
from clinical.protocol.design import StepKind

CODE = "IMA402"
OPENED = -900
"""The first day on which somebody could consent, from today: time for the whole ladder."""
GROUP = 3
WATCHED_DAYS = 8
"""From the first subject of a level to the second: one day more than the protocol's watch."""
DAYS_TO_MEET = 3
"""From the last outcome of a level to the committee."""
SCREENED_BEFORE = 13
BACKFILL_EVERY = 9
COURSES: tuple[Course, ...] = ("PD", "PR", "PD", "SD", "NE", "PD", "CR", "NEW", "PD")
PROGRESSIVE: frozenset[Course] = frozenset({"PD", "NEW"})
LAST_CYCLE = 6
DAYS_TO_THE_AUTHORITY = 5
"""From the entry of an unexpected serious event to its report."""

CRS_THAT_LIMITS = Harm(
    "Cytokine release syndrome",
    1,
    ((0, 2), (1, 3), (5, 2)),
    8,
    action="DRUG WITHDRAWN",
    treatment="Tocilizumab 8 mg/kg twice, dexamethasone, norepinephrine",
    serious={"needs_hospital": "True", "is_life_threatening": "False", "is_other_important": "True"},
    interest="CYTOKINE RELEASE SYNDROME",
    reported_hours=9,
)
LIVER_THAT_LIMITS = Harm(
    "Aspartate aminotransferase increased",
    9,
    ((0, 2), (2, 3), (11, 2)),
    15,
    action="DRUG INTERRUPTED",
    serious={"is_other_important": "True"},
    interest="LIVER INJURY",
    reported_hours=31,
    is_expected=False,
)
CANDIDATE = Harm(
    "Febrile neutropenia",
    9,
    ((0, 3),),
    None,
    action="DRUG INTERRUPTED",
    treatment="Piperacillin with tazobactam, filgrastim",
    serious={"needs_hospital": "True"},
    interest="SERIOUS INFECTION",
)
"""Grade 3, in the DLT period, related: a criterion is met and nobody has decided yet."""


@dataclass(frozen=True)
class Member:
    """One subject of the ladder: level, first dose in days from today (after today: planned only), and its course."""

    index: int
    level: int
    first_dose: int
    course: Course
    is_backfill: bool = False
    limits: Harm | None = None


@dataclass(frozen=True)
class Meeting:
    """A committee's decision, so many days from today."""

    day: int
    kind: DecisionKind
    level: int | None
    rationale: str


@dataclass
class Ladder:
    """Everybody who gets a dose level, and the meetings between."""

    members: list[Member] = field(default_factory=list)
    meetings: list[Meeting] = field(default_factory=list)


def room(definition: Definition) -> int:
    """The most subjects that the ladder's cohorts take on the demo's way up."""
    return sum(
        (2 * GROUP if _expands(each.number) else GROUP) + _backfill(definition, each.number)
        for each in definition.dose_levels
    )


def _expands(level: int) -> bool:
    """Every second level has a dose-limiting toxicity in its first group and is expanded to six."""
    return level % 2 == 0


def _backfill(definition: Definition, level: int) -> int:
    return next(cohort.backfill_capacity for cohort in definition.cohorts if cohort.dose_level == level)


def _outcome_days(definition: Definition, level: int) -> int:
    """From a first dose to its outcome: the DLT period, from the first full dose where doses are stepped up."""
    assert definition.dlt is not None  # this trial has one
    steps = definition.planned_doses(level=level, visit="C1D1")
    is_stepped = any(dose.kind is StepKind.PRIMING for dose in steps)
    return definition.dlt.period.days + (14 if is_stepped else 0)


def plan(definition: Definition, count: int) -> Ladder:
    """Who is treated when, so that the last subjects are in their first weeks today."""
    ladder = Ladder()
    day, left, index = 0, count, 0
    for level in (each.number for each in definition.dose_levels):
        if left == 0:
            break
        wait = _outcome_days(definition, level) + DAYS_TO_MEET
        for group in range(2 if _expands(level) else 1):
            taken = min(GROUP, left)
            if taken == 0:
                break
            is_first_group = group == 0
            days = [day, day + WATCHED_DAYS, day + WATCHED_DAYS + 1] if is_first_group else [day, day + 9, day + 16]
            for place in range(taken):
                limits = None
                if _expands(level) and is_first_group and place == 1:
                    limits = CRS_THAT_LIMITS if level % 4 == 2 else LIVER_THAT_LIMITS
                course = COURSES[index % len(COURSES)]
                ladder.members.append(Member(index, level, days[place], course, limits=limits))
                index += 1
            left -= taken
            now = days[taken - 1]
            if left == 0:
                break
            day = now + wait
            if _expands(level) and is_first_group:
                why = "One dose-limiting toxicity in three subjects. The level is expanded to six, as the design says."
                ladder.meetings.append(Meeting(day, DecisionKind.EXPAND, level, why))
            else:
                why = f"Outcomes of level {level} are complete and allow the next level."
                ladder.meetings.append(Meeting(day, DecisionKind.ESCALATE, level + 1, why))
                for place in range(min(left, _backfill(definition, level))):
                    course = COURSES[index % len(COURSES)]
                    dose = day + 12 + BACKFILL_EVERY * place
                    ladder.members.append(Member(index, level, dose, course, is_backfill=True))
                    index += 1
                    left -= 1
            day += 4
    return _so_that_today_is_in_the_middle(ladder)


def _so_that_today_is_in_the_middle(ladder: Ladder) -> Ladder:
    """Shift everything so that the last subject's first dose is yet to come and the one before is being watched."""
    doses = sorted(member.first_dose for member in ladder.members)
    last = doses[-1]
    today = last - 4 if len(doses) > GROUP else last + 12
    return Ladder(
        [
            Member(each.index, each.level, each.first_dose - today, each.course, each.is_backfill, each.limits)
            for each in ladder.members
        ],
        [Meeting(each.day - today, each.kind, each.level, each.rationale) for each in ladder.meetings],
    )


class Story:
    """What one member goes through, told to the script."""

    def __init__(self, stage: Stage, member: Member, site: Site, *, is_candidate: bool) -> None:
        self.stage, self.member, self.site, self.is_candidate = stage, member, site, is_candidate
        self.tumor = stage.chance("tumor", member.index).choice(disease.TUMORS)
        self.baseline = (0, 0)
        self.book: Casebook

    def tell(self) -> None:
        first = self.member.first_dose
        screened = min(first - SCREENED_BEFORE, -2)
        self._at(screened - 1, 12, self._consent)
        self._at(screened, 19, partial(self._screen, screened))
        self._at(screened + 1, 16, self._sign)
        if first <= 0:
            self._at(first - 2, 14, self._reserve)
            self._at(first - 1, 11, self._enrol)
            self._tell_treatment()
        else:
            self._at(-1, 8, self._reserve)
            self._at(-1, 11, self._enrol)

    def _at(self, day: int, hour: int, happens: Callable[[datetime], None]) -> bool:
        """Let it happen on that day, unless the day is today or later."""
        if day < 0:
            self._then(self.stage.moment(day, hour, self.member.index % 60), happens)
        return day < 0

    def _then(self, at: datetime, happens: Callable[[datetime], None]) -> None:
        def at_the_site(now: datetime) -> None:
            with self.stage.acting(Role.COORDINATOR, self.site):
                happens(now)

        self.stage.script.add(at, at_the_site)

    # -- before treatment

    def _consent(self, at: datetime) -> None:
        self.book = way_in.consent(self.stage, self.site, at, self.member.index)

    def _screen(self, day: int, at: datetime) -> None:
        book = self.book
        book.hold_visit("SCR", day, at)
        for record in book.records("SCR"):
            way_in.background(book, record, self.tumor, at)
        visit_pages.enter(book, "SCR", day, at, VisitFacts(ecog=book.chance.choice((0, 1))))
        way_in.history(book, at)
        self.baseline = disease.find_lesions(book, self.tumor, "SCR", day, at)
        way_in.answer_criteria(book, "main", day, at)

    def _sign(self, at: datetime) -> None:
        way_in.sign(self.book, "main", at)

    def _reserve(self, at: datetime) -> None:
        way_in.reserve(self.book, self.member.level, self.member.first_dose, at, backfill=self.member.is_backfill)

    def _enrol(self, at: datetime) -> None:
        way_in.enrol(self.book, at)

    # -- treatment

    def _tell_treatment(self) -> None:
        """Visits and scans until treatment ends or today comes."""
        member, end = self.member, self._last_day()
        for code, after in (("C1D1", 0), ("C1D2", 1), ("C1D8", 7), ("C1D15", 14), ("C1D16", 15), ("C1D22", 21)):
            self._tell_visit(code, after, end)
        for cycle in range(2, LAST_CYCLE + 1):
            for day in (1, 15):
                self._tell_visit(f"C{cycle}D{day}", 28 * (cycle - 1) + day - 1, end)
        for number in range(1, 5):
            if 56 * number <= end + 7:
                self._at(member.first_dose + 56 * number, 17, partial(self._scan, number))
        self._tell_harms(end)
        self._tell_end(end)

    def _last_day(self) -> int:
        """The last day of treatment, counted from the first dose."""
        if self.member.limits is CRS_THAT_LIMITS:
            return 14
        match self.member.course:
            case "PD":
                return 58
            case "NEW":
                return 114
            case "NE":
                return 44
            case "SD":
                return 140
        return 1000

    def _tell_visit(self, code: str, after: int, end: int) -> None:
        if after > end:
            return
        late = 4 if code == "C1D8" and self.member.index % 7 == 3 else 0
        if code == "C1D22" and self.member.index % 8 == 5:
            self._at(self.member.first_dose + after + 2, 12, partial(self._miss, code))
            return
        day = self.member.first_dose + after + late
        self._at(day, 20, partial(self._visit, code, day))

    def _visit(self, code: str, day: int, at: datetime) -> None:
        self.book.hold_visit(code, day, at)
        facts = self._facts(code)
        visit_pages.enter(self.book, code, day, at, facts)
        if code in ("C1D1", "C1D15") and self.member.index % 12 == 0:
            self._at(day + 1, 21, lambda later: visit_pages.enter_time_points(self.book, code, day, later, facts))

    def _facts(self, code: str) -> VisitFacts:
        """What is particular about a visit of this subject."""
        member, chance = self.member, self.book.chance
        unusual: dict[str, str] = {}
        crs = 0
        if code in ("C1D2", "C1D16"):
            crs = 2 if member.limits is CRS_THAT_LIMITS else chance.choice((0, 0, 1))
            unusual = {"CRP": str(chance.randint(28, 160)), "LYM": f"{chance.uniform(0.2, 0.7):.1f}"}
        if code in ("C1D15", "C1D22") and member.limits is LIVER_THAT_LIMITS:
            unusual = {"AST": str(chance.randint(210, 290)), "ALT": str(chance.randint(170, 240))}
        if code == "C1D8" and member.index % 6 == 1:
            unusual = {"K": "6.7", "SYSBP": "204"}
        if code == "C1D8" and member.index % 6 == 4:
            unusual = {"NEUT": "0.8", "HGB": "8.4", "PLAT": "68"}
        dose: dict[str, str] = {}
        if code == "C1D22" and member.limits is LIVER_THAT_LIMITS:
            dose = {"was_given": "N", "modification": "OMITTED", "modification_reason": "RELATED TOXICITY"}
        return VisitFacts(ecog=chance.choice((0, 1, 1)), unusual=unusual, crs=crs, dose_texts=dose)

    def _miss(self, code: str, at: datetime) -> None:
        self.book.miss_visit(code, "Subject could not travel", at)

    def _scan(self, number: int, at: datetime) -> None:
        day = self.member.first_dose + 56 * number
        self.book.hold_visit(f"TA{number}", day, at)
        disagrees = number == 1 and self.member.index % 10 == 2
        disease.scan(self.book, self.member.course, number, self.baseline, f"TA{number}", day, at, disagrees=disagrees)

    # -- harm

    def _tell_harms(self, end: int) -> None:
        first, chance = self.member.first_dose, self.stage.chance("harms", self.member.index)
        usual = [each for each in chance.sample(harm.USUAL, chance.randint(2, 4)) if each.onset <= end]
        if self.member.limits is not None:
            usual = [each for each in usual if each.term != self.member.limits.term]
            self._tell_serious(self.member.limits)
        if self.is_candidate:
            self._tell_serious(CANDIDATE)
        for each in usual:
            entered = min(max(first + each.onset + (each.lasts or 7) + 2, first + each.onset), -1)
            if first + each.onset < -1:
                self._at(entered, 15, partial(self._harm, each))

    def _harm(self, each: Harm, at: datetime) -> None:
        harm.enter_and_answer(self.book, each, self.member.first_dose, at)

    def _tell_serious(self, each: Harm) -> None:
        """A serious event is entered the day after, and once more followed up when it is over."""
        first = self.member.first_dose
        over = first + each.onset + (each.lasts or 0) + 1
        entered = min(over, -1)
        self._at(entered, 9, partial(self._serious, each))

    def _serious(self, each: Harm, at: datetime) -> None:
        record = harm.enter(self.book, each, self.member.first_dose, at)
        if each.reported_hours is not None:
            onset = self.stage.moment(self.member.first_dose + each.onset, 21)
            harm.report(self.book, record, onset + timedelta(hours=each.reported_hours))
            self._judge(each, record, at)
            harm.triage(self.book, each, record, at + timedelta(hours=9))
            if not each.is_expected:
                day = (at.date() - self.stage.today).days
                self._at(day + DAYS_TO_THE_AUTHORITY, 11, partial(harm.submit, self.book, record))

    def _judge(self, each: Harm, record: FormRecord, at: datetime) -> None:
        harm.answer(self.book, record, is_dlt=True, why="Meets the protocol's criterion.", at=at + timedelta(hours=3))
        harm.adjudicate(
            self.book,
            record,
            is_dlt=True,
            why=f"{each.term}: course and relation reviewed with the site. It limits the dose.",
            at=at + timedelta(hours=8),
        )

    # -- the end

    def _tell_end(self, end: int) -> None:
        if end >= 1000:
            return
        day = self.member.first_dose + end + 7
        if not self._at(day, 16, partial(self._end_treatment, day)):
            return
        last_dose = self.member.first_dose + end
        follow_up = last_dose + 30
        if self.member.course == "PD" and self.member.index % 2 == 0:
            self._at(day + 20, 13, partial(self._die, day + 19))
        elif self.member.course == "NE":
            self._at(day + 14, 13, partial(self._withdraw, day + 13))
        else:
            self._at(follow_up, 16, partial(self._visit, "SFU30", follow_up))

    def _end_treatment(self, day: int, at: datetime) -> None:
        book = self.book
        book.hold_visit("EOT", day, at)
        visit_pages.enter(book, "EOT", day, at, VisitFacts(ecog=1))
        reason = "PROGRESSIVE DISEASE" if self.member.course in PROGRESSIVE else "PHYSICIAN DECISION"
        if self.member.limits is CRS_THAT_LIMITS:
            reason = "ADVERSE EVENT"
        if self.member.course == "NE":
            reason = "WITHDRAWAL BY SUBJECT"
        book.fill(book.record("EOT", "end_of_treatment"), {"happened": book.day(day), "reason": reason}, at)

    def _die(self, day: int, at: datetime) -> None:
        book = self.book
        book.hold_visit("EOS", day, at)
        texts = {
            "died": book.day(day),
            "cause": f"Progression of {self.tumor.diagnosis.lower()}",
            "cause_kind": "DISEASE UNDER STUDY",
            "is_related": "N",
            "autopsy": "N",
        }
        book.fill(book.record("EOS", "death"), texts, at)
        book.fill(book.record("EOS", "end_of_study"), {"happened": book.day(day), "reason": "DEATH"}, at)

    def _withdraw(self, day: int, at: datetime) -> None:
        book = self.book
        book.hold_visit("EOS", day, at)
        book.not_done(book.record("EOS", "death"), "Subject is alive", at)
        texts = {"happened": book.day(day), "reason": "WITHDRAWAL BY SUBJECT"}
        book.fill(book.record("EOS", "end_of_study"), texts, at)


class NotEnrolled:
    """A subject who is screened only: fails a criterion, waits for a place, or is in the middle of it."""

    def __init__(self, stage: Stage, index: int, site: Site, *, ends: str, day: int) -> None:
        self.stage, self.index, self.site, self.ends, self.day = stage, index, site, ends, day
        self.tumor = stage.chance("tumor", "screened", index).choice(disease.TUMORS)
        self.book: Casebook

    def tell(self) -> None:
        script, minute = self.stage.script, self.index % 60
        script.add(self.stage.moment(self.day, 13, minute), self._consent)
        if self.ends != "consented":
            script.add(self.stage.moment(self.day + 1, 19, minute), self._screen)

    def _consent(self, at: datetime) -> None:
        self.book = way_in.consent(self.stage, self.site, at, "screened", self.index)

    def _screen(self, at: datetime) -> None:
        book, day = self.book, self.day + 1
        prame = "NEGATIVE" if self.ends == "failed" else "POSITIVE"
        book.hold_visit("SCR", day, at)
        for record in book.records("SCR"):
            way_in.background(book, record, self.tumor, at, prame=prame)
        if self.ends == "failed":
            way_in.answer_criteria(book, "main", day, at, failing=("I5",))
            way_in.fail(book, ["I5"], "No PRAME in the biopsy.", at)
            return
        visit_pages.enter(book, "SCR", day, at, VisitFacts(ecog=1))
        way_in.history(book, at)
        disease.find_lesions(book, self.tumor, "SCR", day, at)
        if self.ends == "eligible":
            way_in.answer_criteria(book, "main", day, at)
            way_in.sign(book, "main", at + timedelta(minutes=40))


def tell(stage: Stage, ladder: Ladder, *, beside: int) -> None:
    """Put the whole trial into the script: those treated, the meetings, those screened only."""
    sites = stage.sites
    candidate = _candidate(ladder)
    for member in ladder.members:
        Story(stage, member, sites[member.index % len(sites)], is_candidate=member.index == candidate).tell()
    for meeting in ladder.meetings:
        stage.script.add(
            stage.moment(meeting.day, 15),
            partial(decide, stage, meeting.kind, meeting.level, meeting.rationale),
        )
    first = min((member.first_dose for member in ladder.members), default=-30)
    span = max(-first - 20, 20)
    for index in range(beside):
        ends = ("failed", "consented", "failed", "eligible", "screened")[index % 5]
        day = -span + (index * span) // max(beside, 1) if ends == "failed" else -(3 + index % 3)
        NotEnrolled(stage, index, sites[(index + 1) % len(sites)], ends=ends, day=min(day, -3)).tell()


def _candidate(ladder: Ladder) -> int | None:
    """Whose toxicity nobody has decided yet: the newest subject who was treated long enough to have one."""
    treated = [
        member
        for member in ladder.members
        if member.limits is None and -CANDIDATE.onset - 28 < member.first_dose <= -CANDIDATE.onset - 1
    ]
    return max(treated, key=lambda member: member.first_dose).index if treated else None
