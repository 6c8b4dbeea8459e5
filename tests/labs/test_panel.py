"""A lab panel from the typed result to its grade, and what makes a result be judged anew."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from apps.core.refusal import NotAllowed
from apps.labs import services
from apps.labs.models import Flag, GradeChange, Laboratory, RangeSource, RangeState, ReferenceRange
from apps.subjects.models import Subject
from apps.visits import facts
from apps.visits import services as visit_services
from apps.visits.models import FormRecord
from clinical.eligibility import Fact, Operator
from clinical.partial_date import PartialDate
from tests import scenarios, scenarios_labs
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db


@pytest.fixture
def woman(monkeypatch: pytest.MonkeyPatch) -> list[Fact]:
    """A 64-year-old woman, as the demographics page would state it; the list can be changed."""
    known = [
        Fact(name="sex", label="Sex", value="F"),
        Fact(name="age", label="Age", value=Decimal(64), on=PartialDate.parse("2026-03-01")),
    ]
    monkeypatch.setattr(facts, "_providers", facts._providers.copy())
    facts.provide(lambda subject: known)
    return known


@pytest.fixture
def subject(ima402: Trial) -> Subject:
    return scenarios.subject(ima402)


def test_a_result_is_graded_by_the_protocols_default_range_and_says_so(
    ima402: Trial, subject: Subject, woman: list[Fact]
) -> None:
    record = scenarios_labs.panel(ima402, subject, ALT="412")
    alt = scenarios_labs.result(ima402, record, "ALT")
    assert (alt.value, alt.high, alt.range_source) == (Decimal(412), Decimal(35), RangeSource.PROTOCOL)
    assert (alt.flag, alt.grade, alt.grade_version) == (Flag.HIGH, 3, "5.0")
    assert alt.times_uln == Decimal("11.7714")
    assert alt.clause is not None
    assert "5 × ULN" in alt.clause


def test_without_the_sex_no_range_of_one_sex_is_used(ima402: Trial, subject: Subject) -> None:
    record = scenarios_labs.panel(ima402, subject, ALT="412", K="3.2")
    assert scenarios_labs.result(ima402, record, "ALT").flag is None
    assert scenarios_labs.result(ima402, record, "K").flag == Flag.LOW


@pytest.mark.parametrize(
    ("test", "reported", "operator", "flag", "grade", "also"),
    [
        ("K", "3.2", "", "LOW", 2, [1]),
        ("K", "6,2", "", "HIGH", 3, []),
        ("BILI", "<0.5", "<", None, 0, []),
        ("BILI", "< 0.1", "<", "LOW", 0, []),
        ("SODIUM", ">160", ">", "HIGH", 4, []),
        ("SODIUM", ">156", ">", "HIGH", 3, [4]),
        ("LIPASE", "hemolyzed", None, None, None, []),
    ],
)
def test_what_was_reported_is_kept_and_read(
    ima402: Trial,
    subject: Subject,
    test: str,
    reported: str,
    operator: str | None,
    flag: str | None,
    grade: int | None,
    also: list[int],
) -> None:
    record = scenarios_labs.panel(ima402, subject)
    scenarios_labs.enter(ima402, record, {f"results/{test}/reported": reported})
    found = scenarios_labs.result(ima402, record, test)
    assert found.reported == reported
    assert (found.operator, found.flag, found.grade, found.also_grades) == (operator, flag, grade, also)


def test_a_comma_that_may_mean_thousands_is_asked_back(ima402: Trial, subject: Subject) -> None:
    with pytest.raises(visit_services.Incomplete) as asked:
        scenarios_labs.panel(ima402, subject, LDH="1,200")
    assert "1.200 or 1200" in asked.value.problems[0]


def test_nd_is_not_done_and_completes_the_row(ima402: Trial, subject: Subject) -> None:
    record = scenarios_labs.panel(ima402, subject, form="coagulation", INR="1.0", APTT="nd")
    aptt = scenarios_labs.result(ima402, record, "APTT")
    assert (aptt.reported, aptt.is_not_done, aptt.value) == ("NOT DONE", True, None)
    with ima402.acting_as("chidi") as chidi:
        visit_services.complete_record(actor=chidi, record=record, at=NOON)


def test_grades_after_the_first_dose_know_the_last_result_before_it(
    ima402: Trial, subject: Subject, woman: list[Fact]
) -> None:
    """CTCAE 5.0 grades ALT by multiples of an abnormal baseline: 300 U/L is 8.6 × ULN, and only 2.5 × baseline."""
    scenarios_labs.panel(ima402, subject, ALT="90", collected="2026-03-02")
    screening = scenarios_labs.panel(ima402, subject, ALT="120", collected="2026-03-03")
    later = scenarios_labs.panel(ima402, subject, visit="C1D2", collected="2026-03-12", ALT="300")
    assert scenarios_labs.result(ima402, later, "ALT").grade == 3
    scenarios_labs.first_dose(ima402, subject, "2026-03-11T10:00")
    graded = scenarios_labs.result(ima402, later, "ALT")
    assert graded.baseline == scenarios_labs.result(ima402, screening, "ALT")
    assert graded.grade == 1
    with ima402.acting_as("chidi"):
        change = GradeChange.objects.get()
        assert (change.old_grade, change.new_grade) == (3, 1)
        assert "first dose" in change.why


def test_a_corrected_baseline_changes_later_grades_and_keeps_the_old_one(
    ima402: Trial, subject: Subject, woman: list[Fact]
) -> None:
    screening = scenarios_labs.panel(ima402, subject, ALT="120")
    later = scenarios_labs.panel(ima402, subject, visit="C1D2", collected="2026-03-12", ALT="300")
    scenarios_labs.first_dose(ima402, subject, "2026-03-11T10:00")
    scenarios_labs.enter(ima402, screening, ALT="20")
    assert scenarios_labs.result(ima402, later, "ALT").grade == 3
    with ima402.acting_as("chidi"):
        assert GradeChange.objects.latest("pk").why == "The baseline result changed."
        assert not GradeChange.objects.filter(result__record=screening).exists()


def test_the_laboratorys_approved_range_comes_before_the_protocols(
    ima402: Trial, subject: Subject, woman: list[Fact]
) -> None:
    berlin = scenarios_labs.laboratory(ima402)
    record = scenarios_labs.panel(ima402, subject, ALT="120")
    assert scenarios_labs.result(ima402, record, "ALT").range_source == RangeSource.PROTOCOL
    proposed = scenarios_labs.proposed_range(ima402, berlin, "ALT", "10", "130")
    assert scenarios_labs.result(ima402, record, "ALT").flag == Flag.HIGH
    scenarios_labs.approve(ima402, proposed)
    alt = scenarios_labs.result(ima402, record, "ALT")
    assert (alt.range_source, alt.reference_range, alt.flag, alt.grade) == ("laboratory", proposed, Flag.NORMAL, 0)


def test_a_late_correction_of_a_range_judges_completed_pages_anew_and_keeps_old_and_new_grade(
    ima402: Trial, subject: Subject, woman: list[Fact]
) -> None:
    berlin = scenarios_labs.laboratory(ima402)
    wrong = scenarios_labs.approve(
        ima402, scenarios_labs.proposed_range(ima402, berlin, "APTT", "25", "100", unit="sec")
    )
    record = scenarios_labs.panel(ima402, subject, form="coagulation", INR="1.0", APTT="95")
    with ima402.acting_as("chidi") as chidi:
        visit_services.complete_record(actor=chidi, record=record, at=NOON)
    assert scenarios_labs.result(ima402, record, "APTT").grade == 0
    right = scenarios_labs.proposed_range(ima402, berlin, "APTT", "25", "36", unit="s", replaces=wrong)
    scenarios_labs.approve(ima402, right)
    assert scenarios_labs.result(ima402, record, "APTT").grade == 3
    with ima402.acting_as("noor"):
        change = GradeChange.objects.get()
        assert (change.old_grade, change.new_grade) == (0, 3)
        assert "corrected" in change.why
        wrong.refresh_from_db()
        assert wrong.state == RangeState.REPLACED


def test_limits_and_baseline_follow_the_unit_of_the_result(ima402: Trial, subject: Subject, woman: list[Fact]) -> None:
    record = scenarios_labs.panel(ima402, subject, CREAT="265.2", CREAT__unit="umol/L")
    creatinine = scenarios_labs.result(ima402, record, "CREAT")
    assert creatinine.high == Decimal("88.4")
    assert (creatinine.standard_value, creatinine.standard_unit) == (Decimal(3), "mg/dL")
    assert (creatinine.flag, creatinine.times_uln) == (Flag.HIGH, Decimal(3))


@pytest.mark.parametrize(
    ("sex", "ages", "effective_from", "effective_to", "overlaps"),
    [
        (None, (None, None), date(2026, 6, 1), None, True),
        ("F", (None, None), date(2025, 1, 1), date(2025, 12, 31), False),
        ("F", (18, None), date(2025, 12, 1), date(2026, 1, 1), True),
        ("M", (None, None), date(2026, 1, 1), None, False),
        ("F", (None, 17), date(2026, 1, 1), None, False),
    ],
)
def test_no_two_approved_ranges_hold_for_one_sample(
    ima402: Trial,
    sex: str | None,
    ages: tuple[int | None, int | None],
    effective_from: date,
    effective_to: date | None,
    overlaps: bool,
) -> None:
    berlin = scenarios_labs.laboratory(ima402)
    first = scenarios_labs.proposed_range(ima402, berlin, "ALT", "10", "35", sex="F", ages=(18, None))
    scenarios_labs.approve(ima402, first)
    second = scenarios_labs.proposed_range(
        ima402,
        berlin,
        "ALT",
        "10",
        "40",
        sex=sex,
        ages=ages,
        effective_from=effective_from,
        effective_to=effective_to,
    )
    if overlaps:
        with pytest.raises(services.RangesOverlap, match="End that range first"):
            scenarios_labs.approve(ima402, second)
    else:
        assert scenarios_labs.approve(ima402, second).state == RangeState.APPROVED


def test_the_database_itself_refuses_what_the_service_would(ima402: Trial) -> None:
    berlin = scenarios_labs.laboratory(ima402)
    approved = scenarios_labs.approve(ima402, scenarios_labs.proposed_range(ima402, berlin, "ALT", "10", "35"))
    other = scenarios_labs.proposed_range(ima402, berlin, "ALT", "10", "40")
    with ima402.acting_as("dana"):
        with pytest.raises(DatabaseError, match="two approved ranges"), transaction.atomic():
            ReferenceRange.objects.filter(pk=other.pk).update(state="approved")
        with pytest.raises(DatabaseError, match="corrected by another one"), transaction.atomic():
            ReferenceRange.objects.filter(pk=approved.pk).update(high=60)


def test_an_ended_range_makes_room_for_the_next(ima402: Trial, subject: Subject) -> None:
    berlin = scenarios_labs.laboratory(ima402)
    old = scenarios_labs.approve(
        ima402, scenarios_labs.proposed_range(ima402, berlin, "K", "3.5", "5.1", unit="mmol/L")
    )
    record = scenarios_labs.panel(ima402, subject, K="5.3", collected="2026-03-02")
    with ima402.acting_as("dana") as dana:
        services.end_range(actor=dana, ending=old, last_day=date(2026, 3, 1), at=NOON)
    new = scenarios_labs.proposed_range(
        ima402, berlin, "K", "3.5", "5.5", unit="mmol/L", effective_from=date(2026, 3, 2)
    )
    scenarios_labs.approve(ima402, new)
    assert scenarios_labs.result(ima402, record, "K").flag == Flag.NORMAL


def test_who_proposes_does_not_approve_and_sites_do_not_approve_at_all(ima402: Trial) -> None:
    berlin = scenarios_labs.laboratory(ima402)
    proposed = scenarios_labs.proposed_range(ima402, berlin, "ALT", "10", "35")
    with pytest.raises(NotAllowed):
        scenarios_labs.approve(ima402, proposed, by="amara")
    with pytest.raises(NotAllowed):
        scenarios_labs.proposed_range(ima402, berlin, "ALT", "10", "35", by="dana")


def test_an_age_known_for_another_day_takes_only_a_range_that_surely_holds(
    ima402: Trial, subject: Subject, woman: list[Fact]
) -> None:
    """64 on the first of March is 64 or 65 in June, so a range that begins at 65 is not used."""
    berlin = scenarios_labs.laboratory(ima402)
    scenarios_labs.approve(ima402, scenarios_labs.proposed_range(ima402, berlin, "LDH", None, "300", ages=(65, None)))
    scenarios_labs.approve(ima402, scenarios_labs.proposed_range(ima402, berlin, "ALP", "30", "200", ages=(18, 65)))
    record = scenarios_labs.panel(ima402, subject, visit="SCR", collected="2026-06-01", LDH="260", ALP="150")
    assert scenarios_labs.result(ima402, record, "LDH").range_source == RangeSource.PROTOCOL
    assert scenarios_labs.result(ima402, record, "ALP").range_source == RangeSource.LABORATORY


def findings_of(trial: Trial, record: FormRecord) -> dict[str, str]:
    from apps.visits import checks

    with trial.acting_as("chidi"):
        record.refresh_from_db()
        return {each.check: each.sentence for each in checks.of_record(record) if each.weight == "confirm"}


def test_an_implausible_result_is_asked_about_in_whatever_unit_it_came(ima402: Trial, subject: Subject) -> None:
    record = scenarios_labs.panel(ima402, subject, form="hematology", HGB="40", HGB__unit="g/L")
    assert "below the expected 5–20 g/dL" in findings_of(ima402, record)["LB-HGB"]
    scenarios_labs.enter(ima402, record, HGB="140")
    assert "LB-HGB" not in findings_of(ima402, record)


def test_results_are_facts_of_eligibility(ima402: Trial, subject: Subject) -> None:
    scenarios_labs.panel(ima402, subject, collected="2026-03-02", CREATCLR="<55", BILI="0.8")
    with ima402.acting_as("chidi"):
        known = {each.name: each for each in facts.known_facts(subject)}
    clearance = known["lab.CREATCLR"]
    assert (clearance.value, clearance.operator, clearance.unit) == (Decimal(55), Operator.BELOW, "mL/min")
    assert known["creatinine_clearance"].value == Decimal(55)
    assert (known["lab.BILI"].upper_limit, str(known["lab.BILI"].on)) == (Decimal("1.2"), "02-Mar-2026")


def sign_in(client: Client, trial: Trial, name: str) -> None:
    client.force_login(trial.people[name], backend="apps.accounts.backends.EmailBackend")


def test_the_grid_shows_range_grade_baseline_and_offers_the_event(
    ima402: Trial, subject: Subject, woman: list[Fact], client: Client
) -> None:
    scenarios_labs.panel(ima402, subject, ALT="20", collected="2026-03-02")
    record = scenarios_labs.panel(ima402, subject, visit="C1D2", collected="2026-03-12")
    scenarios_labs.first_dose(ima402, subject, "2026-03-11T10:00")
    sign_in(client, ima402, "chidi")
    address = reverse("record_value", kwargs={"study": "IMA402", "record": record.pk})
    answer = client.post(address, {"path": "results/ALT/reported", "value": "412", "seen": "0"}).content.decode()
    assert 'data-cell="ALT grade"' in answer
    assert "grade-3" in answer
    page = client.get(reverse("record", kwargs={"study": "IMA402", "record": record.pk})).content.decode()
    assert "the protocol&#x27;s default range" in page
    assert '20 U/L <span class="unit">02-Mar-2026</span>' in page
    question = "Alanine aminotransferase 412 U/L is grade 3. Say whether it is clinically significant."
    assert page.partition('<div id="derived">')[0].count(question) == 1, "asked once, where it is answered"
    before, _, after = page.partition(question)
    assert before.rindex('data-cell="ALT question"') > before.rindex('data-cell="ALT previous"')
    assert 'data-cell="AST range"' in after
    assert "term=Alanine+aminotransferase+increased&amp;grade=3&amp;onset=2026-03-12" in page


def test_another_sites_laboratories_panels_and_ranges_do_not_exist(
    ima402: Trial, subject: Subject, client: Client
) -> None:
    berlin = scenarios_labs.laboratory(ima402)
    proposed = scenarios_labs.proposed_range(ima402, berlin, "ALT", "10", "35")
    record = scenarios_labs.panel(ima402, subject, ALT="20")
    sign_in(client, ima402, "iris")
    assert client.get(reverse("record", kwargs={"study": "IMA402", "record": record.pk})).status_code == 404
    address = reverse("laboratories", kwargs={"study": "IMA402"})
    assert "Labor Berlin" not in client.get(address).content.decode()
    answer = client.post(address, {"act": "approve", "range": proposed.pk})
    assert answer.status_code == 404


def test_ranges_are_proposed_and_approved_on_one_page(ima402: Trial, client: Client) -> None:
    address = reverse("laboratories", kwargs={"study": "IMA402"})
    sign_in(client, ima402, "chidi")
    site = ima402.sites["101"].pk
    assert client.post(address, {"act": "register", "name": "Labor Berlin", "site": site}).status_code == 302
    again = client.post(address, {"act": "register", "name": "labor berlin", "site": site})
    assert again.status_code == 422
    assert "already has a laboratory" in again.content.decode()
    with ima402.acting_as("chidi"):
        laboratory = Laboratory.objects.get()
    typed = {"act": "propose", "laboratory": laboratory.pk, "analyte": "ALT", "unit": "U/L", "low": "10", "high": "5"}
    refused = client.post(address, typed)
    assert refused.status_code == 422
    assert "Holds from" in refused.content.decode()
    ambiguous = client.post(address, typed | {"effective_from": "3/4/26"})
    assert "Type the month in letters" in ambiguous.content.decode()
    typed |= {"effective_from": "1jan26"}
    assert "is not above the lower limit" in client.post(address, typed).content.decode()
    assert client.post(address, typed | {"high": "45"}).status_code == 302
    sign_in(client, ima402, "dana")
    with ima402.acting_as("dana"):
        proposed = ReferenceRange.objects.get()
    assert (proposed.effective_from, proposed.effective_to) == (date(2026, 1, 1), None)
    assert client.post(address, {"act": "approve", "range": proposed.pk}).status_code == 302
    assert "Approved" in client.get(address + "?state=approved").content.decode()


def test_the_grid_asks_the_database_as_often_for_many_results_as_for_few(
    ima402: Trial, subject: Subject, client: Client
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    small = scenarios_labs.panel(ima402, subject, form="coagulation", INR="1.0", APTT="30")
    large = scenarios_labs.panel(ima402, subject, form="chemistry", ALT="20", AST="20", K="4", SODIUM="140", CA="9")
    sign_in(client, ima402, "chidi")
    counts = []
    for record in (small, large):
        address = reverse("record", kwargs={"study": "IMA402", "record": record.pk})
        client.get(address)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(address)
        counts.append(len(queries))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("code", ["IMA402", "IMA203"])
def test_every_panel_of_both_trials_opens_with_its_analytes(db: None, code: str) -> None:
    trial = scenarios.trial(code)
    subject = scenarios.subject(trial)
    definition = trial.version.definition
    first = next(visit for visit in definition.visits if "chemistry" in visit.forms)
    record = scenarios_labs.panel(trial, subject, visit=first.code, ALT="20", K="4,0")
    with trial.acting_as("chidi"):
        assert record.labresult_lines.count() == len(definition.panel("chemistry").analytes)
    assert scenarios_labs.result(trial, record, "K").grade == 0
