"""The swimmer: treatment, responses and events of everybody treated, for whom, as picture, table and files."""

import csv
import doctest
import io
import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.dashboard import swimmer
from apps.safety.models import Judgement
from tests import scenarios, scenarios_dosing, scenarios_safety
from tests import scenarios_tumor as tumor
from tests.scenarios import Trial
from tests.scenarios_escalation import dlt, treated

pytestmark = pytest.mark.django_db


def client_of(trial: Trial, name: str) -> Client:
    client = Client()
    client.force_login(trial.people[name], backend="apps.accounts.backends.EmailBackend")
    return client


def read(client: Client, name: str = "swimmer", query: str = "") -> str:
    answer = client.get(reverse(name, kwargs={"study": "IMA402"}) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def rows(client: Client, query: str = "") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(read(client, "swimmer_table", query))))


def test_before_the_first_dose_the_page_says_what_will_be_here(ima402: Trial) -> None:
    subject = scenarios.subject(ima402)
    noor = client_of(ima402, "noor")
    page = read(noor)
    assert "No subject has started treatment. A lane appears with a subject&#x27;s first dose." in page
    assert f"Not treated: {subject.number}" in page
    assert "0 shown of 1" in page
    assert noor.get(reverse("swimmer_picture", kwargs={"study": "IMA402"})).status_code == 404


def test_a_lane_holds_treatment_response_dlt_and_serious_event(ima402: Trial) -> None:
    subject = treated(ima402)
    tumor.lesion(ima402, subject, identified="2026-03-05")
    tumor.assessment(ima402, subject, tumor.baseline_visit(ima402), "2026-03-05", {"T1": "50"})
    tumor.assessment(ima402, subject, tumor.scans(ima402, subject)[0], "2026-05-04", {"T1": "30"})
    dlt(ima402, subject)
    scenarios_safety.event(ima402, subject, term="Pneumonia", grade=3, onset="2026-03-25", is_serious="True")
    end = scenarios_dosing.record(
        ima402, scenarios_dosing.started(ima402, subject, "EOT", "2026-04-27"), "end_of_treatment"
    )
    scenarios_dosing.enter(ima402, end, happened="2026-04-27", reason="PROGRESSIVE DISEASE")
    scenarios_dosing.complete(ima402, end)
    (row,) = rows(client_of(ima402, "dana"))
    assert row == {
        "Subject": subject.number,
        "Site": "101",
        "Dose": "DL1, 0.02 mg",
        "Last day on treatment": "50",
        "On treatment": "",
        "Ended because": "Progressive disease",
        "Death, day": "",
        "Confirmed best response": "SD",
        "Responses by day": "PR (57)",
        "DLTs by day": "Febrile neutropenia grade 3 (10)",
        "Serious events by day": "Pneumonia grade 3 (17)",
        "Not shown because": "",
    }
    page = read(client_of(ima402, "noor"))
    assert "1 subject treated, 0 still on treatment; 1 with a response at one scan at least." in page
    assert "DLT Febrile neutropenia grade 3 on day 10, serious Pneumonia grade 3 on day 17</title>" in page


def test_a_dlt_that_the_sponsor_rejected_is_none(ima402: Trial) -> None:
    dlt(ima402, treated(ima402), judged=Judgement.REJECTED)
    (row,) = rows(client_of(ima402, "dana"))
    assert (row["DLTs by day"], row["On treatment"]) == ("", "yes")


def test_a_site_sees_its_own_lanes_in_every_form_and_the_filter_narrows_them(ima402: Trial) -> None:
    berlin, houston = treated(ima402).number, treated(ima402, by="iris").number
    for name in ("swimmer", "swimmer_picture"):
        assert houston not in read(client_of(ima402, "chidi"), name)
        assert berlin not in read(client_of(ima402, "iris"), name)
    dana = client_of(ima402, "dana")
    assert {row["Subject"] for row in rows(dana)} == {berlin, houston}
    assert [row["Subject"] for row in rows(dana, "?site=202")] == [houston]


def test_the_highest_dose_can_stand_on_top(ima402: Trial) -> None:
    low, high = treated(ima402).number, treated(ima402, level=2).number
    dana = client_of(ima402, "dana")
    assert [row["Subject"] for row in rows(dana)] == [low, high]
    assert [row["Subject"] for row in rows(dana, "?top=dose")] == [high, low]


def test_the_picture_as_a_file_stands_alone(ima402: Trial) -> None:
    treated(ima402)
    picture = read(client_of(ima402, "noor"), "swimmer_picture")
    assert picture.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert "<a " not in picture
    words = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", picture))
    assert "investigator, sites 101, 202; 1 shown of 1." in words


def test_the_page_asks_the_database_as_often_for_many_subjects_as_for_few(ima402: Trial) -> None:
    noor = client_of(ima402, "noor")
    counts = []
    for _ in range(2):
        dlt(ima402, treated(ima402, doses=1))
        read(noor)
        with CaptureQueriesContext(connection) as queries:
            read(noor)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_every_reason_to_stop_has_a_letter_of_its_own() -> None:
    assert doctest.testmod(swimmer).failed == 0
