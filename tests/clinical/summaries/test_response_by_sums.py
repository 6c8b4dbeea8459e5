"""Best response, confirmation, progression and times of a subject, from sums of diameters."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.recist.responses import Response
from clinical.summaries.response_by_sums import Conventions, Outcome, outcome
from clinical.summaries.subject_data import AssessmentRecord, SubjectRecord

INFUSED = date(2026, 1, 7)
NON_TARGET = {
    "": Response.NON_CR_NON_PD,
    "c": Response.CR,
    "p": Response.PD,
    "-": Response.NONE,
    "?": Response.NE,
    "n": Response.NON_CR_NON_PD,
}


def course(scans: str, *, died: int | None = None, alive: int | None = None, cutoff: int | None = None) -> Outcome:
    """The outcome of `day:sum` pairs; a letter after the sum says the non-target lesions, n a new lesion, ? no sum."""
    records = []
    for scan in scans.split():
        day, reading = scan.split(":")
        mark = reading.lstrip("0123456789")
        number = reading[: len(reading) - len(mark)]
        records.append(
            AssessmentRecord(
                subject="S-1",
                assessed_on=INFUSED + timedelta(days=int(day)),
                sum_mm=Decimal(number) if number else None,
                non_target=NON_TARGET[mark],
                new_lesion=mark == "n",
            )
        )
    moments = [None if day is None else INFUSED + timedelta(days=day) for day in (died, alive, cutoff)]
    subject = SubjectRecord("S-1", "escalation", "DL1", INFUSED, INFUSED, *moments)
    return outcome(subject, records, Conventions())


@pytest.mark.parametrize(
    ("scans", "best", "confirmed"),
    [
        ("-5:100 42:70 84:71", "PR", "SD"),  # 70 % is a partial response, and not confirmed by 71 %
        ("-5:100 42:71 84:70", "PR", "SD"),
        ("-5:100 42:70 69:70", "PR", "SD"),  # 27 days are one too few
        ("-5:100 42:70 70:70", "PR", "PR"),
        ("-5:100 42:70 60:80 84:69", "PR", "PR"),  # stable in between does not undo it
        ("-5:100 42:50 84:60", "PR", "SD"),  # +20 % and +10 mm from the nadir of 50
        ("-5:100 42:0c 84:0c", "CR", "CR"),
        ("-5:100 42:0 84:0", "PR", "PR"),  # a sum of 0 with non-target disease is no complete response
        ("-5:100 42:0? 84:0?", "PR", "PR"),
        ("-5:100 42:0c 84:20", "CR", "SD"),  # 20 mm after 0 mm progresses
        ("-5:100 42:0c 84:4", "CR", "PR"),  # 4 mm does not, by the 5 mm rule of these data
        ("-5:100 34:95", "NE", "NE"),  # stable on day 34 only
        ("-5:100 35:95", "SD", "SD"),
        ("-5:100 20:95 34:125", "PD", "PD"),
        ("-5:100 20:60 42:80", "PR", "PD"),  # the early response was neither confirmed nor stable long enough
        ("-5:20 42:24", "SD", "SD"),  # +20 % and only 4 mm
        ("-5:20 42:25", "PD", "PD"),
        ("-5:100 42:60n 84:60", "PD", "PD"),  # a new lesion; what comes after does not count
        ("-5:100 42:60p 84:60", "PD", "PD"),
        ("-5:100 42:125 84:50", "PD", "PD"),
        ("-5:100 42:?", "NE", "NE"),
        ("42:50 84:50", "NE", "NE"),  # no baseline
        ("-20:200 -5:100 42:80", "SD", "SD"),  # the last sum before the infusion is the baseline
        ("-5:0 42:0", "NON-CR/NON-PD", "NON-CR/NON-PD"),  # nothing measurable at baseline
        ("", "NE", "NE"),
    ],
)
def test_best_response_and_its_confirmation(scans: str, best: str, confirmed: str) -> None:
    found = course(scans, alive=200)
    assert (found.best.value, found.confirmed_best.value) == (best, confirmed)


@pytest.mark.parametrize(
    ("scans", "pending"),
    [("-5:100 42:60", True), ("-5:100 42:60 50:60", False), ("-5:100 42:60 84:?", False), ("-5:100 42:90", False)],
)
def test_confirmation_is_pending_only_without_a_later_scan(scans: str, pending: bool) -> None:
    assert course(scans, alive=200).is_pending is pending


@pytest.mark.parametrize(
    ("scans", "ends", "duration", "progression_free", "overall"),
    [
        ("-5:100 42:60 84:90", {"died": 200}, (42, True), (84, True), (200, True)),
        ("-5:100 42:60 84:60", {"died": 200}, (158, True), (200, True), (200, True)),
        ("-5:100 42:60 84:60", {"alive": 200}, (42, False), (84, False), (200, False)),
        ("-5:100 42:60", {"alive": 200}, (0, False), (42, False), (200, False)),
        ("-5:100", {"alive": 90}, None, (0, False), (90, False)),
        ("", {"died": 12}, None, (12, True), (12, True)),
        ("-5:100 42:60 84:60", {"died": 200, "cutoff": 150}, (42, False), (84, False), (150, False)),
        ("-5:100 42:60 84:90", {"alive": 200, "cutoff": 60}, (0, False), (42, False), (60, False)),
        ("-5:100 42:60 84:60", {}, (42, False), (84, False), (84, False)),
    ],
)
def test_times_end_with_the_event_or_are_cut_off(
    scans: str,
    ends: dict[str, int],
    duration: tuple[int, bool] | None,
    progression_free: tuple[int, bool],
    overall: tuple[int, bool],
) -> None:
    found = course(scans, **ends)
    of_response = found.duration_of_response
    assert (None if of_response is None else (of_response.time, of_response.is_event)) == duration
    assert (found.progression_free.time, found.progression_free.is_event) == progression_free
    assert (found.overall_survival.time, found.overall_survival.is_event) == overall


def test_the_best_change_ends_with_the_progression_and_may_be_growth() -> None:
    assert course("-5:100 42:60 84:90 120:10", alive=200).best_change_percent == -40
    assert course("-5:100 42:125", alive=200).best_change_percent == 25
    assert course("-5:100 42:?", alive=200).best_change_percent is None


@settings(max_examples=100)
@given(st.lists(st.integers(0, 200), min_size=1, max_size=6), st.integers(10, 150))
def test_a_tumor_that_only_grows_never_responds(growth: list[int], baseline: int) -> None:
    sums = [baseline + sum(growth[: count + 1]) for count in range(len(growth))]
    scans = " ".join([f"-5:{baseline}", *(f"{42 * (index + 1)}:{mm}" for index, mm in enumerate(sums))])
    assert course(scans, alive=400).best in (Response.SD, Response.PD)
