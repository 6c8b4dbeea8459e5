"""Hy's law and the eDISH quadrant, by the reference cases and at their edges."""

import csv
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.signals.liver import HYS_LAW, LiverFacts, LiverSample, LiverSettings, Quadrant, assess
from clinical.signals.signal import reconcile

LIMITS = {"ALT": Decimal(40), "AST": Decimal(35), "BILI": Decimal("1.2"), "ALP": Decimal(120)}
# The reference prints ratios to four places.
PRINTED = Decimal("0.000051")


def samples(text: str) -> tuple[LiverSample, ...]:
    """`8:ALT=160` is an ALT of 160 on day 8, with the usual limit of normal."""
    found = []
    for word in text.split():
        day, reading = word.split(":")
        test, value = reading.split("=")
        found.append(LiverSample(int(day), test, Decimal(value), LIMITS[test]))
    return tuple(found)


def near(found: Decimal | None, expected: object) -> bool:
    if found is None or expected in (None, ""):
        return found is None and expected in (None, "")
    return abs(found - Decimal(str(expected))) <= PRINTED


def test_the_reference_cases_of_hys_law(reference: Path) -> None:
    text = (reference / "dose-safety-hys-law-cases.json").read_text(encoding="utf-8")
    cases = json.loads(text, parse_float=Decimal)["cases"]
    assert cases
    for case in cases:
        labs = [
            LiverSample(each["day"], each["test"], Decimal(each["value"]), Decimal(each["uln"]))
            for each in case["labs"]
        ]
        found, expected = assess(labs), case["expect"]
        assert near(found.peak_aminotransferase, expected["peak_at_xuln"]), case["id"]
        assert near(found.peak_bilirubin, expected["peak_tbl_xuln"]), case["id"]
        name = None if found.quadrant is Quadrant.NOT_EVALUABLE else found.quadrant.name
        assert name == expected["edish_quadrant"], case["id"]
        assert (found.concurrent is not None) is expected["concurrent_within_window"], case["id"]
        assert found.potential_hys_law is expected["potential_hys_law"], case["id"]
        assert found.cholestatic is expected["cholestatic_excluded"], case["id"]


def test_the_edish_quadrants_of_the_public_pilot_trial(reference: Path) -> None:
    labs: dict[str, list[LiverSample]] = defaultdict(list)
    with (reference / "dose-safety-edish-cdiscpilot-labs.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            if int(row["study_day"]) >= 1:
                sample = LiverSample(int(row["study_day"]), row["test"], Decimal(row["value"]), Decimal(row["uln"]))
                labs[row["subject"]].append(sample)
    with (reference / "dose-safety-edish-cdiscpilot-expected.csv").open(encoding="utf-8", newline="") as table:
        expected = list(csv.DictReader(table))
    assert expected
    for row in expected:
        found = assess(labs[row["subject"]])
        assert found.quadrant.name == row["quadrant"], row["subject"]
        assert near(found.peak_aminotransferase, row["peak_at_xuln"]), row["subject"]
        assert near(found.peak_bilirubin, row["peak_tbl_xuln"]), row["subject"]
        assert near(found.peak_alkaline_phosphatase, row["peak_alp_xuln"]), row["subject"]


@pytest.mark.parametrize(
    ("labs", "concurrent"),
    [
        ("8:ALT=120 8:BILI=2.4", True),  # exactly 3 and exactly 2 times the limit
        ("8:ALT=119 8:BILI=2.4", False),
        ("8:ALT=120 8:BILI=2.39", False),
        ("8:AST=105 8:BILI=2.4", True),
        ("8:ALT=200 38:BILI=3", True),  # day 30 after counts
        ("8:ALT=200 39:BILI=3", False),
        ("8:BILI=3 9:ALT=200", False),  # high before: not caused by what raised ALT
        ("8:ALT=200 20:ALT=130 45:BILI=3", True),  # any qualifying value opens the window
        ("8:ALT=200", False),
    ],
)
def test_bilirubin_is_concurrent_up_to_30_days_after_the_aminotransferase(labs: str, concurrent: bool) -> None:
    assert (assess(samples(labs)).concurrent is not None) is concurrent


@pytest.mark.parametrize(
    ("labs", "cholestatic"),
    [
        ("8:ALT=160 8:BILI=3 8:ALP=239", False),
        ("8:ALT=160 8:BILI=3 8:ALP=240", True),
        ("8:ALT=160 8:BILI=3 9:ALP=400", False),  # only the day of the first qualifying value is read
        ("8:ALT=160 8:BILI=3", False),  # a missing ALP does not exclude
        ("8:ALP=400 8:ALT=20", False),
    ],
)
def test_a_raised_alp_classifies_and_never_silences(labs: str, cholestatic: bool) -> None:
    found = assess(samples(labs))
    assert found.cholestatic is cholestatic
    told = HYS_LAW(LiverFacts("101-003", samples(labs)))
    assert bool(told) is (found.concurrent is not None)


def test_a_sample_without_limit_of_normal_is_no_evidence() -> None:
    blind = LiverSample(8, "ALT", Decimal(900), None)
    zero = LiverSample(8, "ALT", Decimal(900), Decimal(0))
    found = assess([blind, zero, *samples("8:BILI=3")])
    assert (found.peak_aminotransferase, found.quadrant) == (None, Quadrant.NOT_EVALUABLE)
    with pytest.raises(ValueError, match="no upper limit"):
        _ = blind.multiple


def test_the_window_is_the_trials_choice() -> None:
    labs = samples("8:BILI=3 9:ALT=200 40:BILI=2.5")
    assert assess(labs, LiverSettings(days_after=7)).concurrent is None
    assert assess(labs, LiverSettings(days_before=1, days_after=7)).concurrent is not None


def test_the_signal_shows_alp_r_ratio_and_multiples_of_baseline() -> None:
    labs = samples("8:ALT=200 8:ALP=120 8:BILI=2.4")
    (told,) = HYS_LAW(LiverFacts("101-003", labs, baseline=samples("-3:ALT=50")))
    assert told.sentence == (
        "Subject 101-003: ALT 5.00 × ULN with total bilirubin 2.00 × ULN. This is a potential Hy's law case."
    )
    facts = {fact.label: fact.value for fact in told.facts}
    assert (facts["R ratio"], facts["Pattern"], facts["Peak ALP"]) == ("5.0", "hepatocellular", "1.00 × ULN")
    assert facts["ALT against baseline"] == "4.0 × baseline"


def test_a_higher_peak_reopens_and_a_corrected_value_retracts() -> None:
    first = HYS_LAW(LiverFacts("101-003", samples("8:ALT=200 8:BILI=2.4")))
    standing = [each.standing for each in first]
    worse = HYS_LAW(LiverFacts("101-003", samples("8:ALT=200 8:BILI=2.4 10:ALT=400")))
    assert len(reconcile(standing=standing, now=worse).reopened) == 1
    corrected = HYS_LAW(LiverFacts("101-003", samples("8:ALT=20 8:BILI=2.4")))
    assert len(reconcile(standing=standing, now=corrected).retracted) == 1


readings = st.lists(
    st.builds(
        lambda day, test, tenths: LiverSample(day, test, Decimal(tenths) / 10, LIMITS[test]),
        st.integers(1, 60),
        st.sampled_from(sorted(LIMITS)),
        st.integers(1, 6000),
    ),
    max_size=8,
)


@given(readings, st.randoms(use_true_random=False))
def test_the_order_of_samples_never_matters(labs: list[LiverSample], dice: object) -> None:
    shuffled = list(labs)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis hands out a random.Random
    assert assess(labs) == assess(shuffled)


@given(readings)
def test_concurrence_implies_the_hys_law_range(labs: list[LiverSample]) -> None:
    found = assess(labs)
    if found.concurrent is not None:
        assert found.quadrant is Quadrant.HYS_LAW_RANGE
