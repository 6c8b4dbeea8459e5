"""Stopping boundaries against the published packages' tables, and the algebra they must obey."""

import csv
from collections import defaultdict
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.signals.boundaries import Boundary, Method, bayesian_stops, boundary, probability_above


def test_calibrated_boundaries_are_those_of_the_published_tables(reference: Path) -> None:
    rules: dict[str, list[dict[str, str]]] = defaultdict(list)
    with (reference / "dose-safety-stopping-boundaries.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            rules[row["rule_id"]].append(row)
    assert rules
    for rows in rules.values():
        first = rows[0]
        rate = float(first["p0_acceptable"])
        found = boundary(
            method=Method(first["method"]),
            acceptable_rate=rate,
            alpha=float(first["alpha"]),
            looks=tuple(int(row["n_evaluable"]) for row in rows),
            parameters=tuple(float(number) for number in first["method_param"].split(";") if number),
        )
        assert [("" if stop is None else str(stop)) for stop in found.stops] == [row["stop_if_dlt_ge"] for row in rows]
        for rise, column in (
            (0.0, "exact_false_stop_probability_at_p0"),
            (0.15, "stop_probability_at_p0_plus_15pts"),
            (0.25, "stop_probability_at_p0_plus_25pts"),
        ):
            assert found.stop_probability(rate + rise) == pytest.approx(float(first[column]), abs=1e-6)


def test_bayesian_stops_are_those_of_the_published_table(reference: Path) -> None:
    with (reference / "dose-safety-bayes-stopping.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    tables: dict[tuple[float, ...], Boundary] = {}
    names = ("toxicity_limit", "probability_cutoff", "prior_a", "prior_b", "min_n")
    most = max(int(row["n"]) for row in rows)
    for row in rows:
        limit, cutoff, a, b, minimum = key = tuple(float(row[name]) for name in names)
        if key not in tables:
            tables[key] = bayesian_stops(
                limit=limit, cutoff=cutoff, planned=most, prior_a=a, prior_b=b, minimum=int(minimum)
            )
        n = int(row["n"])
        stop = tables[key].stops[n - 1]
        assert ("" if stop is None else str(stop)) == row["stop_if_events_ge"]
        if stop is not None:
            for events, column in (
                (stop, "posterior_probability_at_boundary"),
                (stop - 1, "posterior_probability_one_below"),
            ):
                found = probability_above(limit, events=events, n=n, prior_a=a, prior_b=b)
                assert found == pytest.approx(float(row[column]), abs=1e-6)


@pytest.mark.parametrize(
    ("n", "stop"), [(1, None), (2, None), (3, 3), (4, 3), (5, 4), (6, 4), (7, 5), (8, 5), (9, 5), (10, 6)]
)
def test_with_a_flat_prior_and_95_percent_sure_of_more_than_30_percent(n: int, stop: int | None) -> None:
    found = bayesian_stops(limit=0.3, cutoff=0.95, planned=10)
    assert found.stop_at(n) == stop


ALL = [
    (Method.POCOCK, ()),
    (Method.OBRIEN_FLEMING, ()),
    (Method.WANG_TSIATIS, (0.25,)),
    (Method.GELLER, (0.6, 1.4)),
    (Method.SPRT, (0.6,)),
    (Method.MAX_SPRT, ()),
    (Method.CHEN_CHALONER, (0.6, 1.4, 0.4, 0.3)),
]


@pytest.mark.parametrize(("method", "parameters"), ALL, ids=lambda value: getattr(value, "value", ""))
def test_a_boundary_keeps_its_error_and_never_falls(method: Method, parameters: tuple[float, ...]) -> None:
    found = boundary(method=method, acceptable_rate=0.25, alpha=0.05, looks=tuple(range(1, 16)), parameters=parameters)
    assert found.stop_probability(0.25) <= 0.05
    counts = [stop for stop in found.stops if stop is not None]
    assert counts
    assert counts == sorted(counts)


def test_wang_tsiatis_with_delta_0_is_obrien_fleming() -> None:
    looks = tuple(range(1, 16))
    plain = boundary(method=Method.OBRIEN_FLEMING, acceptable_rate=0.3, alpha=0.1, looks=looks)
    shaped = boundary(method=Method.WANG_TSIATIS, acceptable_rate=0.3, alpha=0.1, looks=looks, parameters=(0.0,))
    assert plain == shaped


def test_chen_and_chaloner_stop_only_where_even_the_unacceptable_rate_is_exceeded() -> None:
    looks = tuple(range(1, 16))
    plain = boundary(method=Method.GELLER, acceptable_rate=0.25, alpha=0.3, looks=looks, parameters=(0.6, 1.4))
    prior = (0.6, 1.4)
    never_asked = boundary(
        method=Method.CHEN_CHALONER, acceptable_rate=0.25, alpha=0.3, looks=looks, parameters=(*prior, 0.26, 0.0)
    )
    assert never_asked == plain
    asked = boundary(
        method=Method.CHEN_CHALONER, acceptable_rate=0.25, alpha=0.3, looks=looks, parameters=(*prior, 0.6, 0.5)
    )
    for n, stop in zip(asked.looks, asked.stops, strict=True):
        if stop is not None:
            assert probability_above(0.6, events=stop, n=n, prior_a=0.6, prior_b=1.4) > 0.5


@pytest.mark.parametrize("rate", [0.1, 0.35, 0.8])
def test_the_stop_probability_is_that_of_every_path_counted_singly(rate: float) -> None:
    rule = Boundary((2, 3, 6), (2, None, 4))
    chance = 0.0
    for path in product((0, 1), repeat=6):
        stopped = sum(path[:2]) >= 2 or sum(path) >= 4
        chance += stopped * rate ** sum(path) * (1 - rate) ** (6 - sum(path))
    assert rule.stop_probability(rate) == pytest.approx(chance, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.05, 0.6), st.floats(0.05, 0.3))
def test_a_more_toxic_treatment_stops_more_often(rate: float, more: float) -> None:
    rule = Boundary(tuple(range(1, 11)), (None, None, 3, 3, 4, 4, 5, 5, 5, 6))
    assert rule.stop_probability(rate) <= rule.stop_probability(rate + more)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"acceptable_rate": 0}, "between 0 and 1"),
        ({"alpha": 1}, "between 0 and 1"),
        ({"looks": ()}, "rising numbers"),
        ({"looks": (5, 5)}, "rising numbers"),
        ({"parameters": (0.5,)}, "Pocock takes 0 parameters, not 1"),
        ({"method": Method.SPRT, "parameters": (0.2,)}, "must lie between the acceptable rate and 1"),
    ],
)
def test_an_impossible_boundary_is_refused(changes: dict[str, object], problem: str) -> None:
    asked: dict[str, object] = {"method": Method.POCOCK, "acceptable_rate": 0.3, "alpha": 0.05, "looks": (1, 2, 3)}
    with pytest.raises(ValueError, match=problem):
        boundary(**(asked | changes))  # type: ignore[arg-type]  # wrong on purpose


def test_more_events_than_subjects_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot occur"):
        probability_above(0.3, events=4, n=3)
