"""Drug-induced liver injury: Hy's law, the eDISH quadrant, the R ratio.

Sources: FDA guidance "Drug-Induced Liver Injury: Premarketing Clinical Evaluation" (2009) for the thresholds; Watkins
et al. 2011 for the eDISH plot; Bénichou 1990 for the R ratio. The 30-day window and the day on which alkaline
phosphatase is read are settings. Every ratio uses the upper limit of normal of its own sample.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Annotated

from clinical.signals.rule import Rule, Setting
from clinical.signals.signal import Effect, Fact, Finding, Recipient, Scope, Severity, When, in_words

AMINOTRANSFERASES = ("ALT", "AST")
BILIRUBIN = "BILI"
ALKALINE_PHOSPHATASE = "ALP"

HEPATOCELLULAR_R, CHOLESTATIC_R = Decimal(5), Decimal(2)


@dataclass(frozen=True, slots=True)
class LiverSample:
    """One liver test of one sample, value and upper limit of normal in the same unit; the limit may be unknown."""

    day: int
    test: str
    value: Decimal
    upper_limit: Decimal | None
    when: When = None

    @property
    def usable(self) -> bool:
        """Whether a multiple can be taken: a limit of zero is a laboratory's way to leave it out."""
        return self.upper_limit is not None and self.upper_limit > 0

    @property
    def multiple(self) -> Decimal:
        """The value in multiples of the upper limit of normal of this very sample."""
        if self.upper_limit is None or not self.usable:
            raise ValueError(f"{self.test} of day {self.day} has no upper limit of normal.")
        return self.value / self.upper_limit

    def reaches(self, times: Decimal) -> bool:
        """At least so many times the upper limit, without rounding a quotient: 120 is 3 × 40, 119 is not."""
        return self.upper_limit is not None and self.usable and self.value >= times * self.upper_limit


class Quadrant(Enum):
    """The four fields of the eDISH plot, and the fifth answer when a test was never measured."""

    NORMAL_OR_NEAR = "normal or near normal"
    HYPERBILIRUBINEMIA = "hyperbilirubinemia"
    TEMPLES_COROLLARY = "Temple's corollary"
    HYS_LAW_RANGE = "Hy's law range"
    NOT_EVALUABLE = "not evaluable"


@dataclass(frozen=True, slots=True)
class LiverSettings:
    """The limits of the FDA guidance and the window in which bilirubin counts as concurrent."""

    aminotransferase: Annotated[Decimal, Setting("ALT or AST, times the upper limit", lowest=1)] = Decimal(3)
    bilirubin: Annotated[Decimal, Setting("total bilirubin, times the upper limit", lowest=1)] = Decimal(2)
    alkaline_phosphatase: Annotated[Decimal, Setting("ALP that speaks for cholestasis, times the limit", lowest=1)] = (
        Decimal(2)
    )
    days_before: Annotated[int, Setting("days that bilirubin may precede the aminotransferase", lowest=0)] = 0
    days_after: Annotated[int, Setting("days that bilirubin may follow the aminotransferase", lowest=0)] = 30


@dataclass(frozen=True, slots=True)
class LiverAssessment:
    """What the liver tests of one subject say. Peaks are multiples of the upper limit; None when never measured.

    `concurrent` is the alarm. `cholestatic` says that ALP was raised on the day of the first qualifying
    aminotransferase value, `potential_hys_law` is the alarm without it; a liver metastasis raises ALP too.
    """

    peak_aminotransferase: Decimal | None
    peak_bilirubin: Decimal | None
    peak_alkaline_phosphatase: Decimal | None
    quadrant: Quadrant
    concurrent: tuple[LiverSample, LiverSample] | None
    cholestatic: bool
    r_ratio: Decimal | None

    @property
    def potential_hys_law(self) -> bool:
        return self.concurrent is not None and not self.cholestatic


def quadrant(
    aminotransferase: Decimal | None, bilirubin: Decimal | None, settings: LiverSettings | None = None
) -> Quadrant:
    """Where a subject stands in the eDISH plot, by the two peaks, whenever each occurred.

    A subject is in the Hy's law range here although the peaks lie a year apart; `assess` asks for the concurrence.

    >>> quadrant(Decimal("3"), Decimal("1.99")).value
    "Temple's corollary"
    """
    limits = settings or LiverSettings()
    if aminotransferase is None or bilirubin is None:
        return Quadrant.NOT_EVALUABLE
    fields = {
        (False, False): Quadrant.NORMAL_OR_NEAR,
        (False, True): Quadrant.HYPERBILIRUBINEMIA,
        (True, False): Quadrant.TEMPLES_COROLLARY,
        (True, True): Quadrant.HYS_LAW_RANGE,
    }
    return fields[aminotransferase >= limits.aminotransferase, bilirubin >= limits.bilirubin]


def assess(samples: Iterable[LiverSample], settings: LiverSettings | None = None) -> LiverAssessment:
    """The peaks, the eDISH quadrant and Hy's law of one subject's liver tests.

    Bilirubin is concurrent when it was drawn on the day of *any* qualifying aminotransferase value or up to 30 days
    after; bilirubin that was high before the aminotransferases rose is not (Gilbert's syndrome looks like that):

    >>> early = LiverSample(1, "BILI", Decimal("2.8"), Decimal("1.2"))
    >>> late = LiverSample(15, "ALT", Decimal(200), Decimal(40))
    >>> found = assess([early, late])
    >>> found.quadrant.value, found.concurrent
    ("Hy's law range", None)
    """
    limits = settings or LiverSettings()
    usable = sorted((sample for sample in samples if sample.usable), key=_order)
    peak_at = _peak(usable, AMINOTRANSFERASES)
    peak_bilirubin = _peak(usable, (BILIRUBIN,))
    raised = [each for each in usable if each.test in AMINOTRANSFERASES and each.reaches(limits.aminotransferase)]
    jaundiced = [each for each in usable if each.test == BILIRUBIN and each.reaches(limits.bilirubin)]
    pairs = [
        (at, bilirubin)
        for at in raised
        for bilirubin in jaundiced
        if -limits.days_before <= bilirubin.day - at.day <= limits.days_after
    ]
    phosphatase = [each for each in usable if each.test == ALKALINE_PHOSPHATASE]
    onset = raised[0].day if raised else None
    at_onset = [each for each in phosphatase if each.day == onset]
    return LiverAssessment(
        peak_aminotransferase=peak_at,
        peak_bilirubin=peak_bilirubin,
        peak_alkaline_phosphatase=_peak(usable, (ALKALINE_PHOSPHATASE,)),
        quadrant=quadrant(peak_at, peak_bilirubin, limits),
        concurrent=pairs[0] if pairs else None,
        cholestatic=bool(pairs) and any(each.reaches(limits.alkaline_phosphatase) for each in at_onset),
        r_ratio=_r_ratio(usable, onset),
    )


def _order(sample: LiverSample) -> tuple[int, str, Decimal]:
    return sample.day, sample.test, -sample.multiple


def _peak(samples: Iterable[LiverSample], tests: tuple[str, ...]) -> Decimal | None:
    return max((sample.multiple for sample in samples if sample.test in tests), default=None)


def _r_ratio(samples: list[LiverSample], day: int | None) -> Decimal | None:
    """ALT over ALP, both in multiples of their limits, on the day the injury showed."""
    alt = _peak((each for each in samples if each.day == day), ("ALT",))
    alp = _peak((each for each in samples if each.day == day), (ALKALINE_PHOSPHATASE,))
    return alt / alp if alt is not None and alp else None


def pattern(r_ratio: Decimal | None) -> str:
    """The kind of injury that an R ratio stands for.

    >>> pattern(Decimal(5)), pattern(Decimal("2.1")), pattern(Decimal(2))
    ('hepatocellular', 'mixed', 'cholestatic')
    """
    if r_ratio is None:
        return "not known, ALT or ALP missing that day"
    if r_ratio >= HEPATOCELLULAR_R:
        return "hepatocellular"
    return "cholestatic" if r_ratio <= CHOLESTATIC_R else "mixed"


@dataclass(frozen=True, slots=True)
class LiverFacts:
    """The liver tests of one subject since first dose, with the last values before it where known."""

    subject: str
    samples: tuple[LiverSample, ...]
    baseline: tuple[LiverSample, ...] = ()


def hys_law(facts: LiverFacts, settings: LiverSettings) -> Iterator[Finding]:
    """ALT or AST at least 3 × ULN with total bilirubin at least 2 × ULN within the window, whatever the ALP.

    Liver metastases raise ALP, so a raised ALP classifies the case and never silences it: the case people lose. Each
    further whole multiple of the limit at a peak reopens the signal.
    """
    found = assess(facts.samples, settings)
    if found.concurrent is None:
        return
    at, bilirubin = found.concurrent
    if found.cholestatic:
        meaning = "ALP was raised as well: cholestasis or liver metastases are possible."
    else:
        meaning = "This is a potential Hy's law case."
    phosphatase = found.peak_alkaline_phosphatase
    yield Finding(
        scope=Scope.of(subject=facts.subject),
        crossing="concurrent",
        severity=Severity.CRITICAL,
        sentence=f"Subject {facts.subject}: {at.test} {_times(at.multiple)} with total bilirubin "
        f"{_times(bilirubin.multiple)}. {meaning}",
        facts=(
            Fact(at.test, f"{at.value} ({_times(at.multiple)})", _day(at)),
            Fact("Total bilirubin", f"{bilirubin.value} ({_times(bilirubin.multiple)})", _day(bilirubin)),
            Fact("Peak ALT or AST", _times(found.peak_aminotransferase)),
            Fact("Peak total bilirubin", _times(found.peak_bilirubin)),
            Fact("Peak ALP", "not measured" if phosphatase is None else _times(phosphatase)),
            Fact("R ratio", "not known" if found.r_ratio is None else f"{found.r_ratio:.1f}"),
            Fact("Pattern", pattern(found.r_ratio)),
            *_against_baseline(facts),
        ),
        extent=_whole(found.peak_aminotransferase) + _whole(found.peak_bilirubin),
    )


def _against_baseline(facts: LiverFacts) -> Iterator[Fact]:
    """The peak of each test as a multiple of the last value before treatment: what counts with liver metastases."""
    for sample in facts.baseline:
        later = [each.value for each in facts.samples if each.test == sample.test]
        if later and sample.value > 0:
            yield Fact(f"{sample.test} against baseline", f"{max(later) / sample.value:.1f} × baseline", _day(sample))


def _whole(multiple: Decimal | None) -> int:
    return 0 if multiple is None else int(multiple)


def _times(multiple: Decimal | None) -> str:
    return "not measured" if multiple is None else f"{multiple:.2f} × ULN"


def _day(sample: LiverSample) -> str:
    return in_words(sample.when) or f"day {sample.day}"


HYS_LAW = Rule(
    id="HYS_LAW",
    version="1",
    title="Potential Hy's law case",
    description="ALT or AST of at least 3 × ULN with total bilirubin of at least 2 × ULN within 30 days, whatever the "
    "ALP, and even if no adverse event was entered.",
    cadence="within 60 seconds of the laboratory result",
    recipients=(Recipient.MEDICAL_MONITOR, Recipient.HEPATIC_SAFETY),
    effect=Effect.REQUEST_HEPATIC_WORKUP,
    facts=LiverFacts,
    settings=LiverSettings,
    find=hys_law,
)
