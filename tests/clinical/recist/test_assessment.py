from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.recist.assessment import (
    Evaluation,
    derive_assessment,
    derive_series,
    disease_at_baseline,
    standing_after,
    standing_at_baseline,
)
from clinical.recist.irecist import derive_immune_series
from clinical.recist.lesions import Assessment, Lesion
from clinical.recist.responses import NewLesion, Response
from clinical.recist.settings import Settings
from tests.clinical.recist.course import Seen, lesion, lesions, scan, sums


def responses(chosen: list[Lesion], scans: list[Assessment], conventions: Settings | None = None) -> str:
    series = derive_series(chosen, scans[0], scans[1:], conventions or Settings())
    return " ".join(one.overall for one in series)


def last(chosen: list[Lesion], *scans: Assessment) -> Evaluation:
    return derive_series(chosen, scans[0], scans[1:], Settings())[-1]


@pytest.mark.parametrize(
    ("course", "expected"),
    [
        ([100, 70, 71, 60, 72], "PR SD PR PD"),
        ([100, 100, 119, 120], "SD SD PD"),
        ([10, 10, 12, 14, 15], "SD SD SD PD"),
        ([40, 0, 0], "CR CR"),
        ([40, 0, 3], "CR PD"),
        ([40, 0, "not evaluable", 3], "CR NE PD"),
        ([40, "too small to measure", "absent"], "PR CR"),
        ([100, "not evaluable", 90], "NE SD"),
        ([100, None, 90], "NE SD"),
        ([100, 50, "not evaluable", 61], "PR NE PD"),
        ([100, 130, 90, 60], "PD SD PR"),
    ],
)
def test_one_target_over_time(course: list[Seen], expected: str) -> None:
    assert responses(lesions("T01"), sums(*course)) == expected


def test_a_target_of_0_mm_at_baseline_neither_responds_nor_counts() -> None:
    alone = derive_series(lesions("T01"), scan("C0", T01=0), [scan("C1", T01=0)], Settings())
    assert [(one.target, one.overall, one.baseline_mm) for one in alone] == [(Response.NONE, Response.NE, None)]
    baseline, later = scan("C0", T01=0, T02=50), [scan("C1", T01=0, T02=30)]
    beside = derive_series(lesions("T01", "T02"), baseline, later, Settings())
    assert [(one.overall, one.sum_mm) for one in beside] == [(Response.PR, Decimal(30))]


def test_the_nadir_is_the_smallest_complete_sum_baseline_included() -> None:
    chosen = lesions("T01", "T02")
    scans = [
        scan("C0", T01=50, T02=50),
        scan("C1", T01=20, T02="not evaluable"),
        scan("C2", T01=40, T02=44),
        scan("C3", T01=50, T02=50),
    ]
    one = last(chosen, *scans)
    assert (one.nadir_mm, one.nadir_visit) == (84, "C2")
    assert one.change_nadir_mm == 16
    assert one.overall == "SD", "+19 % from 84 mm; the 20 mm of C1 were not a complete sum"


def test_an_incomplete_sum_can_still_prove_progression_and_nothing_else() -> None:
    chosen = lesions("T01", "T02")
    baseline = scan("C0", T01=50, T02=50)
    grown = last(chosen, baseline, scan("C1", T01=121))
    assert grown.overall == "PD"
    assert grown.rule == "PD: +21 % and +21 mm from nadir 100 mm, C0, although T02 has no entry"
    shrunk = last(chosen, baseline, scan("C1", T01=0))
    assert (shrunk.overall, shrunk.sum_mm, shrunk.is_complete) == ("NE", 0, False)


def test_every_lesion_nothing_is_said_about_is_named() -> None:
    chosen = lesions("T01", "T02", "NT01", "NT02")
    one = last(chosen, scan("C0", T01=20, T02=20, NT01="present", NT02="present"), scan("C1", T01=20, NT01="not done"))
    assert one.not_evaluated == ("NT01", "NT02", "T02")
    assert one.rule == "NE: target lesions not all evaluated (T02 has no entry)"


def test_a_node_below_10_mm_is_normal_and_keeps_its_axis_in_the_sum() -> None:
    chosen = lesions("T01", "T02N")
    baseline = scan("C0", T01=30, T02N=20)
    gone = last(chosen, baseline, scan("C1", T01=0, T02N=9.9))
    assert (gone.overall, gone.sum_mm) == ("CR", Decimal("9.9"))
    assert gone.rule == "CR: every target lesion is gone, nodes below 10 mm"
    assert last(chosen, baseline, scan("C1", T01=0, T02N=10)).overall == "PR"
    assert last(chosen, baseline, scan("C1", T01=1, T02N=9)).overall == "PR"


def test_a_node_that_stays_normal_after_complete_response_is_not_progression() -> None:
    scans = [scan("C0", T01N=20), scan("C1", T01N=4), scan("C2", T01N=8.9), scan("C3", T01N=10)]
    assert responses(lesions("T01N"), scans) == "CR CR PD"
    grown = [scan("C0", T01N=20), scan("C1", T01N=3), scan("C2", T01N=9.9), scan("C3", T01N=10)]
    assert responses(lesions("T01N"), grown) == "CR CR PD"


def test_reappearance_is_progression_only_after_a_complete_response_of_everything() -> None:
    chosen = lesions("T01", "T02")
    scans = [scan("C0", T01=20, T02=60), scan("C1", T01=0, T02=20), scan("C2", T01=3, T02=20)]
    assert responses(chosen, scans) == "PR PR"
    lenient = Settings(reappearance_after_cr_is_pd=False)
    assert responses(lesions("T01"), sums(40, 0, 3), lenient) == "CR PR"


def test_a_non_target_seen_again_after_complete_response_is_progression_too() -> None:
    chosen = lesions("T01", "NT01")
    scans = [scan("C0", T01=20, NT01="present"), scan("C1", T01=0, NT01="absent"), scan("C2", T01=0, NT01="present")]
    again = derive_series(chosen, scans[0], scans[1:], Settings())[1]
    assert (again.target, again.non_target, again.overall) == ("CR", "NON-CR/NON-PD", "PD")
    assert again.rule == "PD: non-target NT01 seen again after complete response"
    assert again.progressed_on == again.date
    assert responses(chosen, scans, Settings(reappearance_after_cr_is_pd=False)) == "CR PR"
    immune = derive_immune_series(chosen, scans[0], scans[1:], Settings())
    assert [one.overall for one in immune] == ["iCR", "iUPD"]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (("absent", "absent"), "CR"),
        (("absent", "present"), "NON-CR/NON-PD"),
        (("present", "not evaluable"), "NON-CR/NON-PD"),
        (("absent", "not evaluable"), "NE"),
        (("not done", "not done"), "NE"),
        (("absent", None), "NE"),
        (("equivocal", "absent"), "NON-CR/NON-PD"),
        (("increased", "absent"), "NON-CR/NON-PD"),
        (("unequivocal progression", "not evaluable"), "PD"),
        ((0, 0), "CR"),
        ((8, "absent"), "NON-CR/NON-PD"),
    ],
)
def test_non_target_response(seen: tuple[Seen, Seen], expected: str) -> None:
    one = last(
        lesions("NT01", "NT02"),
        scan("C0", NT01="present", NT02="present"),
        scan("C1", NT01=seen[0], NT02=seen[1]),
    )
    assert (one.target, one.non_target, one.overall) == ("NONE", expected, expected)


def test_a_non_target_node_below_10_mm_is_gone() -> None:
    assert last(lesions("NT01N"), scan("C0", NT01N=12), scan("C1", NT01N=9)).overall == "CR"


@pytest.mark.parametrize(
    ("name", "seen", "new_lesion", "overall"),
    [
        ("NEW01", "present", "Y", "PD"),
        ("NEW01", 4, "Y", "PD"),
        ("NEW01", "too small to measure", "Y", "PD"),
        ("NEW01", "equivocal", "EQUIVOCAL", "SD"),
        ("NEW01", "not evaluable", "N", "SD"),
        ("NEW01", "absent", "N", "SD"),
        ("NEW01", None, "N", "SD"),
        ("NEW01N", 9, "N", "SD"),
        ("NEW01N", 10, "Y", "PD"),
    ],
)
def test_a_new_lesion_is_progression_once_it_is_certain(name: str, seen: Seen, new_lesion: str, overall: str) -> None:
    one = last(lesions("T01", name), scan("C0", T01=50), scan("C1", T01=50, **{name: seen}))
    assert (one.new_lesion, one.overall) == (new_lesion, overall)


def test_a_lesion_first_doubtful_then_certain_dates_the_progression_from_its_first_sight() -> None:
    chosen = lesions("T01", "NEW01")
    scans = [scan("C0", T01=50), scan("C1", T01=50, NEW01="equivocal"), scan("C2", T01=50, NEW01="present")]
    doubtful, certain = derive_series(chosen, scans[0], scans[1:], Settings())
    assert (doubtful.overall, doubtful.progressed_on) == ("SD", None)
    assert (certain.overall, certain.progressed_on) == ("PD", doubtful.date)
    strict = Settings(date_new_lesion_from_first_sight=False)
    assert derive_series(chosen, scans[0], scans[1:], strict)[-1].progressed_on == certain.date


def test_pieces_of_a_split_target_count_for_it_from_then_on() -> None:
    chosen = [lesion("T01"), lesion("T01.1", parent="T01"), lesion("T01.2", parent="T01")]
    scans = [
        scan("C0", T01=50),
        scan("C1", **{"T01.1": 20, "T01.2": 15}),
        scan("C2", **{"T01.1": 20}),
        scan("C3", **{"T01.1": 0, "T01.2": 0}),
    ]
    pieces, incomplete, gone = derive_series(chosen, scans[0], scans[1:], Settings())
    assert (pieces.sum_mm, pieces.overall) == (35, "PR")
    assert (incomplete.overall, incomplete.not_evaluated) == ("NE", ("T01.2",))
    assert gone.overall == "CR"


def test_a_merged_target_is_accounted_for_by_the_one_it_merged_into() -> None:
    chosen = lesions("T01", "T02")
    one = last(chosen, scan("C0", T01=30, T02=20), scan("C1", T01=45, T02="merged into another lesion"))
    assert (one.sum_mm, one.is_complete, one.overall) == (45, True, "SD")


def test_a_piece_of_a_lesion_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="T07"):
        derive_series([lesion("T01.1", parent="T07")], scan("C0"), [], Settings())


def test_two_lesions_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        derive_series(lesions("T01", "T01"), scan("C0", T01=20), [], Settings())


@pytest.mark.parametrize(
    ("baseline", "course"), [(100, [70, 70, 80, 80, 80]), (165, [63, 65])], ids=["100 mm", "165 mm"]
)
def test_a_partial_response_continues_until_progression_where_the_trial_says_so(
    baseline: int, course: list[int]
) -> None:
    kept = Settings(pr_until_pd=True)
    assert set(responses(lesions("T01"), sums(baseline, *course), kept).split()) == {"PR"}


def test_a_partial_response_is_not_kept_across_progression() -> None:
    kept = Settings(pr_until_pd=True)
    assert responses(lesions("T01"), sums(100, 60, "not evaluable", 71, 72, 71), kept) == "PR NE PR PD SD"


def test_without_disease_at_baseline_only_a_new_lesion_says_anything() -> None:
    chosen = lesions("NEW01")
    one = last(chosen, scan("C0"), scan("C1"))
    assert (one.overall, one.sum_mm) == ("NE", None)
    assert last(chosen, scan("C0"), scan("C1", NEW01="present")).overall == "PD"


@pytest.mark.parametrize(
    ("before", "now", "rule"),
    [
        ([90, 29], 36, "PD: +24.1 % and +7 mm from nadir 29 mm, C1"),
        ([50], 59.99, "SD: +19.9 % from baseline 50 mm, +19.9 % and +9.9 mm from nadir 50 mm, C0"),
        ([100], 70, "PR: −30 % from baseline 100 mm"),
        ([20, 0], 6, "PD: +6 mm from nadir 0 mm, C1"),
        ([20], 0, "CR: every target lesion is gone"),
    ],
)
def test_the_rule_in_words(before: list[int], now: float, rule: str) -> None:
    assert last(lesions("T01"), *sums(*before, now)).rule == rule


def test_every_reason_for_progression_is_told_and_what_does_not_decide_is_not() -> None:
    chosen = lesions("T01", "NT01", "NEW01")
    baseline = scan("C0", T01=50, NT01="present")
    one = last(chosen, baseline, scan("C1", T01=80, NT01="unequivocal progression", NEW01=9))
    assert one.rule == (
        "PD: +60 % and +30 mm from nadir 50 mm, C0; unequivocal progression of non-target NT01; new lesion NEW01"
    )
    gone = last(chosen, baseline, scan("C1", T01=0, NT01="present", NEW01="equivocal"))
    assert gone.rule == "PR: every target lesion is gone; non-target NT01 still there; new lesion NEW01 equivocal"


def test_changes_are_exact_decimals_and_nothing_is_a_percentage_of_zero() -> None:
    one = last(lesions("T01"), *sums(21, 18.9))
    assert one.change_baseline_mm == Decimal("-2.1")
    assert one.change_baseline_pct == Decimal(-10)
    regrown = last(lesions("T01"), *sums(20, 0, 8))
    assert (regrown.change_nadir_mm, regrown.change_nadir_pct) == (8, None)


# --- The algebra ---------------------------------------------------------------------------------------------------

SIZES = st.one_of(
    st.integers(0, 60),
    st.sampled_from(
        ["absent", "too small to measure", "not evaluable", "not done", "merged into another lesion", None]
    ),
)
STATES = st.sampled_from(["present", "absent", "equivocal", "unequivocal progression", "not evaluable", None])
NEW = st.sampled_from(["present", "absent", "equivocal", 12, "not evaluable", None, None, None])
TARGETS, NON_TARGETS, NEW_LESIONS = ("T01", "T02N", "T03"), ("NT01", "NT02N"), ("NEW01", "NEW02N")
CHOSEN = lesions(*TARGETS, *NON_TARGETS, *NEW_LESIONS)
BASELINE = st.fixed_dictionaries(
    {name: st.integers(10, 60) for name in TARGETS} | {name: st.just("present") for name in NON_TARGETS}
)
FOLLOW_UP = st.fixed_dictionaries(
    dict.fromkeys(TARGETS, SIZES) | dict.fromkeys(NON_TARGETS, STATES) | dict.fromkeys(NEW_LESIONS, NEW)
)
COURSES = st.tuples(BASELINE, st.lists(FOLLOW_UP, min_size=1, max_size=5))
GOODNESS = ("CR", "PR", "SD", "NON-CR/NON-PD", "NE", "PD")


def as_scans(course: tuple[dict[str, Seen], list[dict[str, Seen]]]) -> list[Assessment]:
    return [scan(f"C{number}", **seen) for number, seen in enumerate([course[0], *course[1]])]


@given(COURSES, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_lesions_never_matters(
    course: tuple[dict[str, Seen], list[dict[str, Seen]]], chance: object
) -> None:
    scans = as_scans(course)
    shuffled = []
    for one in scans:
        measurements = list(one.measurements)
        chance.shuffle(measurements)  # type: ignore[attr-defined]  # hypothesis hands a random.Random
        shuffled.append(replace(one, measurements=tuple(measurements)))
    chosen = list(CHOSEN)
    chance.shuffle(chosen)  # type: ignore[attr-defined]  # as above
    assert derive_series(chosen, shuffled[0], shuffled[1:], Settings()) == derive_series(
        CHOSEN, scans[0], scans[1:], Settings()
    )


@given(COURSES, st.sampled_from(TARGETS), st.integers(1, 40))
@settings(max_examples=80, deadline=None)
def test_a_larger_lesion_never_improves_a_response(
    course: tuple[dict[str, Seen], list[dict[str, Seen]]], name: str, more: int
) -> None:
    scans = as_scans(course)
    disease = disease_at_baseline(CHOSEN, scans[0], Settings())
    standing = standing_at_baseline(disease)
    for one in scans[1:-1]:
        standing = standing_after(disease, standing, one, derive_assessment(disease, standing, one))
    seen = dict(course[1][-1])
    size = seen[name]
    if not isinstance(size, int):
        return
    grown = scan(scans[-1].visit, **(seen | {name: size + more}))
    before = derive_assessment(disease, standing, scans[-1])
    after = derive_assessment(disease, standing, grown)
    assert GOODNESS.index(after.overall) >= GOODNESS.index(before.overall)


@given(
    st.lists(st.lists(st.integers(0, 15), min_size=3, max_size=3), min_size=1, max_size=6),
    st.lists(st.integers(10, 60), min_size=3, max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_lesions_that_only_grow_go_from_stable_to_progression_and_never_back(
    growth: list[list[int]], start: list[int]
) -> None:
    sizes = dict(zip(TARGETS, start, strict=True))
    scans = [scan("C0", **sizes)]
    for number, steps in enumerate(growth, start=1):
        sizes = {name: size + step for (name, size), step in zip(sizes.items(), steps, strict=True)}
        scans.append(scan(f"C{number}", **sizes))
    course = responses(lesions(*TARGETS), scans).split()
    assert set(course) <= {"SD", "PD"}
    assert course == sorted(course, reverse=True)


@given(COURSES)
@settings(max_examples=80, deadline=None)
def test_the_parts_of_an_evaluation_agree_with_each_other(
    course: tuple[dict[str, Seen], list[dict[str, Seen]]],
) -> None:
    scans = as_scans(course)
    smallest = derive_series(CHOSEN, scans[0], scans[1:2], Settings())[0].baseline_mm
    for one in derive_series(CHOSEN, scans[0], scans[1:], Settings()):
        assert one.nadir_mm == smallest
        assert one.rule.startswith(f"{one.overall}: ")
        assert (one.progressed_on is not None) == (one.overall is Response.PD)
        assert (one.new_lesion is NewLesion.YES) == bool(one.new_lesions)
        assert one.is_complete == (not any(name in TARGETS for name in one.not_evaluated))
        if one.is_complete and one.sum_mm is not None and smallest is not None:
            smallest = min(smallest, one.sum_mm)
