from datetime import date, timedelta
from decimal import Decimal

import pytest

from clinical.recist.assessment import derive_series
from clinical.recist.endpoints import (
    Answer,
    FollowUp,
    Timepoint,
    best_response,
    clinical_benefit,
    confirmed_best_response,
    derive_endpoints,
    duration_of_response,
    first_confirmed_response,
    first_response,
    overall_survival,
    progression_free_survival,
    up_to_progression,
)
from clinical.recist.responses import Response
from clinical.recist.scan_date import ScanDate, on, scan_date
from clinical.recist.settings import Settings
from tests.clinical.recist.course import FIRST_SCAN, lesions, scan, sums

START = on(FIRST_SCAN)


def day(number: int) -> ScanDate:
    return on(FIRST_SCAN + timedelta(days=number))


def points(course: str) -> list[Timepoint]:
    """`SD@21 PR@42`: a response and the day after the start on which it was seen."""
    return [
        Timepoint(day(int(after)), Response(response))
        for response, after in (point.split("@") for point in course.split())
    ]


@pytest.mark.parametrize(
    ("course", "unconfirmed", "confirmed"),
    [
        ("PR@21 PR@49", "PR", "PR"),
        ("PR@21 PR@48", "PR", "SD"),
        ("PR@21 CR@49", "CR", "PR"),
        ("CR@21 CR@49", "CR", "CR"),
        ("CR@21 NE@42 CR@63", "CR", "CR"),
        ("CR@21 NE@42 NE@63 CR@84", "CR", "SD"),
        ("PR@21 CR@42 PR@63", "CR", "SD"),
        ("PR@21 SD@42 PR@63", "PR", "SD"),
        ("PR@42 PD@63", "PR", "SD"),
        ("PR@21 PD@42", "PR", "PD"),
        ("PR@21 NE@42", "PR", "NE"),
        ("SD@27", "NE", "NE"),
        ("SD@28", "SD", "SD"),
        ("SD@27 PD@42", "PD", "PD"),
        ("NON-CR/NON-PD@42", "NON-CR/NON-PD", "NON-CR/NON-PD"),
        ("NON-CR/NON-PD@21", "NE", "NE"),
        ("NE@42 ND@63", "NE", "NE"),
        ("ND@42", "ND", "ND"),
        ("", "MISSING", "MISSING"),
    ],
)
def test_best_overall_response(course: str, unconfirmed: str, confirmed: str) -> None:
    settings = Settings()
    assert best_response(points(course), reference=START, settings=settings).response == unconfirmed
    assert confirmed_best_response(points(course), reference=START, settings=settings).response == confirmed


def test_one_stable_disease_before_the_confirmation_is_tolerated_where_the_trial_says_so() -> None:
    lenient = Settings(accept_one_sd=True)
    one, two = points("PR@21 SD@42 PR@63"), points("PR@21 SD@42 SD@63 PR@84")
    assert confirmed_best_response(one, reference=START, settings=lenient).response == "PR"
    assert confirmed_best_response(two, reference=START, settings=lenient).response == "SD"


def test_an_assessment_not_done_counts_as_not_evaluable_where_the_trial_says_so() -> None:
    course = points("PR@21 ND@42 PR@63")
    assert confirmed_best_response(course, reference=START, settings=Settings()).response == "SD"
    lenient = Settings(missing_as_ne=True)
    assert confirmed_best_response(course, reference=START, settings=lenient).response == "PR"
    assert best_response([], reference=START, settings=lenient).response == "NE"


def test_the_best_response_is_dated_when_first_seen_and_says_why() -> None:
    best = confirmed_best_response(points("SD@21 PR@42 PR@84 PR@126"), reference=START, settings=Settings())
    assert (best.date, best.reason) == (day(42), "PR at 2026-02-16")
    held = confirmed_best_response(points("PR@42 PD@63"), reference=START, settings=Settings())
    assert held.reason == "PR at 2026-02-16 not confirmed, at least 28 days on"
    early = best_response(points("SD@21"), reference=START, settings=Settings())
    assert early.reason == "SD at 2026-01-26 does not prove 28 days without progression"


def test_nothing_after_progression_or_a_new_therapy_counts() -> None:
    course = points("SD@42 PD@63 CR@84")
    assert [point.response for point in up_to_progression(course)] == ["SD", "PD"]
    assert best_response(course, reference=START, settings=Settings(), until=day(63)).response == "SD"
    assert not first_response(course, until=day(63)).is_yes
    assert first_response(course).date == day(84)


def test_a_scan_known_to_the_month_proves_no_interval_it_may_not_have_had() -> None:
    course = [Timepoint(scan_date("2026-01-20"), Response.PR), Timepoint(scan_date("2026-02"), Response.PR)]
    assert not first_confirmed_response(course, settings=Settings()).is_yes
    later = [course[0], Timepoint(scan_date("2026-03"), Response.PR)]
    assert first_confirmed_response(later, settings=Settings()).date == scan_date("2026-01-20")


def test_clinical_benefit_is_a_response_or_stability_that_lasted() -> None:
    def benefit(course: str, response: Answer | None = None) -> Answer:
        return clinical_benefit(points(course), reference=START, settings=Settings(), response=response)

    assert benefit("SD@21 SD@42").date == day(42)
    assert not benefit("SD@21 PD@42").is_yes
    assert benefit("PR@21 PD@42", Answer(True, day(21))).date == day(21)
    assert not benefit("PR@21 PD@42").is_yes, "a response that nobody reports is not assumed"


# --- Times to events -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("follow_up", "progression", "conventions", "days", "is_event", "reason"),
    [
        ({}, 84, {}, 85, True, "Disease progression"),
        ({}, 84, {"count_first_day": False}, 84, True, "Disease progression"),
        ({"died": day(100)}, None, {}, 101, True, "Death"),
        ({"died": day(100)}, 84, {}, 85, True, "Disease progression"),
        ({}, None, {}, 43, False, "Last tumor assessment"),
        ({}, None, {"not_evaluable_counts_as_assessed": True}, 64, False, "Last tumor assessment"),
        ({"new_therapy": day(50)}, 84, {}, 43, False, "New anticancer therapy"),
        ({"new_therapy": day(50)}, 84, {"censor_at_new_therapy": False}, 85, True, "Disease progression"),
        ({"new_therapy": day(84)}, 84, {}, 85, True, "Disease progression"),
        (
            {},
            200,
            {"censor_after_missed_scans": 2, "scan_interval_days": 42, "scan_window_days": 7},
            43,
            False,
            "Disease progression after 2 or more missed assessments",
        ),
        (
            {},
            130,
            {"censor_after_missed_scans": 2, "scan_interval_days": 42, "scan_window_days": 7},
            131,
            True,
            "Disease progression",
        ),
    ],
)
def test_progression_free_survival_ends_or_is_censored_for_a_reason(
    follow_up: dict[str, ScanDate],
    progression: int | None,
    conventions: dict[str, int | bool],
    days: int,
    is_event: bool,
    reason: str,
) -> None:
    survival = progression_free_survival(
        points("SD@21 SD@42 NE@63"),
        progression=None if progression is None else day(progression),
        follow_up=FollowUp(START, **follow_up),
        settings=Settings(**conventions),  # type: ignore[arg-type]  # a row names whichever convention it is about
    )
    assert (survival.days, survival.is_event, survival.reason) == (days, is_event, reason)


def test_a_subject_never_assessed_is_censored_on_the_first_day() -> None:
    survival = progression_free_survival([], progression=None, follow_up=FollowUp(START), settings=Settings())
    assert (survival.days, survival.reason) == (1, "No evaluable assessment after baseline")


def test_duration_runs_from_the_first_response_and_only_responders_have_one() -> None:
    course, follow_up = points("SD@21 PR@42 PR@84"), FollowUp(START)

    def duration(response: Answer) -> int | None:
        lasted = duration_of_response(course, response, progression=None, follow_up=follow_up, settings=Settings())
        return None if lasted is None else lasted.days

    assert duration(first_response(course)) == 43
    assert duration(Answer(False)) is None


def test_overall_survival_ends_in_death_or_where_the_subject_was_last_known_alive() -> None:
    dead = overall_survival(FollowUp(START, died=day(30), last_known_alive=day(20)), Settings())
    alive = overall_survival(FollowUp(START, last_known_alive=day(20)), Settings())
    assert dead is not None
    assert alive is not None
    assert (dead.days, dead.is_event, alive.days, alive.is_event) == (31, True, 21, False)
    assert overall_survival(FollowUp(START), Settings()) is None


def test_a_partial_date_of_death_gives_an_event_and_no_days() -> None:
    dead = overall_survival(FollowUp(START, died=scan_date("2026-03")), Settings())
    assert dead is not None
    assert (dead.is_event, dead.days, dead.end.text) == (True, None, "2026-03")


# --- From scans to endpoints ---------------------------------------------------------------------------------------


def test_the_endpoints_of_a_subject_who_responds_and_progresses() -> None:
    scans = sums(100, 80, 60, 55, 40, 50)
    series = derive_series(lesions("T01"), scans[0], scans[1:], Settings())
    all_of_it = derive_endpoints(series, FollowUp(START, last_known_alive=day(200)), Settings())
    assert (all_of_it.best.response, all_of_it.confirmed_best.response) == ("PR", "PR")
    assert (all_of_it.response.date, all_of_it.confirmed_response.date) == (day(42), day(42))
    assert all_of_it.benefit.date == day(42)
    assert all_of_it.best_change is not None
    assert (all_of_it.best_change.percent, all_of_it.best_change.visit) == (Decimal(-60), "C4")
    assert all_of_it.time_to_response is not None
    assert all_of_it.time_to_response.days == 43
    assert all_of_it.duration_of_response is not None
    assert (all_of_it.duration_of_response.days, all_of_it.duration_of_response.is_event) == (64, True)
    assert (all_of_it.progression_free_survival.days, all_of_it.progression_free_survival.is_event) == (106, True)
    assert all_of_it.overall_survival is not None
    assert not all_of_it.overall_survival.is_event


def test_the_best_change_ignores_incomplete_sums_and_what_follows_progression() -> None:
    chosen = lesions("T01", "T02")
    scans = [
        scan("C0", T01=50, T02=50),
        scan("C1", T01=45, T02="not evaluable"),
        scan("C2", T01=45, T02=45),
        scan("C3", T01=80, T02=50),
        scan("C4", T01=10, T02=10),
    ]
    series = derive_series(chosen, scans[0], scans[1:], Settings())
    best = derive_endpoints(series, FollowUp(START), Settings()).best_change
    assert best is not None
    assert (best.percent, best.visit) == (Decimal(-10), "C2")


def test_progression_by_a_lesion_that_was_doubtful_counts_from_its_first_sight() -> None:
    chosen = lesions("T01", "NEW01")
    scans = [scan("C0", T01=50), scan("C2", T01=50, NEW01="equivocal"), scan("C4", T01=50, NEW01="present")]
    series = derive_series(chosen, scans[0], scans[1:], Settings())
    survival = derive_endpoints(series, FollowUp(START), Settings()).progression_free_survival
    assert (survival.end.earliest, survival.is_event) == (date(2026, 2, 16), True)
