"""The cohort board: dose levels with their counts, subjects as far as the reader may see them, and the advice."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from apps.core.action import Action
from apps.core.actor import Actor
from apps.enrollment.models import Cohort
from apps.enrollment.selectors import whole_study
from apps.escalation import ladder as ladders
from apps.escalation.ladder import Ladder, Member
from apps.escalation.models import CommitteeDecision
from apps.safety.models import DltAdjudication
from apps.study.models import Study
from apps.study.selectors import latest_version
from clinical.dlt.evaluability import Evaluability, State
from clinical.escalation.advice import Advice
from clinical.escalation.trial import DoseLevel
from clinical.protocol.design import Alternative, Escalation


@dataclass(frozen=True)
class Tile:
    """One subject on the board, of a site that the reader works for."""

    number: str
    words: str
    """Where the subject stands, as short as a tile; `reason` says why, for the table beside it."""
    reason: str
    share: float
    """How much of the DLT period has passed, 0 to 1."""
    is_dlt: bool
    is_candidate: bool
    event: str
    is_backfill: bool

    @property
    def name(self) -> str:
        """What the tile says to who cannot see it."""
        parts = [self.number, self.words, self.event, "backfill" if self.is_backfill else ""]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Row:
    """One dose level: counts over all sites, and the tiles that the reader may see."""

    number: int
    label: str
    cohort: Cohort | None
    counts: DoseLevel
    planned: int
    enrolled: int
    tiles: tuple[Tile, ...]
    elsewhere: int
    """How many treated subjects are of sites that the reader does not see."""
    is_current: bool
    is_eliminated: bool
    decision: CommitteeDecision | None

    @property
    def summary(self) -> str:
        """“1 DLT / 5 evaluable, 1 pending”."""
        counts = self.counts
        words = f"{counts.dlts} DLT{'' if counts.dlts == 1 else 's'} / {counts.evaluable} evaluable"
        if counts.pending:
            words += f", {counts.pending} pending"
        if counts.undecided:
            words += f" ({counts.undecided} under review)"
        if counts.not_evaluable:
            words += f", {counts.not_evaluable} not evaluable"
        return words if counts.treated else "Nobody treated"


@dataclass(frozen=True)
class Advised:
    """What one design says, in words that fit the protocol's own level numbers."""

    design: str
    is_protocols: bool
    short: str
    reason: str
    action: str
    level: int | None
    is_for_safety: bool
    numbers: Mapping[str, float]
    problem: str = ""


@dataclass(frozen=True)
class Board:
    """The cohort board of a study at a moment."""

    ladder: Ladder
    rows: tuple[Row, ...]
    """Highest dose level on top."""
    advised: tuple[Advised, ...]
    """The protocol's design first, then those that an amendment could switch to."""
    questioned: tuple[CommitteeDecision, ...]
    """Decisions that rest on a judgement which has been taken back since."""
    at: datetime

    @property
    def advice(self) -> Advised:
        return self.advised[0]

    @property
    def treated(self) -> int:
        return sum(row.counts.treated for row in self.rows)

    @property
    def finding(self) -> str:
        """The board in one sentence."""
        subjects = "1 subject" if self.treated == 1 else f"{self.treated} subjects"
        if self.ladder.has_ended:
            return f"{subjects} treated; the escalation was stopped by a signed decision."
        if self.treated == 0:
            first = self.ladder.definition.dose_level(self.ladder.current).label
            row = next(row for row in self.rows if row.is_current)
            return f"No subject has been dosed. First cohort: {first}, {row.enrolled} of {row.planned} places used."
        here = next(row for row in self.rows if row.is_current)
        return f"{subjects} treated; now {here.label}: {here.summary}. Advice: {self.advice.short}."


def cohort_board(*, actor: Actor, study: Study, at: datetime) -> Board | None:
    """The board as this person may see it; None for a trial that escalates no dose.

    Counts are over all sites, for everybody who may see the study. Subjects appear only to who may read their data.
    """
    with whole_study(study.pk):
        ladder = ladders.climb(latest_version(study), at=at)
        if ladder is None:
            return None
        cohorts = list(Cohort.objects.filter(study=study, part=ladder.part).order_by("position"))
        questioned = questioned_decisions(ladder)
    readable = actor.sites_where(Action.READ_DATA)
    rows = tuple(_row(ladder, number, cohorts, readable) for number in reversed(ladder.numbers))
    return Board(ladder=ladder, rows=rows, advised=advised(ladder), questioned=questioned, at=at)


def advised(ladder: Ladder) -> tuple[Advised, ...]:
    """What the protocol's design says, and each design that it names as an alternative."""
    escalation = ladder.definition.escalation
    designs: list[Escalation | Alternative] = [escalation, *escalation.alternatives]
    found = []
    for chosen in designs:
        is_protocols = chosen is escalation
        try:
            found.append(_in_words(ladder, chosen.design, ladders.advise(ladder, chosen), is_protocols=is_protocols))
        except ValueError as fault:  # a design that cannot say anything to this state says why
            if is_protocols:
                raise
            found.append(
                Advised(chosen.design, False, "no advice", str(fault), "", None, False, {}, problem=str(fault))
            )
    return tuple(found)


def _in_words(ladder: Ladder, design: str, advice: Advice, *, is_protocols: bool) -> Advised:
    level = ladder.number(advice.level)
    label = ladder.definition.dose_level(level).label
    short = {
        "escalate": f"escalate to {label}",
        "de-escalate": f"de-escalate to {label}",
        "stay": f"stay at {label}",
        "expand": f"expand {label}",
    }.get(advice.action.value, advice.action.value)
    return Advised(
        design=design,
        is_protocols=is_protocols,
        short=short,
        reason=advice.reason,
        action=advice.action.value,
        level=level,
        is_for_safety=advice.is_for_safety,
        numbers=advice.numbers,
    )


def questioned_decisions(ladder: Ladder) -> tuple[CommitteeDecision, ...]:
    """Decisions signed while a judgement stood that has been taken back since, until a later decision is signed."""
    if not ladder.decisions:
        return ()
    last = ladder.decisions[-1]
    taken_back = DltAdjudication.objects.filter(
        subject__in=[member.subject for member in ladder.members],
        replaces__isnull=False,
        replaces__adjudicated_at__lte=last.decided_at,
        adjudicated_at__gt=last.decided_at,
    ).select_related("replaces")
    changed = any(each.replaces is not None and each.judgement != each.replaces.judgement for each in taken_back)
    return (last,) if changed else ()


def decisions(*, study: Study) -> list[CommitteeDecision]:
    """Every signed decision, the newest first."""
    return list(
        CommitteeDecision.objects.filter(study=study)
        .select_related("cohort", "next_cohort")
        .order_by("-decided_at", "-pk")
    )


def _row(ladder: Ladder, number: int, cohorts: list[Cohort], readable: frozenset[int]) -> Row:
    here = ladder.at_level(number)
    cohort = ladders.cohort_at(ladder, number, cohorts)
    counts = ladder.trial[ladder.place(number)]
    visible = [member for member in here if member.subject.site_id in readable]
    treated_elsewhere = [member for member in here if member.is_treated and member.subject.site_id not in readable]
    about = [decision for decision in ladder.decisions if decision.dose_level == number]
    return Row(
        number=number,
        label=counts.label,
        cohort=cohort,
        counts=counts,
        planned=cohort.capacity if cohort else 0,
        enrolled=cohort.taken if cohort else 0,
        tiles=tuple(_tile(member) for member in visible),
        elsewhere=len(treated_elsewhere),
        is_current=number == ladder.current and not ladder.has_ended,
        is_eliminated=ladder.place(number) in ladder.trial.eliminated,
        decision=about[-1] if about else None,
    )


def _in_a_tile(found: Evaluability) -> str:
    """The state word; why a subject is not evaluable belongs to it, why one waits is told on the subject's own page."""
    if found.state in (State.WINDOW_CLOSED_UNDECIDED, State.EVALUABLE_DLT):
        return found.state[0].upper() + found.state[1:]
    return str(found)


def _tile(member: Member) -> Tile:
    found = member.status.evaluability
    share = 1.0
    if found.state is State.NOT_DOSED:
        share = 0.0
    elif found.state is State.IN_WINDOW:
        share = 0.0 if not found.days or not found.day else min(1.0, found.day / found.days)
    worst = member.worst_dlt()
    event = ""
    if worst is not None:
        told, assessment = worst
        event = f"{told.term or 'event'}{f' grade {assessment.highest_grade}' if assessment.highest_grade else ''}"
    return Tile(
        number=member.subject.number,
        words=_in_a_tile(found),
        reason=str(found),
        share=share,
        is_dlt=found.state is State.EVALUABLE_DLT,
        is_candidate=bool(found.candidates) and found.state is not State.EVALUABLE_DLT,
        event=event,
        is_backfill=member.slot.is_backfill,
    )
