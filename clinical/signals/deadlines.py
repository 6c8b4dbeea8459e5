"""Signals of the reporting clocks: SAE to the sponsor, SUSAR to the authority, follow-up, death after the last dose.

The due moments themselves are computed elsewhere from the regulations; here it is judged how near they are. A clock
that was met falls silent, one that was met late says so for ever.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from clinical.clocks import AuthorityClocks, Report, SiteClockState, SiteRule, site_clock
from clinical.signals.rule import Rule, Setting
from clinical.signals.signal import Effect, Fact, Finding, Recipient, Scope, Severity, in_words


@dataclass(frozen=True, slots=True)
class SaeFacts:
    """A serious adverse event on its way from the site to the sponsor. Times carry their zone; `at` is now."""

    subject: str
    sae: str
    term: str
    aware_at: datetime
    received_at: datetime | None
    at: datetime


@dataclass(frozen=True, slots=True)
class SaeClockSettings:
    """How long a site has, and when it is reminded (EU CTR Art. 41: 24 hours; ICH E6: immediately)."""

    hours: Annotated[int, Setting("elapsed hours from awareness to the sponsor", lowest=1)] = 24
    reminders: Annotated[tuple[int, ...], Setting("hours after awareness at which to remind", lowest=1)] = (12, 20)


def sae_clock(facts: SaeFacts, settings: SaeClockSettings) -> Iterator[Finding]:
    """The last reminder that has come due, or that the report is late.

    Hours are elapsed hours, so the night on which the clocks go back has 25 of them and moves the local due time. A
    report on the very minute is on time. A report received in time ends all reminders; a late one keeps its signal.
    """
    if facts.at.tzinfo is None:
        raise ValueError("The present moment of a reporting clock needs its time zone.")
    rule = SiteRule(due_after=timedelta(hours=settings.hours))
    clock = site_clock(aware_at=facts.aware_at, received_at=facts.received_at, rule=rule)
    state = clock.state(facts.at)
    due = in_words(clock.due_at.astimezone(facts.aware_at.tzinfo))
    who = f"{facts.term} of subject {facts.subject}"
    shared = (
        Fact("Serious adverse event", facts.term),
        Fact("Site aware", "", in_words(facts.aware_at)),
        Fact("Due at the sponsor", f"{settings.hours} hours later", due),
    )
    scope = Scope.of(subject=facts.subject, sae=facts.sae)
    late = f"late after {settings.hours} h"
    if state is SiteClockState.LATE and facts.received_at is not None:
        yield Finding(
            scope=scope,
            crossing=late,
            severity=Severity.URGENT,
            sentence=f"{who} was {clock.in_words(facts.at)}.",
            facts=(*shared, Fact("Received by the sponsor", "late", in_words(facts.received_at))),
        )
    elif state is SiteClockState.OVERDUE:
        yield Finding(
            scope=scope,
            crossing=late,
            severity=Severity.CRITICAL,
            sentence=f"{who} has not reached the sponsor and was due on {due}. Report it now.",
            facts=shared,
        )
    elif state is not SiteClockState.IN_TIME:
        waited = facts.at.astimezone(UTC) - clock.aware_at
        passed = [hours for hours in settings.reminders if waited >= timedelta(hours=hours)]
        if passed:
            yield Finding(
                scope=scope,
                crossing=f"{max(passed)} h",
                severity=Severity.URGENT,
                sentence=f"{who} has not reached the sponsor {max(passed)} hours after the site knew. "
                f"It is due on {due}.",
                facts=shared,
            )


SAE_CLOCK = Rule(
    id="SAE_CLOCK",
    version="1",
    title="SAE report due at the sponsor",
    description="The 24 hours from the site's awareness to the sponsor run out, or have run out.",
    cadence="at the minute",
    recipients=(Recipient.SITE, Recipient.SPONSOR_SAFETY),
    effect=Effect.NONE,
    facts=SaeFacts,
    settings=SaeClockSettings,
    find=sae_clock,
)


@dataclass(frozen=True, slots=True)
class SusarFacts:
    """A suspected unexpected serious adverse reaction on its way to the authority, in calendar days of the sponsor.

    `day_zero` and `due` come from the rule set of the region (see `susar_facts`); `what` names the report.
    """

    subject: str
    sae: str
    term: str
    day_zero: date
    due: date
    submitted: date | None
    today: date
    what: str = "initial report"


def susar_facts(
    *,
    subject: str,
    sae: str,
    term: str,
    clocks: AuthorityClocks,
    submitted: Mapping[Report, date],
    today: date,
) -> tuple[SusarFacts, ...]:
    """The facts of every report that is due on one event, from its clocks and the days on which reports went out.

    While seriousness, relation or expectedness is unanswered the event is not ruled out: its clock runs and says so.
    """
    provisional = " (provisional, an answer is missing)" if clocks.is_susar is None else ""
    return tuple(
        SusarFacts(
            subject=subject,
            sae=sae,
            term=term,
            day_zero=clock.day_zero,
            due=clock.due,
            submitted=submitted.get(clock.report),
            today=today,
            what=f"{clock.report} report{provisional}",
        )
        for clock in clocks.clocks
    )


@dataclass(frozen=True, slots=True)
class SusarSettings:
    """When the sponsor is reminded before the authority's deadline."""

    half_time: Annotated[bool, Setting("remind when half of the time is over")] = True
    days_left: Annotated[tuple[int, ...], Setting("days before the deadline at which to remind", lowest=0)] = (2, 1)


def susar_clock(facts: SusarFacts, settings: SusarSettings) -> Iterator[Finding]:
    """The last reminder that has come due, or that the report is overdue (21 CFR 312.32(c); EU CTR Art. 42; ICH E2A).

    Days are calendar days, weekends and holidays too. Half of 7 days is over on day 4, half of 15 on day 8. The due
    day itself is still in time.
    """
    settled = facts.submitted is not None
    reached = facts.submitted if facts.submitted is not None else facts.today
    late = (reached - facts.due).days
    if settled and late <= 0:
        return
    left = -late
    span, gone = (facts.due - facts.day_zero).days, (facts.today - facts.day_zero).days
    reminder = min((days for days in settings.days_left if left <= days), default=None)
    if late > 0:
        crossing, severity = "overdue", Severity.CRITICAL
    elif reminder is not None:
        crossing, severity = f"{reminder} day{'s' if reminder != 1 else ''} left", Severity.URGENT
    elif settings.half_time and 2 * gone >= span:
        crossing, severity = "half time", Severity.REVIEW
    else:
        return
    report = f"The {facts.what} on {facts.term} of subject {facts.subject}"
    if settled:
        sentence = f"{report} went to the authority on {in_words(reached)}; it was due on {in_words(facts.due)}."
        severity = Severity.URGENT
    elif late > 0:
        sentence = f"{report} was due at the authority on {in_words(facts.due)}. Submit it now."
    else:
        sentence = f"{report} is due at the authority on {in_words(facts.due)}."
    submitted = (Fact("Submitted", "late", in_words(reached)),) if settled else ()
    yield Finding(
        scope=Scope.of(subject=facts.subject, sae=facts.sae, report=facts.what),
        crossing=crossing,
        severity=severity,
        sentence=sentence,
        facts=(
            Fact("Day zero", "", in_words(facts.day_zero)),
            Fact("Due", f"{span} calendar days later", in_words(facts.due)),
            *submitted,
        ),
    )


SUSAR_CLOCK = Rule(
    id="SUSAR_CLOCK",
    version="1",
    title="SUSAR due at the authority",
    description="The 7 or 15 calendar days of a SUSAR run out, or have run out.",
    cadence="daily at 06:00 sponsor time, and when seriousness, causality or expectedness changes",
    recipients=(Recipient.SPONSOR_SAFETY,),
    effect=Effect.NONE,
    facts=SusarFacts,
    settings=SusarSettings,
    find=susar_clock,
)


@dataclass(frozen=True, slots=True)
class SaeFollowUpFacts:
    """An open SAE: when anything new was last heard, and whether its outcome is known."""

    subject: str
    sae: str
    term: str
    last_news: date
    fatal_or_life_threatening: bool
    resolved: date | None
    outcome_known: bool
    is_open: bool
    today: date


@dataclass(frozen=True, slots=True)
class FollowUpSettings:
    """How long an open SAE may stay silent. These are this system's proposals, not law."""

    days: Annotated[int, Setting("days without news", lowest=1)] = 7
    days_if_fatal: Annotated[int, Setting("days without news when fatal or life-threatening", lowest=1)] = 2
    days_to_outcome: Annotated[int, Setting("days from resolution to an outcome", lowest=1)] = 14


def sae_followup_overdue(facts: SaeFollowUpFacts, settings: FollowUpSettings) -> Iterator[Finding]:
    """An open SAE has been silent too long, or ended without an outcome being entered. A closed one is left alone."""
    if not facts.is_open:
        return
    allowed = settings.days_if_fatal if facts.fatal_or_life_threatening else settings.days
    who = f"{facts.term} of subject {facts.subject}"
    if (facts.today - facts.last_news).days > allowed:
        yield Finding(
            scope=Scope.of(subject=facts.subject, sae=facts.sae, question="news"),
            crossing=f"none since {facts.last_news.isoformat()}",
            severity=Severity.URGENT if facts.fatal_or_life_threatening else Severity.REVIEW,
            sentence=f"{who}: no new information since {in_words(facts.last_news)}. Add what is known by now.",
            facts=(Fact("Last information", facts.term, in_words(facts.last_news)),),
        )
    if facts.resolved is not None and not facts.outcome_known:
        waited = (facts.today - facts.resolved).days
        if waited > settings.days_to_outcome:
            yield Finding(
                scope=Scope.of(subject=facts.subject, sae=facts.sae, question="outcome"),
                crossing="missing",
                severity=Severity.REVIEW,
                sentence=f"{who} ended on {in_words(facts.resolved)} and has no outcome. Enter the outcome.",
                facts=(Fact("Ended", facts.term, in_words(facts.resolved)),),
            )


SAE_FOLLOWUP_OVERDUE = Rule(
    id="SAE_FOLLOWUP_OVERDUE",
    version="1",
    title="SAE follow-up overdue",
    description="An open SAE is without new information, or without outcome after it ended, for too long.",
    cadence="daily",
    recipients=(Recipient.SITE, Recipient.MONITOR),
    effect=Effect.NONE,
    facts=SaeFollowUpFacts,
    settings=FollowUpSettings,
    find=sae_followup_overdue,
)


@dataclass(frozen=True, slots=True)
class DeathFacts:
    """A death and the last dose before it (or the one infusion of a cell therapy). Dates as far as they are known."""

    subject: str
    died_earliest: date
    died_latest: date
    last_dose: date | None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class DeathSettings:
    """How long after the last dose a death must be looked at."""

    days: Annotated[int, Setting("days after the last dose", lowest=1)] = 30


def death_30d(facts: DeathFacts, settings: DeathSettings) -> Iterator[Finding]:
    """Death from any cause within 30 days of the last dose. Day 30 counts.

    Progressive disease is a cause like any other here. A death known only to the month is within the window when any
    day of that month is: the safe reading of an incomplete date.
    """
    if facts.last_dose is None:
        return
    certain = facts.died_earliest == facts.died_latest
    first = max(facts.died_earliest, facts.last_dose)
    days = (first - facts.last_dose).days
    if facts.died_latest < facts.last_dose or days > settings.days:
        return
    died = in_words(facts.died_earliest)
    if not certain:
        died = f"between {in_words(facts.died_earliest)} and {in_words(facts.died_latest)}"
    after = f"{days} days after the last dose" if certain else f"possibly within {settings.days} days of the last dose"
    cause = (Fact("Cause", facts.cause),) if facts.cause else ()
    yield Finding(
        scope=Scope.of(subject=facts.subject),
        crossing="death",
        severity=Severity.CRITICAL,
        sentence=f"Subject {facts.subject} died {after}.",
        facts=(Fact("Death", after, died), Fact("Last dose", "", in_words(facts.last_dose)), *cause),
    )


DEATH_30D = Rule(
    id="DEATH_30D",
    version="1",
    title="Death soon after treatment",
    description="Death from any cause within 30 days of the last dose or of the infusion.",
    cadence="within 60 seconds of the entry",
    recipients=(Recipient.MEDICAL_MONITOR, Recipient.SPONSOR_SAFETY),
    effect=Effect.REQUIRE_SAE_FORM,
    facts=DeathFacts,
    settings=DeathSettings,
    find=death_30d,
)
