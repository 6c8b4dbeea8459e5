"""The subjects' matrix: each visit's word, in the order and with the filters of the address, bounded by its page."""

import re
from datetime import date

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.dashboard import matrix
from apps.subjects.models import Status, Subject
from apps.visits import overlays, schedule
from apps.visits.models import FormRecord, Visit, VisitStatus
from apps.visits.overlays import StatusWord
from clinical.partial_date import PartialDate
from tests import scenarios, scenarios_review
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db
BACKEND = "apps.accounts.backends.EmailBackend"
PLACE = "/IMA402/subjects/"


def signed_in(trial: Trial, name: str) -> Client:
    client = Client()
    client.force_login(trial.people[name], backend=BACKEND)
    return client


def page(trial: Trial, asked: str = "", *, by: str = "chidi") -> str:
    answer = signed_in(trial, by).get(f"{PLACE}?{asked}")
    assert answer.status_code == 200
    return answer.content.decode()


def planned(trial: Trial, *, by: str = "chidi") -> Subject:
    subject = scenarios.subject(trial, by=by)
    with trial.acting_as(by):
        schedule.plan_visits(subject=subject)
    return subject


def shown(trial: Trial, asked: str = "", *, by: str = "chidi") -> list[matrix.SubjectRow]:
    with trial.acting_as(by) as actor:
        rows: list[matrix.SubjectRow] = matrix.subjects(QueryDict(asked), actor=actor, now=NOON)["rows"]
    return rows


def numbers(trial: Trial, asked: str) -> list[str]:
    return [row.subject.number[-3:] for row in shown(trial, asked)]


def cell(trial: Trial, subject: Subject, code: str = "SCR") -> matrix.Cell:
    row = next(row for row in shown(trial) if row.subject.pk == subject.pk)
    return next(each for each in row.cells if each is not None and each.visit.code == code)


NOTHING, BEGUN, DONE, SKIPPED_FORM = overlays.NOT_STARTED, overlays.IN_PROGRESS, overlays.COMPLETE, overlays.NOT_DONE


@pytest.mark.parametrize(
    ("forms", "word"),
    [
        ((), overlays.HELD),
        ((NOTHING, NOTHING), overlays.NOT_STARTED),
        ((NOTHING, BEGUN), overlays.IN_PROGRESS),
        ((NOTHING, DONE), overlays.IN_PROGRESS),
        ((overlays.LOCKED, NOTHING), overlays.IN_PROGRESS),
        ((DONE, SKIPPED_FORM), overlays.COMPLETE),
        ((SKIPPED_FORM, DONE), overlays.COMPLETE),
        ((SKIPPED_FORM,), overlays.NOT_DONE),
        ((overlays.SIGNED, SKIPPED_FORM), overlays.SIGNED),
        ((overlays.VERIFIED, DONE), overlays.COMPLETE),
        ((overlays.VERIFIED, overlays.SIGNED), overlays.VERIFIED),
        ((overlays.STALE, overlays.SIGNED), overlays.STALE),
        ((overlays.STALE, BEGUN), overlays.IN_PROGRESS),
        ((overlays.FROZEN, overlays.LOCKED), overlays.FROZEN),
        ((overlays.LOCKED, overlays.LOCKED), overlays.LOCKED),
    ],
)
def test_a_visit_stands_where_its_last_form_stands(forms: tuple[StatusWord, ...], word: StatusWord) -> None:
    assert overlays.word_of_visit(Visit(status=VisitStatus.STARTED), forms, is_late=False) is word


@pytest.mark.parametrize(
    ("status", "is_late", "word"),
    [
        (VisitStatus.PLANNED, False, overlays.PLANNED),
        (VisitStatus.PLANNED, True, overlays.OVERDUE),
        (VisitStatus.MISSED, False, overlays.MISSED),
        (VisitStatus.SKIPPED, False, overlays.SKIPPED),
        (VisitStatus.NOT_ASKED, False, overlays.NOT_ASKED),
    ],
)
def test_a_visit_that_was_not_held_says_why(status: VisitStatus, is_late: bool, word: StatusWord) -> None:
    assert overlays.word_of_visit(Visit(status=status), (), is_late=is_late) is word


def test_no_two_words_of_the_table_share_a_sign_and_a_tone() -> None:
    of_visits = [word for word in overlays.ALL_WORDS if word not in {overlays.REMOVED, overlays.QUERY}]
    signs = [word.icon for word in of_visits]
    assert sorted(set(signs)) == sorted(signs)


@pytest.mark.parametrize("address", [PLACE, f"{PLACE}?sort=-due&show=queries"])
def test_twelve_subjects_ask_the_database_no_more_often_than_three(ima402: Trial, address: str) -> None:
    def lived(count: int) -> None:
        for _ in range(count):
            record = scenarios_review.completed(ima402)
            scenarios_review.query(ima402, record)

    def asked() -> int:
        client = signed_in(ima402, "chidi")
        with CaptureQueriesContext(connection) as ran:
            assert client.get(address).status_code == 200
        return len(ran)

    lived(3)
    few = asked()
    lived(9)
    assert asked() == few


def test_a_page_holds_no_more_subjects_than_it_says(ima402: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix, "PAGE_ROWS", 2)
    for _ in range(3):
        planned(ima402)
    first, second = page(ima402, "sort=-number"), page(ima402, "sort=-number&page=2")
    assert "1–2 of 3 subjects" in first
    assert "?sort=-number&amp;page=2" in first
    assert "101-001" in second
    assert "101-002" not in second


def test_the_matrix_is_sorted_as_its_address_says(ima402: Trial) -> None:
    one, two, three = (planned(ima402) for _ in range(3))
    with ima402.acting_as("chidi"):
        for subject, level, day in ((one, 2, 20), (two, 1, 10), (three, None, 15)):
            Subject.objects.filter(pk=subject.pk).update(dose_level=level)
            Visit.objects.filter(subject=subject, code="SCR").update(planned_date=date(2026, 3, day))
        Subject.objects.filter(pk=three.pk).update(status=Status.DIED)
    assert numbers(ima402, "") == ["001", "002", "003"]
    assert numbers(ima402, "sort=-number") == ["003", "002", "001"]
    assert numbers(ima402, "sort=dose") == ["002", "001", "003"]
    assert numbers(ima402, "sort=-dose") == ["001", "002", "003"]
    assert numbers(ima402, "sort=due") == ["002", "001", "003"]
    assert numbers(ima402, "sort=nothing") == ["001", "002", "003"]


def test_the_way_a_column_is_sorted_can_be_seen_turned_and_kept(ima402: Trial) -> None:
    planned(ima402)
    text = page(ima402, "sort=dose&cohort=")
    assert 'aria-sort="ascending"><a href="?sort=-dose">Dose level' in text
    assert 'aria-sort="none"><a href="?">Subject' in text
    assert '<input type="hidden" name="sort" value="dose">' in text


def test_filters_leave_what_they_name(ima402: Trial) -> None:
    record = scenarios_review.completed(ima402)
    scenarios_review.query(ima402, record)
    other = planned(ima402)
    with ima402.acting_as("chidi"):
        Subject.objects.filter(pk=other.pk).update(cohort="IA-DL1", status=Status.ON_TREATMENT)
    assert numbers(ima402, "show=queries") == ["001"]
    assert numbers(ima402, "cohort=IA-DL1") == ["002"]
    assert numbers(ima402, "status=on_treatment") == ["002"]
    assert numbers(ima402, "find=001") == ["001"]
    assert "No subject matches. Clear a filter" in page(ima402, "status=died")


def test_another_site_sees_none_of_them(ima402: Trial) -> None:
    planned(ima402)
    planned(ima402, by="iris")
    assert [row.subject.number for row in shown(ima402, by="iris")] == ["202-001"]
    assert [row.subject.number for row in shown(ima402, by="noor")] == ["101-001", "202-001"]
    assert "<option>101</option>" not in page(ima402, by="iris")


def test_a_cell_opens_its_visit_and_says_its_word_to_those_who_do_not_see_the_sign(ima402: Trial) -> None:
    subject = planned(ima402)
    text = page(ima402)
    link = re.search(r'<a class="cell[^>]*href="([^"]*/visits/SCR/)".*?</a>', text, re.DOTALL)
    assert link is not None
    assert signed_in(ima402, "chidi").get(link[1]).status_code == 200
    assert re.sub(r"<[^>]*>", "", link[0]).strip().startswith(f"{subject.number}, Screening: Planned")


def test_the_queries_of_a_cell_lead_to_a_list_of_as_many(ima402: Trial) -> None:
    record = scenarios_review.completed(ima402)
    scenarios_review.query(ima402, record)
    scenarios_review.query(ima402, record, path="results/DIABP/value")
    scenarios_review.answered_query(ima402, scenarios_review.completed(ima402))
    first = cell(ima402, record.subject)
    assert (first.open_queries, first.word) == (2, overlays.IN_PROGRESS)
    address = re.search(r'<a class="asked" href="([^"]*)">2<', page(ima402))
    assert address is not None
    listed = signed_in(ima402, "chidi").get(address[1].replace("&amp;", "&")).content.decode()
    assert "1–2 of 2" in listed


def test_a_complete_verified_and_then_corrected_visit_goes_through_the_words(ima402: Trial) -> None:
    record = scenarios_review.completed(ima402)
    with ima402.acting_as("chidi"):
        FormRecord.objects.filter(visit=record.visit_id).exclude(pk=record.pk).update(
            state="not_done", not_done_reason="Not needed"
        )
    assert cell(ima402, record.subject).word is overlays.COMPLETE
    scenarios_review.verified(ima402, record)
    scenarios_review.correct(ima402, record, "121")
    assert cell(ima402, record.subject).word is overlays.STALE


def test_a_visit_nobody_planned_stands_after_its_neighbour(ima402: Trial) -> None:
    record = scenarios_review.completed(ima402)
    with ima402.acting_as("chidi") as chidi:
        schedule.add_unscheduled_visit(
            actor=chidi, subject=record.subject, took_place=PartialDate.parse("2026-03-03"), forms=(), at=NOON
        )
        columns = matrix.subjects(QueryDict(), actor=chidi, now=NOON)["columns"]
    assert [column.label for column in columns][:3] == ["SCR", "+1.1", "C1D1"]
    assert [column.name for column in columns][1] == "Unscheduled 1.1"


@pytest.mark.parametrize(
    ("status", "word"), [(Status.SCREENING, overlays.OVERDUE), (Status.SCREEN_FAILED, overlays.NOT_ASKED)]
)
def test_a_visit_is_late_only_while_it_is_still_to_come(ima402: Trial, status: Status, word: StatusWord) -> None:
    subject = planned(ima402)
    day = date(2026, 2, 1)
    with ima402.acting_as("chidi"):
        Subject.objects.filter(pk=subject.pk).update(status=status)
        Visit.objects.filter(subject=subject, code="SCR").update(planned_date=day, window_from=day, window_to=day)
    found = cell(ima402, subject)
    assert (found.word, found.day) == (word, "planned 01-Feb-2026")
