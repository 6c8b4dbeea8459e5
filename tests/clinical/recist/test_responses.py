from decimal import Decimal

import pytest

from clinical.recist.responses import NewLesion, Response, confirmed_by_pair, overall_response, target_response

NON_TARGETS = ("CR", "NON-CR/NON-PD", "PD", "NE", "NONE")
GRID = {
    "CR": ("CR", "PR", "PD", "PR", "CR"),
    "PR": ("PR", "PR", "PD", "PR", "PR"),
    "SD": ("SD", "SD", "PD", "SD", "SD"),
    "PD": ("PD", "PD", "PD", "PD", "PD"),
    "NE": ("NE", "NE", "PD", "NE", "NE"),
    "NONE": ("CR", "NON-CR/NON-PD", "PD", "NE", "NE"),
}
COMBINATIONS = [
    (target, non_target, expected)
    for target, row in GRID.items()
    for non_target, expected in zip(NON_TARGETS, row, strict=True)
]


@pytest.mark.parametrize(("target", "non_target", "expected"), COMBINATIONS)
def test_overall_response_is_the_guidelines_grid_and_a_new_lesion_is_progression(
    target: str, non_target: str, expected: str
) -> None:
    def overall(new_lesion: NewLesion) -> str:
        return overall_response(target=Response(target), non_target=Response(non_target), new_lesion=new_lesion)

    assert overall(NewLesion.NO) == expected
    assert overall(NewLesion.EQUIVOCAL) == expected, "doubt is not progression"
    assert overall(NewLesion.YES) == "PD"


@pytest.mark.parametrize(
    ("baseline", "nadir", "current", "expected"),
    [
        ("100", "100", "70", "PR"),
        ("100", "100", "70.1", "SD"),
        ("50", "20", "25", "PD"),
        ("50", "20", "24.9", "PR"),
        ("50", "50", "60", "PD"),
        ("50", "50", "59.9", "SD"),
        ("100", "10", "14", "PR"),
        ("100", "60", "72", "PD"),
        ("14", "14", "9.8", "PR"),
        ("27", "27", "32.4", "PD"),
        ("33.3", "33.3", "23.31", "PR"),
        ("0", "0", "5", "PD"),
    ],
)
def test_shrinkage_is_judged_from_baseline_and_growth_from_nadir(
    baseline: str, nadir: str, current: str, expected: str
) -> None:
    response = target_response(
        baseline=Decimal(baseline), nadir=Decimal(nadir), current=Decimal(current), resolved=False
    )
    assert response == expected


@pytest.mark.parametrize(
    ("pair", "long_enough", "too_short"),
    [
        ("CR CR", "CR", "CR"),
        ("CR PR", "SD", "PD"),
        ("CR SD", "SD", "PD"),
        ("CR PD", "SD", "PD"),
        ("CR NE", "SD", "NE"),
        ("PR CR", "PR", "PR"),
        ("PR PR", "PR", "PR"),
        ("PR SD", "SD", "SD"),
        ("PR PD", "SD", "PD"),
        ("PR NE", "SD", "NE"),
        ("NE NE", "NE", "NE"),
    ],
)
def test_two_assessments_make_the_best_response_of_table_3(pair: str, long_enough: str, too_short: str) -> None:
    first, subsequent = map(Response, pair.split())
    assert confirmed_by_pair(first, subsequent, minimum_sd_met=True) == long_enough
    assert confirmed_by_pair(first, subsequent, minimum_sd_met=False) == too_short


def test_a_complete_response_that_review_corrects_is_a_partial_one() -> None:
    corrected = confirmed_by_pair(Response.CR, Response.PR, minimum_sd_met=False, first_corrected_to_pr=True)
    assert corrected is Response.PR


def test_a_pair_the_guideline_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="no row for SD followed by CR"):
        confirmed_by_pair(Response.SD, Response.CR, minimum_sd_met=True)
