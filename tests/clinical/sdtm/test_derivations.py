"""Study day, epoch, order and numbers, the last result before exposure."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.sdtm.derivations import (
    ElementPeriod,
    SubjectTimeline,
    complete,
    epoch_of,
    flag_last_before_exposure,
    results,
    study_day,
)
from clinical.sdtm.records import Record

ELEMENTS = (
    ElementPeriod("SCRN", "Screening", "SCREENING", 1, "2026-03-01", "2026-03-15T10:00"),
    ElementPeriod("TRT", "Treatment", "TREATMENT", 2, "2026-03-15T10:00", "2026-06-01"),
    ElementPeriod("FU", "Follow-up", "FOLLOW-UP", 3, "2026-06-01", "2026-09-01"),
)


@pytest.mark.parametrize(
    ("when", "reference", "day"),
    [
        ("2026-03-15", "2026-03-15", 1),
        ("2026-03-16", "2026-03-15", 2),
        ("2026-03-14", "2026-03-15", -1),
        ("2026-03-15T00:01", "2026-03-15T23:59", 1),
        ("2024-03-01", "2024-02-28", 3),
        ("2026-03", "2026-03-15", None),
        ("2026-03-16", "2026-03", None),
        (None, "2026-03-15", None),
        ("2026-03-16", None, None),
    ],
)
def test_the_study_day_has_no_day_zero(when: str | None, reference: str | None, day: int | None) -> None:
    assert study_day(when, reference) == day


@given(st.integers(-400, 400))
def test_study_days_count_every_day_once(offset: int) -> None:
    start = date(2026, 3, 15)
    day = study_day((start + timedelta(days=offset)).isoformat(), start.isoformat())
    assert day == (offset + 1 if offset >= 0 else offset)


@pytest.mark.parametrize(
    ("when", "epoch"),
    [
        ("2026-02-28", None),
        ("2026-03-01", "SCREENING"),
        ("2026-03-15T09:59", "SCREENING"),
        ("2026-03-15T10:00", "TREATMENT"),
        ("2026-03-15", "TREATMENT"),
        ("2026-06-01", "FOLLOW-UP"),
        ("2026-09-01", "FOLLOW-UP"),
        ("2026-09-02", None),
        ("2026-04", "TREATMENT"),
        ("2026-03", None),
        ("2026", None),
        (None, None),
    ],
)
def test_the_epoch_is_read_from_the_elements_and_never_guessed(when: str | None, epoch: str | None) -> None:
    assert epoch_of(when, ELEMENTS) == epoch


def test_a_year_that_begins_and_ends_under_treatment_may_hide_a_pause() -> None:
    again = (
        ElementPeriod("TRT1", "First course", "TREATMENT", 1, "2025-06-01", "2026-03-01"),
        ElementPeriod("OBS", "Pause", "OBSERVATION", 2, "2026-03-01", "2026-05-01"),
        ElementPeriod("TRT2", "Second course", "TREATMENT", 3, "2026-05-01"),
    )
    assert epoch_of("2026", again) is None
    assert epoch_of("2026-06", again) == "TREATMENT"


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_numbers_do_not_hang_on_the_order_of_arrival(seed: int) -> None:
    timeline = SubjectTimeline("ONC-101", "101-001", "2026-03-15", None)
    events = [
        Record({"AETERM": term, "AESTDTC": when, "AESPID": f"AE-{n}"})
        for n, (term, when) in enumerate(
            [
                ("Fever", "2026-03-16"),
                ("Fever", "2026-03-16"),
                ("Rash", None),
                ("Cough", "2026-03"),
                ("Pain", "2026-03-15"),
            ]
        )
    ]
    expected = complete("AE", events, timeline)
    Random(seed).shuffle(events)
    assert complete("AE", events, timeline) == expected
    assert [record.values["AESEQ"] for record in expected] == [1, 2, 3, 4, 5]
    assert expected[-1].values["AETERM"] == "Rash"  # an unknown date comes last


def test_only_the_last_result_before_the_first_dose_is_flagged() -> None:
    def result(when: str, value: str = "10", test: str = "ALT") -> Record:
        return Record({"LBTESTCD": test, "LBDTC": when, "LBORRES": value})

    records = [
        result("2026-03-10"),
        result("2026-03-15T08:00"),
        result("2026-03-15T09:00", value=""),
        result("2026-03-15T11:00"),
        result("2026-03", test="AST"),
        result("2026-03-15", test="LDH"),
    ]

    def flagged(**how: bool) -> list[int]:
        done = flag_last_before_exposure("LB", records, "2026-03-15T10:00", **how)
        return [at for at, record in enumerate(done) if record.values.get("LBLOBXFL")]

    assert flagged() == [1, 5]
    assert flagged(same_day_is_before=False) == [1]
    assert flag_last_before_exposure("LB", records, None) == records


@pytest.mark.parametrize(
    ("original", "standard", "text", "number"),
    [
        ("3.8", Decimal("38.0"), "38.0", Decimal("38.0")),
        ("3.80", None, "3.80", Decimal("3.80")),
        ("<0.5", None, "<0.5", None),
        ("POSITIVE", None, "POSITIVE", None),
        ("NaN", None, "NaN", None),
        ("1E+3", Decimal("1E+3"), "1000", Decimal(1000)),
    ],
)
def test_a_standard_result_is_numeric_exactly_when_its_text_is_a_number(
    original: str, standard: Decimal | None, text: str, number: Decimal | None
) -> None:
    done = results("LB", original=original, unit="g/dL", standard=standard, standard_unit="g/L")
    assert (done["LBSTRESC"], done["LBSTRESN"]) == (text, number)
