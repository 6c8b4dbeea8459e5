"""My work and the subjects list: what waits, in a constant number of queries."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.visits import schedule
from tests import scenarios
from tests.scenarios import Trial

pytestmark = pytest.mark.django_db
BACKEND = "apps.accounts.backends.EmailBackend"


def signed_in(trial: Trial, name: str) -> Client:
    client = Client()
    client.force_login(trial.people[name], backend=BACKEND)
    return client


def queries_for(trial: Trial, address: str, *, by: str = "chidi") -> int:
    client = signed_in(trial, by)
    with CaptureQueriesContext(
        connection,
    ) as ran:
        assert client.get(address).status_code == 200
    return len(ran)


def add_subjects(trial: Trial, number: int) -> None:
    for _ in range(number):
        subject = scenarios.subject(trial)
        with trial.acting_as("chidi"):
            schedule.plan_visits(subject=subject)


@pytest.mark.parametrize("address", ["/IMA402/subjects/", "/IMA402/"])
def test_a_longer_list_asks_the_database_no_more_often(ima402: Trial, address: str) -> None:
    add_subjects(ima402, 2)
    few = queries_for(ima402, address)
    add_subjects(ima402, 6)
    assert queries_for(ima402, address) == few


def test_the_subjects_list_is_its_address(ima402: Trial) -> None:
    add_subjects(ima402, 2)
    client = signed_in(ima402, "chidi")
    found = client.get("/IMA402/subjects/?find=002").content.decode()
    assert "101-002" in found
    assert "101-001" not in found
    assert "No subject matches" in client.get("/IMA402/subjects/?status=died").content.decode()


def test_everybody_gets_a_start_page_and_nobody_anothers_subjects(ima402: Trial) -> None:
    add_subjects(ima402, 1)
    for name in ima402.people:
        page = signed_in(ima402, name).get("/IMA402/")
        assert page.status_code == 200, name
    assert "101-001" not in signed_in(ima402, "iris").get("/IMA402/subjects/").content.decode()


def test_the_page_of_a_subject_shows_what_comes_next(ima402: Trial) -> None:
    add_subjects(ima402, 1)
    page = signed_in(ima402, "chidi").get("/IMA402/subjects/101-001/").content.decode()
    assert "Visits ahead" in page
    assert "Screening" in page
    assert signed_in(ima402, "iris").get("/IMA402/subjects/101-001/").status_code == 404
