from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.recist.endpoints import FollowUp
from clinical.recist.irecist import (
    ImmuneEvaluation,
    ImmuneResponse,
    ImmuneTimepoint,
    derive_immune_endpoints,
    derive_immune_series,
    immune_best_response,
    progression_date,
)
from clinical.recist.lesions import Assessment
from clinical.recist.responses import Response
from clinical.recist.scan_date import on
from clinical.recist.settings import Settings
from tests.clinical.recist.course import FIRST_SCAN, Seen, lesions, scan

START = on(FIRST_SCAN)
CHOSEN = lesions("T01", "NT01", "NEW01", "NEW02")


def series(scans: list[Assessment], conventions: Settings | None = None) -> tuple[ImmuneEvaluation, ...]:
    return derive_immune_series(CHOSEN, scans[0], scans[1:], conventions or Settings())


def course(*seen: dict[str, Seen], conventions: Settings | None = None, weeks: int = 5) -> str:
    """Responses of scans some weeks apart; the baseline is 100 mm with a non-target lesion that stays as it is."""
    usual: dict[str, Seen] = {"T01": 100, "NT01": "present"}
    scans = [scan(f"C{number}", day=7 * weeks * number, **(usual | one)) for number, one in enumerate([{}, *seen])]
    return " ".join(one.overall for one in series(scans, conventions))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([{"T01": 125}, {"T01": 130}], "iUPD iCPD"),
        ([{"T01": 125}, {"T01": 129.9}], "iUPD iUPD"),
        ([{"T01": 125}, {"T01": 129}, {"T01": 131}], "iUPD iUPD iCPD"),
        ([{"T01": 125}, {"T01": 125}, {"T01": 125}], "iUPD iUPD iUPD"),
        ([{"T01": 125}, {"T01": 105}, {"T01": 130}, {"T01": 135}], "iUPD iSD iUPD iCPD"),
        ([{"T01": 125}, {"T01": 60}, {"T01": 71}], "iUPD iPR iSD"),
        ([{"T01": 125}, {"T01": 60}, {"T01": 72}], "iUPD iPR iUPD"),
        ([{"T01": 125}, {"T01": 0, "NT01": "absent"}], "iUPD iCR"),
        ([{"T01": 125}, {"T01": "not evaluable"}, {"T01": 131}], "iUPD NE iCPD"),
        ([{"T01": 125}, {"T01": 131}, {"T01": 20}], "iUPD iCPD iCPD"),
        ([{"T01": 0, "NT01": "absent"}, {"T01": 4, "NT01": "absent"}], "iCR iUPD"),
    ],
)
def test_target_lesions_that_grow_on_confirm_and_that_shrink_reset(seen: list[dict[str, Seen]], expected: str) -> None:
    assert course(*seen) == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([{"NT01": "unequivocal progression"}, {"NT01": "increased"}], "iUPD iCPD"),
        ([{"NT01": "unequivocal progression"}, {"NT01": "unequivocal progression"}], "iUPD iUPD"),
        (
            [
                {"NT01": "unequivocal progression"},
                {"NT01": "unequivocal progression, larger than at the last assessment"},
            ],
            "iUPD iCPD",
        ),
        ([{"NT01": "unequivocal progression"}, {"NT01": "present"}], "iUPD iSD"),
        ([{"NT01": "unequivocal progression"}, {"NT01": "not evaluable"}, {"NT01": "present"}], "iUPD NE iSD"),
        ([{"NT01": "increased"}], "iSD"),
    ],
)
def test_non_target_lesions_confirm_by_any_further_increase(seen: list[dict[str, Seen]], expected: str) -> None:
    assert course(*seen) == expected


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([{"NEW01": 10}, {"NEW01": 15}], "iUPD iCPD"),
        ([{"NEW01": 10}, {"NEW01": 14.9}], "iUPD iUPD"),
        ([{"NEW01": 10}, {"NEW01": 14}, {"NEW01": 16}], "iUPD iUPD iCPD"),
        ([{"NEW01": "present"}, {"NEW01": "present"}], "iUPD iUPD"),
        ([{"NEW01": "present"}, {"NEW01": "increased"}], "iUPD iCPD"),
        ([{"NEW01": "present"}, {"NEW01": "present", "NEW02": "present"}], "iUPD iCPD"),
        ([{"NEW01": "present"}, {"NEW01": "absent"}], "iUPD iSD"),
        ([{"NEW01": "present"}, {"NEW01": "not evaluable"}], "iUPD NE"),
        ([{"NEW01": "equivocal"}, {"NEW01": "present"}], "iSD iUPD"),
        ([{"NEW01": 10}, {"T01": 60, "NEW01": 10}], "iUPD iPR"),
        ([{"T01": 60}, {"T01": 60, "NEW01": 10}, {"T01": 60, "NEW01": 10}], "iPR iUPD iUPD"),
        ([{"T01": 125, "NEW01": 10}, {"T01": 90, "NEW01": 10}], "iUPD iSD"),
        ([{"NEW01": 10}, {"T01": 60, "NEW01": 10}, {"T01": 60, "NEW01": 15}], "iUPD iPR iUPD"),
        ([{"NEW01": 10}, {"T01": 60, "NEW01": 10}, {"T01": 60, "NEW01": 11}], "iUPD iPR iPR"),
        ([{"NEW01": 10}, {"T01": 60, "NEW01": 10}, {"T01": 60, "NEW01": 10, "NEW02": 9}], "iUPD iPR iUPD"),
        ([{"NEW01": 10}, {"T01": 0, "NT01": "absent", "NEW01": 10}], "iUPD iPR"),
    ],
)
def test_new_lesions_confirm_by_size_or_number_and_stay_without_change(
    seen: list[dict[str, Seen]], expected: str
) -> None:
    assert course(*seen) == expected


@pytest.mark.parametrize(
    "second",
    [
        {"T01": 125, "NT01": "unequivocal progression"},
        {"T01": 125, "NEW01": "present"},
    ],
)
def test_progression_somewhere_else_confirms(second: dict[str, Seen]) -> None:
    assert course({"T01": 125}, second) == "iUPD iCPD"


def test_a_scan_before_four_weeks_cannot_confirm_and_the_trial_may_end_the_window() -> None:
    scans = [
        scan("C0", T01=100, NT01="present"),
        scan("C1", day=30, T01=125, NT01="present"),
        scan("C2", day=57, T01=130, NT01="present"),
        scan("C3", day=58, T01=130, NT01="present"),
    ]
    assert [one.overall for one in series(scans)] == ["iUPD", "iUPD", "iCPD"]
    late = Settings(icpd_to_days=56)
    assert course({"T01": 125}, {"T01": 131}, conventions=late, weeks=8) == "iUPD iCPD"
    assert course({"T01": 125}, {"T01": 131}, {"T01": 136}, conventions=late, weeks=9) == "iUPD iUPD iUPD"


def test_repeated_unequivocal_progression_confirms_where_the_trial_reads_it_so() -> None:
    repeated = [{"NT01": "unequivocal progression"}, {"NT01": "unequivocal progression"}]
    conventions = Settings(repeated_progression_of_non_target_confirms=True)
    assert course(*repeated, conventions=conventions) == "iUPD iCPD"


def test_a_partial_response_continues_under_irecist_as_well() -> None:
    shrinking = [{"T01": size} for size in (70, 70, 80, 80, 80)]
    assert course(*shrinking, conventions=Settings(pr_until_pd=True)) == "iPR iPR iPR iPR iPR"


def test_a_partial_response_after_a_reset_continues_although_the_new_lesion_is_still_there() -> None:
    seen: list[dict[str, Seen]] = [{"NEW01": 10}, {"T01": 70, "NEW01": 10}, {"T01": 80, "NEW01": 10}]
    assert course(*seen) == "iUPD iPR iSD"
    assert course(*seen, conventions=Settings(pr_until_pd=True)) == "iUPD iPR iPR"


def test_an_incomplete_sum_at_the_iupd_is_no_start_to_count_growth_from() -> None:
    chosen = lesions("T01", "T02")
    scans = [
        scan("C0", day=0, T01=50, T02=50),
        scan("C1", day=35, T01=121, T02="not evaluable"),
        scan("C2", day=70, T01=121, T02=50),
        scan("C3", day=105, T01=126, T02=50),
    ]
    found = derive_immune_series(chosen, scans[0], scans[1:], Settings())
    assert [one.overall for one in found] == ["iUPD", "iUPD", "iCPD"]


def test_the_parts_name_where_progression_was_confirmed_and_the_rule_says_it() -> None:
    scans = [
        scan(f"C{number}", day=35 * number, T01=size, NT01="present") for number, size in enumerate((100, 125, 131))
    ]
    confirmed = series(scans)[-1]
    assert (confirmed.target, confirmed.non_target) == ("iCPD", "NON-iCR/NON-iUPD")
    assert confirmed.rule == "iCPD: +6 mm in target lesions, after iUPD at C1"
    assert confirmed.progressed_on == scans[1].date


def test_progression_counts_from_the_first_sign_and_a_reset_one_does_not_count() -> None:
    def progressed_on(*sizes: int, conventions: Settings | None = None) -> int | None:
        scans = [scan(f"C{number}", day=35 * number, T01=size) for number, size in enumerate((100, *sizes))]
        when = progression_date(series(scans, conventions), conventions or Settings())
        return None if when is None else (when.earliest - FIRST_SCAN).days // 35

    assert progressed_on(125, 131) == 1
    assert progressed_on(125, 100, 90) is None
    assert progressed_on(125, 100, 125, 131) == 3
    assert progressed_on(100, 125) == 2
    assert progressed_on(100, 125, conventions=Settings(unconfirmed_progression_is_event=False)) is None


SEEN = st.fixed_dictionaries(
    {
        "T01": st.one_of(st.integers(0, 160), st.sampled_from(["absent", "not evaluable"])),
        "NT01": st.sampled_from(["present", "absent", "increased", "unequivocal progression", "not evaluable"]),
        "NEW01": st.sampled_from([None, None, 10, 14, 20, "present", "increased", "equivocal", "absent"]),
        "NEW02": st.sampled_from([None, None, None, 12, "present", "not evaluable"]),
    }
)


@given(st.lists(SEEN, min_size=1, max_size=6))
@settings(max_examples=80, deadline=None)
def test_no_progression_is_confirmed_that_was_not_unconfirmed_before(seen: list[dict[str, Seen]]) -> None:
    scans = [scan("C0", T01=100, NT01="present")]
    scans += [scan(f"C{number}", day=35 * number, **one) for number, one in enumerate(seen, start=1)]
    found = series(scans)
    overall = [one.overall for one in found]
    if "iCPD" in overall:
        first = overall.index(ImmuneResponse.ICPD)
        assert "iUPD" in overall[:first]
        assert set(overall[first:]) == {"iCPD"}
        assert progression_date(found, Settings()) in [one.date for one in found[:first]]
    for one in found:
        assert one.rule.startswith(f"{one.overall}: ")
        if one.overall in ("iCR", "iPR", "iSD"):
            assert one.by_recist.target is not Response.PD
            assert one.by_recist.non_target is not Response.PD
        if one.by_recist.overall is not Response.PD and one.overall != "iCPD":
            assert one.overall != "iUPD"


# --- Best response: the eight examples of the paper's table 3 ------------------------------------------------------

ANY = "iCR|iPR|iSD|iUPD|iCPD|NE"


@pytest.mark.parametrize(
    ("timepoints", "best"),
    [
        ("iCR iCR|iPR|iUPD|NE iCR|iPR|iUPD|NE iUPD iCPD", "iCR"),
        ("iUPD iPR|iSD|NE iCR iCR|iUPD|NE iCR|iPR|iSD|iUPD|iCPD|NE", "iCR"),
        ("iUPD iPR iPR|iSD|iUPD|NE iPR|iSD|iUPD|NE|iCPD iPR|iSD|iUPD|NE|iCPD", "iPR"),
        ("iUPD iSD|NE iPR iPR|iSD|iUPD|NE iPR|iSD|iUPD|iCPD|NE", "iPR"),
        ("iUPD iSD iSD|iUPD|NE iSD|iUPD|iCPD|NE iSD|iUPD|iCPD|NE", "iSD"),
        (f"iUPD iCPD {ANY} {ANY} {ANY}", "iCPD"),
        (f"iUPD iUPD iCPD {ANY} {ANY}", "iCPD"),
        ("iUPD NE NE NE NE", "iUPD"),
    ],
)
def test_best_response_of_the_papers_examples(timepoints: str, best: str) -> None:
    for sequence in product(*(choice.split("|") for choice in timepoints.split())):
        points = [
            ImmuneTimepoint(on(FIRST_SCAN + timedelta(days=56 * number)), ImmuneResponse(response))
            for number, response in enumerate(sequence, start=1)
        ]
        found = immune_best_response(points, reference=START, settings=Settings())
        assert found.response == best, sequence


def test_the_immune_endpoints_keep_a_response_that_came_after_a_false_alarm() -> None:
    sizes = (100, 125, 60, 55)
    scans = [scan(f"C{number}", day=35 * number, T01=size, NT01="present") for number, size in enumerate(sizes)]
    best, confirmed, rest = derive_immune_endpoints(series(scans), FollowUp(START), Settings())
    assert (best.response, confirmed.response) == ("iPR", "iPR")
    assert confirmed.reason == "iPR at C2, 2026-03-16"
    assert not rest.progression_free_survival.is_event
    assert rest.best_change is not None
    assert rest.best_change.percent == -45
