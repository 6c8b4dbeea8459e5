"""The inbox of safety alerts in the browser."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.alerts.models import Alert
from apps.subjects.models import Subject
from tests import scenarios
from tests.scenarios import Trial
from tests.scenarios_alerts import Told, alerts_of, dlt, evaluate

BACKEND = "apps.accounts.backends.EmailBackend"


@pytest.fixture
def raised(ima402: Trial, subject: Subject, told: Told) -> Alert:
    told.toxicities[subject.pk] = [dlt(subject)]
    evaluate(ima402, subject)
    return next(alert for alert in alerts_of(ima402, subject) if alert.rule == "DLT_REPORTED")


def signed_in(trial: Trial, name: str) -> Client:
    client = Client()
    client.force_login(trial.people[name], backend=BACKEND)
    return client


def test_a_card_shows_rule_subject_facts_with_dates_and_the_rule_text(ima402: Trial, raised: Alert) -> None:
    page = signed_in(ima402, "mora").get("/IMA402/alerts/").content.decode()
    for words in (
        "Dose-limiting toxicity</a></h2>",
        "/IMA402/subjects/101-001/",
        "Colitis, grade 3, of subject 101-001",
        "02-Mar-2026",
        "Rule DLT_REPORTED, version 1",
        "an adverse event newly meets",
        "2 alerts",
    ):
        assert words in page, words


def test_acknowledging_takes_a_note_and_one_click(ima402: Trial, raised: Alert) -> None:
    mora = signed_in(ima402, "mora")
    refused = mora.post(f"/IMA402/alerts/{raised.pk}/acknowledge/", {"note": ""})
    assert (refused.status_code, b"Write a short note" in refused.content) == (422, True)
    done = mora.post(f"/IMA402/alerts/{raised.pk}/acknowledge/", {"note": "Spoke with Dr Amara."}, follow=True)
    page = done.content.decode()
    assert "Acknowledged by Dr Mora Lindqvist" in page
    assert "Spoke with Dr Amara." in page


def test_closing_needs_an_outcome_and_leaves_the_inbox(ima402: Trial, raised: Alert) -> None:
    mora = signed_in(ima402, "mora")
    assert mora.post(f"/IMA402/alerts/{raised.pk}/close/", {"outcome": "", "note": "x"}).status_code == 422
    mora.post(f"/IMA402/alerts/{raised.pk}/close/", {"outcome": "action_taken", "note": "Dose held."})
    assert "1 alert<" in mora.get("/IMA402/alerts/").content.decode()
    closed = mora.get("/IMA402/alerts/?shown=closed").content.decode()
    assert "Confirmed, action taken" in closed


@pytest.mark.parametrize(
    ("who", "inbox", "card", "acknowledging"),
    [
        ("mora", 200, 200, 302),
        ("agnes", 200, 200, 403),
        ("amara", 200, 200, 403),
        ("ines", 200, 404, 403),
        ("chidi", 403, 403, 403),
        ("sven", 403, 403, 403),
    ],
)
def test_who_may_open_and_acknowledge(
    ima402: Trial, raised: Alert, who: str, inbox: int, card: int, acknowledging: int
) -> None:
    client = signed_in(ima402, who)
    assert client.get("/IMA402/alerts/").status_code == inbox
    assert client.get(f"/IMA402/alerts/{raised.pk}/").status_code == card
    assert client.post(f"/IMA402/alerts/{raised.pk}/acknowledge/", {"note": "Seen"}).status_code == acknowledging


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 2),
        ("rule=DLT_REPORTED", 1),
        ("severity=3", 1),
        ("severity=2&subject=101-001", 1),
        ("site=202", 0),
        ("shown=acknowledged", 0),
        ("shown=nonsense&rule=NOPE&severity=abc", 2),
    ],
)
def test_filters_stand_in_the_address(ima402: Trial, raised: Alert, query: str, count: int) -> None:
    page = signed_in(ima402, "mora").get(f"/IMA402/alerts/?{query}").content.decode()
    assert page.count('<article class="alert-card') == count


def test_the_inbox_takes_the_same_queries_for_any_number_of_alerts(ima402: Trial, subject: Subject, told: Told) -> None:
    def queries() -> int:
        client = signed_in(ima402, "mora")
        with CaptureQueriesContext(connection) as counted:
            assert client.get("/IMA402/alerts/").status_code == 200
        return len(counted)

    told.toxicities[subject.pk] = [dlt(subject)]
    evaluate(ima402, subject)
    few = queries()
    for _ in range(4):
        other = scenarios.subject(ima402)
        told.toxicities[other.pk] = [dlt(other, event=f"AE-{number}") for number in range(1, 4)]
        evaluate(ima402, other)
    assert queries() == few
