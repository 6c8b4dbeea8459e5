"""BOIN, Keyboard, mTPI and mTPI-2 against their published decision tables."""

import csv
from pathlib import Path

import pytest

from clinical.escalation.advice import Action
from clinical.escalation.boin import Boin
from clinical.escalation.catalogue import design_named
from clinical.escalation.interval import boundaries
from clinical.escalation.keyboard import Keyboard
from clinical.escalation.tables import decision_table
from clinical.escalation.trial import DoseLevel, Trial, from_counts, outcomes


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as table:
        return list(csv.DictReader(table))


@pytest.mark.parametrize(
    ("n", "escalate_if_le", "deescalate_if_ge", "eliminate_if_ge"),
    [(1, 0, 1, None), (2, 0, 1, None), (3, 0, 2, 3), (6, 1, 3, 4), (9, 2, 4, 5), (12, 2, 5, 7), (15, 3, 6, 8)],
)
def test_boin_at_a_target_of_30_percent(
    n: int, escalate_if_le: int, deescalate_if_ge: int, eliminate_if_ge: int | None
) -> None:
    row = decision_table(Boin(target=0.30), max_n=n)[-1]
    found = row["escalate_if_le"], row["deescalate_if_ge"], row["eliminate_if_ge"]
    assert found == (escalate_if_le, deescalate_if_ge, eliminate_if_ge)


@pytest.mark.parametrize(
    ("cohorts", "advice"),
    [
        ("1NNN", "escalate to 2"),
        ("1NNT", "stay at 1"),
        ("1NTT", "stay at 1"),
        ("1TTT", "stop"),
        ("1NNN 2NTT", "de-escalate to 1"),
        ("1NNN 2TTT 1NNN", "stay at 1"),
        ("1NNN 2NNN 3NNN 4NNN", "stay at 4"),
        ("1NN", "wait"),
    ],
)
def test_boin_advises_by_its_boundaries_and_never_into_an_eliminated_level(cohorts: str, advice: str) -> None:
    assert str(Boin(target=0.30).advise(outcomes(cohorts).with_levels(4))) == advice


def test_boin_eliminates_the_level_and_all_above() -> None:
    advice = Boin(target=0.30).advise(from_counts([3, 3, 0, 0], [0, 3, 0, 0], current=2))
    assert (str(advice), advice.eliminates) == ("de-escalate to 1", {2, 3, 4})


def test_the_extra_safe_stop_ends_the_trial_at_the_lowest_level_earlier() -> None:
    trial = from_counts([3, 0], [2, 0])
    assert Boin(target=0.25).advise(trial).action is Action.STAY
    assert Boin(target=0.25, extrasafe=True).advise(trial).action is Action.STOP


@pytest.mark.parametrize(
    ("level", "action"),
    [
        (DoseLevel(treated=3, evaluable=2, dlts=2, pending=1), Action.DE_ESCALATE),
        (DoseLevel(treated=2, evaluable=2, dlts=2), Action.DE_ESCALATE),
        (DoseLevel(treated=3, evaluable=2, dlts=1, pending=1), Action.WAIT),
        (DoseLevel(treated=3, evaluable=2, pending=1), Action.WAIT),
        (DoseLevel(treated=6, evaluable=4, dlts=2, pending=2), Action.WAIT),
        (DoseLevel(treated=6, evaluable=4, dlts=3, pending=2), Action.DE_ESCALATE),
        (DoseLevel(treated=3, evaluable=2, dlts=1, pending=1, undecided=1), Action.SUSPEND),
        (DoseLevel(treated=5, evaluable=3, pending=2, backfill_pending=2), Action.ESCALATE),
    ],
)
def test_safety_moves_early_and_escalation_waits(level: DoseLevel, action: Action) -> None:
    trial = Trial((DoseLevel(treated=3, evaluable=3), level, DoseLevel()), current=2)
    assert Boin(target=0.30).advise(trial).action is action


def test_at_the_lowest_level_a_certain_de_escalation_stays_and_closes_slots() -> None:
    lowest = DoseLevel(treated=3, evaluable=2, dlts=2, pending=1)
    advice = Boin(target=0.30).advise(Trial((lowest, DoseLevel())))
    assert (str(advice), advice.places, advice.is_for_safety) == ("stay at 1", 0, True)


def test_a_dlt_of_a_backfill_subject_eliminates_a_level_below() -> None:
    advice = Boin(target=0.30).advise(from_counts([3, 6, 3], [0, 4, 0], current=3))
    assert (str(advice), advice.eliminates) == ("de-escalate to 1", {2, 3})


@pytest.mark.parametrize(
    ("name", "parameters", "told"),
    [
        ("boin", {"target": 1.3}, "target DLT rate must lie between 0 and 1"),
        ("boin", {"target": 0.3, "p_saf": 0.4, "p_tox": 0.2}, "p-saf must lie.*p-tox must lie"),
        ("keyboard", {"p_saf": 0.1}, "keyboard does not use p-saf"),
        ("blrm", {}, "needs doses.*needs dref.*needs prior-mean"),
        ("boing", {}, "no design “boing”"),
        ("boin", {"target": "a third", "cohort_size": [3]}, "target “a third” is not a number.*cohort-size"),
        ("blrm", {"doses": 3, "dref": 1, "prior_mean": [0, 0], "prior_sd": [1, 1]}, "doses takes a list of numbers"),
        ("crm", {"target": 0.2, "halfwidth": 0.3, "nu": 9, "levels": 5}, "half-width must.*nu, the prior MTD"),
        ("3+3", {"variant": "upwards"}, "none of: with de-escalation, without"),
    ],
)
def test_parameters_that_cannot_be_meant_are_all_named(name: str, parameters: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=f"(?s){told}"):
        design_named(name, parameters)


@pytest.mark.parametrize(
    ("n", "dlts", "verdict"), [(3, 0, "E"), (9, 0, "E"), (30, 0, "E"), (6, 1, "S"), (30, 4, "S"), (30, 7, "D")]
)
def test_a_key_shorter_than_the_target_key_is_one(n: int, dlts: int, verdict: str) -> None:
    assert Keyboard(target=0.15, margin_l=0.07, margin_r=0.07).verdict(n, dlts).value == verdict


def test_no_elimination_begins_before_de_escalation() -> None:
    row = boundaries(Boin(target=0.25, p_saf=0.15, p_tox=0.4, cutoff_eli=0.8), 22)
    assert (row.escalate_if_le, row.deescalate_if_ge, row.eliminate_if_ge) == (4, 7, 7)


def test_a_protocol_file_names_its_design_in_any_case_and_with_lists() -> None:
    design = design_named(
        "BLRM", {"doses": [1, 2, 4], "dref": 2, "prior_mean": [-1, 0], "prior_sd": [2, 1], "intervals": [0.16, 0.33]}
    )
    assert design == design_named("blrm", {"doses": (1, 2, 4), "dref": 2, "prior_mean": (-1, 0), "prior_sd": (2, 1)})


@pytest.mark.parametrize(
    ("file", "design_column", "parameters"),
    [
        ("dose-boin-tables.csv", "boin", ("target", "p_saf", "p_tox", "cutoff_eli")),
        ("dose-keyboard-tables.csv", "keyboard", ("target", "margin_l", "margin_r", "cutoff_eli")),
        ("dose-mtpi2-tables.csv", "", ("target", "epsilon1", "epsilon2", "exclusion_certainty")),
    ],
)
def test_published_decision_tables(reference: Path, file: str, design_column: str, parameters: tuple[str, ...]) -> None:
    tables: dict[str, dict[tuple[str, str], dict[str, object]]] = {}
    for published in rows_of(reference / file):
        name = design_column or published["design"]
        values = {each: float(published[each]) for each in parameters}
        key = f"{name} {values}"
        if key not in tables:
            computed = decision_table(design_named(name, values), max_n=30)
            tables[key] = {(str(row["n"]), str(row.get("dlt", ""))): row for row in computed}
        row = tables[key][published["n"], published.get("dlt", "")]
        if published.get("note"):
            continue  # a state on which the publishing software and the paper's rule differ, as the table says
        for column, text in published.items():
            if column in ("design", "note"):
                continue
            value = row[column]
            if isinstance(value, float):
                assert value == pytest.approx(float(text), abs=1e-9), (published, column)
            else:
                assert ("" if value is None else str(value)) == text, (published, column)
