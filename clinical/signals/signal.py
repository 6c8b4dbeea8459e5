"""What a safety rule says: a signal that exists once, says why, and can be taken back when the facts change.

A rule is evaluated over and over, by tasks that may run twice or not at all. Three things make that harmless:

* the **key** (rule, scope, crossing) is the identity: the same crossing in the same scope is the same signal for ever;
* the **fingerprint** covers the facts, never the clock: the same facts have the same fingerprint on every run;
* `reconcile` compares what stands with what the rules say now, and names what to raise, update, reopen and retract.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum, IntEnum
from hashlib import sha256
from json import dumps

When = date | datetime | str | None
"""A moment as the page shows it: a full date or time, or a partial date already in words (`Mar-2026`)."""


class Severity(IntEnum):
    """How fast a human must look. Orders the inbox; it is not the CTCAE grade of anything."""

    REVIEW = 1
    URGENT = 2
    CRITICAL = 3


class Recipient(Enum):
    """The trial roles that a rule addresses; the membership table knows the people."""

    MEDICAL_MONITOR = "medical monitor"
    INVESTIGATOR = "investigator"
    COHORT_INVESTIGATORS = "principal investigators of the cohort"
    STATISTICIAN = "statistician"
    COMMITTEE = "safety review committee"
    SAFETY_BOARD = "data safety monitoring board"
    SPONSOR_SAFETY = "sponsor safety"
    HEPATIC_SAFETY = "hepatic safety"
    SITE = "site"
    SITE_LEAD = "site lead"
    MONITOR = "monitor"
    CENTRAL_MONITOR = "central monitor"


class Effect(Enum):
    """What the system does by itself besides telling people. It blocks permissions, never facts."""

    NONE = "nothing"
    RECOMPUTE_COHORT = "recompute the cohort decision; close open slots of the dose level if the design says stop"
    SUSPEND_DOSE_LEVEL = "suspend enrolment and dosing of subjects not yet dosed at that level until signed"
    PROPOSE_HOLD = "propose an enrolment hold"
    COUNT_TOWARD_CLASS = "count toward the class rule"
    REQUEST_HEPATIC_WORKUP = "ask for the adverse event as an SAE and for repeat labs in 48 to 72 hours"
    REQUIRE_SAE_FORM = "require the SAE form"
    OPEN_REVIEW_TASK = "open a review task"
    QUERY_MISSING_EVENT = "ask the site whether an adverse event is missing"
    KEEP_PENDING = "subject stays pending for escalation and counts as a DLT for stopping until adjudicated"
    SHOW_BEFORE_AND_AFTER = "show the decision before and after; the signed one is never rewritten"
    OPEN_DEVIATION = "open a protocol deviation"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that made the rule fire: what, its value in words, and when it was so."""

    label: str
    value: str
    when: str = ""

    def __str__(self) -> str:
        return f"{self.label}: {self.value}" + (f" ({self.when})" if self.when else "")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signal is about, from the wide to the narrow: `subject 101-003`, then `event AE-2`.

    The parts are stable names from the trial, never database numbers that a restored backup might deal anew.

    >>> str(Scope.of(subject="101-003", event="AE-2"))
    'subject=101-003/event=AE-2'
    """

    parts: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, **parts: str) -> "Scope":
        return cls(tuple(parts.items()))

    def __str__(self) -> str:
        return "/".join(f"{kind}={_escaped(name)}" for kind, name in self.parts)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule function returns: a crossing with its reasons. The registry entry adds who and what follows.

    `extent` grows when the state worsens past the same crossing (a second DLT, grade 4 after grade 3): a larger extent
    reopens a signal that was already acknowledged, a smaller one only updates it.
    """

    scope: Scope
    crossing: str
    severity: Severity
    sentence: str
    facts: tuple[Fact, ...]
    extent: int = 0


@dataclass(frozen=True, slots=True)
class Signal:
    """A warning to people: one per rule, scope and crossing."""

    rule: str
    rule_version: str
    scope: Scope
    crossing: str
    severity: Severity
    sentence: str
    facts: tuple[Fact, ...]
    recipients: tuple[Recipient, ...]
    effect: Effect
    extent: int = 0

    @property
    def key(self) -> str:
        """The identity of the signal, readable, the same on every run and every machine."""
        return f"{self.rule}|{self.scope}|{_escaped(self.crossing)}"

    @property
    def fingerprint(self) -> str:
        """A digest of what the signal says. It changes when a fact, the severity or the rule's version changes.

        A term corrected from `Nausea` to `nausea` changes it too: the card must show the words that now stand.
        """
        said = [
            self.rule_version,
            int(self.severity),
            self.extent,
            self.sentence,
            [[fact.label, fact.value, fact.when] for fact in self.facts],
        ]
        return sha256(dumps(said, ensure_ascii=False).encode()).hexdigest()

    @property
    def standing(self) -> "Standing":
        """What has to be remembered of the signal to reconcile it with the next run."""
        return Standing(self.key, self.fingerprint, self.severity, self.extent)


@dataclass(frozen=True, slots=True)
class Standing:
    """A signal raised earlier and not retracted since."""

    key: str
    fingerprint: str
    severity: Severity
    extent: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run changes: signals to raise, to update, to reopen (updated and worse), and keys to take back.

    `superseded` keys gave way to a later crossing of the same rule and scope (the 12-hour warning to the 20-hour one);
    `retracted` keys lost their facts.
    """

    raised: tuple[Signal, ...] = ()
    updated: tuple[Signal, ...] = ()
    reopened: tuple[Signal, ...] = ()
    superseded: tuple[str, ...] = ()
    retracted: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.raised or self.updated or self.reopened or self.superseded or self.retracted)


def reconcile(*, standing: Iterable[Standing], now: Iterable[Signal]) -> Changes:
    """What must change so that exactly the signals of `now` stand.

    `standing` holds the open signals *of the rules and scopes that were evaluated*, no others: a signal that was not
    looked at would otherwise be taken for one that lost its facts. The case people get wrong: a signal whose facts
    changed for the better is updated, not raised anew, and one acknowledged at grade 3 reopens at grade 4.
    """
    before: Mapping[str, Standing] = {signal.key: signal for signal in standing}
    after: dict[str, Signal] = {}
    for signal in now:
        other = after.setdefault(signal.key, signal)
        if other.fingerprint != signal.fingerprint:
            raise ValueError(f"two signals claim the key {signal.key} with different facts")
    raised: list[Signal] = []
    updated: list[Signal] = []
    reopened: list[Signal] = []
    for key, signal in after.items():
        if key not in before:
            raised.append(signal)
        elif before[key].fingerprint != signal.fingerprint:
            was = before[key]
            worse = signal.severity > was.severity or signal.extent > was.extent
            (reopened if worse else updated).append(signal)
    gone = [key for key in before if key not in after]
    living = {key.rpartition("|")[0] for key in after}
    return Changes(
        raised=tuple(raised),
        updated=tuple(updated),
        reopened=tuple(reopened),
        superseded=tuple(key for key in gone if key.rpartition("|")[0] in living),
        retracted=tuple(key for key in gone if key.rpartition("|")[0] not in living),
    )


def in_words(when: When) -> str:
    """A date as the pages show it, day, month in letters, year; with the time and zone where there is one.

    >>> in_words(date(2026, 3, 4))
    '04-Mar-2026'
    >>> in_words("Mar-2026")
    'Mar-2026'
    """
    if when is None:
        return ""
    if isinstance(when, str):
        return when
    day = f"{when.day:02d}-{_MONTHS[when.month - 1]}-{when.year:04d}"
    if not isinstance(when, datetime):
        return day
    zone = f" {when.tzname()}" if when.tzinfo is not None else ""
    return f"{day} {when.hour:02d}:{when.minute:02d}{zone}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _escaped(name: str) -> str:
    """Keep the three characters that structure a key out of the names inside it."""
    return name.replace("%", "%25").replace("|", "%7C").replace("/", "%2F").replace("=", "%3D")
