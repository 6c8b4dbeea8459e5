"""The MTD by isotonic regression."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.escalation.boin import Boin
from clinical.escalation.isotonic import pooled, select_mtd
from clinical.escalation.simulation import isotonic_mtd
from clinical.escalation.trial import from_counts


@pytest.mark.parametrize(
    ("n", "dlts", "target", "mtd"),
    [
        ([3, 6, 15, 9], [0, 0, 9, 4], 0.25, 2),
        ([9, 12, 9, 15, 6, 0], [2, 3, 1, 8, 4, 0], 0.33, 3),
        ([3, 12, 0], [0, 0, 0], 0.25, 2),
        ([3, 0, 0], [3, 0, 0], 0.30, None),
    ],
)
def test_the_level_nearest_to_the_target_after_pooling(
    n: list[int], dlts: list[int], target: float, mtd: int | None
) -> None:
    assert select_mtd(from_counts(n, dlts), design=Boin(target=target)).mtd == mtd


def test_a_bound_on_the_mtd_excludes_estimates_above_the_boundary() -> None:
    trial = from_counts([6, 0], [3, 0])
    assert select_mtd(trial, design=Boin(target=0.30)).mtd == 1
    assert select_mtd(trial, design=Boin(target=0.30), bound_mtd=True).mtd is None


COUNTS = st.lists(st.integers(0, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=1, max_size=6)


@settings(max_examples=100, deadline=None)
@given(COUNTS)
def test_the_simulation_selects_as_the_single_decision_does(counts: list[tuple[int, int]]) -> None:
    n, dlts = [size for size, _ in counts], [toxic for _, toxic in counts]
    design = Boin(target=0.30, cutoff_eli=0.999999999)  # nothing is eliminated, so the estimates alone decide
    selected = isotonic_mtd(np.array([n]), np.array([dlts]), target=0.30, admissible=np.ones((1, len(n)), dtype=bool))
    assert int(selected[0]) == (select_mtd(from_counts(n, dlts), design=design).mtd or 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 10)), min_size=1, max_size=8))
def test_pooling_gives_an_ascending_sequence_of_the_same_weighted_mean(pairs: list[tuple[float, float]]) -> None:
    values, weights = [value for value, _ in pairs], [weight for _, weight in pairs]
    result = pooled(values, weights)
    assert np.all(np.diff(result) >= -1e-12)
    assert float(result @ weights) == pytest.approx(float(np.dot(values, weights)))


def test_published_selections(reference: Path) -> None:
    for case in json.loads((reference / "dose-isotonic-mtd-cases.json").read_text())["cases"]:
        design = Boin(
            target=case["target"], p_tox=case["p_tox"], cutoff_eli=case["cutoff_eli"], extrasafe=case["extrasafe"]
        )
        selection = select_mtd(from_counts(case["n"], case["y"]), design=design, bound_mtd=case["bound_mtd"])
        assert (selection.mtd or 99) == case["expect"]["mtd"], case["id"]
        rates = {str(estimate.level): estimate for estimate in selection.estimates}
        for row in case["expect"]["p_est"] or []:
            if row["phat"].startswith("-"):
                assert row["dose"] not in rates, case["id"]
            else:
                assert rates[row["dose"]].rate == pytest.approx(float(row["phat"]), abs=0.00501), case["id"]
