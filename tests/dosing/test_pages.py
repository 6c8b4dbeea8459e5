"""The dosing pages in the browser: by whom they are seen, what they say, what they cost."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.subjects.models import Subject
from tests import scenarios_dosing as dosing
from tests.scenarios import Trial

pytestmark = pytest.mark.django_db


@pytest.fixture
def subject(ima402: Trial) -> Subject:
    return dosing.assigned(ima402, level=5)


def signed_in(trial: Trial, name: str) -> Client:
    client = Client()
    client.force_login(trial.people[name], backend="apps.accounts.backends.EmailBackend")
    return client


def dosing_page(subject: Subject) -> str:
    return reverse("subject_dosing", kwargs={"study": "IMA402", "number": subject.number})


def test_planned_and_given_doses_stand_side_by_side(ima402: Trial, subject: Subject) -> None:
    dosing.dose(ima402, subject, "C1D1", "2026-03-02 14:00", amount="0.1")
    dosing.missed_dose(ima402, subject, "C1D8", "2026-03-09")
    page = signed_in(ima402, "chidi").get(dosing_page(subject)).content.decode()
    for words in (
        "Priming dose",
        "0.33 mg",
        "not given",
        "Toxicity related to study treatment",
        "02-Mar-2026</span> 14:00",
    ):
        assert words in page


@pytest.mark.parametrize(
    ("name", "status"), [("chidi", 200), ("pia", 200), ("noor", 200), ("iris", 404), ("ines", 404), ("bea", 403)]
)
def test_the_doses_of_a_subject_are_seen_by_its_site_and_by_study_wide_readers(
    ima402: Trial, subject: Subject, name: str, status: int
) -> None:
    assert signed_in(ima402, name).get(dosing_page(subject)).status_code == status


def test_another_site_finds_neither_the_dose_page_nor_a_way_to_add_one(ima402: Trial, subject: Subject) -> None:
    page = dosing.record(ima402, dosing.started(ima402, subject, "C1D1", "2026-03-02"), "ima402")
    iris = signed_in(ima402, "iris")
    for name in ("record", "dose_add"):
        address = reverse(name, kwargs={"study": "IMA402", "record": page.pk})
        assert iris.post(address, {"act": "save"}).status_code == 404


def test_the_page_of_a_dose_shows_its_plan_with_the_source(ima402: Trial, subject: Subject) -> None:
    page = dosing.record(ima402, dosing.started(ima402, subject, "C1D1", "2026-03-02"), "ima402")
    address = reverse("record", kwargs={"study": "IMA402", "record": page.pk})
    shown = signed_in(ima402, "pia").get(address).content.decode()
    assert "0.1 mg, priming dose" in shown
    assert "DL5, 1 mg with step dosing" in shown
    assert "4 h after end of IMA402" in shown


def test_after_a_dose_the_pharmacist_comes_to_the_next_page_of_doses_and_to_no_other(
    ima402: Trial, subject: Subject
) -> None:
    visit = dosing.started(ima402, subject, "C1D1", "2026-03-02")
    pages = {form: dosing.record(ima402, visit, form) for form in ("dexamethasone", "ima402", "vital_signs")}
    answers = {}
    for name in ("pia", "chidi"):
        address = reverse("record", kwargs={"study": "IMA402", "record": pages["ima402"].pk})
        answer = signed_in(ima402, name).post(address, {"act": "not_done", "why": "Not given"})
        answers[name] = answer.headers["Location"]
    assert answers["pia"] == reverse("record", kwargs={"study": "IMA402", "record": pages["dexamethasone"].pk})
    assert answers["chidi"] != answers["pia"]


def test_a_saved_dose_renews_the_totals_beside_it(ima402: Trial, subject: Subject) -> None:
    page = dosing.record(ima402, dosing.started(ima402, subject, "C1D1", "2026-03-02"), "ima402")
    address = reverse("record_value", kwargs={"study": "IMA402", "record": page.pk})
    pia = signed_in(ima402, "pia")
    for path, value in (("was_given", "Y"), ("dose", "0.1"), ("started", "2mar26 14:00")):
        answer = pia.post(address, {"path": path, "value": value, "seen": "0"})
        assert answer.status_code == 200
    assert "100.0 %" in answer.content.decode()


@pytest.mark.parametrize("form", ["cell_product", "ima203"])
def test_cell_pages_open(ima203: Trial, form: str) -> None:
    subject = dosing.assigned(ima203, level=4)
    visit = dosing.started(ima203, subject, "APH" if form == "cell_product" else "INF", "2026-03-02")
    page = dosing.record(ima203, visit, form)
    address = reverse("record", kwargs={"study": "IMA203", "record": page.pk})
    assert signed_in(ima203, "chidi").get(address).status_code == 200


def test_more_doses_cost_no_more_queries(ima402: Trial, subject: Subject) -> None:
    chidi = signed_in(ima402, "chidi")

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert chidi.get(dosing_page(subject)).status_code == 200
        return len(captured)

    dosing.dose(ima402, subject, "C1D1", "2026-03-02 14:00", amount="0.1")
    few = queries()
    for visit, day, amount in (("C1D8", "09", "0.33"), ("C1D15", "16", "1"), ("C1D22", "23", "1")):
        dosing.dose(ima402, subject, visit, f"2026-03-{day} 14:00", amount=amount)
    assert queries() == few


def test_a_dose_is_shown_in_print_with_its_unit(ima402: Trial, subject: Subject) -> None:
    record = dosing.dose(ima402, subject, "C1D1", "2026-03-02T10:00", amount="0.1")
    page = signed_in(ima402, "chidi").get(reverse("record", kwargs={"study": "IMA402", "record": record.pk}))
    shown = page.content.decode()
    assert '<option value="INTRAVENOUS" selected>Intravenous</option>' in shown
    assert '<span class="unit">mL</span>' in shown
