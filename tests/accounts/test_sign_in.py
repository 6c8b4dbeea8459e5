"""Signing in: wrong passwords, lock-out, ended sessions, deactivated people."""

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts import services
from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.transactions import acting_everywhere
from tests.scenarios import NOON, PASSWORD, Trial

pytestmark = pytest.mark.django_db
BACKEND = "apps.accounts.backends.EmailBackend"


def sign_in(client: Client, password: str, email: str = "chidi@example.org") -> int:
    return client.post(reverse("sign_in"), {"username": email, "password": password}).status_code


def test_the_right_password_leads_to_my_work(ima402: Trial, client: Client) -> None:
    assert sign_in(client, PASSWORD, "Chidi@Example.ORG") == 302
    assert client.get("/", follow=True).request["PATH_INFO"] == "/IMA402/"


def test_a_wrong_password_and_an_unknown_address_read_the_same(ima402: Trial, client: Client) -> None:
    answers = {
        client.post(reverse("sign_in"), {"username": email, "password": "wrong"}).context["form"].non_field_errors()[0]
        for email in ("chidi@example.org", "nobody@example.org")
    }
    assert len(answers) == 1


def test_five_wrong_tries_lock_the_account_even_for_the_right_password(ima402: Trial, client: Client) -> None:
    assert [sign_in(client, "wrong") for _ in range(5)] == [422, 422, 422, 422, 429]
    assert sign_in(client, PASSWORD) == 429
    assert sign_in(Client(REMOTE_ADDR="10.9.8.7"), PASSWORD) == 429
    assert sign_in(client, PASSWORD, "amara@example.org") == 302


def test_sign_ins_and_failures_are_in_the_trail(ima402: Trial, client: Client) -> None:
    sign_in(client, "wrong")
    sign_in(client, PASSWORD)
    with acting_everywhere("test"):
        acts = list(AuditEvent.objects.filter(operation="N").order_by("pk").values_list("table", flat=True))
    assert acts == ["sign-in failed", "signed in"]


def test_a_page_asked_for_before_signing_in_comes_after_it(ima402: Trial, client: Client) -> None:
    answer = client.get("/IMA402/subjects/")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/sign-in/?next=/IMA402/subjects/"


def test_an_ended_session_is_told_to_the_pages_script_and_typed_values_stay(ima402: Trial, client: Client) -> None:
    answer = client.post("/IMA402/records/1/value/", {"path": "x"}, headers={"X-Requested-With": "fetch"})
    assert answer.status_code == 401


def test_a_deactivated_person_is_out_at_the_next_request(ima402: Trial, client: Client) -> None:
    client.force_login(ima402.people["chidi"], backend=BACKEND)
    assert client.get("/IMA402/").status_code == 200
    User.objects.filter(pk=ima402.people["chidi"].pk).update(is_active=False)
    assert client.get("/IMA402/").status_code == 302


def test_somebody_without_a_role_in_a_study_does_not_learn_that_it_exists(ima402: Trial, client: Client) -> None:
    stranger = services.open_account(email="s@example.org", full_name="S", password=None, at=NOON)
    client.force_login(stranger, backend=BACKEND)
    assert client.get("/IMA402/").status_code == client.get("/NOSUCH/").status_code == 404


@pytest.mark.parametrize("weak", ["short", "123456789012", "password1234", "chidi@example.org"])
def test_a_weak_password_is_refused_with_every_reason(db: None, weak: str) -> None:
    with pytest.raises(services.WeakPassword):
        services.open_account(email="chidi@example.org", full_name="Chidi", password=weak, at=NOON)


def test_an_address_is_taken_once_whatever_its_case(ima402: Trial) -> None:
    with pytest.raises(services.EmailTaken):
        services.open_account(email="CHIDI@example.org", full_name="Other", password=None, at=NOON)
