"""Exact and simulated operating characteristics, held to published ones within Monte-Carlo error."""

import json
from math import sqrt
from pathlib import Path
from typing import Any

import pytest

from clinical.escalation.blrm import Blrm, Prior
from clinical.escalation.boin import Boin
from clinical.escalation.catalogue import CATALOGUE, design_named, engine_for
from clinical.escalation.crm import Crm
from clinical.escalation.exact import three_plus_three_exactly
from clinical.escalation.interval import Verdict
from clinical.escalation.keyboard import Keyboard
from clinical.escalation.mtpi import Mtpi
from clinical.escalation.simulated_cohorts import interval_engine
from clinical.escalation.simulation import Engine, Figure, Scenario, simulate
from clinical.escalation.three_plus_three import ThreePlusThree, Variant

RISING = (0.05, 0.15, 0.30, 0.45, 0.60)
SKELETON = (0.095, 0.186, 0.300, 0.422, 0.540)
PARAMETERS: dict[str, dict[str, object]] = {
    "crm": {"target": 0.3, "skeleton": SKELETON},
    "tite-crm": {"target": 0.3, "skeleton": SKELETON},
    "blrm": {"doses": (1, 2, 4, 8, 16), "dref": 8, "prior_mean": (-1.0, 0.0), "prior_sd": (2.0, 1.0)},
}


def agrees(figure: Figure, wanted: float, error: float, *, least: float) -> bool:
    """Within four standard errors of the difference; `least` keeps an error of zero (nothing seen) from deciding."""
    return abs(figure.value - wanted) <= 4 * max(sqrt(figure.error**2 + error**2), least)


def test_three_plus_three_exactly_at_one_level() -> None:
    """By hand: none of three, or one of three and none of three more."""
    exact = three_plus_three_exactly([0.2])
    clean, one = 0.8**3, 3 * 0.2 * 0.8**2
    assert exact.select[0] == pytest.approx(clean + one * clean)
    assert exact.n[0] == pytest.approx(3 + 3 * one)


@pytest.mark.parametrize("variant", list(Variant))
def test_three_plus_three_simulated_agrees_with_enumerated(variant: Variant) -> None:
    exact = three_plus_three_exactly(RISING, variant=variant)
    summary = simulate(engine_for(ThreePlusThree(variant)), Scenario(RISING, trials=8000, seed=2))
    for level in range(5):
        assert agrees(summary.select_percent[level], 100 * exact.select[level], 0, least=0.03)
        assert agrees(summary.n[level], exact.n[level], 0, least=0.005)


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_every_design_is_simulated_and_its_figures_add_up(name: str) -> None:
    engine = engine_for(design_named(name, PARAMETERS.get(name, {})))
    scenario = Scenario(RISING, trials=200, seed=3)
    summary = simulate(engine, scenario)
    assert summary == simulate(engine, scenario)
    assert summary != simulate(engine, Scenario(RISING, trials=200, seed=4))
    selected = sum(figure.value for figure in summary.select_percent) + summary.none_percent.value
    assert selected == pytest.approx(100)
    assert summary.total_n.value == pytest.approx(sum(figure.value for figure in summary.n))
    best = max(range(5), key=lambda level: summary.select_percent[level].value)
    assert best in (1, 2), "the level at or just below a DLT rate of 30 % is found most often"


@pytest.mark.parametrize(("patient", "hurried"), [("boin", "tite-boin"), ("crm", "tite-crm")])
def test_a_time_to_event_design_without_hurry_is_the_design_that_waits(patient: str, hurried: str) -> None:
    parameters = PARAMETERS.get(patient, {"target": 0.3})
    slow = Scenario(RISING, trials=2000, seed=5, accrual_days=100_000)
    waited = simulate(engine_for(design_named(patient, parameters)), slow)
    observed = simulate(engine_for(design_named(hurried, parameters)), slow)
    for one, other in zip(waited.select_percent, observed.select_percent, strict=True):
        assert agrees(one, other.value, other.error, least=0.3)


def test_a_level_ruled_out_is_left_even_where_its_interval_would_stay() -> None:
    design = Mtpi(target=0.10)
    assert (design.verdict(12, 3), design.rules_out(12, 3)) == (Verdict.STAY, True)
    summary = simulate(interval_engine(design, target=0.10), Scenario((0.01, 0.28), trials=2000, n_cohorts=20))
    assert summary.n[0].value > summary.n[1].value
    assert summary.n[1].value < 15


def test_progress_is_told_block_by_block() -> None:
    told: list[tuple[int, int]] = []
    simulate(engine_for(Boin()), Scenario(RISING, trials=5000), progress=lambda done, of: told.append((done, of)))
    assert told == [(2000, 5000), (4000, 5000), (5000, 5000)]


def test_every_contradiction_of_a_scenario_is_named() -> None:
    with pytest.raises(ValueError, match=r"(?s)between 0 and 1.*at least one cohort.*At least one trial"):
        Scenario((0.1, 1.2), n_cohorts=0, trials=0)


def test_exact_characteristics_published(reference: Path) -> None:
    names = {"stop_below": Variant.WITHOUT_DE_ESCALATION, "deesc": Variant.WITH_DE_ESCALATION}
    for scenario in json.loads((reference / "dose-3plus3-exact.json").read_text())["scenarios"]:
        for name, variant in names.items():
            exact, expected = three_plus_three_exactly(scenario["p_true"], variant=variant), scenario[name]
            assert exact.select == pytest.approx(expected["select"], abs=1e-9), scenario["id"]
            assert exact.select_none == pytest.approx(expected["select_none"], abs=1e-9), scenario["id"]
            assert exact.n == pytest.approx(expected["exp_n"], abs=1e-9), scenario["id"]
            assert exact.dlts == pytest.approx(expected["exp_dlt"], abs=1e-9), scenario["id"]


def engine_of_case(case: dict[str, Any], prior: dict[str, Any]) -> Engine:
    name = case["design"]
    if name.startswith("BOIN"):
        return engine_for(Boin(target=case["target"], extrasafe="extrasafe" in name))
    if name == "Keyboard":
        return engine_for(Keyboard(target=case["target"]))
    if name.startswith("CRM"):
        return engine_for(Crm(target=case["target"], skeleton=tuple(case["skeleton"])))
    doses = tuple(case["doses"])
    return engine_for(Blrm(doses, case["dref"], Prior(tuple(prior["mean"]), tuple(prior["sd"]), prior["rho"])))


def test_published_operating_characteristics(reference: Path) -> None:
    prior = json.loads((reference / "dose-blrm-cases.json").read_text())["priors"]["weak-3mg"]
    for case in json.loads((reference / "dose-oc-simulations.json").read_text())["cases"]:
        scenario = Scenario(
            tuple(case["p_true"]),
            n_cohorts=case.get("ncohort", 10),
            trials=2000,
            seed=11,
            n_earlystop=case.get("n_earlystop"),
            titration="titration" in case["design"],
        )
        summary = simulate(engine_of_case(case, prior), scenario)
        place = case["scenario"], case["design"]
        columns = (summary.select_percent, case["selpercent"], case["mc_se_selpercent"])
        for found, wanted, error in zip(*columns, strict=True):
            assert agrees(found, wanted, error, least=0.05), (place, found, wanted)
        scale = sqrt(scenario.trials / case["ntrial"])
        for found, wanted in zip(summary.n, case["npatients"], strict=True):
            assert agrees(found, wanted, found.error * scale, least=0.01), (place, found, wanted)
