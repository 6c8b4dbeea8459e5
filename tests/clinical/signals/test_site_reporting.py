"""Do sites report alike? Rates, funnels and exact tails."""

import json
from decimal import Decimal
from math import exp
from pathlib import Path

import pytest

from clinical.signals.signal import Severity
from clinical.signals.site_reporting import (
    SITE_OVER_REPORTING,
    SITE_UNDER_REPORTING,
    SiteCount,
    SiteReportingFacts,
    compare_sites,
)


def site(name: str, days: int, events: int) -> SiteCount:
    return SiteCount(name, 2, Decimal(days), events)


def test_the_reference_cases_of_site_reporting(reference: Path) -> None:
    cases = json.loads((reference / "dose-safety-site-reporting-cases.json").read_text(encoding="utf-8"))["cases"]
    assert cases
    for case in cases:
        counts = [
            SiteCount(row["site"], row["patients"], Decimal(row["exposure_days"]), row["ae"]) for row in case["rows"]
        ]
        found, expected = compare_sites(counts), case["expect"]
        assert found.overall_rate == pytest.approx(expected["overall_rate_per_day"], abs=1e-9)
        assert found.overdispersion == pytest.approx(expected["overdispersion_phi"], abs=1e-6)
        for ours, theirs in zip(found.sites, expected["sites"], strict=True):
            assert ours.site == theirs["site"]
            assert ours.z == pytest.approx(theirs["z_adjusted"], abs=1e-6)
            assert ours.deviance_residual == pytest.approx(theirs["poisson_deviance_residual"], abs=1e-6)
            assert (ours.flag_z, ours.flag_deviance) == (theirs["flag_z"], theirs["flag_poisson"])
            assert ours.lower_tail == pytest.approx(theirs["p_lower_exact"], abs=1e-6)
            assert ours.upper_tail == pytest.approx(theirs["p_upper_exact"], abs=1e-6)


def test_a_site_without_exposure_has_no_rate_and_disturbs_nobody() -> None:
    alone = compare_sites([site("101", 100, 5), site("102", 100, 9)])
    with_idle = compare_sites([site("101", 100, 5), site("102", 100, 9), site("103", 0, 0)])
    assert with_idle.sites[:2] == alone.sites
    idle = with_idle.sites[2]
    assert (idle.rate, idle.z, idle.deviance_residual, idle.flag_z, idle.lower_tail) == (None, None, None, 0, 1.0)


def test_no_events_anywhere_is_no_difference() -> None:
    found = compare_sites([site("101", 100, 0), site("102", 50, 0)])
    assert [each.z for each in found.sites] == [None, None]
    assert compare_sites([]).sites == ()


def test_the_tail_of_a_silent_site_is_the_chance_of_silence() -> None:
    found = compare_sites([site("101", 100, 0), site("102", 100, 6)])
    assert found.sites[0].lower_tail == pytest.approx(exp(-3))


def test_a_silent_site_is_told_after_sixty_patient_days() -> None:
    def told(days: int) -> list[str]:
        counts = (site("101", days, 0), site("102", 5000, 25))
        return [str(each.scope) for each in SITE_UNDER_REPORTING(SiteReportingFacts(counts))]

    assert told(59) == []
    assert told(60) == ["site=101"]


def test_red_and_amber_differ_in_severity() -> None:
    counts = (site("101", 1000, 40), site("102", 1000, 40), site("103", 1000, 15), site("104", 100, 3))
    told = {str(each.scope): each.severity for each in SITE_UNDER_REPORTING(SiteReportingFacts(counts))}
    assert told == {"site=103": Severity.URGENT}
    counts = (site("101", 1000, 40), site("102", 1000, 40), site("103", 1000, 60))
    many = {str(each.scope): each.severity for each in SITE_OVER_REPORTING(SiteReportingFacts(counts))}
    assert many == {"site=103": Severity.REVIEW}
