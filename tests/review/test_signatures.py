"""Electronic signatures: given with a fresh secret, bound to content, broken by a change and kept to be seen."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.db import DatabaseError, connection, transaction

from apps.accounts.models import User
from apps.core.refusal import NotAllowed, Refusal
from apps.core.transactions import because
from apps.review import content, signatures
from apps.review.models import Scope, Signature, SignatureBreak
from apps.review.signatures import Proven
from apps.visits import overlays
from apps.visits import services as entry
from apps.visits.models import FormRecord
from tests import scenarios_review as review
from tests.scenarios import NOON, PASSWORD, Trial

pytestmark = pytest.mark.django_db


def proof(trial: Trial, name: str = "amara") -> signatures.Proof:
    with trial.acting_as(name):
        return signatures.reauthenticate(trial.people[name], PASSWORD)


def sign(trial: Trial, *records: FormRecord, by: str = "amara") -> list[Signature]:
    given = proof(trial, by)
    with trial.acting_as(by) as actor:
        return signatures.sign_records(actor=actor, proof=given, records=records, scope=Scope.VISIT, at=NOON)


def stands(trial: Trial, record: FormRecord) -> bool:
    with trial.acting_as("amara"):
        return record.pk in signatures.standing([record])


def reread(trial: Trial, signature: Signature) -> Signature:
    return Signature.objects.select_related("record__protocol_version").get(pk=signature.pk)


def test_a_signature_carries_printed_name_role_moment_zone_and_meaning(ima402: Trial) -> None:
    record = review.completed(ima402)
    signature = review.signed(ima402, record)
    assert signature.printed_name == "Dr Amara Okafor"
    assert (signature.role, signature.signed_at, signature.zone) == ("Investigator", NOON, "Europe/Berlin")
    assert "accurate, complete" in signature.meaning
    with ima402.acting_as("amara"):
        assert signatures.prove(reread(ima402, signature)) is Proven.INTACT
        record.refresh_from_db()
        assert overlays.status_words([record])[record.pk].word == "Signed"


def test_what_is_signed_holds_every_value_with_label_words_and_version(ima402: Trial) -> None:
    signature = review.signed(ima402, review.completed(ima402, systolic="118.50"))
    (row,) = [row for row in signature.content["values"] if row["path"] == review.SYSTOLIC]
    assert (row["label"], row["text"], row["version"]) == ("Result", "118.50", 1)


def test_a_wrong_password_signs_nothing_counts_towards_the_lock_out_and_is_in_the_trail(ima402: Trial) -> None:
    amara = ima402.people["amara"]
    with ima402.acting_as("amara"):
        for _ in range(4):
            with pytest.raises(signatures.WrongPassword):
                signatures.reauthenticate(amara, "guess")
        assert AccessAttempt.objects.get(username=amara.email).failures_since_start == 4
        with pytest.raises((signatures.WrongPassword, signatures.LockedOut)):
            signatures.reauthenticate(amara, "guess")
        with pytest.raises(signatures.LockedOut, match="15 minutes"):
            signatures.reauthenticate(amara, PASSWORD)
        with connection.cursor() as cursor:
            cursor.execute("select count(*) from audit_auditevent where \"table\" = 'signing refused'")
            (noted,) = cursor.fetchone()
    assert noted == 5


def test_the_right_password_forgets_earlier_tries(ima402: Trial) -> None:
    amara = ima402.people["amara"]
    with ima402.acting_as("amara"):
        with pytest.raises(signatures.WrongPassword):
            signatures.reauthenticate(amara, "guess")
        signatures.reauthenticate(amara, PASSWORD)
        assert not AccessAttempt.objects.filter(username=amara.email).exists()


def test_one_password_signs_one_batch(ima402: Trial) -> None:
    first, second = review.completed(ima402), review.completed(ima402)
    given = proof(ima402)
    with ima402.acting_as("amara") as amara:
        signatures.sign_records(actor=amara, proof=given, records=[first], scope=Scope.RECORD, at=NOON)
        with pytest.raises(NotAllowed, match="used for a signature already"):
            signatures.sign_records(actor=amara, proof=given, records=[second], scope=Scope.RECORD, at=NOON)


def test_nobody_signs_with_another_persons_password(ima402: Trial) -> None:
    record = review.completed(ima402)
    given = proof(ima402, "chidi")
    with ima402.acting_as("amara") as amara, pytest.raises(NotAllowed):
        signatures.sign_records(actor=amara, proof=given, records=[record], scope=Scope.RECORD, at=NOON)


@pytest.mark.parametrize("other", ["chidi", "ines", "noor", "dana", "mora", "sven"])
def test_only_an_investigator_of_the_very_site_signs(ima402: Trial, other: str) -> None:
    record = review.completed(ima402)
    with pytest.raises(NotAllowed):
        sign(ima402, record, by=other)


def test_a_form_with_an_open_query_or_in_entry_is_not_signed_and_all_or_none_are(ima402: Trial) -> None:
    good, unfinished, asked = review.completed(ima402), review.filled(ima402), review.completed(ima402)
    review.query(ima402, asked)
    with pytest.raises(signatures.CannotBeSigned) as refused:
        sign(ima402, good, unfinished, asked)
    assert len(refused.value.problems) == 2
    assert not stands(ima402, good)


def test_an_answered_query_does_not_hold_the_signature_back(ima402: Trial) -> None:
    record = review.completed(ima402)
    review.answered_query(ima402, record)
    review.signed(ima402, record)
    assert stands(ima402, record)


def test_a_changed_value_breaks_the_signature_in_the_same_transaction_and_names_the_cause(ima402: Trial) -> None:
    record = review.completed(ima402)
    signature = review.signed(ima402, record)
    with transaction.atomic():
        review.correct(ima402, record, "121")
        transaction.set_rollback(True)  # the transaction fails after the change: neither change nor break persists
    assert stands(ima402, record)
    review.correct(ima402, record, "121")
    assert not stands(ima402, record)
    with ima402.acting_as("amara"):
        broken = SignatureBreak.objects.get(signature=signature)
        assert broken.cause == "Signature broken by change to Result, Systolic blood pressure (Chidi Eze)."
        assert broken.paths == [review.SYSTOLIC]
        assert signatures.prove(reread(ima402, signature)) is Proven.BROKEN


def test_the_old_signature_stays_to_be_seen_beside_the_new(ima402: Trial) -> None:
    record = review.completed(ima402)
    review.signed(ima402, record)
    review.correct(ima402, record, "121")
    review.signed(ima402, record)
    with ima402.acting_as("amara"):
        kept = list(Signature.objects.filter(record=record).order_by("pk"))
        assert [hasattr(each, "broken") for each in kept] == [True, False]
    assert stands(ima402, record)


def test_a_change_in_one_form_breaks_nothing_of_the_others_signed_with_it(ima402: Trial) -> None:
    first, second = review.completed(ima402), review.completed(ima402)
    one, other = sign(ima402, first, second)
    assert one.batch == other.batch
    review.correct(ima402, first, "121")
    assert (stands(ima402, first), stands(ima402, second)) == (False, True)


def test_queries_and_verification_break_no_signature(ima402: Trial) -> None:
    record = review.completed(ima402)
    review.signed(ima402, record)
    review.answered_query(ima402, record)
    review.verified(ima402, record)
    assert stands(ima402, record)


def test_raw_sql_that_changes_a_signed_value_leaves_no_standing_signature(ima402: Trial) -> None:
    record = review.completed(ima402)
    signature = review.signed(ima402, record)
    with ima402.acting_as("chidi"), because("Correction by the database"), connection.cursor() as cursor:
        cursor.execute("update assessments_vitalresult set value = 1 where record_id = %s", [record.pk])
    assert not stands(ima402, record)
    with ima402.acting_as("amara"):
        assert signatures.prove(reread(ima402, signature)) is Proven.OUTDATED


def test_a_removed_line_breaks_the_signature(ima402: Trial) -> None:
    record = review.completed(ima402)
    review.signed(ima402, record)
    with ima402.acting_as("chidi") as chidi:
        entry.remove_line(actor=chidi, record=record, kind="results", key="SYSBP", at=NOON, reason="Not measured")
    assert not stands(ima402, record)


def test_a_signature_row_copied_onto_another_record_does_not_verify(ima402: Trial) -> None:
    record, other = review.completed(ima402), review.completed(ima402)
    signature = review.signed(ima402, record)
    with ima402.acting_as("amara"):
        columns = {field.attname: getattr(signature, field.attname) for field in Signature._meta.concrete_fields}
        forged = Signature.objects.create(
            **columns | {"id": None, "record_id": other.pk, "subject_id": other.subject_id}
        )
        assert signatures.prove(reread(ima402, forged)) is Proven.ALTERED
        same_words = {**signature.content, "record": other.pk, "versions": content.versions_of(other)}
        forged = Signature.objects.create(**columns | {"id": None, "record_id": other.pk, "content": same_words})
        assert signatures.prove(reread(ima402, forged)) is Proven.ALTERED


@pytest.mark.parametrize(
    "change", [{"printed_name": "Somebody Else"}, {"meaning": "Seen."}, {"signed_at": NOON - timedelta(days=1)}]
)
def test_a_signature_with_another_name_meaning_or_moment_does_not_verify(
    ima402: Trial, change: dict[str, object]
) -> None:
    signature = review.signed(ima402, review.completed(ima402))
    for name, value in change.items():
        setattr(signature, name, value)
    assert signatures.prove(signature) is Proven.ALTERED


def test_a_signature_row_never_changes(ima402: Trial) -> None:
    review.signed(ima402, review.completed(ima402))
    with ima402.acting_as("amara"), pytest.raises(DatabaseError), transaction.atomic():
        Signature.objects.update(printed_name="Somebody Else")


def test_a_deactivated_signer_keeps_the_name_held_at_signing(ima402: Trial) -> None:
    signature = review.signed(ima402, review.completed(ima402))
    User.objects.filter(pk=ima402.people["amara"].pk).update(is_active=False, full_name="Amara Okafor-Lindt")
    with ima402.acting_as("noor"):
        again = reread(ima402, signature)
        assert again.printed_name == "Dr Amara Okafor"
        assert signatures.prove(again) is Proven.INTACT


def test_amara_takes_her_own_signature_back_with_a_reason_and_nobody_elses(ima402: Trial) -> None:
    record = review.completed(ima402)
    signature = review.signed(ima402, record)
    with ima402.acting_as("amara") as amara:
        with pytest.raises(Refusal, match="Say why"):
            signatures.withdraw_signature(actor=amara, signature=signature, why=" ", at=NOON)
        signatures.withdraw_signature(actor=amara, signature=signature, why="Signed the wrong visit", at=NOON)
    assert not stands(ima402, record)


def test_the_order_of_keys_does_not_change_the_hash() -> None:
    assert content.digest({"a": 1, "b": [1, 2]}) == content.digest({"b": [1, 2], "a": 1})
    assert content.digest({"a": 1}) != content.digest({"a": "1"})


def test_another_site_sees_no_signature(ima402: Trial) -> None:
    review.signed(ima402, review.completed(ima402))
    with ima402.acting_as("iris"):
        assert not Signature.objects.exists()
        assert not SignatureBreak.objects.exists()
