"""Saving values one by one: versions, conflicts, reasons, and the refusals of closed forms."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from apps.assessments.models import VitalResult
from apps.core.refusal import NotAllowed
from apps.core.transactions import because
from apps.visits import schedule, selectors, services, values
from apps.visits.models import EntryState, FormRecord, Visit
from clinical.partial_date import PartialDate
from tests import scenarios
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db

RESULT = "results/SYSBP/value"


@pytest.fixture
def vitals(ima402: Trial) -> FormRecord:
    """The vital signs form of a screening visit that took place today."""
    subject = scenarios.subject(ima402)
    with ima402.acting_as("chidi") as chidi:
        schedule.plan_visits(subject=subject)
        visit = Visit.objects.get(subject=subject, code="SCR")
        schedule.start_visit(actor=chidi, visit=visit, took_place=PartialDate.parse("2026-03-02"), at=NOON)
        return FormRecord.objects.select_related("subject").get(visit=visit, form="vital_signs")


def save(
    trial: Trial,
    record: FormRecord,
    path: str,
    text: str,
    *,
    by: str = "chidi",
    seen: int | None = None,
    reason: str = "",
) -> services.Saved:
    with trial.acting_as(by) as actor:
        return services.save_value(actor=actor, record=record, path=path, text=text, at=NOON, seen=seen, reason=reason)


def fill(trial: Trial, record: FormRecord) -> None:
    with trial.acting_as("chidi") as chidi:
        texts = {"taken": "2mar26 10:05"}
        for place in values.all_places(record):
            if place.name == "value":
                texts[place.path] = "36.6" if "TEMP" in place.path else "98"
        services.save_values(actor=chidi, record=record, texts=texts, at=NOON)


def complete(trial: Trial, record: FormRecord) -> None:
    fill(trial, record)
    with trial.acting_as("chidi") as chidi:
        services.complete_record(actor=chidi, record=record, at=NOON)


def test_a_value_is_kept_with_the_digits_typed(ima402: Trial, vitals: FormRecord) -> None:
    saved = save(ima402, vitals, RESULT, "118,50")
    assert (saved.version, saved.text) == (1, "118.50")
    with ima402.acting_as("chidi"):
        assert str(VitalResult.objects.get(record=vitals, key="SYSBP").value) == "118.50"


def test_every_change_of_a_value_raises_its_version_and_no_other(ima402: Trial, vitals: FormRecord) -> None:
    save(ima402, vitals, RESULT, "118")
    assert save(ima402, vitals, RESULT, "119").version == 2
    assert save(ima402, vitals, "results/DIABP/value", "80").version == 1


def test_a_request_repeated_after_a_lost_answer_does_no_harm(ima402: Trial, vitals: FormRecord) -> None:
    save(ima402, vitals, RESULT, "118", seen=0)
    assert save(ima402, vitals, RESULT, "118", seen=0).version == 1


def test_an_older_sight_of_a_value_never_overwrites_a_newer_one(ima402: Trial, vitals: FormRecord) -> None:
    save(ima402, vitals, RESULT, "118", seen=0)
    with pytest.raises(services.ChangedMeanwhile) as conflict:
        save(ima402, vitals, RESULT, "112", by="amara", seen=0)
    assert (conflict.value.theirs, conflict.value.by) == ("118", "Chidi Eze")


@pytest.mark.parametrize(
    ("path", "text", "sentence"),
    [
        (RESULT, "high", "“high” is not a number"),
        ("taken", "3/4/26", "This can be"),
        ("taken", "30feb26", "30"),
        ("taken", "5mar2099", "later"),
    ],
)
def test_text_that_no_value_can_come_from_is_refused_in_words(
    ima402: Trial, vitals: FormRecord, path: str, text: str, sentence: str
) -> None:
    with pytest.raises(services.CannotBeStored, match=sentence):
        save(ima402, vitals, path, text)


def test_a_form_is_not_complete_while_a_needed_value_is_neither_there_nor_explained(
    ima402: Trial, vitals: FormRecord
) -> None:
    with ima402.acting_as("chidi") as chidi, pytest.raises(services.Incomplete) as missing:
        services.complete_record(actor=chidi, record=vitals, at=NOON)
    assert "taken" in {finding.path for finding in missing.value.findings}
    fill(ima402, vitals)
    with ima402.acting_as("chidi") as chidi:
        services.save_value(actor=chidi, record=vitals, path=RESULT, text="", seen=None, at=NOON)
        services.explain_blank(actor=chidi, record=vitals, path=RESULT, why="Cuff broken", at=NOON)
        services.complete_record(actor=chidi, record=vitals, at=NOON)
        vitals.refresh_from_db()
    assert vitals.state == EntryState.COMPLETE


def test_a_completed_form_changes_only_with_a_reason(ima402: Trial, vitals: FormRecord) -> None:
    complete(ima402, vitals)
    with pytest.raises(services.ReasonNeeded):
        save(ima402, vitals, RESULT, "131")
    save(ima402, vitals, RESULT, "131", reason="Transcription error")
    with ima402.acting_as("chidi"):
        vitals.refresh_from_db()
        assert vitals.state == EntryState.COMPLETE
        newest = selectors.history(vitals, RESULT)[0]
    assert (newest.before, newest.after, newest.event.reason) == ("98", "131", "Transcription error")
    assert newest.event.user_name == "Chidi Eze"
    assert newest.event.role == "Study coordinator"


def test_the_database_itself_demands_the_reason_of_raw_and_bulk_writes(ima402: Trial, vitals: FormRecord) -> None:
    complete(ima402, vitals)
    with ima402.acting_as("chidi"):
        with pytest.raises(DatabaseError, match="needs a reason"), transaction.atomic():
            VitalResult.objects.filter(record=vitals).update(value=Decimal(1))
        with because("Source corrected"):
            assert VitalResult.objects.filter(record=vitals, key="SYSBP").update(value=Decimal(1)) == 1


def test_a_locked_form_refuses_correction_in_words_and_in_the_database(ima402: Trial, vitals: FormRecord) -> None:
    complete(ima402, vitals)
    with ima402.acting_as("dana"):
        FormRecord.objects.filter(pk=vitals.pk).update(is_locked=True)
    with pytest.raises(services.Closed, match="locked"):
        save(ima402, vitals, RESULT, "131", reason="Source corrected")
    with (
        ima402.acting_as("chidi", reason="Source corrected"),
        pytest.raises(DatabaseError, match="locked"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("update assessments_vitalresult set value = 1")


@pytest.mark.parametrize("outsider", ["noor", "mora", "dana", "sven", "pia"])
def test_only_the_site_enters_values(ima402: Trial, vitals: FormRecord, outsider: str) -> None:
    with pytest.raises(NotAllowed):
        save(ima402, vitals, RESULT, "118", by=outsider)


def test_another_site_cannot_even_see_the_form(ima402: Trial, vitals: FormRecord) -> None:
    with ima402.acting_as("iris"), connection.cursor() as cursor:
        assert not FormRecord.objects.filter(pk=vitals.pk).exists()
        cursor.execute("select count(*) from assessments_vitalresult")
        assert cursor.fetchone() == (0,)


def test_a_form_with_values_is_not_declared_not_done(ima402: Trial, vitals: FormRecord) -> None:
    save(ima402, vitals, RESULT, "118")
    with ima402.acting_as("chidi") as chidi, pytest.raises(services.HoldsValues):
        services.mark_not_done(actor=chidi, record=vitals, why="Patient refused", at=NOON)


def test_a_value_that_is_missing_cannot_be_said_away(ima402: Trial, vitals: FormRecord) -> None:
    with ima402.acting_as("chidi") as chidi:
        services.confirm_value(actor=chidi, record=vitals, path="taken", check="missing", why="I say so", at=NOON)
        with pytest.raises(services.Incomplete) as incomplete:
            services.complete_record(actor=chidi, record=vitals, at=NOON)
    assert "taken" in {finding.path for finding in incomplete.value.findings}


def test_the_answer_to_a_saved_value_says_how_the_form_stands_now(
    ima402: Trial, vitals: FormRecord, client: Client
) -> None:
    client.force_login(ima402.people["chidi"], backend="apps.accounts.backends.EmailBackend")
    place = {"study": "IMA402", "record": vitals.pk}
    assert "Not started" in client.get(reverse("record", kwargs=place)).content.decode()
    answer = client.post(reverse("record_value", kwargs=place), {"path": RESULT, "value": "118", "seen": "0"})
    said = answer.content.decode().partition('<div id="record-status">')[2]
    assert "In progress" in said.partition("</div>")[0]


def test_a_check_of_a_saved_value_can_be_answered_after_a_reload(
    ima402: Trial, vitals: FormRecord, client: Client
) -> None:
    save(ima402, vitals, RESULT, "260")
    client.force_login(ima402.people["chidi"], backend="apps.accounts.backends.EmailBackend")
    page = client.get(reverse("record", kwargs={"study": "IMA402", "record": vitals.pk})).content.decode()
    beside = page.partition(f'data-feedback="{RESULT}"')[2].partition("</div>")[0]
    assert "data-confirm=" in beside


@pytest.mark.parametrize(("name", "may_add", "may_start"), [("chidi", True, True), ("pia", False, False)])
def test_a_visit_offers_only_what_the_role_may_do(
    ima402: Trial, vitals: FormRecord, client: Client, name: str, may_add: bool, may_start: bool
) -> None:
    client.force_login(ima402.people[name], backend="apps.accounts.backends.EmailBackend")
    place = {"study": "IMA402", "number": vitals.subject.number}
    held = client.get(reverse("visit", kwargs={**place, "code": "SCR"})).content.decode()
    assert "Adverse events" in held
    assert ("New entry" in held) is may_add
    ahead = client.get(reverse("visit", kwargs={**place, "code": "C1D1"})).content.decode()
    assert ("Start visit" in ahead) is may_start
