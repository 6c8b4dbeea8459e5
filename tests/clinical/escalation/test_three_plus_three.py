"""3+3 in both textbook variants."""

import pytest

from clinical.escalation.advice import Action
from clinical.escalation.three_plus_three import ThreePlusThree, Variant, three_plus_three
from clinical.escalation.trial import DoseLevel, Trial, from_counts, outcomes


@pytest.mark.parametrize(
    ("cohorts", "advice"),
    [
        ("1NNN", "escalate to 2"),
        ("1NN", "wait"),
        ("1NNT", "expand 1"),
        ("1NNT 1NNN", "escalate to 2"),
        ("1NNT 1NN", "expand 1"),
        ("1NNT 1NNT", "stop"),
        ("1NTT", "stop"),
        ("1NNN 2NNT", "expand 2"),
        ("1NNN 2NNT 2NNN", "escalate to 3"),
        ("1NNN 2NNT 2NT", "de-escalate to 1"),
        ("1NNN 2NTT", "de-escalate to 1"),
        ("1NNN 2TT", "de-escalate to 1"),
        ("1NNN 2NTT 1NN", "expand 1"),
        ("1NNN 2NTT 1NNN", "stop"),
        ("1NNN 2NTT 1NTN", "stop"),
        ("1NNN 2NTT 1TTN", "stop"),
        ("1NNT 1NNN 2NTT", "stop"),
        ("1NNN 2NNN 3NNN 4NNN 5NNN", "stop"),
        ("1NNN 2NNN 3NTT 2TTN", "de-escalate to 1"),
    ],
)
def test_three_plus_three_follows_the_textbook(cohorts: str, advice: str) -> None:
    assert str(three_plus_three(outcomes(cohorts), levels=5)) == advice


@pytest.mark.parametrize(
    ("cohorts", "with_de_escalation", "without"),
    [
        ("1NNN 2NTT", None, 1),
        ("1NNN 2NTT 1NNN", 1, 1),
        ("1NNN 2NTT 1NTN", 1, 1),
        ("1NNN 2NTT 1TTN", None, None),
        ("1NTT", None, None),
        ("1NNN 2NNN 3NNN", 3, 3),
        ("1NNN 2NNN 3NNT 3NNN", 3, 3),
        ("1NNN 2NNT 2NNN 3TTT", 2, 2),
    ],
)
def test_the_mtd_is_named_when_the_trial_ends(
    cohorts: str, with_de_escalation: int | None, without: int | None
) -> None:
    trial = outcomes(cohorts)
    assert three_plus_three(trial, levels=3).mtd == with_de_escalation
    assert three_plus_three(trial, levels=3, variant=Variant.WITHOUT_DE_ESCALATION).mtd == without


def test_two_dlts_act_at_once_and_escalation_waits_for_everybody() -> None:
    clean = DoseLevel(treated=3, evaluable=3)
    toxic = Trial((clean, DoseLevel(treated=3, evaluable=2, dlts=2, pending=1)), current=2)
    watched = Trial((clean, DoseLevel(treated=4, evaluable=3, pending=1)), current=2)
    advice = ThreePlusThree().advise(toxic)
    assert (advice.action, advice.level, advice.is_for_safety) == (Action.DE_ESCALATE, 1, True)
    assert advice.eliminates == {2}
    assert ThreePlusThree().advise(watched).action is Action.WAIT


def test_a_dlt_candidate_under_review_suspends_when_it_would_be_the_second() -> None:
    trial = Trial((DoseLevel(treated=3, evaluable=2, dlts=1, pending=1, undecided=1), DoseLevel()))
    assert ThreePlusThree().advise(trial).action is Action.SUSPEND


def test_a_late_dlt_below_brings_the_trial_below_it() -> None:
    advice = ThreePlusThree().advise(from_counts([3, 6, 3], [0, 2, 0], current=3))
    assert str(advice) == "de-escalate to 1"


def test_backfill_neither_makes_up_a_cohort_nor_holds_it_up_but_its_dlts_count() -> None:
    own_cohort_short = DoseLevel(treated=4, evaluable=3, backfill_evaluable=1, pending=1)
    backfill_pending = DoseLevel(treated=5, evaluable=3, pending=2, backfill_pending=2)
    backfill_dlts = DoseLevel(treated=5, evaluable=5, dlts=2, backfill_evaluable=2)
    above = DoseLevel()
    assert ThreePlusThree().advise(Trial((own_cohort_short, above))).action is Action.WAIT
    assert ThreePlusThree().advise(Trial((backfill_pending, above))).action is Action.ESCALATE
    assert ThreePlusThree().advise(Trial((backfill_dlts, above))).action is Action.STOP


@pytest.mark.parametrize("wrong", ["NNN", "1NXN", "0NNN", "1NNN,2NNT"])
def test_a_cohort_that_is_not_brocks_notation_is_refused_with_its_words(wrong: str) -> None:
    with pytest.raises(ValueError, match="Not a cohort"):
        outcomes(wrong)


def test_counts_that_contradict_each_other_are_all_named() -> None:
    with pytest.raises(ValueError, match=r"3 DLTs among 2 evaluable.*only 1 treated"):
        DoseLevel(label="0.5 mg", treated=1, evaluable=2, dlts=3)
