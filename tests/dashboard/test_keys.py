"""The list of keys, the switch for single letters, and a start page that refreshes itself without keeping a session."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.transactions import acting_everywhere
from apps.dashboard import keys
from tests.dashboard.test_start_pages import signed_in
from tests.scenarios import CAST, Trial

SCRIPTS = Path(__file__).resolve().parents[2] / "static" / "js"
HEARD = re.compile(r"""\bkey(?:\.toLowerCase\(\))? === "(\w+|.)\"""")
STANDING_FOR_LINKS = re.compile(r"const LINKS = \{(.*)\};")


def test_the_list_names_the_keys_that_the_scripts_listen_to_and_no_others() -> None:
    heard = set()
    for script in SCRIPTS.glob("*.js"):
        text = script.read_text("utf-8")
        heard |= {key.lower() for key in HEARD.findall(text)}
        heard |= {key for links in STANDING_FOR_LINKS.findall(text) for key in re.findall(r"(\w+):", links)}
    listed = {key.press[-1].replace(" ", "").lower() for place in keys.PLACES for key in place.keys}
    assert listed == heard


@pytest.mark.parametrize(
    ("press", "single"),
    [(("/",), True), (("V",), True), (("Shift", "V"), True), (("Ctrl", "S"), False), (("Enter",), False)],
)
def test_a_key_is_single_when_it_is_a_letter_or_sign_without_ctrl_or_alt(press: tuple[str, ...], single: bool) -> None:
    assert keys.Key(press, "").is_single is single


WORKING = {
    "chidi": (["Complete the form", "Go to the search box"], ["Verify the form", "Ask about the cell or row"]),
    "noor": (["Verify the form", "Ask about the cell or row"], ["Complete the form"]),
    "adam": (["Show this list"], ["Go to the search box", "Complete the form"]),
}
"""Of the keys, some that work for the person and some that do not."""


@pytest.mark.django_db
def test_everybody_reads_the_keys_that_work_for_them(ima402: Trial) -> None:
    for name, (has, has_not) in WORKING.items():
        page = signed_in(ima402, name).get("/IMA402/keys/").content.decode()
        assert [words for words in has if words not in page] == [], name
        assert [words for words in has_not if words in page] == [], name


@pytest.mark.django_db
def test_the_list_is_one_link_away_at_the_same_place_of_every_page(ima402: Trial) -> None:
    for name in CAST:
        client = signed_in(ima402, name)
        for address in ("/IMA402/study/", "/IMA402/keys/"):
            assert 'href="/IMA402/keys/" id="key-list"' in client.get(address).content.decode(), name


@pytest.mark.django_db
def test_who_switches_single_letters_off_has_them_off_everywhere_and_the_trail_says_so(ima402: Trial) -> None:
    client = signed_in(ima402, "noor")
    assert "data-letter-keys" in client.get("/IMA402/").content.decode()
    assert client.post("/IMA402/keys/", {}, follow=True).status_code == 200
    assert "data-letter-keys" not in client.get("/IMA402/").content.decode()
    assert "data-letter-keys" in signed_in(ima402, "dana").get("/IMA402/").content.decode()
    with acting_everywhere("test"):
        change = AuditEvent.objects.get(table=User._meta.db_table, changed__has_key="uses_letter_keys", operation="U")
    assert (change.changed["uses_letter_keys"], change.user_name) == ([True, False], "Noor Haddad")
    client.post("/IMA402/keys/", {"letters": "on"})
    assert "data-letter-keys" in client.get("/IMA402/").content.decode()


def end_of(client: Client) -> object:
    return Session.objects.get(pk=client.session.session_key).expire_date


@pytest.mark.django_db
def test_a_page_that_refreshes_itself_shows_its_blocks_and_does_not_keep_the_session(ima402: Trial) -> None:
    """The session ends when its person has done nothing for so long, whatever the open page asks meanwhile."""
    client = signed_in(ima402, "chidi")
    client.get("/IMA402/")
    Session.objects.update(expire_date=end_of(client) - timedelta(minutes=10))  # type: ignore[operator]  # a moment
    before = end_of(client)
    asked = client.get("/IMA402/", headers={"HX-Request": "true", "X-Unattended": "yes"})
    assert 'id="work"' in asked.content.decode()
    assert "<html" not in asked.content.decode()
    assert end_of(client) == before
    client.get("/IMA402/")
    assert end_of(client) != before


@pytest.mark.django_db
def test_a_page_that_refreshes_itself_is_told_when_the_session_has_ended(ima402: Trial) -> None:
    asked = Client().get("/IMA402/", headers={"HX-Request": "true", "X-Unattended": "yes"})
    assert asked.status_code == 401
    assert asked.headers["HX-Trigger"] == "signInNeeded"
