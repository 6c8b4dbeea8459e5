"""Does a site report adverse events as often as the others? Rates, funnels and exact tails.

Sources: the normal-approximation and Poisson funnels of the R package gsm (its flags at -3, -2, 2 and 3); the exact
Poisson tail for small counts. With one or two subjects at a site the funnels promise more than they hold and the exact
tail is the honest measure. Low is the direction that matters: what is not reported cannot be reviewed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import copysign, log, sqrt
from typing import Annotated

from scipy import stats

from clinical.signals.rule import Rule, Setting
from clinical.signals.signal import Effect, Fact, Finding, Recipient, Scope, Severity

FLAG_LIMITS = (-3.0, -2.0, 2.0, 3.0)


@dataclass(frozen=True, slots=True)
class SiteCount:
    """Adverse events of one site and the days its subjects were exposed."""

    site: str
    subjects: int
    exposure_days: Decimal
    events: int


@dataclass(frozen=True, slots=True)
class SiteRate:
    """How one site compares with all sites together. Negative scores and a small lower tail mean few reports.

    The scores are None at a site without exposure, and `z` also when the sites do not differ at all.
    """

    site: str
    rate: float | None
    expected: float
    z: float | None
    flag_z: int
    deviance_residual: float | None
    flag_deviance: int
    lower_tail: float
    upper_tail: float


@dataclass(frozen=True, slots=True)
class SiteComparison:
    """All sites of a trial: the pooled rate per day, the overdispersion, and each site against them."""

    overall_rate: float
    overdispersion: float
    sites: tuple[SiteRate, ...]


def compare_sites(counts: Sequence[SiteCount]) -> SiteComparison:
    """Each site's rate of events per patient-day against the pooled rate.

    The unadjusted z of a site is its distance from the pooled rate over the Poisson standard error; the mean of their
    squares is the overdispersion by which the adjusted z is narrowed or widened. The deviance residual comes from a
    Poisson model with one rate for all. A site without exposure has no rate, and does not disturb the others.

    >>> a, b = (SiteCount("101", 3, Decimal(100), 0), SiteCount("102", 3, Decimal(100), 10))
    >>> low = compare_sites([a, b]).sites[0]
    >>> round(low.lower_tail, 4), round(low.deviance_residual, 4), low.flag_deviance
    (0.0067, -3.1623, -2)
    """
    exposure = sum(float(count.exposure_days) for count in counts)
    overall = sum(count.events for count in counts) / exposure if exposure > 0 else 0.0
    crude = {count.site: _crude_z(count, overall) for count in counts}
    known = [z for z in crude.values() if z is not None]
    spread = sum(z * z for z in known) / len(known) if known else 0.0
    sites = []
    for count in counts:
        days = float(count.exposure_days)
        expected = overall * days
        raw = crude[count.site]
        z = raw / sqrt(spread) if raw is not None and spread > 0 else None
        residual = _deviance_residual(count.events, expected)
        sites.append(
            SiteRate(
                site=count.site,
                rate=count.events / days if days > 0 else None,
                expected=expected,
                z=z,
                flag_z=flag(z),
                deviance_residual=residual,
                flag_deviance=flag(residual),
                lower_tail=float(stats.poisson.cdf(count.events, expected)),
                upper_tail=float(stats.poisson.sf(count.events - 1, expected)),
            )
        )
    return SiteComparison(overall, spread, tuple(sites))


def _crude_z(count: SiteCount, overall: float) -> float | None:
    days = float(count.exposure_days)
    if days <= 0 or overall <= 0:
        return None
    return (count.events / days - overall) / sqrt(overall / days)


def _deviance_residual(events: int, expected: float) -> float | None:
    """The signed root of a site's share of the Poisson deviance; zero events have a finite one."""
    if expected <= 0:
        return None
    growth = events * log(events / expected) if events else 0.0
    deviance = 2 * (growth - (events - expected))
    return copysign(sqrt(max(deviance, 0.0)), events - expected)


def flag(score: float | None) -> int:
    """From -2 (far below) to 2 (far above); -2 and -3 themselves belong to the milder flag, 2 and 3 to the stronger.

    >>> [flag(score) for score in (-3.01, -3.0, -2.01, -2.0, 1.99, 2.0, 3.0)]
    [-2, -1, -1, 0, 0, 1, 2]
    """
    if score is None:
        return 0
    far_below, below, above, far_above = FLAG_LIMITS
    if score < below:
        return -2 if score < far_below else -1
    if score >= above:
        return 2 if score >= far_above else 1
    return 0


@dataclass(frozen=True, slots=True)
class SiteReportingFacts:
    """The counts of every site of the trial at one data cut; a site is only unusual among the others."""

    counts: tuple[SiteCount, ...]


@dataclass(frozen=True, slots=True)
class SiteReportingSettings:
    """When a site is amber, when red, and how long a silent site may stay silent."""

    amber: Annotated[Decimal, Setting("exact tail below which a site is amber", lowest=0, highest=1)] = Decimal("0.05")
    red: Annotated[Decimal, Setting("exact tail below which a site is red", lowest=0, highest=1)] = Decimal("0.01")
    score: Annotated[Decimal, Setting("z or deviance residual at which a site is amber", lowest=0)] = Decimal(2)
    silent_days: Annotated[int, Setting("patient-days without a single event that are too many", lowest=1)] = 60


def _tail_colour(tail: float, settings: SiteReportingSettings) -> str:
    if tail < float(settings.red):
        return "red"
    return "amber" if tail < float(settings.amber) else ""


def _site_finding(site: SiteRate, count: SiteCount, *, colour: str, direction: str) -> Finding:
    tail = site.lower_tail if direction == "fewer" else site.upper_tail
    scores = tuple(
        Fact(label, f"{score:.2f}")
        for label, score in (("z, adjusted", site.z), ("Deviance residual", site.deviance_residual))
        if score is not None
    )
    return Finding(
        scope=Scope.of(site=site.site),
        crossing=f"{direction} events than expected",
        severity=Severity.URGENT if colour == "red" else Severity.REVIEW,
        sentence=f"Site {site.site} reported {count.events} adverse events in {count.exposure_days} patient-days; "
        f"{site.expected:.1f} were expected from all sites.",
        facts=(
            Fact("Adverse events", f"{count.events}, expected {site.expected:.1f}"),
            Fact("Exposure", f"{count.exposure_days} days in {count.subjects} subjects"),
            Fact(f"Chance of so {'few' if direction == 'fewer' else 'many'}", f"{tail:.4f} ({colour})"),
            *scores,
        ),
        extent=2 if colour == "red" else 1,
    )


def site_under_reporting(facts: SiteReportingFacts, settings: SiteReportingSettings) -> Iterator[Finding]:
    """A site reports fewer events than its exposure makes us expect, or none at all for 60 patient-days.

    Sixty silent days are told even when the expected number is small: nobody goes two months in an early-phase
    oncology trial without anything to report.
    """
    comparison = compare_sites(facts.counts)
    for count, site in zip(facts.counts, comparison.sites, strict=True):
        colour = _tail_colour(site.lower_tail, settings)
        scores = [score for score in (site.z, site.deviance_residual) if score is not None]
        low = any(score <= -float(settings.score) for score in scores)
        silent = count.events == 0 and count.exposure_days >= settings.silent_days
        if colour or low or silent:
            yield _site_finding(site, count, colour=colour or "amber", direction="fewer")


def site_over_reporting(facts: SiteReportingFacts, settings: SiteReportingSettings) -> Iterator[Finding]:
    """A site reports more events than its exposure makes us expect: sicker subjects, or another habit of reporting."""
    comparison = compare_sites(facts.counts)
    for count, site in zip(facts.counts, comparison.sites, strict=True):
        colour = _tail_colour(site.upper_tail, settings)
        scores = [score for score in (site.z, site.deviance_residual) if score is not None]
        if count.events and (colour or any(score >= float(settings.score) for score in scores)):
            yield _site_finding(site, count, colour=colour or "amber", direction="more")


_READERS = (Recipient.MONITOR, Recipient.CENTRAL_MONITOR)

SITE_UNDER_REPORTING = Rule(
    id="SITE_UNDER_REPORTING",
    version="1",
    title="Site reports few adverse events",
    description="A site reports fewer adverse events than its exposure makes expect, or none in 60 patient-days.",
    cadence="every night",
    recipients=_READERS,
    effect=Effect.OPEN_REVIEW_TASK,
    facts=SiteReportingFacts,
    settings=SiteReportingSettings,
    find=site_under_reporting,
)

SITE_OVER_REPORTING = Rule(
    id="SITE_OVER_REPORTING",
    version="1",
    title="Site reports many adverse events",
    description="A site reports more adverse events than its exposure makes expect.",
    cadence="every night",
    recipients=_READERS,
    effect=Effect.OPEN_REVIEW_TASK,
    facts=SiteReportingFacts,
    settings=SiteReportingSettings,
    find=site_over_reporting,
)
