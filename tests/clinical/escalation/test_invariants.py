"""What holds for every design in every state: no untried level is skipped, no eliminated one is passed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.escalation.advice import Action, Design
from clinical.escalation.blrm import Blrm, Prior
from clinical.escalation.catalogue import CATALOGUE, design_named
from clinical.escalation.trial import DoseLevel, Trial

LEVELS = 4
SKELETON = (0.1, 0.2, 0.3, 0.4)
PARAMETERS: dict[str, dict[str, object]] = {
    "crm": {"target": 0.3, "skeleton": SKELETON},
    "tite-crm": {"target": 0.3, "skeleton": SKELETON},
}
DESIGNS: dict[str, Design] = {
    name: Blrm((1, 2, 4, 8), 4, Prior((-1.0, 0.0), (2.0, 1.0)), grid=(61, 25))
    if name == "blrm"
    else design_named(name, PARAMETERS.get(name, {}))
    for name in CATALOGUE
}


@st.composite
def dose_levels(draw: st.DrawFn) -> DoseLevel:
    evaluable, pending, gone = draw(st.integers(1, 9)), draw(st.integers(0, 3)), draw(st.integers(0, 2))
    dlts = draw(st.integers(0, evaluable))
    return DoseLevel(
        treated=evaluable + pending + gone,
        evaluable=evaluable,
        dlts=dlts,
        pending=pending,
        undecided=draw(st.integers(0, pending)),
        backfill_pending=draw(st.integers(0, pending)),
        follow_up=tuple(draw(st.floats(0, 1)) for _ in range(pending)),
        worst_grades=tuple(draw(st.integers(0, 4)) for _ in range(evaluable)),
    )


@st.composite
def trials(draw: st.DrawFn) -> Trial:
    """Levels tried from the lowest up without a gap, the one now open among them."""
    tried = draw(st.lists(dose_levels(), min_size=1, max_size=LEVELS))
    current = draw(st.integers(1, len(tried)))
    eliminated = frozenset(range(draw(st.integers(2, LEVELS + 1)), LEVELS + 1))
    return Trial((*tried, *(DoseLevel(),) * (LEVELS - len(tried))), current, eliminated)


@pytest.mark.parametrize("name", list(CATALOGUE))
@settings(max_examples=60, deadline=None)
@given(trial=trials())
def test_no_untried_level_is_skipped_and_no_eliminated_one_entered(name: str, trial: Trial) -> None:
    advice = DESIGNS[name].advise(trial)
    barred = trial.eliminated | advice.eliminates
    assert 1 <= advice.level <= LEVELS
    if advice.action in (Action.ESCALATE, Action.STAY, Action.EXPAND, Action.DE_ESCALATE):
        assert advice.level <= trial.highest_tried + 1
        assert advice.level not in barred
        assert not barred & set(range(1, advice.level))
    if advice.mtd is not None:
        assert advice.mtd not in barred
        assert trial[advice.mtd].was_tried
    assert advice.reason


@pytest.mark.parametrize("name", list(CATALOGUE))
@settings(max_examples=60, deadline=None)
@given(trial=trials())
def test_the_action_says_which_way_the_level_goes(name: str, trial: Trial) -> None:
    advice = DESIGNS[name].advise(trial)
    match advice.action:
        case Action.ESCALATE:
            assert advice.level > trial.current
        case Action.DE_ESCALATE:
            assert advice.level < trial.current
        case _:
            assert advice.level == trial.current


WAITING = [name for name in CATALOGUE if not name.startswith(("tite", "rolling"))]


@pytest.mark.parametrize("name", WAITING)
@settings(max_examples=60, deadline=None)
@given(trial=trials())
def test_nothing_escalates_while_somebody_of_the_cohort_is_pending(name: str, trial: Trial) -> None:
    if trial.here.cohort_pending:
        assert DESIGNS[name].advise(trial).action is not Action.ESCALATE


@pytest.mark.parametrize("name", [name for name in CATALOGUE if not name.startswith("tite")])
@settings(max_examples=40, deadline=None)
@given(trial=trials())
def test_a_further_dlt_at_the_level_never_lifts_the_advice(name: str, trial: Trial) -> None:
    """Replacing a clean outcome by a DLT cannot turn a move toward less dose into one toward more."""
    here = trial.here
    if here.pending or here.dlts == here.evaluable:
        return
    worse_level = DoseLevel(
        treated=here.treated, evaluable=here.evaluable, dlts=here.dlts + 1, worst_grades=here.worst_grades
    )
    levels = list(trial.levels)
    levels[trial.current - 1] = worse_level
    before = DESIGNS[name].advise(trial)
    after = DESIGNS[name].advise(Trial(tuple(levels), trial.current, trial.eliminated))
    if before.is_for_safety and before.action in (Action.DE_ESCALATE, Action.STOP):
        assert after.action is not Action.ESCALATE
    if after.action is Action.ESCALATE:
        assert before.action in (Action.ESCALATE, Action.STOP)
