"""The enrolment pages as the cast sees them."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.enrollment.models import EligibilitySignature, Slot
from tests import scenarios_enrollment as scenarios
from tests import scenarios_screening
from tests.scenarios import PASSWORD, Trial

pytestmark = pytest.mark.django_db
BACKEND = "apps.accounts.backends.EmailBackend"


def sign_in(trial: Trial, client: Client, name: str) -> None:
    client.force_login(trial.people[name], backend=BACKEND)


def address(name: str, number: str, **more: str) -> str:
    return reverse(name, kwargs={"study": "IMA402", "number": number, **more})


def test_a_subject_is_signed_reserved_released_and_enrolled_page_by_page(ima402: Trial, client: Client) -> None:
    subject = scenarios_screening.screened(ima402, at=timezone.now())
    page = address("subject_enrolment", subject.number)

    sign_in(ima402, client, "chidi")
    assert "Ready for the investigator" in client.get(page).content.decode()
    assert client.post(address("gate_sign", subject.number, gate="main"), {"password": PASSWORD}).status_code == 403

    sign_in(ima402, client, "amara")
    wrong = client.post(address("gate_sign", subject.number, gate="main"), {"password": "guess"})
    assert wrong.status_code == 422
    with ima402.acting_as("amara"):
        assert not EligibilitySignature.objects.exists()
    assert client.post(address("gate_sign", subject.number, gate="main"), {"password": PASSWORD}).status_code == 302

    sign_in(ima402, client, "chidi")
    assert "3 of 3 free" in client.get(page).content.decode()
    refused = client.post(address("slot_reserve", subject.number), {"cohort": "IA-DL1", "planned": "3/4/26"})
    assert refused.status_code == 422
    assert "Type the month in letters" in refused.content.decode()
    typed = {"cohort": "IA-DL1", "planned": "15mar2027 09:00", "act": "reserve"}
    assert client.post(address("slot_reserve", subject.number), typed).status_code == 302
    assert "not released this slot" in client.post(address("slot_confirm", subject.number)).content.decode()

    sign_in(ima402, client, "mora")
    assert subject.number in client.get(reverse("slots", kwargs={"study": "IMA402"})).content.decode()
    assert client.post(address("slot_release", subject.number), {"act": "release"}).status_code == 302

    sign_in(ima402, client, "chidi")
    assert client.post(address("slot_confirm", subject.number)).status_code == 302
    shown = client.get(page).content.decode()
    assert "dose level 1" in shown
    assert "confirmed" in shown
    with ima402.acting_as("chidi"):
        assert Slot.objects.get().subject.enrolment_number == "E001"


def test_another_site_sees_the_places_but_neither_subject_nor_page(ima402: Trial, client: Client) -> None:
    slot = scenarios.confirmed(ima402)
    sign_in(ima402, client, "iris")
    board = client.get(reverse("enrolment", kwargs={"study": "IMA402"})).content.decode()
    assert "2 of 3 places free" in board
    assert slot.subject.number not in board
    assert client.get(address("subject_enrolment", slot.subject.number)).status_code == 404
    assert client.post(address("slot_give_back", slot.subject.number), {"why": "?"}).status_code == 404


def test_the_criteria_page_says_whether_it_is_signed(ima402: Trial, client: Client) -> None:
    subject = scenarios.eligible(ima402)
    with ima402.acting_as("chidi"):
        record = EligibilitySignature.objects.get(subject=subject).record
    assert record is not None
    sign_in(ima402, client, "chidi")
    shown = client.get(reverse("record", kwargs={"study": "IMA402", "record": record.pk})).content.decode()
    assert "Signed by Dr Amara Okafor" in shown


@pytest.mark.parametrize(("page", "who"), [("enrolment", "chidi"), ("slots", "mora")])
def test_lists_ask_the_same_number_of_questions_however_many_places_are_taken(
    ima402: Trial, client: Client, page: str, who: str
) -> None:
    now = timezone.now()
    scenarios.reserved(ima402, at=now)
    sign_in(ima402, client, who)
    address = reverse(page, kwargs={"study": "IMA402"})
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for _ in range(2):
        last = scenarios.reserved(ima402, at=now)
    with CaptureQueriesContext(connection) as many:
        assert last.subject.number in client.get(address).content.decode()
    assert len(many) == len(few)


@pytest.mark.parametrize("name", ["bea", "adam"])
def test_who_reads_no_data_sees_places_only(ima402: Trial, client: Client, name: str) -> None:
    slot = scenarios.confirmed(ima402)
    sign_in(ima402, client, name)
    board = client.get(reverse("enrolment", kwargs={"study": "IMA402"}))
    assert board.status_code == 200
    assert slot.subject.number not in board.content.decode()
