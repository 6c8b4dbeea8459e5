"""Performance status, ECG, CRS and ICANS observation, medicines, survival: what the pages ask and derive."""

from decimal import Decimal

import pytest

from apps.assessments import eligibility_facts
from apps.assessments.models import ToxicityObservation
from apps.core.refusal import NotAllowed
from apps.subjects.models import Subject
from apps.visits import facts, services
from apps.visits.models import FormRecord
from tests import scenarios_dosing as dosing
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db

QUIET = {
    "temperature": "36.8",
    "hypotension": "N",
    "vasopressors": "0",
    "vasopressin": "N",
    "oxygen": "NONE",
    "ice_orientation": "4",
    "ice_naming": "3",
    "ice_commands": "1",
    "ice_writing": "1",
    "ice_attention": "1",
    "consciousness": "AWAKE",
    "seizure": "NONE",
    "motor": "NONE",
    "edema": "NONE",
}


@pytest.fixture
def subject(ima402: Trial) -> Subject:
    return dosing.assigned(ima402, level=1)


def observation(trial: Trial, record: FormRecord) -> ToxicityObservation:
    with trial.acting_as("chidi"):
        return ToxicityObservation.objects.get(record=record)


def test_ecog_is_asked_in_the_words_of_its_scale_and_only_0_to_5_can_be_stored(ima402: Trial, subject: Subject) -> None:
    visit = dosing.started(ima402, subject, "SCR", "2026-02-20")
    page = dosing.record(ima402, visit, "performance_status")
    with pytest.raises(services.Incomplete):
        dosing.enter(ima402, page, ecog="6")
    dosing.enter(ima402, page, assessed="2026-02-20", ecog="1")
    dosing.complete(ima402, page)
    with ima402.acting_as("chidi"):
        (fact,) = [each for each in facts.known_facts(subject) if each.name == "ecog"]
    assert (fact.value, str(fact.on)) == (Decimal(1), "20-Feb-2026")


def test_what_procedures_found_reaches_the_eligibility_checks_with_its_day(ima402: Trial, subject: Subject) -> None:
    visit = dosing.started(ima402, subject, "SCR", "2026-02-20")
    vitals = dosing.record(ima402, visit, "vital_signs")
    dosing.enter(ima402, vitals, taken="20feb26 09:00", results__WEIGHT__value="157", results__WEIGHT__unit="LB")
    dosing.enter(ima402, vitals, results__OXYSAT__value="97")
    ecg = dosing.record(ima402, visit, "ecg")
    dosing.enter(ima402, ecg, taken="20feb26 09:30", results__QTCFAG__value="431", extra__lvef="61")
    with ima402.acting_as("chidi"):
        known = {each.name: each for each in eligibility_facts.facts(subject)}
    assert known["weight"].value == Decimal(157) * Decimal("0.45359237")
    assert known["weight"].unit == "kg"
    assert (known["oxygen_saturation"].value, known["oxygen_saturation"].unit) == (Decimal(97), "%")
    assert (known["qtcf"].value, known["qtcf"].unit) == (Decimal(431), "msec")
    assert (known["lvef"].value, known["lvef"].unit) == (Decimal(61), "%")
    assert {str(each.on)[:11] for each in known.values()} == {"20-Feb-2026"}


def test_an_abnormal_ecg_says_what_is_abnormal(ima402: Trial, subject: Subject) -> None:
    page = dosing.record(ima402, dosing.started(ima402, subject, "SCR", "2026-02-20"), "ecg")
    dosing.enter(ima402, page, taken="20feb26", interpretation="ABNORMAL, CLINICALLY SIGNIFICANT")
    dosing.enter(ima402, page, results__QTCFAG__value="502", results__EGHRMN__value="80")
    with ima402.acting_as("chidi") as chidi, pytest.raises(services.Incomplete) as missing:
        services.complete_record(actor=chidi, record=page, at=NOON)
    assert [finding.path for finding in missing.value.findings] == ["finding"]


def test_a_fever_once_treated_needs_no_fever_afterwards(ima402: Trial, subject: Subject) -> None:
    visit = dosing.started(ima402, subject, "C1D1", "2026-03-02")
    first = dosing.record(ima402, visit, "icans_crs")
    second = dosing.record(ima402, dosing.started(ima402, subject, "C1D2", "2026-03-02"), "icans_crs")
    treated = QUIET | {"fever_treated": "Y", "hypotension": "Y"}
    dosing.enter(ima402, second, observed="2026-03-02 11:00", **treated)
    alone = observation(ima402, second)
    assert alone.crs_grade is None
    dosing.enter(ima402, first, observed="2026-03-02 09:00", **(QUIET | {"temperature": "38.6"}))
    dosing.enter(ima402, first, fever_treated="Y")
    assert observation(ima402, first).crs_grade == 1
    later = observation(ima402, second)
    assert (later.crs_grade, later.crs_reason) == (2, "CRS grade 2: hypotension without vasopressor.")


def test_a_quiet_observation_has_neither_crs_nor_icans(ima402: Trial, subject: Subject) -> None:
    page = dosing.record(ima402, dosing.started(ima402, subject, "C1D2", "2026-03-02"), "icans_crs")
    dosing.enter(ima402, page, observed="2026-03-02 09:00", **QUIET)
    row = observation(ima402, page)
    assert (row.crs_grade, row.icans_grade, row.ice_score) == (0, 0, 10)


def test_a_subject_awake_with_ice_0_has_icans_grade_3(ima402: Trial, subject: Subject) -> None:
    page = dosing.record(ima402, dosing.started(ima402, subject, "C1D2", "2026-03-02"), "icans_crs")
    no_points = {name: "0" for name in QUIET if name.startswith("ice_")}
    dosing.enter(ima402, page, observed="2026-03-02 09:00", **(QUIET | no_points))
    assert observation(ima402, page).icans_grade == 3


def test_a_temperature_in_fahrenheit_cannot_be_stored_as_celsius(ima402: Trial, subject: Subject) -> None:
    page = dosing.record(ima402, dosing.started(ima402, subject, "C1D2", "2026-03-02"), "icans_crs")
    with pytest.raises(services.Incomplete, match="not complete"):
        dosing.enter(ima402, page, temperature="99.5")


@pytest.mark.parametrize(
    ("texts", "path"),
    [
        ({"ended": "2026-02-28"}, "ended"),
        ({"ended": "2026-03-02", "is_ongoing": "Y"}, "is_ongoing"),
        ({"is_ongoing": "Y", "dose": "500", "unit": ""}, "unit"),
        ({"is_ongoing": "Y", "given_for": "ADVERSE EVENT"}, "linked_entry"),
        ({"is_ongoing": "Y", "given_for": "ADVERSE EVENT", "linked_entry": "7"}, "linked_entry"),
        ({}, "ended"),
    ],
)
def test_a_medicine_has_one_period_one_dose_and_a_link_that_leads_somewhere(
    ima402: Trial, subject: Subject, texts: dict[str, str], path: str
) -> None:
    page = dosing.log_entry(ima402, subject, "concomitant_medication")
    dosing.enter(ima402, page, name="Paracetamol", indication="Fever", started="2026-03-01", **texts)
    with ima402.acting_as("chidi") as chidi, pytest.raises(services.Incomplete) as found:
        services.complete_record(actor=chidi, record=page, at=NOON)
    assert [finding.path for finding in found.value.findings] == [path]


def test_a_partial_date_is_no_contradiction(ima402: Trial, subject: Subject) -> None:
    page = dosing.log_entry(ima402, subject, "concomitant_medication")
    dosing.enter(ima402, page, name="Aspirin", indication="Pain", started="2026-03-01", ended="mar 2026")
    dosing.complete(ima402, page)


@pytest.mark.parametrize("outsider", ["pia", "noor", "sven"])
def test_only_who_enters_data_records_procedures(ima402: Trial, subject: Subject, outsider: str) -> None:
    page = dosing.record(ima402, dosing.started(ima402, subject, "SCR", "2026-02-20"), "performance_status")
    with pytest.raises(NotAllowed):
        dosing.enter(ima402, page, by=outsider, ecog="1")
