"""The sponsor's triage of a serious adverse event: whose answers count, against which reference, and where it stands.

Investigator and sponsor both answer on each study product. The sponsor may add a relation and never take one away;
where they differ both opinions go to the authority. Expected is judged by product, against the reference safety
information that was in force when the event began. An event goes to the authority when for one and the same product
it is related and unexpected.

The case people get wrong: an event related to product A, where it is listed, and unlisted for product B, to which
nobody relates it, is no SUSAR, although it is related to something and unexpected for something.

Sources: Regulation (EU) 536/2014 Annex III 2.1 to 2.3 (causality, expectedness); ICH E2A III A (unexpected: against the
investigator's brochure, product by product); CTFG questions and answers on reference safety information, 2017 (the
version in force at the onset counts, for follow-up reports too).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from clinical.clocks import either_says_related
from clinical.partial_date import PartialDate


@dataclass(frozen=True, slots=True)
class Reference:
    """One version of a product's reference safety information, and the first day on which it was in force."""

    product: str
    version: str
    in_force_from: date


def in_force(references: Iterable[Reference], *, product: str, onset: PartialDate | None) -> tuple[Reference, ...]:
    """The versions that were in force at the onset, the earliest first: one, or several where the onset is not exact.

    A version is in force from its first day until the day before the next one. Nothing is guessed about an onset that
    is known to the month: every version of that month is an answer.

    >>> old, new = Reference("A", "5", date(2025, 6, 1)), Reference("A", "6", date(2026, 3, 10))
    >>> [each.version for each in in_force([old, new], product="A", onset=PartialDate.parse("2026-03-09"))]
    ['5']
    >>> [each.version for each in in_force([old, new], product="A", onset=PartialDate.parse("2026-03"))]
    ['5', '6']
    """
    own = sorted((each for each in references if each.product == product), key=lambda each: each.in_force_from)
    if onset is None or not own:
        return tuple(own)
    first, last = onset.earliest().date(), onset.latest().date()
    ends = [later.in_force_from for later in own[1:]] + [date.max]
    return tuple(each for each, end in zip(own, ends, strict=True) if each.in_force_from <= last and first < end)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What is said of one study product: relation by either party, expectedness by the sponsor. None: not answered."""

    product: str
    investigator: bool | None = None
    sponsor: bool | None = None
    expected: bool | None = None

    @property
    def related(self) -> bool | None:
        """The relation that counts."""
        return either_says_related(self.investigator, self.sponsor)

    @property
    def unexpected(self) -> bool | None:
        return None if self.expected is None else not self.expected

    @property
    def differs(self) -> bool:
        """Whether the two parties disagree: then both opinions are transmitted."""
        return None not in (self.investigator, self.sponsor) and self.investigator is not self.sponsor

    @property
    def is_reaction(self) -> bool | None:
        """Whether it is an unexpected reaction to this product: one no rules it out, else open while one is missing."""
        answers = (self.related, self.unexpected)
        if False in answers:
            return False
        return None if None in answers else True


def leading(opinions: Iterable[Opinion]) -> Opinion:
    """The opinion by which the event is judged: that of the product for which it comes nearest to a SUSAR.

    >>> listed, unlisted = Opinion("A", True, True, expected=True), Opinion("B", False, False, expected=False)
    >>> leading([listed, unlisted]).is_reaction
    False
    """
    rank = {True: 2, None: 1, False: 0}
    return max(opinions, key=lambda each: rank[each.is_reaction], default=Opinion(product=""))


class Determination(StrEnum):
    """What the answers come to."""

    SUSAR = "susar"
    NOT_REPORTABLE = "not_reportable"
    OPEN = "open"

    @property
    def words(self) -> str:
        return {
            Determination.SUSAR: "goes to the authority",
            Determination.NOT_REPORTABLE: "does not go to the authority",
            Determination.OPEN: "open while an answer is missing",
        }[self]


def determination(is_susar: bool | None) -> Determination:
    """The answer of `clocks.is_susar`, as a word."""
    return {True: Determination.SUSAR, False: Determination.NOT_REPORTABLE, None: Determination.OPEN}[is_susar]


class Stage(StrEnum):
    """Where a serious event stands on its way from the site to the authority."""

    DRAFT = "draft"
    REPORTED = "reported"
    TRIAGED = "triaged"
    NOT_REPORTABLE = "not reportable"
    SUBMITTED = "submitted"
    FOLLOW_UP = "follow-up"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Case:
    """What the stage of a serious event is read from."""

    reported: bool
    """The site has sent its report."""
    triaged: bool
    determination: Determination
    latest_report: int | None
    """The number of the latest report to the authority; 0 is the initial one."""
    all_answered: bool
    """No report that is due is still to be sent."""
    outcome_known: bool
    """The event is over and its outcome is known."""


def stage(case: Case) -> Stage:
    """The stage. An event closes by itself once nothing is due and its outcome is known, and opens again with news."""
    went_out = case.latest_report is not None
    is_settled = went_out or (case.triaged and case.determination is Determination.NOT_REPORTABLE)
    if is_settled and case.all_answered and case.outcome_known:
        return Stage.CLOSED
    if case.latest_report is not None:
        return Stage.FOLLOW_UP if case.latest_report else Stage.SUBMITTED
    if case.triaged:
        return Stage.NOT_REPORTABLE if case.determination is Determination.NOT_REPORTABLE else Stage.TRIAGED
    return Stage.REPORTED if case.reported else Stage.DRAFT


def in_words(case: Case) -> str:
    """The stage as the page says it."""
    match stage(case):
        case Stage.DRAFT:
            return "Not reported to the sponsor yet, not triaged"
        case Stage.REPORTED:
            return "Reported to the sponsor, not triaged yet"
        case Stage.TRIAGED:
            return "Triaged, an answer is missing" if case.determination is Determination.OPEN else "Triaged, a SUSAR"
        case Stage.NOT_REPORTABLE:
            return "Triaged, not reportable"
        case Stage.SUBMITTED:
            return "Initial report submitted"
        case Stage.FOLLOW_UP:
            return f"Follow-up {case.latest_report} submitted"
        case Stage.CLOSED:
            return "Closed: nothing is due and the outcome is known"
