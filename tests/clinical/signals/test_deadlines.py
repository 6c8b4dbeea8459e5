"""Reporting clocks: what is said when, and that a clock says it once."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clinical.clocks import Report, SeriousEvent, authority_clocks
from clinical.signals.deadlines import (
    DEATH_30D,
    SAE_CLOCK,
    SAE_FOLLOWUP_OVERDUE,
    SUSAR_CLOCK,
    DeathFacts,
    SaeFacts,
    SaeFollowUpFacts,
    SusarFacts,
    susar_facts,
)
from clinical.signals.signal import Severity, reconcile

AWARE = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
SAE = SaeFacts("101-003", "SAE-1", "Sepsis", aware_at=AWARE, received_at=None, at=AWARE)


@pytest.mark.parametrize(
    ("hours", "crossing"),
    [
        (0, None),
        (11.99, None),
        (12, "12 h"),
        (19.99, "12 h"),
        (20, "20 h"),
        (24, "20 h"),  # on the minute is on time
        (24.02, "late after 24 h"),
        (200, "late after 24 h"),
    ],
)
def test_an_sae_not_received_reminds_and_then_is_late(hours: float, crossing: str | None) -> None:
    told = SAE_CLOCK(replace(SAE, at=AWARE + timedelta(hours=hours)))
    assert [each.crossing for each in told] == ([] if crossing is None else [crossing])


def test_a_report_in_time_ends_the_clock_and_a_late_one_is_told_for_ever() -> None:
    in_time = replace(SAE, received_at=AWARE + timedelta(hours=24), at=AWARE + timedelta(hours=30))
    assert SAE_CLOCK(in_time) == ()
    received = AWARE + timedelta(hours=33, minutes=5)
    (late,) = SAE_CLOCK(replace(in_time, received_at=received, at=received + timedelta(days=9)))
    assert late.sentence == "Sepsis of subject 101-003 was reported 9 h 5 min late."
    assert late.severity is Severity.URGENT


def test_a_late_report_updates_the_signal_that_stood_while_it_was_missing() -> None:
    missing = SAE_CLOCK(replace(SAE, at=AWARE + timedelta(hours=30)))
    received = SAE_CLOCK(replace(SAE, at=AWARE + timedelta(hours=34), received_at=AWARE + timedelta(hours=33)))
    changes = reconcile(standing=[each.standing for each in missing], now=received)
    assert (len(changes.updated), changes.raised, changes.retracted) == (1, (), ())


def test_the_minutes_that_pass_change_no_fact() -> None:
    first, second = (SAE_CLOCK(replace(SAE, at=AWARE + timedelta(hours=hours))) for hours in (26, 27))
    assert reconcile(standing=[each.standing for each in first], now=second).is_empty


def test_the_night_the_clocks_go_back_has_25_hours() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    aware = datetime(2025, 10, 25, 14, 0, tzinfo=berlin)
    (told,) = SAE_CLOCK(replace(SAE, aware_at=aware, at=datetime(2025, 10, 26, 12, 30, tzinfo=UTC)))
    assert told.crossing == "late after 24 h"
    assert "was due on 26-Oct-2025 13:00 CET" in told.sentence


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        SAE_CLOCK(replace(SAE, at=datetime(2026, 3, 4, 9, 0)))  # noqa: DTZ001  # the fault under test


def test_late_is_what_the_reference_clocks_call_late(reference: Path) -> None:
    cases = json.loads((reference / "dose-safety-clock-cases.json").read_text(encoding="utf-8"))["cases"]
    for case in cases:
        given, expected = case["input"], case["expect"]
        if "sae_report_late" not in expected:
            continue
        aware, received = (
            datetime.fromisoformat(given[name]).replace(tzinfo=ZoneInfo(given[zone]))
            for name, zone in (("investigator_aware", "site_tz"), ("sponsor_received", "sponsor_tz"))
        )
        told = SAE_CLOCK(SaeFacts("S", "1", "Sepsis", aware_at=aware, received_at=received, at=received))
        assert bool(told) is expected["sae_report_late"], case["id"]


DAY_ZERO = date(2026, 3, 2)
SUSAR = SusarFacts("101-003", "SAE-1", "Sepsis", DAY_ZERO, date(2026, 3, 17), None, DAY_ZERO)


@pytest.mark.parametrize(
    ("span", "day", "crossing"),
    [
        (15, 7, None),
        (15, 8, "half time"),
        (15, 13, "2 days left"),
        (15, 14, "1 day left"),
        (15, 15, "1 day left"),  # the due day itself is in time
        (15, 16, "overdue"),
        (7, 3, None),
        (7, 4, "half time"),
        (7, 5, "2 days left"),
        (7, 8, "overdue"),
    ],
)
def test_a_susar_reminds_at_half_time_two_days_and_one_day_before(span: int, day: int, crossing: str | None) -> None:
    facts = replace(SUSAR, due=DAY_ZERO + timedelta(days=span), today=DAY_ZERO + timedelta(days=day))
    assert [each.crossing for each in SUSAR_CLOCK(facts)] == ([] if crossing is None else [crossing])


def test_a_susar_submitted_on_the_due_day_is_silent_and_a_late_one_is_not() -> None:
    assert SUSAR_CLOCK(replace(SUSAR, submitted=SUSAR.due, today=date(2026, 4, 1))) == ()
    (late,) = SUSAR_CLOCK(replace(SUSAR, submitted=SUSAR.due + timedelta(days=1), today=date(2026, 4, 1)))
    assert (late.crossing, late.severity) == ("overdue", Severity.URGENT)


def test_every_report_of_a_fatal_case_has_its_own_clock() -> None:
    """The 15 days of the first report go on beside the 7 days from when the sponsor learnt that it was fatal."""
    utc = ZoneInfo("UTC")
    event = SeriousEvent(
        utc,
        received_at=datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
        related=True,
        unexpected=True,
        fatal_or_life_threatening=True,
        fatal_known_at=datetime(2026, 3, 5, 9, 0, tzinfo=UTC),
    )
    facts = susar_facts(
        subject="101-003",
        sae="SAE-1",
        term="Sepsis",
        clocks=authority_clocks(event),
        submitted={Report.OTHER: date(2026, 3, 4)},
        today=date(2026, 3, 13),
    )
    told = [(dict(each.scope.parts)["report"], each.crossing) for one in facts for each in SUSAR_CLOCK(one)]
    assert told == [("7-day report", "overdue"), ("follow-up report", "half time")]


def test_initial_and_follow_up_reports_have_signals_of_their_own() -> None:
    (initial,) = SUSAR_CLOCK(replace(SUSAR, today=date(2026, 4, 1)))
    (follow_up,) = SUSAR_CLOCK(replace(SUSAR, today=date(2026, 4, 1), what="follow-up report"))
    assert initial.key != follow_up.key


FOLLOW_UP = SaeFollowUpFacts(
    subject="101-003",
    sae="SAE-1",
    term="Sepsis",
    last_news=DAY_ZERO,
    fatal_or_life_threatening=False,
    resolved=None,
    outcome_known=False,
    is_open=True,
    today=DAY_ZERO,
)


@pytest.mark.parametrize(
    ("changes", "questions"),
    [
        ({"today": DAY_ZERO + timedelta(days=7)}, []),
        ({"today": DAY_ZERO + timedelta(days=8)}, ["news"]),
        ({"today": DAY_ZERO + timedelta(days=2), "fatal_or_life_threatening": True}, []),
        ({"today": DAY_ZERO + timedelta(days=3), "fatal_or_life_threatening": True}, ["news"]),
        ({"today": DAY_ZERO + timedelta(days=15), "resolved": DAY_ZERO}, ["news", "outcome"]),
        ({"today": DAY_ZERO + timedelta(days=15), "resolved": DAY_ZERO, "outcome_known": True}, ["news"]),
        ({"today": DAY_ZERO + timedelta(days=90), "is_open": False}, []),
    ],
)
def test_an_open_sae_must_not_fall_silent(changes: dict[str, Any], questions: list[str]) -> None:
    told = SAE_FOLLOWUP_OVERDUE(replace(FOLLOW_UP, **changes))
    assert [dict(each.scope.parts)["question"] for each in told] == questions


@pytest.mark.parametrize(
    ("earliest", "latest", "last_dose", "fires"),
    [
        (date(2026, 4, 1), date(2026, 4, 1), date(2026, 3, 2), True),  # day 30
        (date(2026, 4, 2), date(2026, 4, 2), date(2026, 3, 2), False),
        (date(2026, 3, 2), date(2026, 3, 2), date(2026, 3, 2), True),
        (date(2026, 4, 1), date(2026, 4, 30), date(2026, 3, 20), True),  # known to the month: possibly within
        (date(2026, 5, 1), date(2026, 5, 31), date(2026, 3, 20), False),
        (date(2026, 4, 1), date(2026, 4, 1), None, False),
    ],
)
def test_a_death_soon_after_the_last_dose_is_told(
    earliest: date, latest: date, last_dose: date | None, fires: bool
) -> None:
    assert bool(DEATH_30D(DeathFacts("101-003", earliest, latest, last_dose, "disease progression"))) is fires
