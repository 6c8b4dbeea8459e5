"""Doses on IMA402: the plan beside the page, what follows from a dose, and what a correction moves."""

from decimal import Decimal

import pytest

from apps.core.refusal import NotAllowed
from apps.deviations.models import Deviation, State
from apps.dosing import selectors, services
from apps.dosing.models import Administration
from apps.enrollment.models import Slot
from apps.subjects.models import Anchor, Subject
from apps.visits import checks, schedule
from apps.visits import services as entry
from apps.visits.models import FormRecord, Visit
from clinical.partial_date import PartialDate
from tests import scenarios_dosing as dosing
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db


@pytest.fixture
def flat(ima402: Trial) -> Subject:
    """A subject of a level that gets its target from the first day."""
    return dosing.assigned(ima402, level=1)


@pytest.fixture
def stepped(ima402: Trial) -> Subject:
    """A subject of a level that begins with priming doses."""
    return dosing.assigned(ima402, level=5)


def row(trial: Trial, record: FormRecord) -> Administration:
    with trial.acting_as("chidi"):
        return Administration.objects.get(record=record)


def anchors(trial: Trial, subject: Subject) -> dict[str, str]:
    with trial.acting_as("chidi"):
        return {
            name: moment.iso for name, moment in Anchor.objects.filter(subject=subject).values_list("name", "moment")
        }


def deviations(trial: Trial, subject: Subject) -> dict[str, str]:
    """The open deviations that doses opened, by what they are about."""
    with trial.acting_as("chidi"):
        found = Deviation.objects.filter(subject=subject, state=State.OPEN, key__startswith="dose")
        return {(each.key or "").split(": ")[1]: each.term for each in found}


@pytest.mark.parametrize(
    ("level", "visit", "amount", "step"),
    [
        (1, "C1D1", "0.02", "full"),
        (4, "C1D15", "0.5", "full"),
        (5, "C1D1", "0.1", "priming"),
        (5, "C1D8", "0.33", "intermediate"),
        (5, "C1D15", "1", "full"),
        (6, "C1D1", "0.15", "priming"),
        (6, "C2D1", "1.5", "full"),
    ],
)
def test_a_dose_page_opens_with_the_dose_that_level_and_visit_plan(
    ima402: Trial, level: int, visit: str, amount: str, step: str
) -> None:
    subject = dosing.assigned(ima402, level=level)
    if visit.startswith("C2"):
        dosing.dose(ima402, subject, "C1D1", "2026-03-02 14:00")
    page = dosing.record(ima402, dosing.started(ima402, subject, visit, "2026-03-30"), "ima402")
    planned = row(ima402, page)
    assert (planned.planned_dose, planned.planned_unit, planned.step) == (Decimal(amount), "mg", step)
    assert (planned.unit, planned.route, planned.dose) == ("mg", "INTRAVENOUS", None)


def test_a_page_needs_what_its_answer_makes_needed(ima402: Trial, flat: Subject) -> None:
    page = dosing.record(ima402, dosing.started(ima402, flat, "C1D1", "2026-03-02"), "ima402")

    def missing() -> list[str]:
        with ima402.acting_as("chidi"):
            return [finding.path for finding in checks.of_record(page)]

    assert missing() == ["was_given"]
    dosing.enter(ima402, page, was_given="N")
    assert missing() == ["modification_reason"]
    dosing.enter(ima402, page, was_given="Y", dose="0.02")
    assert missing() == ["started", "ended", "modification"]
    dosing.enter(ima402, page, started="2026-03-02 14:00", ended="2026-03-02 13:00", modification="OMITTED")
    assert missing() == ["modification_reason", "modification", "ended"]


def test_a_dose_other_than_planned_is_asked_about_once(ima402: Trial, flat: Subject) -> None:
    page = dosing.record(ima402, dosing.started(ima402, flat, "C1D1", "2026-03-02"), "ima402")
    dosing.enter(ima402, page, was_given="Y", dose="0.01", started="2026-03-02 14:00", ended="2026-03-02 15:00")
    dosing.enter(ima402, page, modification="NONE")
    with ima402.acting_as("chidi") as chidi:
        (finding,) = checks.of_record(page)
        assert finding.sentence.startswith("0.01 mg was given and 0.02 mg was planned")
        entry.confirm_value(actor=chidi, record=page, path="dose", check=finding.check, why="Pump stopped", at=NOON)
        page.refresh_from_db()
        assert checks.of_record(page) == []


def test_the_first_dose_starts_treatment_and_fixes_the_calendar(ima402: Trial, flat: Subject) -> None:
    dosing.dose(ima402, flat, "C1D1", "2026-03-03 14:00")
    assert anchors(ima402, flat)["first_dose"] == "2026-03-03T14:00"
    with ima402.acting_as("chidi"):
        flat.refresh_from_db()
        assert flat.status == "on_treatment"
        assert str(Visit.objects.get(subject=flat, code="C1D8").planned_date) == "2026-03-10"


def test_the_first_full_dose_is_the_first_of_the_intended_size(ima402: Trial, stepped: Subject) -> None:
    dosing.dose(ima402, stepped, "C1D1", "2026-03-02 14:00", amount="0.1")
    dosing.dose(ima402, stepped, "C1D8", "2026-03-09 14:00", amount="0.33")
    assert "first_full_dose" not in anchors(ima402, stepped)
    dosing.dose(
        ima402, stepped, "C1D15", "2026-03-16 14:00", amount="0.33", modification="REDUCED",
        modification_reason="RELATED TOXICITY",
    )  # fmt: skip
    assert "first_full_dose" not in anchors(ima402, stepped)
    dosing.dose(ima402, stepped, "C1D22", "2026-03-23 14:00", amount="1")
    found = anchors(ima402, stepped)
    assert (found["first_dose"], found["first_full_dose"]) == ("2026-03-02T14:00", "2026-03-23T14:00")
    assert found["last_dose"] == "2026-03-23T14:00"


def test_a_correction_moves_the_anchors_and_the_visits_to_come(ima402: Trial, flat: Subject) -> None:
    page = dosing.dose(ima402, flat, "C1D1", "2026-03-02 14:00")
    dosing.enter(ima402, page, because="Source corrected", started="2026-03-04 09:30", ended="2026-03-04 10:30")
    assert anchors(ima402, flat)["first_dose"] == "2026-03-04T09:30"
    with ima402.acting_as("chidi"):
        assert str(Visit.objects.get(subject=flat, code="C1D8").planned_date) == "2026-03-11"
        assert selectors.exposures(flat)[0].planned == PartialDate.parse("2026-03-04")


def test_a_dose_that_was_not_given_after_all_takes_everything_back(ima402: Trial) -> None:
    subject = dosing.enrolled(ima402)
    page = dosing.dose(ima402, subject, "C1D1", "2026-03-02 14:00")
    with ima402.acting_as("chidi"):
        assert Slot.objects.get(subject=subject).state == "dosed"
    nothing = {"dose": "", "started": "", "ended": "", "modification": "OMITTED", "modification_reason": "LOGISTICS"}
    dosing.enter(ima402, page, because="Wrong subject", was_given="N", **nothing)
    assert "first_dose" not in anchors(ima402, subject)
    with ima402.acting_as("chidi"):
        subject.refresh_from_db()
        assert (subject.status, Slot.objects.get(subject=subject).state) == ("enrolled", "confirmed")


def test_planned_missed_and_coming_doses_reach_the_dlt_rules(ima402: Trial, flat: Subject) -> None:
    dosing.dose(ima402, flat, "C1D1", "2026-03-02 14:00")
    dosing.missed_dose(ima402, flat, "C1D8", "2026-03-09")
    with ima402.acting_as("chidi") as chidi:
        third = Visit.objects.select_related("subject__protocol_version", "site").get(subject=flat, code="C1D15")
        schedule.miss_visit(actor=chidi, visit=third, why="In hospital elsewhere", skipped=False, at=NOON)
        doses = selectors.exposures(flat)[:4]
    assert [str(dose.planned) for dose in doses] == ["02-Mar-2026", "09-Mar-2026", "16-Mar-2026", "23-Mar-2026"]
    assert [dose.was_missed for dose in doses] == [False, True, True, False]
    assert [dose.reason for dose in doses] == [None, "related toxicity", None, None]
    assert [dose.given is not None for dose in doses] == [True, False, False, False]


def test_a_missed_visit_waits_for_the_reason_its_dose_was_missed(ima402: Trial, flat: Subject) -> None:
    dosing.dose(ima402, flat, "C1D1", "2026-03-02 14:00")
    with ima402.acting_as("chidi") as chidi:
        visit = Visit.objects.select_related("subject__protocol_version", "site").get(subject=flat, code="C1D8")
        schedule.miss_visit(actor=chidi, visit=visit, why="Fever", skipped=False, at=NOON)
    page = dosing.record(ima402, visit, "ima402")
    dosing.enter(ima402, page, was_given="N", modification="OMITTED", modification_reason="RELATED TOXICITY")
    with ima402.acting_as("chidi"):
        assert selectors.exposures(flat)[1].reason == "related toxicity"


def test_priming_doses_are_told_from_full_ones(ima402: Trial, stepped: Subject) -> None:
    dosing.dose(ima402, stepped, "C1D1", "2026-03-02 14:00", amount="0.1")
    with ima402.acting_as("chidi"):
        assert [dose.is_full for dose in selectors.exposures(stepped)[:4]] == [False, False, True, True]


def test_the_hours_around_a_dose_become_pages_when_its_end_is_known(ima402: Trial, flat: Subject) -> None:
    visit = dosing.started(ima402, flat, "C1D1", "2026-03-02")
    page = dosing.record(ima402, visit, "ima402")

    def points(form: str) -> list[str]:
        with ima402.acting_as("chidi"):
            found = FormRecord.objects.filter(visit=visit, form=form).order_by("repeat")
            return [each.time_point for each in found]

    dosing.enter(ima402, page, was_given="Y", dose="0.02", started="2026-03-02 14:00")
    assert points("icans_crs") == [""]
    dosing.enter(ima402, page, by="pia", ended="2026-03-02 15:00")
    assert points("icans_crs") == [
        "",
        "8 h after end of IMA402",
        "16 h after end of IMA402",
        "24 h after end of IMA402",
    ]
    assert points("vital_signs")[:3] == ["", "at end of IMA402", "1 h after end of IMA402"]
    dosing.enter(ima402, page, ended="2026-03-02 15:10")
    assert len(points("vital_signs")) == 10


def test_running_totals_count_a_delay_as_less_intensity(ima402: Trial, flat: Subject) -> None:
    dosing.dose(ima402, flat, "C1D1", "2026-03-02 14:00")
    dosing.dose(ima402, flat, "C1D8", "2026-03-16 14:00", modification="DELAYED", modification_reason="ADVERSE EVENT")
    with ima402.acting_as("chidi"):
        total = selectors.running_total(selectors.dose_rows([flat], product="IMA402")[flat.pk])
    assert total is not None
    assert (total.cumulative, total.relative) == (Decimal("0.04"), Decimal("66.7"))


def test_a_dose_above_the_plan_is_recorded_and_stands_as_a_deviation(ima402: Trial, flat: Subject) -> None:
    page = dosing.dose(ima402, flat, "C1D1", "2026-03-02 14:00", amount="0.2")
    assert deviations(ima402, flat)["above plan"] == "IMA402: 0.2 mg given on 02-Mar-2026 14:00, 0.02 mg planned."
    assert row(ima402, page).level_received == 3
    dosing.enter(ima402, page, because="Transcription error", dose="0.02")
    assert "above plan" not in deviations(ima402, flat)


def test_a_dose_without_signature_and_release_is_recorded_and_stands_as_a_deviation(
    ima402: Trial, flat: Subject
) -> None:
    dosing.dose(ima402, flat, "C1D1", "2026-03-02 14:00")
    assert set(deviations(ima402, flat)) == {"gate", "release"}


def test_a_dose_as_released_departs_from_nothing(ima402: Trial) -> None:
    subject = dosing.enrolled(ima402)
    dosing.dose(ima402, subject, "C1D1", "2026-03-02 14:00")
    dosing.dose(ima402, subject, "C1D8", "2026-03-09 14:00")
    assert deviations(ima402, subject) == {}
    with ima402.acting_as("chidi"):
        assert Slot.objects.get(subject=subject).dosed_at is not None


def test_a_second_subject_dosed_before_the_permitted_time_opens_a_deviation_and_its_correction_withdraws_it(
    ima402: Trial,
) -> None:
    first = dosing.enrolled(ima402)
    dosing.dose(ima402, first, "C1D1", "2026-03-02 14:00")
    second = dosing.enrolled(ima402, planned="2026-03-20", by="iris", signer="ines")
    page = dosing.dose(ima402, second, "C1D1", "2026-03-05 09:00", by="iris")
    with ima402.acting_as("iris"):
        found = Deviation.objects.get(subject=second, state=State.OPEN, key__endswith="early")
    assert found.term.startswith("First dose on 05-Mar-2026 09:00, before the earliest permitted time 09-Mar-2026")
    dosing.enter(
        ima402, page, by="iris", because="Source corrected", started="2026-03-20 09:00", ended="2026-03-20 10:00"
    )
    with ima402.acting_as("iris"):
        found.refresh_from_db()
        assert found.state == State.CORRECTED


def test_a_full_dose_without_its_priming_dose_and_doses_out_of_order_are_deviations(
    ima402: Trial, stepped: Subject
) -> None:
    dosing.dose(ima402, stepped, "C1D15", "2026-03-16 14:00", amount="1")
    assert "step" in deviations(ima402, stepped)
    dosing.dose(ima402, stepped, "C1D8", "2026-03-20 14:00", amount="0.33")
    found = deviations(ima402, stepped)
    assert "step" not in found
    assert "before that of an earlier visit" in found["order"]


def test_a_dose_outside_the_window_of_a_visit_that_was_in_it_is_a_deviation(ima402: Trial, flat: Subject) -> None:
    dosing.dose(ima402, flat, "C1D1", "2026-03-02 14:00")
    dosing.started(ima402, flat, "C1D8", "2026-03-10")
    dosing.dose(ima402, flat, "C1D8", "2026-03-12 14:00")
    assert (
        deviations(ima402, flat)["window"] == "IMA402: given on 12-Mar-2026 14:00, window 08-Mar-2026 to 10-Mar-2026."
    )


def test_a_pharmacist_records_doses_and_no_vital_signs(ima402: Trial, flat: Subject) -> None:
    visit = dosing.started(ima402, flat, "C1D1", "2026-03-02")
    dosing.enter(ima402, dosing.record(ima402, visit, "ima402"), by="pia", was_given="Y", dose="0.02", lot="L-17")
    with pytest.raises(NotAllowed):
        dosing.enter(ima402, dosing.record(ima402, visit, "vital_signs"), by="pia", taken="2026-03-02")


@pytest.mark.parametrize("outsider", ["noor", "mora", "dana", "sven", "stan"])
def test_no_sponsor_role_records_a_dose(ima402: Trial, flat: Subject, outsider: str) -> None:
    page = dosing.record(ima402, dosing.started(ima402, flat, "C1D1", "2026-03-02"), "ima402")
    with pytest.raises(NotAllowed):
        dosing.enter(ima402, page, by=outsider, was_given="Y")


def test_a_form_of_one_dose_a_visit_takes_no_second_one(ima402: Trial, flat: Subject) -> None:
    page = dosing.record(ima402, dosing.started(ima402, flat, "C1D1", "2026-03-02"), "ima402")
    with ima402.acting_as("chidi") as chidi, pytest.raises(services.OneDoseOnly, match="unscheduled"):
        services.add_dose(actor=chidi, record=page, at=NOON)


def test_treatment_that_is_over_holds_the_next_dose(ima402: Trial, flat: Subject) -> None:
    dosing.dose(ima402, flat, "C1D1", "2026-03-02 14:00")
    with ima402.acting_as("chidi"):
        assert selectors.next_dose_hold(flat, NOON) == ()
    page = dosing.record(ima402, dosing.started(ima402, flat, "EOT", "2026-03-10"), "end_of_treatment")
    dosing.complete(ima402, dosing.enter(ima402, page, happened="2026-03-10", reason="PHYSICIAN DECISION"))
    with ima402.acting_as("chidi"):
        flat.refresh_from_db()
        assert selectors.next_dose_hold(flat, NOON) == ("Study treatment is over: in follow-up.",)
        assert [str(dose.planned) for dose in selectors.exposures(flat)] == ["02-Mar-2026", "09-Mar-2026"]
