"""A laboratory value that became severe: the grade rose by two since baseline, or reached three."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from clinical.signals.rule import Rule, Setting
from clinical.signals.signal import Effect, Fact, Finding, Recipient, Scope, Severity, When, in_words


@dataclass(frozen=True, slots=True)
class GradedLabFacts:
    """One CTCAE grade of a laboratory result, with the grade before treatment; None when there was none.

    `term` is the CTCAE term in its direction (Hypokalemia, not Potassium): low and high are different toxicities.
    """

    subject: str
    term: str
    grade: int | None
    baseline_grade: int | None
    value: str
    when: When
    sample: str
    event_entered: bool = False


@dataclass(frozen=True, slots=True)
class LabShiftSettings:
    """How far a grade must rise."""

    rise: Annotated[int, Setting("grades above baseline", lowest=1, highest=4)] = 2
    minimum_grade: Annotated[int, Setting("grade that counts whatever the baseline", lowest=1, highest=4)] = 3
    expected: Annotated[tuple[str, ...], Setting("CTCAE terms that the treatment always brings, left out")] = ()


def lab_shift(facts: GradedLabFacts, settings: LabShiftSettings) -> Iterator[Finding]:
    """The grade rose by two or more from baseline, or reached grade 3.

    Grade 3 that was grade 3 before treatment has not been reached: it was there. Without a baseline the value is taken
    as grade 0, so nothing stays silent for want of a sample. A term that the treatment itself always brings (low
    counts after lymphodepletion) would speak of every sample and hide the rest: a trial names such terms, and they are
    left out.
    """
    if facts.grade is None or facts.term in settings.expected:
        return
    before = facts.baseline_grade or 0
    risen = facts.grade - before >= settings.rise
    reached = facts.grade >= settings.minimum_grade > before
    if not (risen or reached):
        return
    ask = "" if facts.event_entered else " No matching adverse event is entered."
    baseline = "not known" if facts.baseline_grade is None else f"grade {facts.baseline_grade}"
    yield Finding(
        scope=Scope.of(subject=facts.subject, term=facts.term, sample=facts.sample),
        crossing="grade risen",
        severity=Severity.URGENT if facts.grade >= settings.minimum_grade else Severity.REVIEW,
        sentence=f"{facts.term} of subject {facts.subject} is grade {facts.grade} (baseline: {baseline}).{ask}",
        facts=(
            Fact(facts.term, f"grade {facts.grade}: {facts.value}", in_words(facts.when)),
            Fact("Baseline", baseline),
            Fact("Adverse event entered", "yes" if facts.event_entered else "no"),
        ),
        extent=facts.grade,
    )


LAB_SHIFT = Rule(
    id="LAB_SHIFT",
    version="1",
    title="Laboratory value became severe",
    description="A CTCAE grade rises by 2 or more from baseline, or reaches grade 3.",
    cadence="within 60 seconds of the laboratory result",
    recipients=(Recipient.INVESTIGATOR,),
    effect=Effect.QUERY_MISSING_EVENT,
    facts=GradedLabFacts,
    settings=LabShiftSettings,
    find=lab_shift,
)
