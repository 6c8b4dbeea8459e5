"""Two subjects from first dose to the committee's table, told day by day."""

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from clinical.dlt.evaluability import Adjudication, Counts, Departure, ExposureMinimum, Ruling, State
from clinical.dlt.facts import SubjectFacts
from clinical.dlt.subject import DltDefinition, DltStatus, dlt_status
from clinical.dlt.window import StepDosing, WindowRule
from clinical.partial_date import PartialDate
from tests.clinical.dlt.casebook import (
    BERLIN,
    CRS,
    FIRST_DOSE,
    FOUR_WEEKS,
    IMMUNE,
    INVESTIGATIONS,
    NEUTROPENIA,
    at,
    criteria_of,
    dose,
    event,
    grades,
    on,
)

IMA402 = DltDefinition(
    criteria=criteria_of("IMA402"),
    window=WindowRule(days=28, step_dosing=StepDosing.EXTEND, full_dose_within_days=42),
    minimum=ExposureMinimum(doses=3),
)
IMA203 = DltDefinition(criteria=criteria_of("IMA203"), window=FOUR_WEEKS)


def on_day(definition: DltDefinition, facts: SubjectFacts, now: str, **more: object) -> DltStatus:
    return dlt_status(definition, facts, at=at(now), zone=BERLIN, **more)  # type: ignore[arg-type]


def test_a_subject_of_ima402_through_step_dosing_and_a_late_neutropenia() -> None:
    priming = (dose("03-02T10:00", planned="03-02", full=False), dose("03-09T10:00", planned="03-09", full=False))
    waiting = on_day(IMA402, SubjectFacts(doses=priming), "03-12")
    assert str(waiting.evaluability) == "In window, day 11, the first full dose awaited"

    doses = (*priming, dose("03-16T10:00", planned="03-16"), dose("03-23T10:00", planned="03-23"))
    facts = SubjectFacts(doses=doses)
    assert str(on_day(IMA402, facts, "03-20").evaluability) == "In window, day 19 of 42"

    # Chidi enters a grade 3 CRS under the first full dose, gone to grade 1 in a day: asked, and not dose limiting.
    crs = event(CRS, IMMUNE, "3 03-16T20:00", "1 03-17T18:00 03-19T08:00", scale="ASTCT")
    assert on_day(IMA402, replace(facts, events=(crs,)), "03-18").of_event("AE1").answer.value == "not met"

    # Grade 4 neutropenia begins two days before the window closes on 13 April.
    low = event(NEUTROPENIA, INVESTIGATIONS, "4 04-11T08:00", id="AE2")
    facts = replace(facts, events=(crs, low))
    closed = on_day(IMA402, facts, "04-13").evaluability
    assert (closed.state, closed.for_escalation, closed.for_stopping) == (
        State.WINDOW_CLOSED_UNDECIDED,
        Counts.PENDING,
        Counts.DLT,
    )
    assert closed.until == at("04-18T08:00")

    # It lasts. The engine says met, Dr Mora confirms, the subject counts.
    met = on_day(IMA402, facts, "04-18T08:00")
    assert [each.id for each in met.of_event("AE2").met] == ["neutropenia"]
    assert met.evaluability.candidates == ("AE2",)
    confirmed = Adjudication("AE2", Ruling.CONFIRMED, at("04-18T09:00"), basis=met.of_event("AE2").basis)
    decided = on_day(IMA402, facts, "04-18T10:00", adjudications=[confirmed]).evaluability
    assert (decided.state, decided.for_escalation) == (State.EVALUABLE_DLT, Counts.DLT)


def test_a_subject_of_ima402_who_never_reaches_the_full_dose_is_replaced() -> None:
    priming = (dose("03-02T10:00", planned="03-02", full=False),)
    assert on_day(IMA402, SubjectFacts(doses=priming), "04-20").evaluability.may_be_replaced


def test_a_subject_of_ima203_with_a_grade_3_crs() -> None:
    infusion = SubjectFacts(doses=(FIRST_DOSE,))
    # Lymphodepletion brought the counts down before the infusion: not haematological toxicity of the product.
    counts = event(NEUTROPENIA, INVESTIGATIONS, "4 02-26", id="AE1", causes=frozenset({"lymphodepletion"}))
    crs = event(CRS, IMMUNE, "2 03-03T06:00", "3 03-04T06:00", id="AE2", scale="ASTCT")
    both = replace(infusion, events=(counts, crs))

    running = on_day(IMA203, both, "03-05")
    assert running.of_event("AE1").answer.value == "not met"
    assert running.of_event("AE2").until == at("03-07T06:00")
    assert "Qualifies Saturday 07-Mar-2026 06:00" in running.of_event("AE2").in_words(BERLIN)

    # Tocilizumab works after two days.
    better = replace(crs, periods=(*crs.periods, *grades("1 03-06T06:00 03-08", scale="ASTCT")))
    over = on_day(IMA203, replace(infusion, events=(counts, better)), "03-30")
    assert over.evaluability.state is State.EVALUABLE_NO_DLT

    # Had she left on day 12, she would be replaced.
    left = Departure(on("03-13"), "started another therapy")
    gone = on_day(IMA203, replace(infusion, events=(counts, better)), "03-30", departure=left)
    assert str(gone.evaluability) == "Not evaluable: started another therapy on 13-Mar-2026"


def counted(status: DltStatus) -> str | None:
    """The column of the committee's table that a subject stands in."""
    return {
        State.IN_WINDOW: "pending",
        State.WINDOW_CLOSED_UNDECIDED: "pending",
        State.EVALUABLE_DLT: "dlt",
        State.EVALUABLE_NO_DLT: "complete_no_dlt",
        State.NOT_EVALUABLE: "not_evaluable",
    }.get(status.evaluability.state)


def test_the_published_event_logs_give_the_published_counts(reference: Path) -> None:
    """A febrile neutropenia is entered on each day that the log calls a DLT and confirmed when the engine says met."""
    for case in json.loads((reference / "dose-event-log-cases.json").read_text(encoding="utf-8"))["cases"]:
        definition = DltDefinition(criteria_of("IMA402"), WindowRule(days=case["config"]["dlt_window_days"]))
        log: list[dict[str, Any]] = []
        for step in case["steps"]:
            log.append(step["after_event"])
            now = datetime(2026, 3, 2, 12, tzinfo=BERLIN) + timedelta(days=step["after_event"]["day"])
            counts: dict[str, Counter[str]] = {}
            for dosed in (each for each in log if each["event"] == "first_dose"):
                status = standing(definition, [each for each in log if each.get("pt") == dosed["pt"]], now)
                level = counts.setdefault(str(dosed["dose_level"]), Counter())
                level["treated"] += 1
                level[counted(status) or ""] += 1
            expected = {level: Counter(each) for level, each in step["counts_by_dose"].items()}
            assert {level: +each for level, each in counts.items()} == {
                level: +each for level, each in expected.items() if each["treated"]
            }, (case["id"], step["after_event"])


def standing(definition: DltDefinition, log: list[dict[str, Any]], now: datetime) -> DltStatus:
    """Where one subject stands after what the log says of it."""

    def day(entry: dict[str, Any]) -> PartialDate:
        return PartialDate.of((datetime(2026, 3, 2, tzinfo=BERLIN) + timedelta(days=entry["day"])).date())

    dosed = next(each for each in log if each["event"] == "first_dose")
    toxic = tuple(
        event("Febrile neutropenia", "Blood and lymphatic system disorders", f"3 {day(each).iso}", id=f"AE{index}")
        for index, each in enumerate(log)
        if each["event"] == "dlt"
    )
    gone = next((each for each in log if each["event"] == "not_evaluable"), None)
    departure = Departure(day(gone), "not evaluable") if gone else None
    facts = SubjectFacts(events=toxic, doses=(dose(day(dosed).iso),))
    first = dlt_status(definition, facts, at=now, zone=BERLIN, departure=departure)
    rulings = [Adjudication(each, Ruling.CONFIRMED, now) for each in first.evaluability.candidates]
    return dlt_status(definition, facts, adjudications=rulings, at=now, zone=BERLIN, departure=departure)
