"""Source data verification: what the plan asks for, what a mark covers, and when it goes stale."""

from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Q

from apps.assessments.models import VitalResult
from apps.core.refusal import NotAllowed
from apps.core.transactions import because
from apps.review import verification, worklists
from apps.review.models import Verification
from apps.visits import overlays
from apps.visits import services as entry
from apps.visits.models import FormRecord
from clinical.protocol.conduct import Sdv, SdvExtent, SdvRule
from tests import scenarios_review as review
from tests.scenarios import NOON, Trial

ALL, FIRST, NONE = SdvExtent.ALL, SdvExtent.FIRST_SUBJECTS, SdvExtent.NONE
PLAN = Sdv(
    rest=NONE,
    rules=(
        SdvRule(forms=("adverse_event",), extent=ALL),
        SdvRule(forms=("vital_signs", "adverse_event"), extent=FIRST, subjects=3),
    ),
)


@pytest.mark.parametrize(
    ("plan", "form", "rank", "required"),
    [
        (PLAN, "adverse_event", 40, True),
        (PLAN, "vital_signs", 3, True),
        (PLAN, "vital_signs", 4, False),
        (PLAN, "chemistry", 1, False),
        (Sdv(rest=ALL), "chemistry", 99, True),
        (Sdv(rest=ALL, rules=(SdvRule(forms=("chemistry",), extent=NONE),)), "chemistry", 1, False),
    ],
)
def test_the_first_rule_that_names_a_form_holds_for_it(plan: Sdv, form: str, rank: int, required: bool) -> None:
    assert verification.is_required(plan, form=form, rank=rank) is required


def standing(trial: Trial, record: FormRecord) -> verification.Standing:
    with trial.acting_as("noor"):
        return verification.standings([record])[record.pk]


def word(trial: Trial, record: FormRecord) -> str:
    with trial.acting_as("noor"):
        record.refresh_from_db()
        return overlays.status_words([record])[record.pk].word


@pytest.mark.django_db
def test_noor_verifies_every_value_of_a_form_in_one_act(ima402: Trial) -> None:
    record = review.completed(ima402)
    before = standing(ima402, record)
    assert before.is_required  # a first subject of the site, as the plan says
    assert (before.verified, before.is_outstanding) == (0, True)
    assert review.verified(ima402, record) == before.values
    after = standing(ima402, record)
    assert (after.is_done, after.is_outstanding) == (True, False)
    assert word(ima402, record) == "Verified"


@pytest.mark.django_db
def test_a_second_act_makes_no_second_marks(ima402: Trial) -> None:
    record = review.completed(ima402)
    review.verified(ima402, record)
    assert review.verified(ima402, record) == 0


@pytest.mark.django_db
def test_the_marks_of_one_act_are_made_form_by_form_and_path_by_path(ima402: Trial) -> None:
    review.verified(ima402, review.completed(ima402))
    with ima402.acting_as("noor"):
        made = list(Verification.objects.order_by("pk").values_list("record_id", "path"))
    assert len(made) > 1
    assert made == sorted(made)


@pytest.mark.django_db
def test_a_corrected_value_goes_stale_alone_and_is_verified_again(ima402: Trial) -> None:
    record = review.completed(ima402)
    count = review.verified(ima402, record)
    review.correct(ima402, record, "121")
    now = standing(ima402, record)
    assert (now.stale, now.verified, now.is_outstanding) == (1, count - 1, True)
    assert word(ima402, record) == "Verification stale"
    assert review.verified(ima402, record) == 1
    assert word(ima402, record) == "Verified"


@pytest.mark.django_db
def test_raw_sql_makes_a_mark_stale_as_typing_does(ima402: Trial) -> None:
    record = review.completed(ima402)
    review.verified(ima402, record)
    with ima402.acting_as("chidi"), because("Correction by the database"), connection.cursor() as cursor:
        cursor.execute(
            "update assessments_vitalresult set value = 99 where record_id = %s and key = 'SYSBP'", [record.pk]
        )
    assert standing(ima402, record).stale == 1


@pytest.mark.django_db
def test_a_value_changed_and_changed_back_is_stale_all_the_same(ima402: Trial) -> None:
    record = review.completed(ima402, systolic="118")
    review.verified(ima402, record)
    review.correct(ima402, record, "119")
    review.correct(ima402, record, "118")
    assert standing(ima402, record).stale == 1


@pytest.mark.django_db
def test_queries_and_answers_leave_verification_alone(ima402: Trial) -> None:
    record = review.completed(ima402)
    review.verified(ima402, record)
    review.answered_query(ima402, record)
    assert standing(ima402, record).is_done


@pytest.mark.django_db
def test_a_missing_value_with_its_reason_is_verified_too(ima402: Trial) -> None:
    record = review.filled(ima402)
    with ima402.acting_as("chidi") as chidi:
        entry.save_value(actor=chidi, record=record, path=review.SYSTOLIC, text="", seen=None, at=NOON)
        entry.explain_blank(actor=chidi, record=record, path=review.SYSTOLIC, why="Cuff broken", at=NOON)
        entry.complete_record(actor=chidi, record=record, at=NOON)
    review.verified(ima402, record)
    with ima402.acting_as("noor"):
        assert review.SYSTOLIC in verification.marks(record)


@pytest.mark.django_db
def test_of_a_removed_line_only_the_removal_is_left_to_verify(ima402: Trial) -> None:
    record = review.completed(ima402)
    before = standing(ima402, record).values
    with ima402.acting_as("chidi") as chidi:
        entry.remove_line(actor=chidi, record=record, kind="results", key="SYSBP", at=NOON, reason="Not measured")
    assert standing(ima402, record).values == before - 1  # value and unit go, the removal comes


@pytest.mark.django_db
def test_a_form_still_in_entry_is_not_verified(ima402: Trial) -> None:
    record = review.filled(ima402)
    with ima402.acting_as("noor") as noor, pytest.raises(verification.NotFinished, match="not completed"):
        verification.verify_records(actor=noor, records=[record], at=NOON)


@pytest.mark.django_db
def test_a_locked_form_takes_no_marks(ima402: Trial) -> None:
    record = review.completed(ima402)
    with ima402.acting_as("dana"):
        FormRecord.objects.filter(pk=record.pk).update(is_locked=True)
    with ima402.acting_as("noor") as noor, pytest.raises(verification.RecordLocked):
        verification.verify_records(actor=noor, records=[record], at=NOON)


@pytest.mark.django_db
@pytest.mark.parametrize("other", ["chidi", "amara", "dana", "mora", "sven", "iris"])
def test_only_a_monitor_verifies(ima402: Trial, other: str) -> None:
    record = review.completed(ima402)
    with ima402.acting_as(other) as actor, pytest.raises(NotAllowed):
        verification.verify_records(actor=actor, records=[record], at=NOON)


@pytest.mark.django_db
def test_a_mark_taken_back_leaves_the_value_unverified(ima402: Trial) -> None:
    record = review.completed(ima402)
    review.verified(ima402, record)
    with ima402.acting_as("noor") as noor:
        verification.withdraw_verification(actor=noor, record=record, path=review.SYSTOLIC, at=NOON)
        assert Verification.objects.filter(record=record, path=review.SYSTOLIC).count() == 1
    now = standing(ima402, record)
    assert (now.verified, now.stale) == (now.values - 1, 0)


@pytest.mark.django_db
def test_what_is_always_verified_is_asked_for_whatever_the_plan_says(
    ima402: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = review.completed(ima402)
    for _ in range(3):  # the fourth subject of the site is beyond the plan's first three
        later = review.completed(ima402)
    assert not standing(ima402, later).is_required

    monkeypatch.setattr(verification, "_always", [Q(pk=later.pk)])
    assert standing(ima402, later).is_required
    assert standing(ima402, record).is_required


@pytest.mark.django_db
def test_the_worklist_totals_agree_with_its_rows(ima402: Trial) -> None:
    records = [review.completed(ima402) for _ in range(3)]
    review.verified(ima402, records[0])
    review.verified(ima402, records[1])
    review.correct(ima402, records[1], "121")
    with ima402.acting_as("noor") as noor:
        counted = {}
        for show in ("required", "done", "stale", "outstanding"):
            found = worklists.verification_worklist(actor=noor, filters=worklists.RecordFilter(show=show))
            counted[show] = len(found.keys)
    assert counted == {"required": 3, "done": 1, "stale": 1, "outstanding": 2}
    assert [sum(getattr(row, name) for row in found.totals) for name in ("required", "done", "stale")] == [3, 1, 1]


@pytest.mark.django_db
def test_bulk_writes_are_seen_by_the_versions_too(ima402: Trial) -> None:
    record = review.completed(ima402)
    review.verified(ima402, record)
    with ima402.acting_as("chidi"), because("Unit was wrong"):
        VitalResult.objects.filter(record=record, key__in=["SYSBP", "DIABP"]).update(value=Decimal(77))
    assert standing(ima402, record).stale == 2
