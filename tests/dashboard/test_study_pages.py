"""The study's own pages: protocol approval by two people, and the trail."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apps.study.models import ProtocolVersion
from tests import scenarios
from tests.scenarios import Trial

pytestmark = pytest.mark.django_db
BACKEND = "apps.accounts.backends.EmailBackend"
PROTOCOL = (Path(scenarios.ROOT) / "protocols" / "IMA402" / "1.0.toml").read_text(encoding="utf-8")
AMENDMENT = PROTOCOL.replace('version = "1.0"', 'version = "1.1"', 1)


def signed_in(trial: Trial, name: str) -> Client:
    client = Client()
    client.force_login(trial.people[name], backend=BACKEND)
    return client


def upload(client: Client, text: bytes) -> object:
    return client.post("/IMA402/study/protocol/", {"file": SimpleUploadedFile("p.toml", text)})


def test_an_amendment_is_loaded_by_one_person_and_approved_by_another(ima402: Trial) -> None:
    assert upload(signed_in(ima402, "bea"), AMENDMENT.encode()).status_code == 302  # type: ignore[attr-defined]
    administrator = signed_in(ima402, "adam")
    page = administrator.get("/IMA402/study/").content.decode()
    assert "Approve version 1.1" in page
    draft = page.split("/study/protocol/")[1].split("/")[0]
    assert administrator.post(f"/IMA402/study/protocol/{draft}/approve/").status_code == 302
    with ima402.acting_as("adam"):
        assert ProtocolVersion.objects.get(version="1.1").approver_name == "Adam Klein"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"\xff\xfe\x00", "not text in UTF-8"),
        (b"[study\n", "fault"),
        (PROTOCOL.encode(), "already approved and never changes"),
        (PROTOCOL.replace('code = "IMA402"', 'code = "OTHER"', 1).encode(), "protocol of study OTHER"),
    ],
    ids=["binary", "broken TOML", "same version", "another study"],
)
def test_a_file_that_cannot_be_taken_is_refused_in_words(ima402: Trial, content: bytes, sentence: str) -> None:
    answer = upload(signed_in(ima402, "bea"), content)
    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert sentence in answer.content.decode()  # type: ignore[attr-defined]


def test_an_approved_version_never_changes(ima402: Trial) -> None:
    from django.db import DatabaseError, transaction

    with ima402.acting_as("adam"), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        ProtocolVersion.objects.update(text="")


def test_the_trail_shows_a_person_only_their_sites(ima402: Trial) -> None:
    scenarios.subject(ima402)
    own = signed_in(ima402, "chidi").get("/IMA402/audit-trail/?table=subjects_subject").content.decode()
    foreign = signed_in(ima402, "iris").get("/IMA402/audit-trail/?table=subjects_subject").content.decode()
    assert "101-001" in own
    assert "101-001" not in foreign
    files = {
        name: b"".join(signed_in(ima402, name).get("/IMA402/audit-trail.csv?table=subjects_subject"))
        for name in ("chidi", "iris")
    }
    assert b"101-001" in files["chidi"]
    assert b"101-001" not in files["iris"]
