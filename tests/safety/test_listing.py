"""The adverse-event listing across sites: scope, filters, totals, sorting, review, queries, CSV, and its cost."""

import csv
import io

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.review.models import Query
from apps.safety import listing
from apps.safety.models import AdverseEvent
from apps.subjects.models import Subject
from apps.visits.models import FormRecord
from tests import scenarios, scenarios_safety
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db


@pytest.fixture
def berlin(ima402: Trial) -> Subject:
    return scenarios.subject(ima402, by="chidi")


@pytest.fixture
def houston(ima402: Trial) -> Subject:
    return scenarios.subject(ima402, by="iris")


@pytest.fixture
def events(ima402: Trial, berlin: Subject, houston: Subject) -> dict[str, FormRecord]:
    """Four events of two sites."""
    made = {
        "rash": scenarios_safety.event(ima402, berlin, term="Pruritus", grade=1, onset="2026-02-01", related=False),
        "fatigue": scenarios_safety.event(ima402, berlin, term="Fatigue", grade=3, onset="2026-02"),
        "sepsis": scenarios_safety.event(ima402, houston, term="Sepsis", grade=4, onset="2026-02-20", by="iris"),
        "nausea": scenarios_safety.event(ima402, houston, term="Nausea", grade=2, onset="2026-01-15", by="iris"),
    }
    scenarios_safety.save(
        ima402, made["sepsis"], by="iris", is_serious="True", site_aware_at="2026-02-20 09:00", needs_hospital="True"
    )
    scenarios_safety.save(
        ima402, made["nausea"], by="iris", is_ongoing="False", ended="2026-01-20", outcome="RECOVERED/RESOLVED"
    )
    return made


def client_of(trial: Trial, name: str) -> Client:
    client = Client()
    client.force_login(trial.people[name], backend="apps.accounts.backends.EmailBackend")
    return client


def shown(trial: Trial, by: str, **asked: str) -> list[str]:
    """The terms of the listing in order, and the totals held against the rows."""
    with trial.acting_as(by) as actor:
        found = listing.page(actor=actor, filters=listing.Filters.read(asked), number=1, at=NOON)
        terms = [row.event.ctcae_term or "" for row in found.rows]
        heads = [row.event for row in found.rows]
        assert found.total == len(terms)
        assert found.serious == sum(bool(head.is_serious) for head in heads)
        assert found.grade_3_up == sum((head.maximum_grade or 0) >= 3 for head in heads)
        assert found.ongoing == sum(head.ended is None and head.is_ongoing is not False for head in heads)
        assert found.subjects == len({head.record.subject_id for head in heads})
        rows = list(csv.reader(io.StringIO(_csv_text(trial, actor, found.filters))))
        assert [row[6] for row in rows[1:]] == terms
    return terms


def _csv_text(trial: Trial, actor: object, filters: listing.Filters) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(listing.csv_rows(actor=actor, filters=filters, at=NOON))  # type: ignore[arg-type]  # an Actor
    return out.getvalue()


@pytest.mark.parametrize(
    ("asked", "terms"),
    [
        ({}, ["Sepsis", "Pruritus", "Fatigue", "Nausea"]),
        ({"sort": "onset"}, ["Nausea", "Pruritus", "Fatigue", "Sepsis"]),
        ({"sort": "-grade"}, ["Sepsis", "Fatigue", "Nausea", "Pruritus"]),
        ({"sort": "term"}, ["Fatigue", "Nausea", "Pruritus", "Sepsis"]),
        ({"sort": "nonsense; drop table"}, ["Sepsis", "Fatigue", "Pruritus", "Nausea"]),
        ({"site": "101"}, ["Pruritus", "Fatigue"]),
        ({"grade": "3"}, ["Sepsis", "Fatigue"]),
        ({"grade": "9"}, ["Sepsis", "Pruritus", "Fatigue", "Nausea"]),
        ({"serious": "yes"}, ["Sepsis"]),
        ({"serious": "unknown"}, []),
        ({"related": "no"}, ["Pruritus"]),
        ({"ongoing": "no"}, ["Nausea"]),
        ({"ongoing": "yes", "grade": "2"}, ["Sepsis", "Fatigue"]),
        ({"term": "sEps"}, ["Sepsis"]),
        ({"term": "%"}, []),
        ({"cohort": "IA-DL9"}, []),
        ({"dlt": "open"}, []),
    ],
)
def test_filters_and_order_come_from_the_address_and_totals_agree_with_the_rows(
    ima402: Trial, events: dict[str, FormRecord], asked: dict[str, str], terms: list[str]
) -> None:
    found = shown(ima402, "noor", **asked)
    assert (found if "sort" in asked else sorted(found)) == (terms if "sort" in asked else sorted(terms))


@pytest.mark.parametrize(
    ("who", "terms"), [("chidi", {"Pruritus", "Fatigue"}), ("iris", {"Sepsis", "Nausea"}), ("noor", None)]
)
def test_a_site_sees_its_own_rows_only_on_screen_and_in_the_file(
    ima402: Trial, events: dict[str, FormRecord], who: str, terms: set[str] | None
) -> None:
    assert set(shown(ima402, who)) == (terms or {"Pruritus", "Fatigue", "Sepsis", "Nausea"})


def test_the_page_carries_its_filters_into_sorting_paging_and_download(
    ima402: Trial, events: dict[str, FormRecord]
) -> None:
    page = client_of(ima402, "noor").get(reverse("adverse_events", kwargs={"study": "IMA402"}), {"grade": "3"})
    text = page.content.decode()
    assert page.status_code == 200
    assert "/IMA402/adverse-events.csv?grade=3" in text
    assert "1–2 of 2 events" in text
    assert "Pruritus" not in text
    assert "?grade=3&amp;sort=term" in text


def test_the_download_is_noted_and_no_cell_is_taken_for_a_formula(ima402: Trial, berlin: Subject) -> None:
    scenarios_safety.event(ima402, berlin, term="=cmd|' /C calc'!A0", grade=None, ctcae_term="Fatigue")
    client = client_of(ima402, "noor")
    answer = client.get(reverse("adverse_events_csv", kwargs={"study": "IMA402"}))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    heading, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert heading[:3] == ["Site", "Subject", "Cohort"]
    assert row[5] == "'=cmd|' /C calc'!A0"
    with ima402.acting_as("agnes"), connection.cursor() as cursor:
        cursor.execute("select count(*) from audit_auditevent where changed::text like '%adverse-events.csv%'")
        assert cursor.fetchone()[0] >= 1


def test_rows_are_new_then_reviewed_then_changed_for_the_reviewers_own_track(
    ima402: Trial, events: dict[str, FormRecord]
) -> None:
    client = client_of(ima402, "noor")
    keys = [str(events[name].pk) for name in ("rash", "fatigue")]
    answer = client.post(
        reverse("adverse_events_reviewed", kwargs={"study": "IMA402"}),
        {"record": keys, "back": "/IMA402/adverse-events/?grade=3"},
    )
    assert (answer.status_code, answer["Location"]) == (302, "/IMA402/adverse-events/?grade=3")
    scenarios_safety.save(ima402, events["fatigue"], outcome="UNKNOWN")
    assert sorted(shown(ima402, "noor", review="new")) == ["Nausea", "Sepsis"]
    assert shown(ima402, "noor", review="changed") == ["Fatigue"]
    assert shown(ima402, "noor", review="reviewed") == ["Pruritus"]
    assert len(shown(ima402, "mora", review="new")) == 4


def test_a_question_is_asked_about_a_cell_and_the_listing_comes_back(
    ima402: Trial, events: dict[str, FormRecord]
) -> None:
    client = client_of(ima402, "noor")
    address = reverse("adverse_event_query", kwargs={"study": "IMA402", "record": events["sepsis"].pk})
    form = client.get(address, {"path": "onset", "back": "/IMA402/adverse-events/?serious=yes"})
    assert 'value="onset" selected' in form.content.decode()
    refused = client.post(address, {"path": "onset", "text": " "})
    assert refused.status_code == 422
    sent = client.post(
        address, {"path": "onset", "text": "Which hour?", "back": "https://elsewhere.example/IMA402/adverse-events/"}
    )
    assert sent["Location"] == "/IMA402/adverse-events/"
    with ima402.acting_as("noor"):
        query = Query.objects.get(record=events["sepsis"])
        assert (query.path, query.text) == ("onset", "Which hour?")


@pytest.mark.parametrize(
    ("address", "who"),
    [
        ("adverse_event_query", "noor"),
        ("adverse_event_end", "chidi"),
        ("serious_event_report", "chidi"),
        ("ctcae_terms", "chidi"),
    ],
)
def test_an_event_of_another_site_does_not_exist_for_a_site_user(
    ima402: Trial, events: dict[str, FormRecord], address: str, who: str
) -> None:
    foreign = {"study": "IMA402", "record": events["sepsis"].pk}
    client = client_of(ima402, who)
    method = client.get if address in {"adverse_event_query", "ctcae_terms"} else client.post
    expected = 200 if who == "noor" else 404
    assert method(reverse(address, kwargs=foreign)).status_code == expected


def test_a_subject_of_another_site_does_not_exist_for_a_site_user(
    ima402: Trial, events: dict[str, FormRecord], houston: Subject
) -> None:
    client = client_of(ima402, "chidi")
    for address in ("subject_events", "adverse_event_new", "subject_dlt"):
        assert client.get(reverse(address, kwargs={"study": "IMA402", "number": houston.number})).status_code == 404


def test_the_pages_open_for_their_readers(ima402: Trial, events: dict[str, FormRecord], berlin: Subject) -> None:
    number = {"study": "IMA402", "number": berlin.number}
    for who in ("chidi", "amara", "noor", "mora"):
        client = client_of(ima402, who)
        assert client.get(reverse("subject_events", kwargs=number)).status_code == 200
        assert client.get(reverse("subject_dlt", kwargs=number)).status_code == 200
        record = {"study": "IMA402", "record": events["fatigue"].pk}
        assert client.get(reverse("record", kwargs=record)).status_code == 200
    page = client_of(ima402, "chidi").get(
        reverse("adverse_event_new", kwargs=number), {"term": "Anemia", "grade": "3", "onset": "2026-03-01"}
    )
    assert 'value="Anemia"' in page.content.decode()


def test_an_event_is_recorded_from_a_lab_result_in_one_post(ima402: Trial, berlin: Subject) -> None:
    answer = client_of(ima402, "chidi").post(
        reverse("adverse_event_new", kwargs={"study": "IMA402", "number": berlin.number}),
        {"term": "Anemia", "grade": "3", "onset": "2026-03-01"},
    )
    assert answer.status_code == 302
    with ima402.acting_as("chidi"):
        event = AdverseEvent.objects.get()
    assert (event.ctcae_term, event.maximum_grade, str(event.onset)) == ("Anemia", 3, "01-Mar-2026")


def test_a_line_that_cannot_be_saved_shows_the_list_again_with_the_reason(
    ima402: Trial, events: dict[str, FormRecord]
) -> None:
    address = reverse("adverse_event_end", kwargs={"study": "IMA402", "record": events["fatigue"].pk})
    answer = client_of(ima402, "chidi").post(address, {"ended": "3/4/26", "outcome": "RECOVERED/RESOLVED"})
    assert answer.status_code == 422
    assert "month in letters" in answer.content.decode()


@pytest.mark.parametrize("who", ["chidi", "noor"])
def test_the_listing_costs_the_same_however_many_rows_it_has(ima402: Trial, berlin: Subject, who: str) -> None:
    client, address = client_of(ima402, who), reverse("adverse_events", kwargs={"study": "IMA402"})
    counts = []
    for extra in (1, 6):
        for number in range(extra):
            scenarios_safety.event(ima402, berlin, grade=1 + number % 3)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(address).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
