"""Signals on a dose level: the design's stop, a class of events over its limit, a changed count, a dose too high."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Annotated

from clinical.escalation.advice import Action, Design
from clinical.escalation.trial import Trial
from clinical.signals import boundaries
from clinical.signals.rule import NoSettings, Rule, Setting
from clinical.signals.signal import Effect, Fact, Finding, Recipient, Scope, Severity, When, in_words


def _a_rate(says: str) -> Setting:
    """A probability, neither impossible nor certain."""
    return Setting(says, lowest=Decimal("0.001"), highest=Decimal("0.999"))


def _a_prior(says: str) -> Setting:
    return Setting(says, lowest=Decimal("0.0001"))


@dataclass(frozen=True, slots=True)
class DoseLevelFacts:
    """What the escalation design knows of one dose level.

    `dlts` includes candidates that count as a DLT for stopping until adjudicated (`undecided` of them); their subjects
    are not yet among the `evaluable`. A design that
    decides by a table gives `stop_at`, the number of DLTs at which the level is closed for this many evaluable
    subjects; a model gives `overdose_probability`; either may say `design_stops` outright with its reason in words.
    """

    dose_level: str
    design: str
    evaluable: int
    dlts: int
    undecided: int = 0
    stop_at: int | None = None
    overdose_probability: Decimal | None = None
    design_stops: bool = False
    reason: str = ""
    not_yet_dosed: tuple[str, ...] = ()


def dose_level_facts(
    trial: Trial, design: Design, *, name: str, not_yet_dosed: Mapping[int, tuple[str, ...]] | None = None
) -> tuple[DoseLevelFacts, ...]:
    """The facts of every dose level that somebody was treated at or waits for, each judged by the design.

    The design is asked about each of these levels as if it were the one now open, so a late DLT closes a level that the
    committee left long ago. De-escalation of a model or of BOIN short of elimination closes no level; candidates under
    review that would be too many DLTs do.
    """
    waiting = not_yet_dosed or {}
    found = []
    for number, level in enumerate(trial.levels, start=1):
        if not (level.was_tried or waiting.get(number)):
            continue
        advice = design.advise(replace(trial, current=number))
        closes = advice.is_for_safety and advice.action in (Action.STOP, Action.SUSPEND)
        stops = closes or number in trial.eliminated | advice.eliminates
        # Only a model tells a probability of overdosing; before the first subject it is the prior speaking.
        over = advice.numbers.get(f"over_{number}") if number == trial.current and level.was_tried else None
        found.append(
            DoseLevelFacts(
                dose_level=level.label or f"dose level {number}",
                design=name,
                evaluable=level.evaluable,
                dlts=level.dlts + level.undecided,
                undecided=level.undecided,
                overdose_probability=None if over is None else Decimal(f"{over:.4f}"),
                design_stops=stops,
                reason=advice.reason if stops or over is not None else "",
                not_yet_dosed=tuple(waiting.get(number, ())),
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class StopSettings:
    """The limit of a model's overdose probability (escalation with overdose control)."""

    overdose_limit: Annotated[Decimal, _a_rate("probability of overdosing at the current dose that stops it")] = (
        Decimal("0.25")
    )


def cohort_stop_boundary(facts: DoseLevelFacts, settings: StopSettings) -> Iterator[Finding]:
    """The design says eliminate or stop at this dose: two DLTs in 3+3, the elimination count of BOIN, EWOC of a model.

    Safety moves early: the boundary counts DLTs, so it is crossed with the second DLT of a 3+3 cohort although the
    third subject is still in the window. EWOC stops at 0.25 itself, not only above it.
    """
    at_boundary = facts.stop_at is not None and facts.dlts >= facts.stop_at
    overdosing = facts.overdose_probability is not None and facts.overdose_probability >= settings.overdose_limit
    if not (facts.design_stops or at_boundary or overdosing):
        return
    decided = facts.dlts - facts.undecided
    counted = [Fact("DLTs", f"{decided} of {facts.evaluable} evaluable subjects")]
    in_all = f"{_count(decided, 'DLT')} in {_count(facts.evaluable, 'evaluable subject')}"
    if facts.undecided:
        in_all += f", and {_count(facts.undecided, 'possible DLT')} under review"
        counted.append(Fact("Counted as DLT until adjudicated", str(facts.undecided)))
    if facts.stop_at is not None:
        counted.append(Fact("Stop at", f"{facts.stop_at} DLTs"))
    if facts.overdose_probability is not None:
        limit = f"{facts.overdose_probability} (limit {settings.overdose_limit})"
        counted.append(Fact("Probability of overdosing", limit))
    if facts.reason:
        counted.append(Fact("Reason of the design", facts.reason))
    counted.extend(Fact("Not yet dosed", subject) for subject in facts.not_yet_dosed)
    yield Finding(
        scope=Scope.of(dose_level=facts.dose_level),
        crossing="stop",
        severity=Severity.CRITICAL,
        sentence=f"{facts.design} stops {facts.dose_level}: {in_all}. "
        "Nobody not yet dosed there may be dosed until the committee has signed.",
        facts=tuple(counted),
        extent=facts.dlts,
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


COHORT_STOP_BOUNDARY = Rule(
    id="COHORT_STOP_BOUNDARY",
    version="1",
    title="Dose level must stop",
    description="The escalation design says eliminate or stop at the dose level.",
    cadence="within 60 seconds of the entry",
    recipients=(Recipient.COMMITTEE, Recipient.SPONSOR_SAFETY),
    effect=Effect.SUSPEND_DOSE_LEVEL,
    facts=DoseLevelFacts,
    settings=StopSettings,
    find=cohort_stop_boundary,
)


class EventClass(Enum):
    """The classes of events that are monitored against a limit; a protocol file names them as written here."""

    DLT = "DLT"
    SEVERE_CRS = "CRS of grade 3 or more"
    ANY_ICANS = "ICANS of any grade"
    RELATED_DEATH = "treatment-related death"


def _a_class() -> Setting:
    return Setting("class of events that is watched", choices=tuple(each.value for each in EventClass))


@dataclass(frozen=True, slots=True)
class EventClassFacts:
    """How often a monitored class of events occurred among the subjects evaluable for it.

    `group` is where it is monitored: an expansion cohort, the whole part. Counts are subjects, not events.
    """

    group: str
    event_class: EventClass
    with_event: int
    evaluable: int


@dataclass(frozen=True, slots=True)
class BayesSettings:
    """The class watched, its acceptable rate, how sure one must be that it is exceeded, and the beta prior."""

    event_class: Annotated[str, _a_class()] = EventClass.DLT.value
    limit: Annotated[Decimal, _a_rate("highest acceptable rate")] = Decimal("0.30")
    cutoff: Annotated[Decimal, _a_rate("posterior probability above which to stop")] = Decimal("0.95")
    prior_a: Annotated[Decimal, _a_prior("first parameter of the beta prior (events)")] = Decimal(1)
    prior_b: Annotated[Decimal, _a_prior("second parameter of the beta prior (no events)")] = Decimal(1)
    minimum_evaluable: Annotated[int, Setting("subjects needed before the rule speaks", lowest=1)] = 3


def bayes_tox_stop(facts: EventClassFacts, settings: BayesSettings) -> Iterator[Finding]:
    """The rate of a monitored event class is probably above its limit (beta-binomial; Thall and Simon 1994).

    Below the minimum number of subjects the rule is silent even when everybody had the event. A protocol file names the
    rule once for each class it watches, each with its own limit.
    """
    if facts.event_class.value != settings.event_class or facts.evaluable < settings.minimum_evaluable:
        return
    watched = facts.event_class.value
    chance = boundaries.probability_above(
        float(settings.limit),
        events=facts.with_event,
        n=facts.evaluable,
        prior_a=float(settings.prior_a),
        prior_b=float(settings.prior_b),
    )
    if chance <= float(settings.cutoff):
        return
    yield Finding(
        scope=Scope.of(group=facts.group, event_class=watched, limit=str(settings.limit)),
        crossing="exceeded",
        severity=Severity.CRITICAL,
        sentence=f"{watched} in {facts.group}: {facts.with_event} of {facts.evaluable} subjects. The rate is "
        f"above {settings.limit} with probability {chance:.3f}.",
        facts=(
            Fact(watched, f"{facts.with_event} of {facts.evaluable} subjects"),
            Fact("Probability that the rate is above the limit", f"{chance:.4f} (stop above {settings.cutoff})"),
            Fact("Prior", f"beta({settings.prior_a}, {settings.prior_b})"),
        ),
        extent=facts.with_event,
    )


BAYES_TOX_STOP = Rule(
    id="BAYES_TOX_STOP",
    version="1",
    title="Bayesian stopping boundary",
    description="The rate of a monitored event class exceeds its limit with high posterior probability.",
    cadence="within 60 seconds of the entry",
    recipients=(Recipient.COMMITTEE, Recipient.SAFETY_BOARD),
    effect=Effect.PROPOSE_HOLD,
    facts=EventClassFacts,
    settings=BayesSettings,
    find=bayes_tox_stop,
)


@dataclass(frozen=True, slots=True)
class SequentialSettings:
    """The class watched, a boundary by its published name, the acceptable rate and the chance of a false stop."""

    event_class: Annotated[str, _a_class()] = EventClass.DLT.value
    method: Annotated[
        str,
        Setting(
            "Pocock, O'Brien-Fleming, Wang-Tsiatis, Geller's beta-binomial or a sequential probability ratio test",
            choices=tuple(method.value for method in boundaries.Method),
        ),
    ] = "Pocock"
    acceptable_rate: Annotated[Decimal, _a_rate("rate that is still acceptable")] = Decimal("0.30")
    alpha: Annotated[Decimal, _a_rate("highest chance of stopping at the acceptable rate")] = Decimal("0.05")
    planned: Annotated[int, Setting("evaluable subjects planned", lowest=1)] = 20
    group_size: Annotated[int, Setting("look after every so many subjects", lowest=1)] = 1
    delta: Annotated[Decimal, Setting("shape of the Wang-Tsiatis boundary", lowest=0)] = Decimal("0.25")
    prior_a: Annotated[Decimal, _a_prior("first parameter of the beta prior (BB, CC)")] = Decimal("0.6")
    prior_b: Annotated[Decimal, _a_prior("second parameter of the beta prior (BB, CC)")] = Decimal("1.4")
    alternative_rate: Annotated[Decimal, _a_rate("unacceptable rate (SPRT, CC)")] = Decimal("0.50")
    threshold: Annotated[Decimal, _a_rate("posterior that the unacceptable rate is exceeded (CC)")] = Decimal("0.20")

    def __post_init__(self) -> None:
        """Refuse what no single parameter shows."""
        if self.group_size > self.planned:
            raise ValueError(f"group_size {self.group_size} leaves no look in {self.planned} planned subjects.")
        if self.method in ("SPRT", "CC") and self.alternative_rate <= self.acceptable_rate:
            raise ValueError("alternative_rate must lie above acceptable_rate.")

    def boundary(self) -> boundaries.Boundary:
        """The stopping counts of these settings."""
        return _boundary(self)


@lru_cache(maxsize=64)
def _boundary(settings: SequentialSettings) -> boundaries.Boundary:
    """Calibrated once per settings: a boundary costs milliseconds, a trial asks for it at every event."""
    return boundaries.boundary(
        method=boundaries.Method(settings.method),
        acceptable_rate=float(settings.acceptable_rate),
        alpha=float(settings.alpha),
        looks=tuple(range(settings.group_size, settings.planned + 1, settings.group_size)),
        parameters=_method_parameters(settings),
    )


def _method_parameters(settings: SequentialSettings) -> tuple[float, ...]:
    wanted = {
        "WT": (settings.delta,),
        "BB": (settings.prior_a, settings.prior_b),
        "SPRT": (settings.alternative_rate,),
        "CC": (settings.prior_a, settings.prior_b, settings.alternative_rate, settings.threshold),
    }.get(settings.method, ())
    return tuple(float(number) for number in wanted)


def sequential_boundary(facts: EventClassFacts, settings: SequentialSettings) -> Iterator[Finding]:
    """A Pocock, O'Brien-Fleming, Geller or SPRT boundary is reached at the last look that has taken place.

    With looks after groups of five and seven evaluable subjects the count *now* is held against the boundary of the
    look at five: the rule may propose a hold between two looks, before the design would, and never after it.
    """
    if facts.event_class.value != settings.event_class:
        return
    watched = facts.event_class.value
    reached = settings.boundary().stop_at(facts.evaluable)
    if reached is None or facts.with_event < reached:
        return
    yield Finding(
        scope=Scope.of(group=facts.group, event_class=watched, boundary=settings.method),
        crossing="reached",
        severity=Severity.CRITICAL,
        sentence=f"{watched} in {facts.group}: {facts.with_event} of {facts.evaluable} subjects reach the "
        f"{settings.method} boundary of {reached}.",
        facts=(
            Fact(watched, f"{facts.with_event} of {facts.evaluable} subjects"),
            Fact("Boundary", f"stop at {reached} or more"),
            Fact("Acceptable rate", f"{settings.acceptable_rate}, false stop at most {settings.alpha}"),
        ),
        extent=facts.with_event,
    )


SEQUENTIAL_BOUNDARY = Rule(
    id="SEQUENTIAL_BOUNDARY",
    version="1",
    title="Sequential stopping boundary",
    description="A Pocock, O'Brien-Fleming, Geller or SPRT boundary for a monitored event class is reached.",
    cadence="within 60 seconds of the entry",
    recipients=(Recipient.COMMITTEE, Recipient.SAFETY_BOARD),
    effect=Effect.PROPOSE_HOLD,
    facts=EventClassFacts,
    settings=SequentialSettings,
    find=sequential_boundary,
)


@dataclass(frozen=True, slots=True)
class SignedCountFacts:
    """The counts that a signed escalation decision rested on, and what they are now.

    `cause` names what changed them in words: a retracted DLT, a grade corrected, a subject no longer evaluable.
    """

    decision: str
    dose_level: str
    signed_on: When
    signed_evaluable: int
    signed_dlts: int
    evaluable: int
    dlts: int
    advice_then: str
    advice_now: str
    cause: str = ""


def evaluability_changed(facts: SignedCountFacts, settings: NoSettings) -> Iterator[Finding]:
    """Something changed a count behind a signed decision. The signed decision stays; people see both.

    Equal totals can hide a change of the advice (another subject's DLT confirmed, one rejected), so the advice counts.
    """
    before = (facts.signed_dlts, facts.signed_evaluable, facts.advice_then)
    after = (facts.dlts, facts.evaluable, facts.advice_now)
    if before == after:
        return
    flipped = facts.advice_then != facts.advice_now
    cause = (Fact("Cause", facts.cause),) if facts.cause else ()
    consequence = (
        f"The design would now say {facts.advice_now}." if flipped else "The design's advice is the same as before."
    )
    yield Finding(
        scope=Scope.of(dose_level=facts.dose_level, decision=facts.decision),
        crossing="counts changed",
        severity=Severity.CRITICAL if flipped else Severity.REVIEW,
        sentence=f"The decision signed on {in_words(facts.signed_on)} for {facts.dose_level} rested on "
        f"{facts.signed_dlts} DLTs in {facts.signed_evaluable}; now it is {facts.dlts} in {facts.evaluable}. "
        + consequence,
        facts=(
            Fact("When signed", f"{facts.signed_dlts} of {facts.signed_evaluable}", in_words(facts.signed_on)),
            Fact("Now", f"{facts.dlts} of {facts.evaluable}"),
            Fact("Advice when signed", facts.advice_then),
            Fact("Advice now", facts.advice_now),
            *cause,
        ),
        extent=facts.dlts,
    )


EVALUABILITY_CHANGED = Rule(
    id="EVALUABILITY_CHANGED",
    version="1",
    title="A count behind a signed decision changed",
    description="A retraction, a late grade change or a data correction changes a past escalation count.",
    cadence="within 60 seconds of the entry",
    recipients=(Recipient.COMMITTEE,),
    effect=Effect.SHOW_BEFORE_AND_AFTER,
    facts=SignedCountFacts,
    settings=NoSettings,
    find=evaluability_changed,
)


@dataclass(frozen=True, slots=True)
class DoseFacts:
    """A dose given, or a subject assigned, with the levels that the committee has released and closed.

    `amount` and `released_amount` are in the same unit; levels are numbered from 1 in the order of the protocol.
    """

    subject: str
    administration: str
    level: int
    level_name: str
    released_level: int
    released_level_name: str
    unit: str = ""
    amount: Decimal | None = None
    released_amount: Decimal | None = None
    level_is_closed: bool = False
    when: When = None
    was_given: bool = True


def dose_above_approved(facts: DoseFacts, settings: NoSettings) -> Iterator[Finding]:
    """A dose above the highest released level, or a subject at a level that is closed.

    A dose too large within its level counts as well: it is the amount that harms, not the label.
    """
    above = facts.level > facts.released_level
    too_much = facts.amount is not None and facts.released_amount is not None and facts.amount > facts.released_amount
    if not (above or too_much or facts.level_is_closed):
        return
    did = "was dosed at" if facts.was_given else "was assigned to"
    if above:
        why = f"above {facts.released_level_name}, the highest level released"
    elif facts.level_is_closed:
        why = "which is closed"
    else:
        why = f"with {facts.amount} {facts.unit}; {facts.released_amount} {facts.unit} is released".replace("  ", " ")
    amount = (Fact("Amount", f"{facts.amount} {facts.unit}".strip(), in_words(facts.when)),) if facts.amount else ()
    yield Finding(
        scope=Scope.of(subject=facts.subject, administration=facts.administration),
        crossing="above released",
        severity=Severity.CRITICAL,
        sentence=f"Subject {facts.subject} {did} {facts.level_name}, {why}.",
        facts=(
            Fact("Dose level", facts.level_name, in_words(facts.when)),
            Fact("Highest level released", facts.released_level_name),
            *amount,
        ),
        extent=max(facts.level - facts.released_level, 0),
    )


DOSE_ABOVE_APPROVED = Rule(
    id="DOSE_ABOVE_APPROVED",
    version="1",
    title="Dose above the released level",
    description="A dose recorded above the highest level that the committee released, or a subject at a closed level.",
    cadence="at once, at save",
    recipients=(Recipient.MEDICAL_MONITOR, Recipient.COHORT_INVESTIGATORS),
    effect=Effect.OPEN_DEVIATION,
    facts=DoseFacts,
    settings=NoSettings,
    find=dose_above_approved,
)


@dataclass(frozen=True, slots=True)
class TermCountFacts:
    """How many subjects of a cohort had a term, against all other cohorts pooled."""

    cohort: str
    term: str
    with_term: int
    subjects: int
    others_with_term: int
    other_subjects: int
    with_grade_4: int = 0


@dataclass(frozen=True, slots=True)
class FrequencySettings:
    """When a term is noticeably more (or less) frequent in a cohort."""

    significance: Annotated[Decimal, _a_rate("two-sided p value below which to speak")] = Decimal("0.05")
    minimum_events: Annotated[int, Setting("subjects with the term needed to compare", lowest=1)] = 3
    grade_4_subjects: Annotated[int, Setting("subjects with grade 4 or more that speak alone", lowest=1)] = 2


def frequency_by_cohort(facts: TermCountFacts, settings: FrequencySettings) -> Iterator[Finding]:
    """A term is more or less frequent in one cohort than in the pooled others (exact binomial), or grade 4 twice.

    The rate of the other cohorts is taken as known; with no other subject there is nothing to compare with, and when
    the term is unknown elsewhere a rate of zero would make every p value zero. One subject is therefore added to the
    others, half of it with the term, before the rate is taken.
    """
    counts = (
        Fact(facts.cohort, f"{facts.with_term} of {facts.subjects} subjects"),
        Fact("Other cohorts", f"{facts.others_with_term} of {facts.other_subjects} subjects"),
        Fact("Grade 4 or more", f"{facts.with_grade_4} subjects"),
    )
    if facts.other_subjects and facts.with_term >= settings.minimum_events:
        elsewhere = (facts.others_with_term + 0.5) / (facts.other_subjects + 1)
        chance = boundaries.two_sided_binomial(facts.with_term, n=facts.subjects, rate=elsewhere)
        if chance < float(settings.significance):
            yield Finding(
                scope=Scope.of(cohort=facts.cohort, term=facts.term, question="frequency"),
                crossing="differs",
                severity=Severity.REVIEW,
                sentence=f"{facts.term} in {facts.cohort}: {facts.with_term} of {facts.subjects} subjects, elsewhere "
                f"{facts.others_with_term} of {facts.other_subjects} (exact two-sided p = {chance:.3f}).",
                facts=counts,
                extent=facts.with_term,
            )
    if facts.with_grade_4 >= settings.grade_4_subjects:
        yield Finding(
            scope=Scope.of(cohort=facts.cohort, term=facts.term, question="grade 4"),
            crossing="repeated",
            severity=Severity.REVIEW,
            sentence=f"{facts.term} of grade 4 or more in {facts.with_grade_4} subjects of {facts.cohort}.",
            facts=counts,
            extent=facts.with_grade_4,
        )


FREQUENCY_BY_COHORT = Rule(
    id="FREQUENCY_BY_COHORT",
    version="1",
    title="Term frequent in one cohort",
    description="A term is more or less frequent in a cohort than in the others, or of grade 4 or more twice there.",
    cadence="every night",
    recipients=(Recipient.MEDICAL_MONITOR,),
    effect=Effect.OPEN_REVIEW_TASK,
    facts=TermCountFacts,
    settings=FrequencySettings,
    find=frequency_by_cohort,
)
