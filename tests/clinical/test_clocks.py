"""The SAE clock of the site and the SUSAR clocks of the sponsor."""

import doctest
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical import clocks
from clinical.clocks import (
    EARLIEST,
    EUROPE,
    UNITED_STATES,
    AuthorityClock,
    MinimumInformation,
    Report,
    SeriousEvent,
    SiteClockState,
    Submission,
    authority_clocks,
    earliest_reports,
    either_says_related,
    either_says_serious,
    is_susar,
    site_clock,
    submitted_on,
)
from clinical.signals.deadlines import SAE_CLOCK, SaeFacts

BERLIN, CHICAGO = ZoneInfo("Europe/Berlin"), ZoneInfo("America/Chicago")


def wall(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def susar(received: str, **more: Any) -> SeriousEvent:
    return SeriousEvent(BERLIN, wall(received), related=True, unexpected=True, **more)


def test_the_examples_in_the_module_hold() -> None:
    assert doctest.testmod(clocks).failed == 0


def test_the_published_clock_cases(reference: Path) -> None:
    for case in json.loads((reference / "dose-safety-clock-cases.json").read_text(encoding="utf-8"))["cases"]:
        given_, expected = case["input"], case["expect"]
        site, sponsor = ZoneInfo(given_["site_tz"]), ZoneInfo(given_["sponsor_tz"])
        received = wall(given_["sponsor_received"], sponsor) if "sponsor_received" in given_ else None
        clock = site_clock(aware_at=wall(given_["investigator_aware"], site), received_at=received)
        answer: dict[str, Any] = {
            "sae_report_due_utc": clock.due_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "sae_report_due_site_local": clock.due_at.astimezone(site).isoformat(),
        }
        if received is not None:
            answer["sae_report_late"] = clock.is_late
            found = authority_clocks(
                SeriousEvent(
                    sponsor,
                    received,
                    serious=given_["serious"],
                    related=given_["related"],
                    unexpected=given_["unexpected"],
                    fatal_or_life_threatening=given_["fatal_or_life_threatening"],
                )
            )
            answer["susar"] = found.is_susar
            answer["clock"] = found.expedited.report.value if found.expedited else None
            if found.expedited:
                answer["day_zero"] = found.expedited.day_zero.isoformat()
                answer["expedited_due_date"] = found.expedited.due.isoformat()
            if found.follow_up:
                answer["followup_due_date"] = found.follow_up.due.isoformat()
        assert answer == expected, case["id"]


@pytest.mark.parametrize(
    ("now", "received", "words"),
    [
        ("2025-06-10T15:20", None, "due in 23 h"),
        ("2025-06-11T14:20", None, "due in less than a minute"),
        ("2025-06-11T23:20", None, "already late by 9 h"),
        ("2025-06-14T14:20", None, "already late by 3 days"),
        ("2025-06-14T14:20", "2025-06-11T14:20:59", "reported in time"),
        ("2025-06-14T14:20", "2025-06-11T14:21", "reported 1 min late"),
        ("2025-06-10T20:00", "2025-06-11T14:21", "due in 18 h 20 min"),
    ],
)
def test_a_late_report_says_by_how_much(now: str, received: str | None, words: str) -> None:
    clock = site_clock(aware_at=wall("2025-06-10T14:20"), received_at=wall(received) if received else None)
    assert clock.in_words(wall(now)) == words


@pytest.mark.parametrize(("hours", "state"), [(11, "running"), (12, "due soon"), (24, "due soon"), (25, "overdue")])
def test_the_site_is_warned_at_half_time(hours: int, state: str) -> None:
    aware = wall("2025-06-10T14:20")
    assert site_clock(aware_at=aware).state(aware + timedelta(hours=hours)).value == state


def test_awareness_ahead_of_the_sponsor_in_another_zone_gives_the_right_moment() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    clock = site_clock(aware_at=wall("2025-06-10T23:50", tokyo))
    assert clock.due_at == datetime(2025, 6, 11, 14, 50, tzinfo=UTC)


def test_a_moment_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        site_clock(aware_at=datetime(2025, 6, 10, 14, 20))  # noqa: DTZ001 - the fault under test


@given(st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)), st.sampled_from([BERLIN, CHICAGO]))  # noqa: DTZ001 - wall times
def test_twenty_four_hours_elapse_whatever_the_clocks_do(aware: datetime, zone: ZoneInfo) -> None:
    moment = aware.replace(tzinfo=zone)
    assert site_clock(aware_at=moment).due_at - moment.astimezone(UTC) == timedelta(hours=24)


def test_day_zero_is_the_sponsors_date() -> None:
    late_in_chicago = SeriousEvent(BERLIN, wall("2025-06-10T20:00", CHICAGO), related=True, unexpected=True)
    assert authority_clocks(late_in_chicago).clocks[0].day_zero == date(2025, 6, 11)


def test_a_case_that_turns_fatal_has_seven_days_from_then_and_keeps_its_fifteen() -> None:
    found = authority_clocks(
        susar("2025-06-11T09:00", fatal_or_life_threatening=True, fatal_known_at=wall("2025-06-21T09:00"))
    )
    assert [(clock.report, clock.due) for clock in found.clocks] == [
        (Report.OTHER, date(2025, 6, 26)),
        (Report.FATAL, date(2025, 6, 28)),
        (Report.FOLLOW_UP, date(2025, 7, 6)),
    ]
    assert found.expedited is not None
    assert found.expedited.report is Report.FATAL
    assert found.expedited.days_left(date(2025, 6, 30)) == -2


def test_fatal_known_on_the_day_of_receipt_is_one_clock() -> None:
    found = authority_clocks(
        susar("2025-06-11T09:00", fatal_or_life_threatening=True, fatal_known_at=wall("2025-06-11T18:00"))
    )
    assert [clock.report for clock in found.clocks] == [Report.FATAL, Report.FOLLOW_UP]


@pytest.mark.parametrize(
    ("serious", "related", "unexpected", "expected"),
    [
        (True, True, True, True),
        (True, False, None, False),
        (None, True, False, False),
        (True, None, True, None),
        (False, True, True, False),
    ],
)
def test_an_event_is_ruled_out_by_one_no_and_open_while_an_answer_is_missing(
    serious: bool | None, related: bool | None, unexpected: bool | None, expected: bool | None
) -> None:
    event = SeriousEvent(BERLIN, wall("2025-06-11T09:00"), serious=serious, related=related, unexpected=unexpected)
    assert is_susar(event) is expected
    assert bool(authority_clocks(event).clocks) is (expected is not False)


@pytest.mark.parametrize(
    ("investigator", "sponsor", "expected"),
    [(True, False, True), (False, True, True), (False, False, False), (None, False, None), (None, True, True)],
)
def test_the_sponsor_may_add_a_relation_and_never_take_one_away(
    investigator: bool | None, sponsor: bool | None, expected: bool | None
) -> None:
    assert either_says_related(investigator, sponsor) is expected


@pytest.mark.parametrize(
    ("investigator", "sponsor", "expected"),
    [(True, False, True), (False, True, True), (False, False, False), (False, None, None), (True, None, True)],
)
def test_an_event_is_serious_in_the_view_of_either_party(
    investigator: bool | None, sponsor: bool | None, expected: bool | None
) -> None:
    assert either_says_serious(investigator, sponsor) is expected


@pytest.mark.parametrize(
    ("today", "submitted", "words"),
    [
        ("2026-03-16", None, "due at the authority on 21-Mar-2026, 5 days left"),
        ("2026-03-20", None, "due at the authority on 21-Mar-2026, 1 day left"),
        ("2026-03-21", None, "due at the authority on 21-Mar-2026, today is the last day"),
        ("2026-03-22", None, "already late by 1 day, it was due at the authority on 21-Mar-2026"),
        ("2026-04-22", "2026-03-21", "submitted on 21-Mar-2026, in time"),
        ("2026-04-22", "2026-03-23", "submitted on 23-Mar-2026, 2 days late"),
    ],
)
def test_a_report_to_the_authority_says_what_is_left(today: str, submitted: str | None, words: str) -> None:
    clock = AuthorityClock(Report.OTHER, date(2026, 3, 6), date(2026, 3, 21))
    assert clock.in_words(date.fromisoformat(today), date.fromisoformat(submitted) if submitted else None) == words


@pytest.mark.parametrize(
    ("sent_as", "answered"),
    [
        ([Report.OTHER], {Report.OTHER}),
        ([Report.FATAL], {Report.FATAL}),  # it may be incomplete
        ([Report.FOLLOW_UP], {Report.FOLLOW_UP, Report.OTHER}),
        ([Report.FATAL, Report.OTHER], {Report.FATAL, Report.OTHER}),
        ([], set()),
    ],
)
def test_a_report_answers_what_it_was_sent_as(sent_as: list[Report], answered: set[Report]) -> None:
    sent = submitted_on([Submission(date(2026, 3, 9), frozenset(sent_as))])
    assert set(sent) == answered


def test_of_two_reports_the_first_counts() -> None:
    days = [Submission(date(2026, 3, day), frozenset({Report.OTHER})) for day in (12, 9, 20)]
    assert submitted_on(days) == {Report.OTHER: date(2026, 3, 9)}


def test_regions_count_from_different_days_and_the_earliest_leads() -> None:
    event = susar("2025-06-11T09:00", determined_at=wall("2025-06-13T09:00"))
    reports = earliest_reports(event, (UNITED_STATES, EUROPE))
    assert [(region.name, clock.due.isoformat()) for region, clock in reports] == [
        ("EU", "2025-06-26"),
        ("US", "2025-06-28"),
    ]
    assert authority_clocks(event, EARLIEST).clocks[0].due == date(2025, 6, 26)


def test_day_zero_waits_for_all_four_items_and_names_the_missing_one() -> None:
    moment = wall("2025-06-11T09:00")
    three = MinimumInformation(subject=moment, reporter=moment, event=wall("2025-06-10T09:00"))
    assert (three.complete_at, three.missing) == (None, ("a suspect product",))
    assert MinimumInformation(moment, moment, moment + timedelta(days=1), moment).complete_at == moment + timedelta(
        days=1
    )


@pytest.mark.parametrize(
    ("seconds", "state", "words"),
    [
        (-30, SiteClockState.WARNED, "due in less than a minute"),
        (30, SiteClockState.WARNED, "due in less than a minute"),
        (60, SiteClockState.OVERDUE, "already late by 1 min"),
    ],
)
def test_the_last_minute_is_in_time_to_its_end(seconds: int, state: SiteClockState, words: str) -> None:
    clock = site_clock(aware_at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC))
    at = clock.due_at + timedelta(seconds=seconds)
    assert (clock.state(at), clock.in_words(at)) == (state, words)
    signals = SAE_CLOCK(SaeFacts("S", "1", "Sepsis", aware_at=clock.aware_at, received_at=None, at=at))
    assert any(told.crossing == "late after 24 h" for told in signals) is (state is SiteClockState.OVERDUE)
