"""Freeze, lock and the two people of an unlock."""

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from apps.core.refusal import NotAllowed, Refusal
from apps.review import checklist, locking, marks, signatures
from apps.review.marks import ReviewState
from apps.review.models import Track, UnlockRequest, UnlockState
from apps.visits import services as entry
from apps.visits.models import FormRecord
from tests import scenarios_review as review
from tests.scenarios import NOON, Trial, days

pytestmark = pytest.mark.django_db


def test_a_frozen_form_refuses_entry_and_opens_again_only_with_a_reason(ima402: Trial) -> None:
    record = review.completed(ima402)
    with ima402.acting_as("dana") as dana:
        assert locking.freeze_records(actor=dana, records=[record], at=NOON) == 1
    with pytest.raises(entry.Closed, match="frozen"):
        review.correct(ima402, record, "121")
    with ima402.acting_as("dana") as dana:
        with pytest.raises(locking.ReasonNeeded):
            locking.unfreeze_records(actor=dana, records=[record], why="", at=NOON)
        assert locking.unfreeze_records(actor=dana, records=[record], why="Late laboratory result", at=NOON) == 1
    review.correct(ima402, record, "121")


@pytest.mark.parametrize("other", ["chidi", "amara", "noor", "mora", "sven", "iris"])
def test_only_the_data_manager_freezes_and_locks(ima402: Trial, other: str) -> None:
    record = review.completed(ima402)
    with ima402.acting_as(other) as actor:
        with pytest.raises(NotAllowed):
            locking.freeze_records(actor=actor, records=[record], at=NOON)
        with pytest.raises(NotAllowed):
            locking.lock_records(actor=actor, subject=record.subject, records=[record], at=NOON)


def test_a_lock_names_every_line_of_the_checklist_that_is_not_clear(ima402: Trial) -> None:
    record = review.completed(ima402)
    review.query(ima402, record)
    with ima402.acting_as("dana") as dana, pytest.raises(locking.NotReady) as refused:
        locking.lock_records(actor=dana, subject=record.subject, records=[record], at=NOON)
    assert refused.value.problems == ("Queries not settled: 1", "Forms to verify: 1", "Forms not signed: 1")


def test_floors_above_add_lines_to_the_checklist(ima402: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    record = review.completed(ima402)
    uncoded = checklist.Item("coding", "Terms not coded", lambda records: {each.pk: 2 for each in records})
    monkeypatch.setattr(checklist, "_items", [uncoded])
    with ima402.acting_as("dana") as dana, pytest.raises(locking.NotReady, match="cannot be locked") as refused:
        locking.lock_records(actor=dana, subject=record.subject, records=[record], at=NOON)
    assert refused.value.problems == ("Terms not coded: 2",)
    with pytest.raises(ValueError, match="coding"):
        checklist.add(uncoded)


def test_a_clear_form_is_locked_with_a_certificate_of_who_when_and_what(ima402: Trial) -> None:
    record = review.completed(ima402)
    certificate = review.locked(ima402, record)
    assert (certificate.locked_by_name, certificate.role, certificate.locked_at) == ("Dana Weiss", "Data manager", NOON)
    assert list(certificate.records) == [str(record.pk)]
    assert len(certificate.snapshot_hash) == 64
    with pytest.raises(entry.Closed, match="locked"):
        review.correct(ima402, record, "121")
    with ima402.acting_as("dana"):
        assert locking.certificate_stands(certificate)


def test_an_unlock_takes_two_people_keeps_signatures_and_ends_the_certificate(ima402: Trial) -> None:
    record = review.completed(ima402)
    certificate = review.locked(ima402, record)
    with ima402.acting_as("chidi") as chidi:
        asked = locking.ask_unlock(actor=chidi, record=record, why="Source was corrected", at=NOON + days(1))
        with pytest.raises(NotAllowed):
            locking.decide_unlock(actor=chidi, request=asked, approve=True, at=NOON + days(1))
    with ima402.acting_as("dana") as dana:
        locking.decide_unlock(actor=dana, request=asked, approve=True, at=NOON + days(1))
        record.refresh_from_db()
        assert not record.is_locked
        assert not locking.certificate_stands(certificate)
        assert record.pk in signatures.standing([record])
    review.correct(ima402, record, "121")


def test_who_asked_for_an_unlock_never_approves_it_in_words_and_in_the_database(ima402: Trial) -> None:
    record = review.completed(ima402)
    review.locked(ima402, record)
    with ima402.acting_as("dana") as dana:
        asked = locking.ask_unlock(actor=dana, record=record, why="Query after lock", at=NOON)
        with pytest.raises(NotAllowed, match="another person"):
            locking.decide_unlock(actor=dana, request=asked, approve=True, at=NOON)
        with pytest.raises(IntegrityError), transaction.atomic():
            UnlockRequest.objects.update(state=UnlockState.APPROVED, decided_by=dana.user_id)


def test_a_refused_unlock_says_why_and_leaves_the_form_locked(ima402: Trial) -> None:
    record = review.completed(ima402)
    review.locked(ima402, record)
    with ima402.acting_as("noor") as noor:
        asked = locking.ask_unlock(actor=noor, record=record, why="To query", at=NOON)
        with pytest.raises(Refusal, match="asked already"):
            locking.ask_unlock(actor=noor, record=record, why="To query", at=NOON)
    with ima402.acting_as("dana") as dana:
        with pytest.raises(locking.ReasonNeeded):
            locking.decide_unlock(actor=dana, request=asked, approve=False, at=NOON)
        locking.decide_unlock(actor=dana, request=asked, approve=False, note="Analysis has begun", at=NOON)
        record.refresh_from_db()
    assert record.is_locked


def test_a_lock_certificate_never_changes(ima402: Trial) -> None:
    certificate = review.locked(ima402, review.completed(ima402))
    with ima402.acting_as("dana"), pytest.raises(DatabaseError), transaction.atomic():
        type(certificate).objects.update(locked_by_name="Nobody")


# -- review marks ---------------------------------------------------------------------------------------------------


def review_of(trial: Trial, record: FormRecord, track: Track) -> marks.Review:
    with trial.acting_as("noor"):
        return marks.reviews([record], track=track)[record.pk]


def test_a_row_is_new_then_reviewed_then_changed_with_the_very_field_named(ima402: Trial) -> None:
    record = review.completed(ima402)
    assert review_of(ima402, record, Track.DATA_MANAGER).state is ReviewState.NEW
    with ima402.acting_as("dana") as dana:
        marks.mark_reviewed(actor=dana, records=[record], at=NOON, note="Looks right")
    assert review_of(ima402, record, Track.DATA_MANAGER).state is ReviewState.REVIEWED
    review.correct(ima402, record, "121")
    changed = review_of(ima402, record, Track.DATA_MANAGER)
    assert (changed.state, changed.changed_paths) == (ReviewState.CHANGED, (review.SYSTOLIC,))


def test_each_track_reviews_for_itself(ima402: Trial) -> None:
    record = review.completed(ima402)
    with ima402.acting_as("mora") as mora:
        marks.mark_reviewed(actor=mora, records=[record], at=NOON)
    assert review_of(ima402, record, Track.MEDICAL_MONITOR).state is ReviewState.REVIEWED
    assert review_of(ima402, record, Track.MONITOR).state is ReviewState.NEW


@pytest.mark.parametrize("other", ["chidi", "amara", "sven", "stan"])
def test_the_site_and_the_export_user_do_not_review(ima402: Trial, other: str) -> None:
    record = review.completed(ima402)
    with ima402.acting_as(other) as actor, pytest.raises(NotAllowed):
        marks.mark_reviewed(actor=actor, records=[record], at=NOON)
