"""From the subjects of a part to the state of the trial that a design reads: who counts where, and as what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Max

from apps.assessments.models import YesNo
from apps.dosing import plan as dosing_plan
from apps.dosing.models import Administration
from apps.enrollment.models import HOLDS_A_PLACE, Cohort, Slot
from apps.escalation.models import CommitteeDecision, DecisionKind
from apps.safety import facts, selectors
from apps.safety.models import DltAdjudication, Judgement
from apps.study.models import ProtocolVersion
from apps.subjects.models import Subject
from apps.visits.models import EntryState
from clinical.dlt.evaluability import Counts, State
from clinical.dlt.evaluation import Assessment
from clinical.dlt.facts import ToxicityEvent
from clinical.dlt.subject import DltStatus
from clinical.dlt.verdict import Truth
from clinical.escalation.advice import Advice, Design
from clinical.escalation.catalogue import design_named
from clinical.escalation.trial import DoseLevel, Trial
from clinical.protocol.definition import Definition
from clinical.protocol.design import Alternative, CountsAgainst, Escalation

NO_ESCALATION = "none"


@dataclass(frozen=True)
class Member:
    """One subject of the part with its place, the level it counts at, and its DLT status."""

    subject: Subject
    slot: Slot
    level: int | None
    status: DltStatus
    case: facts.DltCase

    @property
    def is_treated(self) -> bool:
        return self.status.evaluability.state is not State.NOT_DOSED

    @property
    def is_pending(self) -> bool:
        return self.is_treated and self.status.evaluability.for_escalation is Counts.PENDING

    @property
    def is_undecided(self) -> bool:
        """Whether a candidate under review makes the subject count as a DLT for stopping."""
        found = self.status.evaluability
        return self.is_pending and found.for_stopping is Counts.DLT and bool(found.candidates)

    @property
    def is_evaluable(self) -> bool:
        return self.status.evaluability.for_escalation in (Counts.DLT, Counts.NO_DLT)

    @property
    def has_dlt(self) -> bool:
        return self.status.evaluability.for_escalation is Counts.DLT

    def worst_dlt(self) -> tuple[ToxicityEvent, Assessment] | None:
        """The confirmed event (else the candidate) of the highest grade, for the tile."""
        found = self.status.evaluability
        named = [each for each in found.confirmed or found.candidates if each is not None]
        known = {event.id: event for event in self.case.facts.events}
        judged = [(known[each], self.status.of_event(each)) for each in named if each in known]
        return max(judged, key=lambda pair: pair[1].highest_grade or 0, default=None)


@dataclass(frozen=True)
class Ladder:
    """The dose levels of a part, its members, and the state of the trial as a design reads it at a moment.

    `numbers` are the protocol's level numbers from the lowest up; the designs count them from 1.
    """

    version: ProtocolVersion
    part: str
    numbers: tuple[int, ...]
    members: tuple[Member, ...]
    trial: Trial
    decisions: tuple[CommitteeDecision, ...]
    has_ended: bool
    at: datetime

    @property
    def definition(self) -> Definition:
        return self.version.definition

    def number(self, place: int) -> int:
        """The protocol's number of a level that a design counts as `place`."""
        return self.numbers[place - 1]

    def place(self, number: int) -> int:
        """How a design counts the level of that number."""
        return self.numbers.index(number) + 1

    @property
    def current(self) -> int:
        """The protocol's number of the level now open."""
        return self.number(self.trial.current)

    def at_level(self, number: int) -> tuple[Member, ...]:
        """The members who count at a level, in the order of their first doses."""
        here = [member for member in self.members if member.level == number]
        return tuple(sorted(here, key=lambda member: (_first_dose(member), member.subject.number)))


def escalated_part(definition: Definition) -> str | None:
    """The part in which the dose is escalated: that of the cohort that opens first."""
    cohorts = [cohort for cohort in definition.cohorts if cohort.dose_level is not None]
    first = next((cohort for cohort in cohorts if cohort.open_at_start), next(iter(cohorts), None))
    return None if first is None or definition.escalation.design == NO_ESCALATION else first.part


def climb(version: ProtocolVersion, *, at: datetime) -> Ladder | None:
    """The ladder as it stands at a moment; None for a trial that escalates no dose.

    It counts subjects of every site, so it runs as a part of the system; only numbers leave it unless the reader may
    see the subject.
    """
    definition = version.definition
    part = escalated_part(definition)
    if part is None:
        return None
    slots = list(
        Slot.objects.filter(cohort__study_id=version.study_id, cohort__part=part, state__in=HOLDS_A_PLACE)
        .select_related("cohort", "subject__site", "subject__protocol_version")
        .order_by("pk")
    )
    members = _members(slots, definition, at)
    decisions = tuple(
        CommitteeDecision.objects.filter(study_id=version.study_id, part=part, decided_at__lte=at)
        .select_related("cohort", "next_cohort")
        .order_by("decided_at", "pk")
    )
    in_part = {cohort.dose_level for cohort in definition.cohorts if cohort.part == part}
    numbers = tuple(sorted(level.number for level in definition.dose_levels if level.number in in_part))
    start = next(
        (each.dose_level for each in definition.cohorts if each.part == part and each.open_at_start), numbers[0]
    )
    current = _current_level(decisions, start if start is not None else numbers[0])
    levels = tuple(_counted(definition.dose_level(number).label, number, members, at) for number in numbers)
    eliminated = _eliminated(decisions, members)
    trial = Trial(
        levels=levels,
        current=numbers.index(current) + 1,
        eliminated=frozenset(numbers.index(number) + 1 for number in eliminated if number in numbers),
    )
    return Ladder(
        version=version,
        part=part,
        numbers=numbers,
        members=tuple(members),
        trial=trial,
        decisions=decisions,
        has_ended=bool(decisions) and decisions[-1].kind == DecisionKind.STOP,
        at=at,
    )


def design_of(chosen: Escalation | Alternative) -> Design:
    """A design of the protocol, built from its parameters. Designs calculate in floating point."""
    return design_named(chosen.design, {name: _as_number(value) for name, value in chosen.parameters.items()})


def advise(ladder: Ladder, chosen: Escalation | Alternative | None = None) -> Advice:
    """What the protocol's design (or one of its alternatives) says to the trial as it stands."""
    return design_of(chosen or ladder.definition.escalation).advise(ladder.trial)


def cohort_at(ladder: Ladder, number: int, cohorts: Iterable[Cohort]) -> Cohort | None:
    """The cohort of the part at a dose level."""
    return next((each for each in cohorts if each.part == ladder.part and each.dose_level == number), None)


def _as_number(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(_as_number(each) for each in value)
    return float(value) if isinstance(value, Decimal) else value


def _members(slots: Sequence[Slot], definition: Definition, at: datetime) -> list[Member]:
    subjects = [slot.subject for slot in slots]
    received = _levels_received(subjects, definition)
    found = []
    for slot, case in zip(slots, facts.dlt_cases(subjects), strict=True):
        status = selectors.status_of(case, at)
        if status is None:  # this subject's protocol version has no DLT
            continue
        assigned = slot.cohort.dose_level
        found.append(Member(slot.subject, slot, received.get(slot.subject_id, assigned), status, case))
    return found


def _levels_received(subjects: Sequence[Subject], definition: Definition) -> Mapping[int, int | None]:
    """The level that each dosed subject received, where the protocol charges a DLT to that; empty otherwise.

    A dose below the whole ladder counts at no level.
    """
    if definition.dlt is None or definition.dlt.period.counts_against is not CountsAgainst.RECEIVED:
        return {}
    given = (
        Administration.objects.filter(
            record__subject__in=subjects,
            was_given=YesNo.YES,
            started__isnull=False,
            product=dosing_plan.escalated_product(definition),
        )
        .exclude(record__state=EntryState.REMOVED)
        .values_list("record__subject_id")
        .annotate(highest=Max("level_received"))
    )
    return dict(given)


def _counted(label: str, number: int, members: Sequence[Member], at: datetime) -> DoseLevel:
    here = [member for member in members if member.level == number and member.is_treated]
    pending = [member for member in here if member.is_pending]
    evaluable = [member for member in here if member.is_evaluable]
    return DoseLevel(
        label=label,
        treated=len(here),
        evaluable=len(evaluable),
        dlts=sum(member.has_dlt for member in evaluable),
        pending=len(pending),
        undecided=sum(member.is_undecided for member in pending),
        backfill_evaluable=sum(member.slot.is_backfill for member in evaluable),
        backfill_pending=sum(member.slot.is_backfill for member in pending),
        follow_up=tuple(_observed(member, at) for member in pending),
        worst_grades=tuple(_worst_related_grade(member) for member in here),
    )


def _observed(member: Member, at: datetime) -> float:
    """The share of the DLT period that has passed."""
    window = member.status.window
    if window is None:
        return 0.0
    return min(1.0, max(0.0, (window.day(at) - 1) / window.length_days))


def _worst_related_grade(member: Member) -> int:
    """The worst grade related to a study product that began inside the DLT period; unanswered counts as related."""
    window = member.status.window
    products = facts.study_products_of(member.subject)
    grades = [
        period.grade or 0
        for event in member.case.facts.events
        if any(event.relations.get(product) is not False for product in products)
        for period in event.periods
        if window is not None and window.holds(period.began, "it").truth is not Truth.NO
    ]
    return max(grades, default=0)


def _first_dose(member: Member) -> str:
    given = [dose.given.iso for dose in member.case.facts.doses if dose.given]
    return min(given, default="~")


def _current_level(decisions: Sequence[CommitteeDecision], start: int) -> int:
    current = start
    for decision in decisions:
        current = decision.dose_level if decision.next_level is None else decision.next_level
    return current


def _eliminated(decisions: Sequence[CommitteeDecision], members: Sequence[Member]) -> frozenset[int]:
    """The levels that decisions ruled out. A confirmed DLT taken back has its level, and those above, judged afresh."""
    level_of = {member.subject.pk: member.level for member in members}
    reversals = (
        DltAdjudication.objects.filter(
            subject__in=level_of, judgement=Judgement.REJECTED, replaces__judgement=Judgement.CONFIRMED
        )
        .order_by("adjudicated_at", "pk")
        .values_list("adjudicated_at", "subject_id")
    )
    steps: list[tuple[datetime, frozenset[int] | int | None]] = [
        (decision.decided_at, frozenset(decision.eliminated)) for decision in decisions
    ]
    steps += [(moment, level_of[subject]) for moment, subject in reversals]
    eliminated: frozenset[int] = frozenset()
    for _, step in sorted(steps, key=lambda each: each[0]):
        if isinstance(step, frozenset):
            eliminated |= step
        elif step is not None:
            eliminated = frozenset(level for level in eliminated if level < step)
    return eliminated
