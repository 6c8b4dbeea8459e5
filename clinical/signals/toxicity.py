"""Signals on a single toxicity: a DLT, an event nobody has judged, a window that closed undecided, CRS and ICANS."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Annotated

from clinical.signals.rule import NoSettings, Rule, Setting
from clinical.signals.signal import Effect, Fact, Finding, Recipient, Scope, Severity, When, in_words


class Answer(Enum):
    """What the investigator answered to "was this a dose-limiting toxicity?"."""

    UNANSWERED = "unanswered"
    YES = "yes"
    NO = "no"


class Verdict(Enum):
    """Where the adjudication of a candidate stands."""

    NONE = "not adjudicated"
    UNDER_REVIEW = "under review"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ToxicityFacts:
    """One adverse event of a dosed subject, as the DLT rules see it at one moment.

    `in_window` is None when the onset is too incomplete to tell, `related` is None while the relation to study
    treatment is not answered, `criterion` is the clause of the protocol's DLT definition that the event meets.
    """

    subject: str
    event: str
    term: str
    grade: int | None
    began: When
    dose_level: str
    in_window: bool | None
    related: bool | None
    at: datetime
    entered_at: datetime
    criterion: str = ""
    answer: Answer = Answer.UNANSWERED
    verdict: Verdict = Verdict.NONE


def _event_facts(facts: ToxicityFacts) -> tuple[Fact, ...]:
    relation = {True: "yes", False: "no", None: "not answered"}[facts.related]
    window = {True: "yes", False: "no", None: "onset too incomplete to tell"}[facts.in_window]
    return (
        Fact("Event", f"{facts.term}, {_grade(facts.grade)}", in_words(facts.began)),
        Fact("Dose level", facts.dose_level),
        Fact("Inside the DLT window", window),
        Fact("Related to study treatment", relation),
        Fact("DLT by the investigator", facts.answer.value),
        Fact("Adjudication", facts.verdict.value),
    )


def _grade(grade: int | None) -> str:
    return "grade missing" if grade is None else f"grade {grade}"


def dlt_reported(facts: ToxicityFacts, settings: NoSettings) -> Iterator[Finding]:
    """A DLT is recorded, confirmed, or the event meets the protocol's definition inside the window.

    The investigator's "no" does not silence the definition: only an adjudication that rejects the candidate does. And
    a "yes" counts outside the window too, for it is the investigator's judgement that somebody must look at.
    """
    recorded = facts.answer is Answer.YES or facts.verdict is Verdict.CONFIRMED
    meets = bool(facts.criterion) and facts.in_window is not False
    if facts.verdict is Verdict.REJECTED or not (recorded or meets):
        return
    if facts.verdict is Verdict.CONFIRMED:
        how = "is a confirmed DLT"
    elif recorded:
        how = "was reported as a DLT"
    else:
        how = "meets the protocol's DLT definition"
    clause = (Fact("Clause met", facts.criterion),) if facts.criterion else ()
    yield Finding(
        scope=Scope.of(subject=facts.subject, event=facts.event),
        crossing="DLT",
        severity=Severity.CRITICAL,
        sentence=f"{facts.term}, {_grade(facts.grade)}, of subject {facts.subject} at {facts.dose_level} {how}.",
        facts=_event_facts(facts) + clause,
        extent=facts.grade or 0,
    )


DLT_REPORTED = Rule(
    id="DLT_REPORTED",
    version="1",
    title="Dose-limiting toxicity",
    description="A DLT is recorded, or an adverse event newly meets the protocol's DLT criteria inside the window.",
    cadence="within 60 seconds of the entry",
    recipients=(Recipient.MEDICAL_MONITOR, Recipient.COHORT_INVESTIGATORS, Recipient.STATISTICIAN),
    effect=Effect.RECOMPUTE_COHORT,
    facts=ToxicityFacts,
    settings=NoSettings,
    find=dlt_reported,
)


@dataclass(frozen=True, slots=True)
class CandidateSettings:
    """From which grade on an event in the window must be judged, and when to ask again."""

    minimum_grade: Annotated[int, Setting("lowest grade that asks for a judgement", lowest=1, highest=5)] = 3
    reminder_hours: Annotated[
        int, Setting("hours after entry at which an unanswered question is asked again", lowest=1)
    ] = 24


def dlt_candidate_unjudged(facts: ToxicityFacts, settings: CandidateSettings) -> Iterator[Finding]:
    """A severe, related event inside the window and nobody has said whether it is dose-limiting.

    A missing relation counts as related and an indeterminate onset as inside the window, until answered. An event on
    which the adjudication has begun or ended is judged, whatever the investigator's box says.
    """
    judged = facts.answer is not Answer.UNANSWERED or facts.verdict is not Verdict.NONE
    severe = facts.grade is not None and facts.grade >= settings.minimum_grade
    if judged or not severe or facts.related is False or facts.in_window is False:
        return
    event = f"{facts.term}, {_grade(facts.grade)}, of subject {facts.subject}"
    waited = facts.at.astimezone(UTC) - facts.entered_at.astimezone(UTC)
    overdue = waited >= timedelta(hours=settings.reminder_hours)
    if overdue:
        sentence = f"{event} has waited {settings.reminder_hours} hours for the answer whether it is a DLT."
    else:
        sentence = f"{event} is inside the DLT window. Answer whether it is a DLT."
    yield Finding(
        scope=Scope.of(subject=facts.subject, event=facts.event),
        crossing=f"unanswered after {settings.reminder_hours} h" if overdue else "unanswered",
        severity=Severity.URGENT,
        sentence=sentence,
        facts=(*_event_facts(facts), Fact("Entered", "", in_words(facts.entered_at))),
        extent=facts.grade or 0,
    )


DLT_CANDIDATE_UNJUDGED = Rule(
    id="DLT_CANDIDATE_UNJUDGED",
    version="1",
    title="Possible DLT not judged",
    description="A severe event inside the DLT window is related, or its relation is missing, and the DLT question "
    "is unanswered.",
    cadence="within 60 seconds of the entry, and again after the reminder time",
    recipients=(Recipient.INVESTIGATOR, Recipient.MEDICAL_MONITOR),
    effect=Effect.NONE,
    facts=ToxicityFacts,
    settings=CandidateSettings,
    find=dlt_candidate_unjudged,
)


@dataclass(frozen=True, slots=True)
class WindowFacts:
    """The DLT window of one subject: when it closed and what is still open, each in words."""

    subject: str
    dose_level: str
    closed: When
    has_closed: bool
    undecided: tuple[str, ...]
    decided_when: str = ""


def dlt_window_incomplete(facts: WindowFacts, settings: NoSettings) -> Iterator[Finding]:
    """The window is over and the subject is still not decided.

    A duration criterion may outlive the window: neutropenia of grade 4 begun on day 26 of 28 is no DLT before day 33.
    The subject is then neither free of DLT nor evaluable.
    """
    if not facts.has_closed or not facts.undecided:
        return
    until = f" It will be decided {facts.decided_when}." if facts.decided_when else ""
    yield Finding(
        scope=Scope.of(subject=facts.subject, dose_level=facts.dose_level),
        crossing="closed undecided",
        severity=Severity.URGENT,
        sentence=f"The DLT window of subject {facts.subject} closed on {in_words(facts.closed)} undecided.{until}",
        facts=(
            Fact("DLT window", "closed", in_words(facts.closed)),
            Fact("Dose level", facts.dose_level),
            *(Fact("Still open", reason) for reason in facts.undecided),
        ),
        extent=len(facts.undecided),
    )


DLT_WINDOW_INCOMPLETE = Rule(
    id="DLT_WINDOW_INCOMPLETE",
    version="1",
    title="DLT window closed undecided",
    description="The window is over, but a candidate is under review, a duration criterion still runs, or the DLT "
    "question, the last visit or its labs are missing.",
    cadence="within 60 seconds of the entry, and every night",
    recipients=(Recipient.SITE,),
    effect=Effect.KEEP_PENDING,
    facts=WindowFacts,
    settings=NoSettings,
    find=dlt_window_incomplete,
)


@dataclass(frozen=True, slots=True)
class EpisodeFacts:
    """One episode of CRS or ICANS with its worst ASTCT grade; None when the observations do not allow a grade.

    `severe_signs` are observations that by themselves belong to a severe episode, in words: "vasopressor", "oxygen by
    mask" for CRS; "seizure", "cerebral oedema" for ICANS. `witnesses` say who saw the episode and how each graded it:
    the investigator's event and the bedside observations are one episode, and they may disagree.
    """

    subject: str
    episode: str
    grade: int | None
    worst: When
    severe_signs: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    witnesses: tuple[Fact, ...] = ()


@dataclass(frozen=True, slots=True)
class EpisodeSettings:
    """From which ASTCT grade on an episode is reviewed now."""

    minimum_grade: Annotated[int, Setting("lowest ASTCT grade that is reviewed at once", lowest=1, highest=5)] = 3


def _severe_episode(name: str, facts: EpisodeFacts, settings: EpisodeSettings) -> Iterator[Finding]:
    """Grade 3 or worse, or no grade although a severe sign was observed: silence would hide the worst cases.

    CRS on a vasopressor with the fever reading missing has no ASTCT grade, and is the case to look at first.
    """
    severe = facts.grade is not None and facts.grade >= settings.minimum_grade
    suspected = facts.grade is None and bool(facts.severe_signs)
    if not (severe or suspected):
        return
    if severe:
        sentence = f"{name} of subject {facts.subject} reached ASTCT grade {facts.grade}."
    else:
        signs = " and ".join(facts.severe_signs)
        sentence = f"{name} of subject {facts.subject} cannot be graded, yet there was {signs}. Review now."
    grade = "cannot be graded" if facts.grade is None else str(facts.grade)
    yield Finding(
        scope=Scope.of(subject=facts.subject, episode=facts.episode),
        crossing=f"grade {settings.minimum_grade} or more",
        severity=Severity.CRITICAL,
        sentence=sentence,
        facts=(
            Fact("ASTCT grade", grade, in_words(facts.worst)),
            *(Fact("Observed", sign) for sign in facts.severe_signs),
            *(Fact("Missing for the grade", item) for item in facts.missing),
            *facts.witnesses,
        ),
        extent=facts.grade or 0,
    )


def crs_ge3(facts: EpisodeFacts, settings: EpisodeSettings) -> Iterator[Finding]:
    """Cytokine release syndrome of ASTCT grade 3 or more (Lee 2019), or ungradable with vasopressor or oxygen."""
    return _severe_episode("Cytokine release syndrome", facts, settings)


def icans_ge3(facts: EpisodeFacts, settings: EpisodeSettings) -> Iterator[Finding]:
    """Neurotoxicity (ICANS) of ASTCT grade 3 or more (Lee 2019), or ungradable with a severe sign."""
    return _severe_episode("ICANS", facts, settings)


_EPISODE_READERS = (Recipient.MEDICAL_MONITOR, Recipient.SITE_LEAD)

CRS_GE3 = Rule(
    id="CRS_GE3",
    version="1",
    title="Severe cytokine release syndrome",
    description="CRS of ASTCT grade 3 or more, or CRS that cannot be graded with vasopressor or oxygen.",
    cadence="within 60 seconds of the entry",
    recipients=_EPISODE_READERS,
    effect=Effect.COUNT_TOWARD_CLASS,
    facts=EpisodeFacts,
    settings=EpisodeSettings,
    find=crs_ge3,
)

ICANS_GE3 = Rule(
    id="ICANS_GE3",
    version="1",
    title="Severe neurotoxicity (ICANS)",
    description="ICANS of ASTCT grade 3 or more, or ICANS that cannot be graded with a severe sign.",
    cadence="within 60 seconds of the entry",
    recipients=_EPISODE_READERS,
    effect=Effect.COUNT_TOWARD_CLASS,
    facts=EpisodeFacts,
    settings=EpisodeSettings,
    find=icans_ge3,
)
