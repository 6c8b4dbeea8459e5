from decimal import Decimal

import pytest

from clinical.recist.lesions import (
    Kind,
    Lesion,
    Measurement,
    State,
    baseline_findings,
    counted_mm,
    is_measurable,
)
from clinical.recist.settings import Settings
from tests.clinical.recist.course import lesion, lesions, measurement, scan


@pytest.mark.parametrize(
    ("seen", "counts"),
    [
        (12.5, "12.5"),
        (3, "3"),
        ("too small to measure", "5"),
        ("absent", "0"),
        ("merged into another lesion", "0"),
        ("not evaluable", None),
        ("not done", None),
        ("present", None),
    ],
)
def test_what_a_target_adds_to_the_sum(seen: float | str, counts: str | None) -> None:
    assert counted_mm(measurement("T01", seen), Settings()) == (None if counts is None else Decimal(counts))


def test_a_lesion_nobody_mentioned_counts_as_unknown_and_not_as_gone() -> None:
    assert counted_mm(None, Settings()) is None


@pytest.mark.parametrize(
    ("least", "chosen"),
    [
        ("10", Lesion("T01", Kind.TARGET)),
        ("15", Lesion("T01", Kind.TARGET, is_node=True)),
        ("20", Lesion("T01", Kind.TARGET, is_on_x_ray=True)),
        ("10", Lesion("T01", Kind.TARGET, slice_mm=Decimal(5))),
        ("16", Lesion("T01", Kind.TARGET, slice_mm=Decimal(8))),
    ],
)
def test_measurability_by_organ_and_method(least: str, chosen: Lesion) -> None:
    assert is_measurable(chosen, Decimal(least), Settings())
    assert not is_measurable(chosen, Decimal(least) - Decimal("0.1"), Settings())


def test_a_sound_baseline_has_no_findings() -> None:
    chosen = [lesion("T01", site="LIVER"), lesion("T02", site="LUNG"), lesion("NT01")]
    assert baseline_findings(chosen, scan("C0", T01=10, T02=11, NT01="present"), Settings()) == ()


def test_more_than_five_targets_are_a_finding_and_the_trial_may_allow_more() -> None:
    chosen = lesions("T01", "T02", "T03", "T04", "T05", "T06")
    baseline = scan("C0", **{one.name: 20 for one in chosen})
    assert baseline_findings(chosen, baseline, Settings()) == ("6 target lesions are chosen; at most 5 are allowed.",)
    assert baseline_findings(chosen, baseline, Settings(max_targets=10)) == ()


def test_left_and_right_lung_are_one_organ() -> None:
    chosen = [lesion("T01", site="LUNG, LEFT"), lesion("T02", site="RIGHT LUNG"), lesion("T03", site="LUNG")]
    assert baseline_findings(chosen, scan("C0", T01=20, T02=20, T03=20), Settings()) == (
        "3 target lesions are in LUNG (T01, T02, T03); at most 2 per organ are allowed.",
    )


def test_lymph_nodes_of_all_regions_are_one_organ_unless_the_trial_says_otherwise() -> None:
    chosen = [
        lesion("T01N", site="LYMPH NODE, NECK"),
        lesion("T02N", site="LYMPH NODE, AXILLA"),
        lesion("T03N", site="LYMPH NODE, GROIN"),
    ]
    baseline = scan("C0", T01N=20, T02N=20, T03N=20)
    assert baseline_findings(chosen, baseline, Settings()) == (
        "3 target lesions are in LYMPH NODES (T01N, T02N, T03N); at most 2 per organ are allowed.",
    )
    assert baseline_findings(chosen, baseline, Settings(nodes_are_one_organ=False)) == ()


def test_small_targets_missing_targets_and_normal_nodes_are_named() -> None:
    chosen = lesions("T01", "T02N", "T03", "T04", "T05", "NT01", "NT02N")
    baseline = scan("C0", T01=9, T02N=12, T03="not evaluable", T05=0, NT02N=8)
    assert baseline_findings(chosen, baseline, Settings()) == (
        "Non-target lesion NT01 was not assessed at baseline.",
        "Node NT02N has a short axis of 8 mm; below 10 mm it is normal and not a lesion.",
        "Target lesion T01 measures 9 mm; it is measurable from 10 mm on.",
        "Node T02N has a short axis of 12 mm; from 10 to below 15 mm a node is a non-target lesion.",
        "Target lesion T03 has no diameter at baseline; it is left out of every sum.",
        "Target lesion T04 has no diameter at baseline; it is left out of every sum.",
        "Target lesion T05 is not there at baseline; it is left out of every sum.",
    )


def test_a_measurement_that_contradicts_itself_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="a diameter goes with a measured lesion"):
        Measurement("T01", State.ABSENT, Decimal(3))
    with pytest.raises(ValueError, match="a diameter goes with a measured lesion"):
        Measurement("T01", State.MEASURED)
    with pytest.raises(ValueError, match="cannot be"):
        Measurement("T01", State.MEASURED, Decimal(-1))


def test_a_lesion_assessed_twice_at_one_visit_is_refused() -> None:
    one = scan("C0", T01=20)
    twice = type(one)(one.visit, one.date, one.measurements * 2)
    with pytest.raises(ValueError, match="C0: T01 assessed twice"):
        _ = twice.by_lesion
