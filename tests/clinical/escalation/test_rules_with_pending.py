"""Rolling six, accelerated titration and TITE-BOIN: designs whose decisions turn on who is pending or graded."""

import csv
import json
from pathlib import Path

import pytest

from clinical.escalation.accelerated_titration import AcceleratedTitration, Course, Mode
from clinical.escalation.advice import Action
from clinical.escalation.catalogue import design_named
from clinical.escalation.rolling_six import RollingSix
from clinical.escalation.tables import decision_table
from clinical.escalation.tite_boin import TiteBoin
from clinical.escalation.trial import DoseLevel, Trial, from_counts

CLEAN = DoseLevel(treated=3, evaluable=3)


@pytest.mark.parametrize(
    ("enrolled", "dlts", "clean", "pending", "action"),
    [
        (2, 2, 0, 0, Action.DE_ESCALATE),
        (3, 0, 3, 0, Action.ESCALATE),
        (3, 1, 2, 0, Action.STAY),
        (5, 0, 4, 1, Action.STAY),
        (6, 0, 5, 1, Action.ESCALATE),
        (6, 1, 4, 1, Action.SUSPEND),
        (6, 1, 5, 0, Action.ESCALATE),
        (6, 2, 1, 3, Action.DE_ESCALATE),
    ],
)
def test_rolling_six(enrolled: int, dlts: int, clean: int, pending: int, action: Action) -> None:
    level = DoseLevel(treated=enrolled, evaluable=dlts + clean, dlts=dlts, pending=pending)
    assert RollingSix().advise(Trial((CLEAN, level, DoseLevel()), current=2)).action is action


def test_rolling_six_fills_the_level_below_a_toxic_one_and_then_ends() -> None:
    toxic = frozenset({2, 3})
    filling = RollingSix().advise(Trial((CLEAN, DoseLevel(), DoseLevel()), eliminated=toxic))
    assert (filling.action, filling.places) == (Action.EXPAND, 3)
    ended = RollingSix().advise(from_counts([6, 3, 0], [1, 2, 0], current=2))
    assert (ended.action, ended.mtd) == (Action.STOP, 1)


def test_published_rolling_six_table(reference: Path) -> None:
    with (reference / "dose-rolling-six-table.csv").open(newline="") as table:
        published = list(csv.DictReader(table))
    computed = {
        tuple(str(row[each]) for each in ("enrolled", "dlt", "completed_without_dlt", "pending")): row["action"]
        for row in decision_table(RollingSix(), max_n=6)
    }
    for row in published:
        state = row["enrolled"], row["dlt"], row["completed_without_dlt"], row["pending"]
        assert computed[state] == row["action"], state


@pytest.mark.parametrize(
    ("courses", "mode"),
    [
        ([(1, 0), (2, 1), (3, 2)], Mode.ACCELERATED),
        ([(1, 2), (2, 2)], Mode.STANDARD),
        ([(1, 0), (2, 3)], Mode.STANDARD),
    ],
)
def test_accelerated_titration_ends_at_the_first_severe_or_second_moderate_event(
    courses: list[tuple[int, int]], mode: Mode
) -> None:
    assert AcceleratedTitration().mode([Course(*course) for course in courses]) is mode


@pytest.mark.parametrize(
    ("levels", "advice"),
    [
        ([(1, 0, (1,)), (0, 0, ())], "escalate to 2"),
        ([(1, 0, (1,)), (1, 1, (3,)), (0, 0, ())], "expand 2"),
        ([(1, 0, (2,)), (1, 0, (2,)), (0, 0, ())], "expand 2"),
        ([(1, 0, (2,)), (3, 0, (2, 0, 0)), (0, 0, ())], "escalate to 3"),
        ([(1, 0, (2,)), (3, 2, (3, 3, 0)), (0, 0, ())], "de-escalate to 1"),
    ],
)
def test_accelerated_titration_turns_into_3_plus_3(levels: list[tuple[int, int, tuple[int, ...]]], advice: str) -> None:
    trial = Trial(
        tuple(DoseLevel(treated=n, evaluable=n, dlts=dlts, worst_grades=grades) for n, dlts, grades in levels),
        current=max(number for number, (n, _, _) in enumerate(levels, start=1) if n),
    )
    assert str(AcceleratedTitration().advise(trial)) == advice


def test_a_trial_may_switch_at_the_first_moderate_event() -> None:
    trial = Trial((DoseLevel(treated=1, evaluable=1, worst_grades=(2,)), DoseLevel()))
    assert AcceleratedTitration().advise(trial).action is Action.ESCALATE
    assert AcceleratedTitration(moderate_count=1).advise(trial).action is Action.EXPAND


def test_published_titration_courses(reference: Path) -> None:
    for case in json.loads((reference / "dose-accelerated-titration-cases.json").read_text())["cases"]:
        courses = []
        for row in case["expect"]:
            courses.append(Course(row["dose_level"], row["worst_grade"], row["dlt"]))
            accelerated = AcceleratedTitration().mode(courses) is Mode.ACCELERATED
            assert accelerated == (row["mode_after"] == "ACCELERATED"), case["id"]


@pytest.mark.parametrize(
    ("n", "dlts", "follow_up", "advice"),
    [
        (3, 0, (0.5,), "escalate to 3"),
        (3, 0, (0.5, 0.5), "suspend"),
        (3, 2, (0.25,), "de-escalate to 1"),
        (9, 3, (0.3,), "stay at 2"),
        (3, 0, (), "escalate to 3"),
    ],
)
def test_tite_boin_counts_pending_subjects_in_part(
    n: int, dlts: int, follow_up: tuple[float, ...], advice: str
) -> None:
    level = DoseLevel(treated=n, evaluable=n - len(follow_up), dlts=dlts, pending=len(follow_up), follow_up=follow_up)
    assert str(TiteBoin(target=0.33).advise(Trial((CLEAN, level, DoseLevel()), current=2))) == advice


def test_tite_boin_at_the_lowest_level_suspends_instead_of_de_escalating() -> None:
    level = DoseLevel(treated=6, evaluable=4, dlts=3, pending=2, follow_up=(0.1, 0.1))
    assert TiteBoin(target=0.33).advise(Trial((level, DoseLevel()))).action is Action.SUSPEND


def test_tite_boin_suspends_for_a_candidate_that_would_forbid_to_go_up() -> None:
    level = DoseLevel(treated=3, evaluable=2, pending=1, undecided=1, follow_up=(0.9,))
    assert TiteBoin(target=0.33).advise(Trial((CLEAN, level, DoseLevel()), current=2)).action is Action.SUSPEND


def test_published_tite_boin_decisions(reference: Path) -> None:
    letters = {Action.ESCALATE: "E", Action.STAY: "S", Action.DE_ESCALATE: "D", Action.SUSPEND: "SUSPEND"}
    for case in json.loads((reference / "dose-titeboin-cases.json").read_text())["cases"]:
        columns = (case["n"], case["pending"], case["dlt"], case["pending_followup_days_total"])
        levels = tuple(
            DoseLevel(
                treated=n,
                evaluable=n - pending,
                dlts=dlts,
                pending=pending,
                follow_up=(days / pending / case["window_days"],) * pending if pending else (),
            )
            for n, pending, dlts, days in zip(*columns, strict=True)
        )
        design = TiteBoin(
            target=case["target"],
            p_saf=case["p_saf"],
            p_tox=case["p_tox"],
            max_pending_fraction=case["max_pending_fraction"],
        )
        advice, expected = design.advise(Trial(levels, current=case["current_dose"])), case["expect"]
        assert (letters.get(advice.action), advice.level) == (expected["action"], expected["next_dose"]), case["id"]
        eliminated = [int(level in advice.eliminates) for level in range(1, len(levels) + 1)]
        assert eliminated == expected["eliminated"], case["id"]
        assert advice.numbers["effective_n"] == pytest.approx(expected["ess"]), case["id"]
        assert advice.numbers["rate"] == pytest.approx(expected["phat"]), case["id"]


@pytest.mark.parametrize("name", ["boin", "keyboard", "mtpi", "mtpi-2"])
def test_a_level_above_is_ruled_out_at_once_while_the_level_below_still_waits(name: str) -> None:
    waiting = DoseLevel(treated=4, evaluable=3, pending=1)
    toxic = DoseLevel(treated=6, evaluable=6, dlts=6)
    advice = design_named(name, {}).advise(Trial((waiting, DoseLevel(treated=3, evaluable=3), toxic, DoseLevel())))
    assert (advice.action, advice.eliminates) == (Action.WAIT, {3, 4})
