"""My work and the subjects list: what waits, in a constant number of queries."""

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.dashboard import matrix, work
from apps.review import services as review
from apps.subjects.models import Status, Subject
from apps.visits import schedule
from apps.visits.models import Visit
from tests import scenarios, scenarios_review
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db
BACKEND = "apps.accounts.backends.EmailBackend"


def signed_in(trial: Trial, name: str) -> Client:
    client = Client()
    client.force_login(trial.people[name], backend=BACKEND)
    return client


def queries_for(trial: Trial, address: str, *, by: str = "chidi") -> int:
    client = signed_in(trial, by)
    with CaptureQueriesContext(
        connection,
    ) as ran:
        assert client.get(address).status_code == 200
    return len(ran)


def add_subjects(trial: Trial, number: int) -> None:
    for _ in range(number):
        subject = scenarios.subject(trial)
        with trial.acting_as("chidi"):
            schedule.plan_visits(subject=subject)


@pytest.mark.parametrize("address", ["/IMA402/subjects/", "/IMA402/"])
def test_a_longer_list_asks_the_database_no_more_often(ima402: Trial, address: str) -> None:
    add_subjects(ima402, 2)
    few = queries_for(ima402, address)
    add_subjects(ima402, 6)
    assert queries_for(ima402, address) == few


def test_the_subjects_list_is_its_address(ima402: Trial) -> None:
    add_subjects(ima402, 2)
    client = signed_in(ima402, "chidi")
    found = client.get("/IMA402/subjects/?find=002").content.decode()
    assert "101-002" in found
    assert "101-001" not in found
    assert "No subject matches" in client.get("/IMA402/subjects/?status=died").content.decode()


def test_everybody_gets_a_start_page_and_nobody_anothers_subjects(ima402: Trial) -> None:
    add_subjects(ima402, 1)
    for name in ima402.people:
        page = signed_in(ima402, name).get("/IMA402/")
        assert page.status_code == 200, name
    assert "101-001" not in signed_in(ima402, "iris").get("/IMA402/subjects/").content.decode()


def test_the_page_of_a_subject_shows_what_comes_next(ima402: Trial) -> None:
    add_subjects(ima402, 1)
    page = signed_in(ima402, "chidi").get("/IMA402/subjects/101-001/").content.decode()
    assert "Visits ahead" in page
    assert "Screening" in page
    assert signed_in(ima402, "iris").get("/IMA402/subjects/101-001/").status_code == 404


def due_block(trial: Trial, *, now: datetime, whole: str = "") -> work.Block:
    with trial.acting_as("chidi") as chidi:
        found = work.blocks(study=trial.study, actor=chidi, now=now, whole=whole)
    return next(block for block in found if block.title == "Visits due")


def planned(trial: Trial, day: date) -> Visit:
    """A subject whose only dated visit is the screening visit of that day."""
    subject = scenarios.subject(trial)
    with trial.acting_as("chidi"):
        schedule.plan_visits(subject=subject)
        Visit.objects.filter(subject=subject).exclude(code="SCR").update(
            planned_date=None, window_from=None, window_to=None
        )
        visit = Visit.objects.select_related("subject").get(subject=subject, code="SCR")
        Visit.objects.filter(pk=visit.pk).update(planned_date=day, window_from=day, window_to=day)
    return visit


@pytest.mark.parametrize(
    ("days_away", "is_due"), [(-30, True), (0, True), (14, True), (15, False), (90, False)]
)  # fmt: skip
def test_a_visit_is_due_from_two_weeks_before_its_window(ima402: Trial, days_away: int, is_due: bool) -> None:
    visit = planned(ima402, NOON.date() + timedelta(days=days_away))
    block = due_block(ima402, now=NOON)
    assert (block.total, len(block.rows)) == ((1, 1) if is_due else (0, 0))
    if not is_due:
        assert f"The next one: {visit.subject.number}, {visit.name}" in block.empty


@pytest.mark.parametrize(
    ("status", "is_asked"),
    [(Status.ON_TREATMENT, True), (Status.FOLLOW_UP, True), (Status.DIED, False), (Status.SCREEN_FAILED, False)],
)
def test_nobody_is_asked_for_a_visit_of_a_subject_who_has_died(ima402: Trial, status: Status, is_asked: bool) -> None:
    visit = planned(ima402, NOON.date())
    with ima402.acting_as("chidi") as chidi:
        Subject.objects.filter(pk=visit.subject_id).update(status=status)
        asked = matrix.subjects(QueryDict(), actor=chidi, now=NOON)["rows"][0].next_visit
    assert (asked is not None) is is_asked
    assert due_block(ima402, now=NOON).total == is_asked


def test_a_block_in_full_has_as_many_rows_as_its_count_says(ima402: Trial) -> None:
    for _ in range(work.BLOCK_ROWS + 1):
        planned(ima402, NOON.date())
    short, full = due_block(ima402, now=NOON), due_block(ima402, now=NOON, whole="visits")
    assert (len(short.rows), short.total) == (work.BLOCK_ROWS, work.BLOCK_ROWS + 1)
    assert len(full.rows) == full.total
    assert short.more_url.endswith("?all=visits")


def test_an_answered_query_says_since_when_it_waits_for_who_asked(ima402: Trial) -> None:
    record = scenarios_review.completed(ima402)
    query = scenarios_review.query(ima402, record)
    asked_at = query.raised_at

    def words(who: str, title: str) -> list[str]:
        with ima402.acting_as(who) as actor:
            found = work.blocks(study=ima402.study, actor=actor, now=asked_at + timedelta(days=10))
        return [row.when for block in found if block.title == title for row in block.rows]

    assert "open for 10 days" in words("chidi", "Open queries")
    with ima402.acting_as("chidi") as chidi:
        answered_at = asked_at + timedelta(days=7)
        review.answer_query(actor=chidi, query=query, text="As in the source.", at=answered_at)
    assert "answered 3 days ago" in words("noor", "Answered queries")
