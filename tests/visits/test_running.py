"""What a visit asks about running entries: once each, beside the entry and never in it, by the site alone."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.models import AuditEvent
from apps.core.refusal import NotAllowed
from apps.subjects.models import Subject
from apps.visits import running, schedule, services
from apps.visits.models import FormRecord, PathVersion, RunningAnswer, RunningCheck, Visit
from clinical.partial_date import PartialDate
from tests import scenarios, scenarios_review, scenarios_safety
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db
BACKEND = "apps.accounts.backends.EmailBackend"
NO_CHANGE, CHANGED = RunningAnswer.NO_CHANGE, RunningAnswer.CHANGED


@pytest.fixture
def visit(ima402: Trial) -> Visit:
    """A screening visit that took place on 2 March 2026."""
    record = scenarios_review.vital_signs(ima402)
    assert record.visit is not None
    with ima402.acting_as("chidi"):
        return Visit.objects.select_related("subject__protocol_version", "subject__site").get(pk=record.visit.pk)


def medicine(trial: Trial, subject: Subject, **texts: str) -> FormRecord:
    with trial.acting_as("chidi") as chidi:
        record = services.open_record(
            actor=chidi,
            subject=subject,
            form="concomitant_medication",
            visit=None,
            protocol_version=subject.protocol_version,
            at=NOON,
        )
        typed = {"name": "Paracetamol", "dose": "500", "unit": "mg", "frequency": "BID", "started": "2026-02"}
        services.save_values(actor=chidi, record=record, texts={**typed, "is_ongoing": "Y", **texts}, at=NOON)
    return record


def asked(trial: Trial, visit: Visit, *, by: str = "chidi") -> running.SinceLastVisit | None:
    with trial.acting_as(by) as actor:
        return running.since_last_visit(visit, actor=actor)


def rows(trial: Trial, visit: Visit) -> dict[str, running.RunningRow]:
    found = asked(trial, visit)
    return {} if found is None else {row.entry.name: row for _, log in found.logs for row in log}


def answer(
    trial: Trial,
    visit: Visit,
    records: Iterable[FormRecord],
    said: RunningAnswer = NO_CHANGE,
    *,
    by: str = "chidi",
    at: datetime | None = None,
) -> list[RunningCheck]:
    with trial.acting_as(by) as actor:
        return running.answer_about_running(
            actor=actor, visit=visit, records=[record.pk for record in records], answer=said, at=at or timezone.now()
        )


def signed_in(trial: Trial, name: str) -> Client:
    client = Client()
    client.force_login(trial.people[name], backend=BACKEND)
    return client


def address(visit: Visit, end: str = "") -> str:
    return f"/IMA402/subjects/{visit.subject.number}/visits/{visit.code}/{end}"


def test_running_entries_stand_with_their_present_words(ima402: Trial, visit: Visit) -> None:
    event = scenarios_safety.event(ima402, visit.subject, grade=3, onset="2026-03-01")
    scenarios_safety.next_grade(ima402, event, grade=1, began="2026-03-02")
    medicine(ima402, visit.subject)
    medicine(ima402, visit.subject, name="Ibuprofen", started="2025", dose="", dose_text="one tablet", unit="")
    found = rows(ima402, visit)
    assert {name: (row.entry.now, str(row.entry.since)) for name, row in found.items()} == {
        "Fatigue": ("grade 1", "01-Mar-2026"),
        "Paracetamol": ("500 mg, BID", "Feb-2026"),
        "Ibuprofen": ("one tablet, BID", "2025"),
    }


@pytest.mark.parametrize(
    ("texts", "is_asked"),
    [
        ({}, True),
        ({"started": "2026-03"}, True),
        ({"started": ""}, True),
        ({"started": "2026-03-03"}, False),
        ({"ended": "2026-03-01", "is_ongoing": "N"}, False),
        ({"is_ongoing": "N"}, False),
        ({"is_ongoing": ""}, True),
    ],
)
def test_what_ended_or_began_later_is_not_asked_about(
    ima402: Trial, visit: Visit, texts: dict[str, str], is_asked: bool
) -> None:
    medicine(ima402, visit.subject, **texts)
    assert ("Paracetamol" in rows(ima402, visit)) is is_asked


def test_a_visit_asks_only_about_the_logs_that_the_protocol_names_for_it(ima402: Trial, visit: Visit) -> None:
    medicine(ima402, visit.subject)
    with ima402.acting_as("chidi") as chidi:
        scan = Visit.objects.create(
            subject=visit.subject, code="TA1", name="Tumor assessment week 8", number=50001, planned_date="2026-04-27"
        )
        schedule.start_visit(actor=chidi, visit=scan, took_place=PartialDate.parse("2026-04-27"), at=NOON)
        scan = Visit.objects.select_related("subject__protocol_version").get(pk=scan.pk)
        unscheduled = schedule.add_unscheduled_visit(
            actor=chidi, subject=visit.subject, took_place=PartialDate.parse("2026-03-04"), forms=(), at=NOON
        )
    assert asked(ima402, scan) is None
    found = asked(ima402, unscheduled)
    assert found is not None
    assert found.last == visit


def test_no_visit_that_was_not_held_asks(ima402: Trial, visit: Visit) -> None:
    record = medicine(ima402, visit.subject)
    with ima402.acting_as("chidi"):
        ahead = Visit.objects.select_related("subject__protocol_version").get(subject=visit.subject, code="C1D1")
    assert asked(ima402, ahead) is None
    with pytest.raises(running.NotHeld, match="Start the visit first"):
        answer(ima402, ahead, [record])


def test_no_change_is_kept_with_who_when_and_which_entry_and_moves_no_value(ima402: Trial, visit: Visit) -> None:
    event, drug = scenarios_safety.event(ima402, visit.subject), medicine(ima402, visit.subject)
    with ima402.acting_as("chidi"):
        before = list(PathVersion.objects.order_by("pk").values_list("pk", "version")), FormRecord.objects.count()
    answer(ima402, visit, [event, drug])
    with ima402.acting_as("chidi"):
        assert before == (
            list(PathVersion.objects.order_by("pk").values_list("pk", "version")),
            FormRecord.objects.count(),
        )
        kept = AuditEvent.objects.filter(table="visits_runningcheck", record_id=event.pk).get()
    assert (kept.user_name, kept.role, kept.site_id) == ("Chidi Eze", "Study coordinator", visit.site_id)
    assert (kept.new_row or {})["answer"] == "no_change"
    row = rows(ima402, visit)["Fatigue"]
    assert row.check is not None
    assert (row.check.answered_by_name, row.waits, row.was_edited_after) == ("Chidi Eze", False, False)


def test_the_same_answer_twice_is_kept_once_and_another_answer_stands_beside_it(ima402: Trial, visit: Visit) -> None:
    drug = medicine(ima402, visit.subject)
    assert len(answer(ima402, visit, [drug, drug])) == 1
    assert answer(ima402, visit, [drug]) == []
    assert len(answer(ima402, visit, [drug], CHANGED, by="amara")) == 1
    row = rows(ima402, visit)["Paracetamol"]
    assert row.check is not None
    assert (row.check.answer, row.may_be_unchanged, row.may_have_changed) == (CHANGED, True, False)
    with ima402.acting_as("chidi"):
        assert RunningCheck.objects.filter(record=drug).count() == 2


def test_an_entry_edited_after_its_answer_says_so_and_can_be_confirmed_anew(ima402: Trial, visit: Visit) -> None:
    drug = medicine(ima402, visit.subject)
    answer(ima402, visit, [drug], at=timezone.now() - timedelta(days=1))
    assert rows(ima402, visit)["Paracetamol"].was_edited_after
    assert len(answer(ima402, visit, [drug])) == 1


def test_an_entry_that_ended_at_the_visit_stays_to_be_seen_there(ima402: Trial, visit: Visit) -> None:
    drug = medicine(ima402, visit.subject)
    answer(ima402, visit, [drug], CHANGED)
    with ima402.acting_as("chidi") as chidi:
        services.save_values(actor=chidi, record=drug, texts={"ended": "2026-03-02", "is_ongoing": "N"}, at=NOON)
    row = rows(ima402, visit)["Paracetamol"]
    assert row.entry.now == "500 mg, BID, ended 02-Mar-2026"
    assert row.was_edited_after


def test_an_entry_that_does_not_run_any_more_is_refused_and_none_of_the_others_is_kept(
    ima402: Trial, visit: Visit
) -> None:
    drug, over = medicine(ima402, visit.subject), medicine(ima402, visit.subject, ended="2026-02-20", is_ongoing="N")
    with pytest.raises(running.NotRunning):
        answer(ima402, visit, [drug, over])
    with pytest.raises(running.NotRunning):
        answer(ima402, visit, [])
    assert rows(ima402, visit)["Paracetamol"].waits


def test_a_locked_entry_takes_no_answer(ima402: Trial, visit: Visit) -> None:
    drug = medicine(ima402, visit.subject)
    with ima402.acting_as("chidi"):
        FormRecord.objects.filter(pk=drug.pk).update(is_locked=True)
    found = asked(ima402, visit)
    assert found is not None
    assert found.waiting == []
    with pytest.raises(running.NotRunning, match="locked"):
        answer(ima402, visit, [drug])


@pytest.mark.parametrize("who", ["noor", "mora", "dana", "stan", "sven", "pia", "iris"])
def test_only_the_site_that_enters_data_answers(ima402: Trial, visit: Visit, who: str) -> None:
    drug = medicine(ima402, visit.subject)
    with pytest.raises(NotAllowed):
        answer(ima402, visit, [drug], by=who)
    status = signed_in(ima402, who).post(address(visit, "running/"), {"unchanged": drug.pk}).status_code
    assert status == (404 if who == "iris" else 403)
    with ima402.acting_as("chidi"):
        assert not RunningCheck.objects.exists()


def test_the_database_keeps_an_answer_to_the_subject_of_its_visit_and_as_it_was_given(
    ima402: Trial, visit: Visit
) -> None:
    drug = medicine(ima402, visit.subject)
    (kept,) = answer(ima402, visit, [drug])
    other = scenarios.subject(ima402)
    with ima402.acting_as("chidi") as chidi:
        schedule.plan_visits(subject=other)
        foreign = Visit.objects.get(subject=other, code="SCR")
        columns = {"answer": NO_CHANGE, "answered_by_id": chidi.user_id, "answered_by_name": "", "answered_at": NOON}
        with pytest.raises(DatabaseError, match="not one of the subject"), transaction.atomic():
            RunningCheck.objects.create(site_id=drug.site_id, visit=foreign, record=drug, **columns)
        with pytest.raises(DatabaseError), transaction.atomic():
            RunningCheck.objects.filter(pk=kept.pk).update(answer=CHANGED)
    with ima402.acting_as("iris"):
        assert not RunningCheck.objects.exists()


def test_the_page_confirms_one_or_all_and_leads_to_what_changed(ima402: Trial, visit: Visit) -> None:
    client = signed_in(ima402, "chidi")
    first, second, third = (
        medicine(ima402, visit.subject, name=name) for name in ("Aspirin", "Beclomethasone", "Calcium")
    )
    page = client.get(address(visit)).content.decode()
    assert "No change to all 3" in page
    assert page.index("Since last visit") < page.index("Vital signs")
    went = client.post(address(visit, "running/"), {"changed": first.pk, "waiting": [first.pk, second.pk, third.pk]})
    assert went.headers["Location"] == f"/IMA402/records/{first.pk}/"
    assert "nothing entered yet" in client.get(address(visit)).content.decode()
    client.post(address(visit, "running/"), {"waiting": [second.pk, third.pk]})
    page = client.get(address(visit)).content.decode()
    assert "No change to all" not in page
    assert page.count("No change: Chidi Eze") == 2
    refused = client.post(address(visit, "running/"), {})
    assert refused.status_code == 422
    assert "Look through the list again" in refused.content.decode()


def test_who_does_not_enter_data_reads_the_answers_and_has_no_buttons(ima402: Trial, visit: Visit) -> None:
    medicine(ima402, visit.subject)
    page = signed_in(ima402, "noor").get(address(visit)).content.decode()
    assert "not asked yet" in page
    assert 'name="unchanged"' not in page


def test_more_entries_ask_the_database_no_more_often(ima402: Trial, visit: Visit) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as ran:
            signed_in(ima402, "chidi").get(address(visit))
        return len(ran)

    medicine(ima402, visit.subject)
    scenarios_safety.event(ima402, visit.subject)
    few = queries()
    for _ in range(3):
        medicine(ima402, visit.subject)
        scenarios_safety.event(ima402, visit.subject)
    assert queries() == few
