"""CRM, TITE-CRM and BLRM against published fits."""

import json
from dataclasses import replace
from math import log, sqrt
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import norm

from clinical.escalation.advice import Action
from clinical.escalation.blrm import Blrm, Prior
from clinical.escalation.crm import Crm, Method, Model, nearest
from clinical.escalation.tite_crm import TiteCrm
from clinical.escalation.trial import DoseLevel, Trial, from_counts, outcomes

SKELETON = (0.08, 0.16, 0.25, 0.35, 0.46)
NBG_DOSES = (1, 2.5, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 250)


def crm_trial(case: dict[str, Any]) -> Trial:
    levels = []
    for level in range(1, len(case["skeleton"]) + 1):
        dlts = full = 0
        follow_up = []
        for at, dlt, days in zip(
            case["dose_levels"], case["dlt"], case.get("followup", [1] * len(case["dlt"])), strict=True
        ):
            if at != level:
                continue
            share = days / case.get("obswin", 1)
            if dlt or share >= 1:
                full, dlts = full + 1, dlts + dlt
            else:
                follow_up.append(share)
        levels.append(
            DoseLevel(
                treated=full + len(follow_up),
                evaluable=full,
                dlts=dlts,
                pending=len(follow_up),
                follow_up=tuple(follow_up),
            )
        )
    return Trial(tuple(levels))


def test_published_crm_and_tite_crm_fits(reference: Path) -> None:
    published = json.loads((reference / "dose-crm-cases.json").read_text())
    for case in published["crm"] + published["titecrm"]:
        kind = TiteCrm if "obswin" in case else Crm
        design = kind(
            target=case["target"],
            skeleton=tuple(case["skeleton"]),
            model=Model(case["model"]),
            method=Method(case.get("method", "bayes")),
            scale=case["scale"],
            intercept=case["intercept"] or 3.0,
        )
        fit, expected = design.fit(crm_trial(case)), case["expect"]
        assert fit.beta_hat == pytest.approx(expected["beta_hat"], abs=1e-4), case["id"]
        assert fit.rates == pytest.approx(expected["ptox"], abs=1e-4), case["id"]
        assert fit.mtd == expected["mtd"], case["id"]


@pytest.mark.parametrize(
    ("cohorts", "advice"),
    [
        ("1NNN", "escalate to 2"),
        ("1NNN 2NTT", "de-escalate to 1"),
        ("1NNN 2NNN 3NNT 3NTT", "de-escalate to 2"),
        ("1NN", "wait"),
    ],
)
def test_crm_goes_to_the_level_nearest_the_target_without_skipping(cohorts: str, advice: str) -> None:
    design = Crm(target=0.25, skeleton=SKELETON)
    assert str(design.advise(outcomes(cohorts).with_levels(5))) == advice


def test_crm_is_coherent_unless_told_otherwise() -> None:
    trial = outcomes("1NNN 2NNN 1NNT 1NNN 1NNN 1NNN 2NNT").with_levels(5)
    assert Crm(target=0.10, skeleton=(0.02, 0.05, 0.1, 0.2, 0.3)).advise(trial).action is not Action.ESCALATE


def test_crm_may_stop_when_the_lowest_level_is_too_toxic() -> None:
    trial = from_counts([6, 0, 0, 0, 0], [5, 0, 0, 0, 0])
    assert Crm(target=0.25, skeleton=SKELETON).advise(trial).action is Action.STAY
    assert Crm(target=0.25, skeleton=SKELETON, stop_certainty=0.9).advise(trial).action is Action.STOP


def test_equally_near_levels_give_the_lower() -> None:
    assert nearest([0.1, 0.2, 0.3], 0.25) == 2
    assert nearest([0.2, 0.3], 0.25) == 1


def test_tite_crm_escalates_on_partial_follow_up_and_suspends_on_too_little() -> None:
    levels = (DoseLevel(treated=3, evaluable=1, pending=2, follow_up=(0.9, 0.8)), *(DoseLevel(),) * 4)
    assert str(TiteCrm(target=0.25, skeleton=SKELETON).advise(Trial(levels))) == "escalate to 2"
    strict = TiteCrm(target=0.25, skeleton=SKELETON, max_pending_fraction=0.5)
    assert strict.advise(Trial(levels)).action is Action.SUSPEND


def test_tite_crm_suspends_for_a_candidate_that_would_forbid_to_go_up() -> None:
    clear = DoseLevel(treated=3, evaluable=2, pending=1, follow_up=(0.9,))
    candidate = replace(clear, undecided=1)
    above = (DoseLevel(),) * 4
    assert TiteCrm(target=0.25, skeleton=SKELETON).advise(Trial((clear, *above))).action is Action.ESCALATE
    assert TiteCrm(target=0.25, skeleton=SKELETON).advise(Trial((candidate, *above))).action is Action.SUSPEND


def test_time_to_event_designs_refuse_pending_subjects_without_follow_up() -> None:
    trial = Trial((DoseLevel(treated=3, evaluable=2, pending=1), *(DoseLevel(),) * 4))
    with pytest.raises(ValueError, match="needs the follow-up"):
        TiteCrm(target=0.25, skeleton=SKELETON).advise(trial)


def test_a_model_refuses_a_trial_with_another_number_of_levels() -> None:
    with pytest.raises(ValueError, match="5 DLT rates, the trial has 2"):
        Crm(target=0.25, skeleton=SKELETON).advise(from_counts([3, 0], [0, 0]))


def nbg(**changed: Any) -> Blrm:
    return Blrm(doses=NBG_DOSES, dref=250, prior=Prior((2.15, 0.52), (0.84, 0.80), 0.2), **changed)


def test_blrm_takes_the_greatest_p_target_that_ewoc_allows() -> None:
    trial = from_counts([3, 4, 4, 4, 0, 0, 2] + [0] * 8, [0, 0, 0, 0, 0, 0, 2] + [0] * 8, current=7)
    risks = nbg().risks(trial)
    assert (risks[5].target, risks[5].over) == pytest.approx((0.469305, 0.284962), abs=1e-4)
    assert (risks[4].target, risks[4].over) == pytest.approx((0.440468, 0.136682), abs=1e-4)
    assert str(nbg().advise(trial)) == "de-escalate to 5"


def test_blrm_stops_when_no_dose_is_eligible_and_skips_none() -> None:
    assert nbg().advise(from_counts([3] + [0] * 14, [1] + [0] * 14)).action is Action.STOP
    assert str(nbg().advise(from_counts([3] + [0] * 14, [0] * 15))) == "escalate to 2"


def test_blrm_keeps_one_step_within_the_greatest_increase() -> None:
    trial = from_counts([3] + [0] * 14, [0] * 15)
    assert str(nbg(max_increase=1.0).advise(trial)) == "stay at 1"


def blrm_of(prior: dict[str, Any]) -> Blrm:
    return Blrm(tuple(prior["doses"]), prior["dref"], Prior(tuple(prior["mean"]), tuple(prior["sd"]), prior["rho"]))


def test_published_blrm_posteriors_and_decisions(reference: Path) -> None:
    published = json.loads((reference / "dose-blrm-cases.json").read_text())
    designs = {name: blrm_of(prior) for name, prior in published["priors"].items()}
    for case in published["cases"]:
        design, expected = designs[case["prior"]], case["expect"]
        trial = from_counts(case["n"], case["dlt"])
        risks = design.risks(trial)
        for risk, row in zip(risks, expected["per_dose"], strict=True):
            found = (risk.mean, risk.sd, risk.under, risk.target, risk.over)
            wanted = (row["mean"], row["sd"], row["p_under"], row["p_target"], row["p_over"])
            assert found == pytest.approx(wanted, abs=1e-4), (case["id"], risk.dose)
        to = design.next_level(risks, cap=trial.highest_tried + 1)
        assert (design.doses[to - 1] if to else None) == expected["next_dose"], case["id"]


def test_the_posterior_of_the_published_anchor(reference: Path) -> None:
    anchor = json.loads((reference / "dose-blrm-published-anchor.json").read_text())
    design = Blrm(tuple(anchor["doses"]), 250, Prior((2.15, 0.52), (0.84, 0.80)))
    trial = from_counts([3, 4, 4, 4, 0, 0, 2] + [0] * 8, [0, 0, 0, 0, 0, 0, 2] + [0] * 8)
    assert [risk.mean for risk in design.risks(trial)] == pytest.approx(anchor["mean"], abs=anchor["tolerance"])


def test_the_likeliest_curve_weighs_pending_subjects_too() -> None:
    """By hand, 2 of 3 with a DLT and one pending half-way: the rate r solves 2/r = 1/(1-r) + 0.5/(1-r/2)."""
    level = DoseLevel(treated=4, evaluable=3, dlts=2, pending=1, follow_up=(0.5,))
    fit = TiteCrm(target=0.3, skeleton=(0.5,), method=Method.MLE).fit(Trial((level,)))
    rate = fit.rates[0]
    assert 2 / rate == pytest.approx(1 / (1 - rate) + 0.5 / (1 - rate / 2), abs=1e-4)
    assert rate < 2 / 3


def test_the_certainty_that_the_lowest_level_is_too_toxic_does_not_hang_on_the_grid() -> None:
    """Before any data, with a skeleton that begins at the target, it is one half, and the prior's own for others."""
    assert Crm(target=0.25, skeleton=(0.25, 0.4)).fit(from_counts([0, 0], [0, 0])).lowest_too_toxic == pytest.approx(
        0.5
    )
    for first in (0.1, 0.17, 0.21):
        fit = Crm(target=0.25, skeleton=(first, 0.4)).fit(from_counts([0, 0], [0, 0]))
        limit = log(log(0.25) / log(first)) / sqrt(1.34)
        assert fit.lowest_too_toxic == pytest.approx(norm.cdf(limit), abs=1e-4)


def test_a_wide_prior_and_much_data_do_not_cost_the_blrm_its_precision() -> None:
    doses, prior = (7.0, 30.0, 90.0, 200.0), Prior((-0.7, -0.05), (2.9, 0.7), 0.2)
    trial = from_counts([12, 12, 12, 12], [0, 1, 3, 3])
    usual, finer = (
        design.risks(trial) for design in (Blrm(doses, 90.0, prior), Blrm(doses, 90.0, prior, grid=(901, 301)))
    )
    for one, other in zip(usual, finer, strict=True):
        assert (one.under, one.target, one.over) == pytest.approx((other.under, other.target, other.over), abs=1e-4)
