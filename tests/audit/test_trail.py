"""The trail: who, what, when, why; append-only; every altered row is named."""

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.audit.models import AuditBlock, AuditEvent
from apps.core.transactions import acting_everywhere
from apps.subjects.models import Subject
from tests import harness, scenarios
from tests.scenarios import Trial


def seal() -> None:
    with connection.cursor() as cursor:
        cursor.execute("select audit_seal()")


@pytest.mark.django_db
def test_a_change_tells_old_new_who_as_what_where_and_why(ima402: Trial) -> None:
    subject = scenarios.subject(ima402)
    with ima402.acting_as("amara", reason="Source corrected"):
        Subject.objects.filter(pk=subject.pk).update(part="IA")
        event = AuditEvent.objects.filter(table="subjects_subject", operation="U").latest("pk")
    assert event.changed == {"part": [None, "IA"]}
    assert (event.user_name, event.role, event.place, event.reason) == (
        "Dr Amara Okafor", "Investigator", "test", "Source corrected"
    )  # fmt: skip
    assert event.site_id == subject.site_id


@pytest.mark.django_db
@pytest.mark.parametrize(
    "write",
    [
        lambda pk: Subject.objects.filter(pk=pk).update(cohort="X"),
        lambda pk: Subject.objects.bulk_update([Subject(pk=pk, cohort="X")], ["cohort"]),
        lambda pk: connection.cursor().execute("update subjects_subject set cohort = 'X' where id = %s", [pk]),
    ],
    ids=["queryset update", "bulk update", "raw SQL"],
)
def test_no_way_of_writing_passes_the_trail_by(ima402: Trial, write: object) -> None:
    subject = scenarios.subject(ima402)
    with ima402.acting_as("chidi"):
        write(subject.pk)  # type: ignore[operator]
        assert AuditEvent.objects.filter(table="subjects_subject", row_key=str(subject.pk)).latest("pk").changed == {
            "cohort": [None, "X"]
        }


@pytest.mark.django_db
def test_a_password_never_enters_the_trail(ima402: Trial) -> None:
    with acting_everywhere("test"):
        events = AuditEvent.objects.filter(table="accounts_user")
        assert events.exists()
        assert not any("password" in (event.new_row or {}) or "password" in event.changed for event in events)


@pytest.mark.django_db
def test_another_sites_trail_is_not_visible(ima402: Trial) -> None:
    subject = scenarios.subject(ima402)
    with ima402.acting_as("iris"):
        assert not AuditEvent.objects.filter(table="subjects_subject", row_key=str(subject.pk)).exists()


@pytest.mark.committed
def test_an_untouched_trail_verifies(committed: str) -> None:
    trial = scenarios.trial()
    scenarios.subject(trial)
    seal()
    call_command("verify_audit")
    with acting_everywhere("test"):
        assert AuditBlock.objects.count() == 1
        assert not AuditEvent.objects.filter(block=None).exists()


@pytest.mark.committed
@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "not sealed yet"])
def test_one_byte_changed_in_the_trail_is_named(committed: str, postgres: harness.TestServer, sealed: bool) -> None:
    trial = scenarios.trial()
    subject = scenarios.subject(trial)
    if sealed:
        seal()
    with acting_everywhere("test"):
        event = AuditEvent.objects.get(table="subjects_subject", row_key=str(subject.pk), operation="I")
    _as_superuser(
        committed,
        postgres,
        "update audit_auditevent set new_row = jsonb_set(new_row, '{number}', '\"101-009\"') where id = %s",
        event.pk,
    )
    with pytest.raises(CommandError, match=f"trail row {event.pk} .subjects_subject {subject.pk}"):
        call_command("verify_audit")


@pytest.mark.committed
def test_a_row_altered_and_hashed_anew_breaks_its_block(committed: str, postgres: harness.TestServer) -> None:
    trial = scenarios.trial()
    scenarios.subject(trial)
    seal()
    _as_superuser(
        committed,
        postgres,
        "update audit_auditevent set reason = 'forged' where id = %s",
        1,
    )
    _as_superuser(
        committed, postgres, "update audit_auditevent e set payload_hash = audit_payload_hash(e) where id = %s", 1
    )
    with pytest.raises(CommandError, match=r"block 1 .* altered and hashed anew"):
        call_command("verify_audit")


@pytest.mark.committed
def test_a_trail_row_removed_is_named(committed: str, postgres: harness.TestServer) -> None:
    trial = scenarios.trial()
    scenarios.subject(trial)
    seal()
    _as_superuser(committed, postgres, "delete from audit_auditevent where id = %s", 3)
    with pytest.raises(CommandError, match="trail rows were removed or added: 3"):
        call_command("verify_audit")


@pytest.mark.committed
def test_a_live_row_changed_behind_the_triggers_is_named(committed: str, postgres: harness.TestServer) -> None:
    trial = scenarios.trial()
    subject = scenarios.subject(trial)
    _as_superuser(committed, postgres, "update subjects_subject set number = '101-777' where id = %s", subject.pk)
    with pytest.raises(CommandError, match=f"table subjects_subject, row {subject.pk}"):
        call_command("verify_audit")


def _as_superuser(committed: str, postgres: harness.TestServer, statement: str, key: int) -> None:
    """Tamper as only somebody with the whole server in hand can: with the triggers off."""
    name = committed.rsplit("/", 1)[1]
    with psycopg.connect(postgres.superuser_url_of(name), autocommit=True) as session:
        session.execute("set session_replication_role = replica")
        session.execute(statement, [key])
