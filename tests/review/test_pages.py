"""The pages of review in a browser's eyes: who opens them, plain form posts, counts that agree, constant queries."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.review.models import Query, QueryState, Signature
from apps.visits.models import FormRecord
from tests import scenarios_review as review
from tests.scenarios import PASSWORD, Trial

pytestmark = pytest.mark.django_db


def browser(trial: Trial, name: str) -> Client:
    client = Client()
    client.force_login(trial.people[name], backend="apps.accounts.backends.EmailBackend")
    return client


def url(trial: Trial, name: str, **kwargs: object) -> str:
    return reverse(name, kwargs={"study": trial.study.code, **kwargs})


def test_a_query_goes_from_the_margin_of_the_field_to_its_answer_and_its_end(ima402: Trial) -> None:
    record = review.completed(ima402)
    page = url(ima402, "record", record=record.pk)
    noor, chidi = browser(ima402, "noor"), browser(ima402, "chidi")
    assert "Raise query" in noor.get(page).content.decode()
    asked = {"record": record.pk, "path": review.SYSTOLIC, f"ask:{review.SYSTOLIC}": "Right arm?", "next": page}
    assert noor.post(url(ima402, "query_raise"), asked).headers["Location"] == page
    shown = chidi.get(page).content.decode()
    assert "Right arm?" in shown
    assert "Answer" in shown
    assert "Raise query" not in shown
    assert 'value="close"' not in shown
    answer = {"act": "answer", "answer:1": "Left arm.", "next": page}
    assert chidi.post(url(ima402, "query", number=1), answer).status_code == 302
    assert noor.post(url(ima402, "query", number=1), {"act": "close", "next": page}).status_code == 302
    with ima402.acting_as("noor"):
        assert Query.objects.get().state == QueryState.CLOSED


def test_the_side_panel_asks_and_answers_in_place(ima402: Trial) -> None:
    record = review.completed(ima402)
    noor = browser(ima402, "noor")
    panel = noor.get(
        url(ima402, "query_raise"), {"record": record.pk, "path": review.SYSTOLIC}, headers={"HX-Request": "true"}
    ).content.decode()
    assert panel.lstrip().startswith("<section")
    done = noor.post(
        url(ima402, "query_raise"),
        {"record": record.pk, "path": review.SYSTOLIC, "text": "Why?"},
        headers={"HX-Request": "true"},
    ).content.decode()
    assert "raised" in done
    assert "<html" not in done


def test_an_empty_question_is_refused_beside_the_form_and_a_foreign_way_back_is_not_taken(ima402: Trial) -> None:
    record = review.completed(ima402)
    noor = browser(ima402, "noor")
    refused = noor.post(url(ima402, "query_raise"), {"record": record.pk, "path": "", "text": " "})
    assert refused.status_code == 422
    assert "Write the question first." in refused.content.decode()
    away = noor.post(
        url(ima402, "query_raise"), {"record": record.pk, "path": "", "text": "?", "next": "https://evil.example/"}
    )
    assert away.headers["Location"] == url(ima402, "query", number=1)


def test_every_count_of_the_table_of_ages_leads_to_as_many_rows(ima402: Trial) -> None:
    record = review.completed(ima402, systolic="300")
    review.query(ima402, record)
    review.answered_query(ima402, record)
    noor = browser(ima402, "noor")
    page = noor.get(url(ima402, "queries")).content.decode()
    links = re.findall(r'<a href="(\?[^"]*state=[^"]+)">(\d+)</a>', page)
    assert links
    for address, count in links:
        listed = noor.get(url(ima402, "queries") + address.replace("&amp;", "&"))
        assert listed.context["page"].paginator.count == int(count)
    assert noor.get(url(ima402, "queries"), {"state": "nonsense"}).context["page"].paginator.count == 0


def test_the_listing_as_csv_has_the_same_rows_and_arms_no_formula(ima402: Trial) -> None:
    record = review.completed(ima402)
    review.query(ima402, record, text="=1+1")
    listed = browser(ima402, "noor").get(url(ima402, "queries"), {"format": "csv"})
    lines = listed.content.decode().splitlines()
    assert len(lines) == 2
    assert "'=1+1" in lines[1]


@pytest.mark.parametrize(
    ("person", "place"),
    [("noor", "queries"), ("noor", "verification"), ("amara", "signature_queue"), ("dana", "freeze_lock")],
)
def test_a_page_takes_as_many_statements_for_many_rows_as_for_few(ima402: Trial, person: str, place: str) -> None:
    def fill(count: int) -> None:
        for _ in range(count):
            record = review.completed(ima402)
            review.query(ima402, record)
            review.answered_query(ima402, record)

    def statements() -> int:
        client = browser(ima402, person)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(url(ima402, place)).status_code == 200
        return len(captured)

    fill(2)
    few = statements()
    fill(4)
    assert statements() == few


def test_another_site_gets_404_everywhere(ima402: Trial) -> None:
    record = review.completed(ima402)
    query = review.answered_query(ima402, record)
    signature = review.signed(ima402, record)
    ines = browser(ima402, "ines")
    found = {
        "query": ines.get(url(ima402, "query", number=query.number)).status_code,
        "answer": ines.post(url(ima402, "query", number=query.number), {"act": "answer", "text": "x"}).status_code,
        "signature": ines.get(url(ima402, "signature", signature=signature.pk)).status_code,
        "withdraw": ines.post(url(ima402, "signature", signature=signature.pk), {"why": "x"}).status_code,
        "unlock": ines.post(url(ima402, "unlock_ask", record=record.pk), {"why": "x"}).status_code,
    }
    assert set(found.values()) == {404}, found
    assert str(record.subject.number) not in ines.get(url(ima402, "queries")).content.decode()


def test_a_monitor_of_one_site_cannot_verify_or_ask_at_another(ima402: Trial) -> None:
    record = review.completed(ima402)
    noor = browser(ima402, "noor")
    assert noor.post(url(ima402, "verify"), {"record": record.pk + 999, "act": "form"}).status_code == 404
    assert (
        noor.post(url(ima402, "query_raise"), {"record": record.pk + 999, "path": "", "text": "?"}).status_code == 404
    )


def test_noor_verifies_from_the_worklist_and_a_whole_visit(ima402: Trial) -> None:
    record = review.completed(ima402)
    noor = browser(ima402, "noor")
    listed = noor.get(url(ima402, "verification"))
    assert [row[0].pk for row in listed.context["rows"]] == [record.pk]
    noor.post(url(ima402, "verify"), {"record": record.pk, "act": "visit"})
    assert noor.get(url(ima402, "verification")).context["rows"] == []
    review.correct(ima402, record, "121")
    shown = noor.get(url(ima402, "record", record=record.pk)).content.decode()
    assert "Changed after verification" in shown
    noor.post(url(ima402, "verify"), {"record": record.pk, "act": f"value:{review.SYSTOLIC}"})
    assert noor.get(url(ima402, "verification")).context["rows"] == []


def test_nothing_is_chosen_for_the_signer_that_the_address_does_not_name(ima402: Trial) -> None:
    first, second = review.completed(ima402), review.completed(ima402)
    amara = browser(ima402, "amara")

    def chosen(query: str) -> set[int]:
        shown = amara.get(url(ima402, "signature_queue") + query).context["rows"]
        return {row.record.pk for row, _, is_chosen in shown if is_chosen}

    assert chosen("") == set()
    assert chosen(f"?record={first.pk}&show=unsigned") == {first.pk}
    assert chosen(f"?subject={second.subject.number}") == {second.pk}


def test_amara_signs_from_the_queue_with_her_password(ima402: Trial) -> None:
    record = review.completed(ima402)
    amara = browser(ima402, "amara")
    assert "accurate, complete" in amara.get(url(ima402, "signature_queue")).content.decode()
    wrong = amara.post(url(ima402, "sign_records"), {"record": record.pk, "password": "guess"})
    assert wrong.status_code == 422
    assert "nothing was signed" in wrong.content.decode()
    done = amara.post(url(ima402, "sign_records"), {"record": record.pk, "password": PASSWORD})
    assert done.status_code == 302
    with ima402.acting_as("amara"):
        signature = Signature.objects.get()
    shown = amara.get(url(ima402, "signature", signature=signature.pk)).content.decode()
    assert "Dr Amara Okafor" in shown
    assert "The signature stands" in shown
    review.correct(ima402, record, "121")
    cause = "Signature broken by change to Result, Systolic blood pressure"
    assert cause in amara.get(url(ima402, "signature_queue")).content.decode()


def test_dana_follows_a_count_of_the_checklist_to_its_rows(ima402: Trial) -> None:
    record = review.completed(ima402)
    review.query(ima402, record)
    dana = browser(ima402, "dana")
    page = dana.get(url(ima402, "freeze_lock")).content.decode()
    row_counts = re.findall(r'<a href="(/[^"]+subject=[^"]+(?:state|show)=[^"]+)">(\d+)</a>', page)
    assert len(row_counts) >= 4
    for address, count in row_counts:
        context = dana.get(address.replace("&amp;", "&")).context
        assert context["page"].paginator.count == int(count), address


def test_dana_freezes_from_the_form_itself(ima402: Trial) -> None:
    record = review.completed(ima402)
    dana = browser(ima402, "dana")
    page = url(ima402, "record", record=record.pk)
    assert (
        dana.post(url(ima402, "freeze_lock_forms"), {"record": record.pk, "act": "freeze", "next": page}).headers[
            "Location"
        ]
        == page
    )
    with ima402.acting_as("dana"):
        assert FormRecord.objects.get(pk=record.pk).is_frozen
    assert "Frozen" in dana.get(page).content.decode()
