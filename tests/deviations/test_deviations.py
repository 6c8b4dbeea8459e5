"""Deviations: what the system opens by itself, what people record, and what becomes of them."""

import csv
from collections.abc import Iterator

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.refusal import NotAllowed, NotFound
from apps.deviations import selectors, services
from apps.deviations.models import Deviation, Origin, State
from apps.subjects.models import Subject
from apps.visits import schedule
from apps.visits.models import Visit
from clinical.partial_date import PartialDate
from clinical.protocol.schedule import AnchorSource
from tests import scenarios
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db

DAY_ONE = "2026-03-02"


@pytest.fixture
def dosed(ima402: Trial) -> Iterator[Subject]:
    """A subject whose first dose was on day one, so that the later visits have their windows."""
    subject = scenarios.subject(ima402)
    anchors = ima402.version.definition.anchors
    with ima402.acting_as("chidi"):
        for anchor in anchors:
            if anchor.source in {AnchorSource.FIRST_DOSE, AnchorSource.PLANNED}:
                schedule.set_anchor(subject=subject, name=anchor.code, moment=PartialDate.parse(DAY_ONE))
    return subject


def bounded(subject: Subject) -> Visit:
    """The first planned visit after day one that has a window with room on both sides of a month."""
    return (
        Visit.objects.filter(subject=subject, window_from__isnull=False, planned_date__gt=DAY_ONE)
        .order_by("planned_date")
        .first()
    )  # type: ignore[return-value]  # the schedule has one


def start(trial: Trial, visit: Visit, took_place: str) -> None:
    with trial.acting_as("chidi") as chidi:
        schedule.start_visit(actor=chidi, visit=visit, took_place=PartialDate.parse(took_place), at=NOON)


def all_of(trial: Trial) -> list[Deviation]:
    with trial.acting_as("dana"):
        return list(Deviation.objects.select_related("subject__protocol_version").order_by("pk"))


def test_a_visit_in_its_window_is_no_deviation_the_last_day_included(ima402: Trial, dosed: Subject) -> None:
    with ima402.acting_as("chidi"):
        visit = bounded(dosed)
    start(ima402, visit, f"{visit.window_to}T23:50")
    assert all_of(ima402) == []


def test_a_visit_after_its_window_opens_one_that_says_by_how_much(ima402: Trial, dosed: Subject) -> None:
    with ima402.acting_as("chidi"):
        visit = bounded(dosed)
    late = visit.window_to + scenarios.days(2)  # type: ignore[operator]  # it has a window
    start(ima402, visit, str(late))
    (deviation,) = all_of(ima402)
    assert (deviation.category, deviation.origin, deviation.state) == ("WINDOW", Origin.SYSTEM, State.OPEN)
    assert "2 days after the window" in deviation.term
    assert deviation.occurred == PartialDate.of(late)
    assert deviation.title == "Visit outside its window"


@pytest.mark.parametrize(("took_place", "opened"), [("2026", 0), ("2025", 1)])
def test_a_date_that_may_lie_in_the_window_opens_nothing_and_one_that_cannot_does(
    ima402: Trial, dosed: Subject, took_place: str, opened: int
) -> None:
    with ima402.acting_as("chidi"):
        visit = bounded(dosed)
    start(ima402, visit, took_place)
    assert len(all_of(ima402)) == opened


def test_an_unscheduled_visit_has_no_window_to_miss(ima402: Trial, dosed: Subject) -> None:
    with ima402.acting_as("chidi") as chidi:
        schedule.add_unscheduled_visit(
            actor=chidi, subject=dosed, took_place=PartialDate.parse("2026-05-30"), forms=(), at=NOON
        )
    assert all_of(ima402) == []


@pytest.mark.parametrize(("skipped", "opened"), [(False, 1), (True, 0)])
def test_a_missed_visit_is_a_deviation_and_a_skipped_one_is_none(
    ima402: Trial, dosed: Subject, skipped: bool, opened: int
) -> None:
    with ima402.acting_as("chidi") as chidi:
        schedule.miss_visit(actor=chidi, visit=bounded(dosed), why="Snow", skipped=skipped, at=NOON)
    found = all_of(ima402)
    assert len(found) == opened
    assert all("Snow" in each.term and each.category == "MISSED" for each in found)


def test_a_missed_visit_that_took_place_after_all_is_withdrawn_and_kept(ima402: Trial, dosed: Subject) -> None:
    with ima402.acting_as("chidi") as chidi:
        visit = bounded(dosed)
        schedule.miss_visit(actor=chidi, visit=visit, why="", skipped=False, at=NOON)
    start(ima402, visit, str(visit.planned_date))
    (deviation,) = all_of(ima402)
    assert deviation.state == State.CORRECTED


# -- one fact, one row ----------------------------------------------------------------------------------------------


def open_one(trial: Trial, subject: Subject, *, key: str = "dose:1", term: str = "Given 6 h early.") -> Deviation:
    with trial.acting_as("chidi") as chidi:
        return services.open_deviation(
            actor=chidi, subject=subject, category="DOSE", term=term, occurred=None, key=key, at=NOON
        )


def test_the_same_fact_opens_one_deviation_and_takes_newer_words(ima402: Trial, dosed: Subject) -> None:
    first = open_one(ima402, dosed)
    second = open_one(ima402, dosed, term="Given 8 h early.")
    assert first.pk == second.pk
    (deviation,) = all_of(ima402)
    assert (deviation.term, deviation.is_important) == ("Given 8 h early.", True)
    with ima402.acting_as("chidi"), pytest.raises(IntegrityError), transaction.atomic():
        Deviation.objects.create(
            subject=dosed, category="DOSE", term="x", origin="system", opened_by_name="x", opened_at=NOON, key="dose:1"
        )


def test_a_withdrawn_fact_that_is_true_again_is_open_again(ima402: Trial, dosed: Subject) -> None:
    open_one(ima402, dosed)
    with ima402.acting_as("chidi") as chidi:
        services.close_as_corrected(actor=chidi, subject=dosed, key="dose:1", at=NOON)
        assert services.close_as_corrected(actor=chidi, subject=dosed, key="dose:1", at=NOON) is None
    open_one(ima402, dosed)
    (deviation,) = all_of(ima402)
    assert (deviation.state, deviation.closed_at) == (State.OPEN, None)


def test_what_a_person_closed_stays_closed(ima402: Trial, dosed: Subject) -> None:
    deviation = open_one(ima402, dosed)
    with ima402.acting_as("chidi") as chidi:
        services.describe_deviation(
            actor=chidi, deviation=deviation, cause="Clock misread", action_taken="Retrained", at=NOON
        )
    with ima402.acting_as("noor") as noor:
        services.close_deviation(actor=noor, deviation=deviation, at=NOON)
    assert open_one(ima402, dosed).state == State.CLOSED


def test_a_deviation_is_closed_once_cause_and_action_are_said(ima402: Trial, dosed: Subject) -> None:
    deviation = open_one(ima402, dosed)
    with ima402.acting_as("noor") as noor, pytest.raises(services.WordsNeeded):
        services.close_deviation(actor=noor, deviation=deviation, at=NOON)


# -- people ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "origin"),
    [
        ("chidi", Origin.SITE),
        ("amara", Origin.SITE),
        ("noor", Origin.SPONSOR),
        ("dana", Origin.SPONSOR),
        ("mora", Origin.SPONSOR),
        ("pia", None),
        ("stan", None),
        ("sven", None),
        ("agnes", None),
        ("iris", None),
    ],
)
def test_site_and_reviewers_record_what_they_saw_and_nobody_else(
    ima402: Trial, dosed: Subject, person: str, origin: Origin | None
) -> None:
    with ima402.acting_as(person) as actor:
        if origin is None:
            with pytest.raises(NotAllowed):
                record(actor, dosed)
        else:
            assert record(actor, dosed).origin == origin


def record(actor: services.Actor, subject: Subject, *, category: str = "OTHER", term: str = "Diary lost") -> Deviation:
    return services.record_deviation(
        actor=actor, subject=subject, category=category, term=term, occurred=PartialDate.parse("2026-03"), at=NOON
    )


def test_a_recorded_deviation_needs_a_kind_of_the_protocol_and_words(ima402: Trial, dosed: Subject) -> None:
    with ima402.acting_as("noor") as noor:
        with pytest.raises(services.UnknownCategory):
            record(noor, dosed, category="WEATHER")
        with pytest.raises(services.WordsNeeded):
            record(noor, dosed, term=" ")


def test_the_site_explains_and_the_reviewer_judges(ima402: Trial, dosed: Subject) -> None:
    deviation = open_one(ima402, dosed)
    with ima402.acting_as("noor") as noor, pytest.raises(NotAllowed):
        services.describe_deviation(actor=noor, deviation=deviation, cause="x", action_taken="y", at=NOON)
    with ima402.acting_as("chidi") as chidi, pytest.raises(NotAllowed):
        services.judge_importance(actor=chidi, deviation=deviation, is_important=False, at=NOON)
    with ima402.acting_as("mora") as mora:
        assert not services.judge_importance(actor=mora, deviation=deviation, is_important=False, at=NOON).is_important


def test_another_site_neither_sees_nor_touches_a_deviation(ima402: Trial, dosed: Subject) -> None:
    deviation = open_one(ima402, dosed)
    with ima402.acting_as("iris") as iris:
        assert not Deviation.objects.exists()
        with pytest.raises((NotAllowed, NotFound)):
            services.describe_deviation(actor=iris, deviation=deviation, cause="x", action_taken="y", at=NOON)


# -- pages ----------------------------------------------------------------------------------------------------------


def browser(trial: Trial, name: str) -> Client:
    client = Client()
    client.force_login(trial.people[name], backend="apps.accounts.backends.EmailBackend")
    return client


def url(trial: Trial, name: str, **kwargs: object) -> str:
    return reverse(name, kwargs={"study": trial.study.code, **kwargs})


def test_the_log_filters_by_the_address_and_downloads_the_same_rows(ima402: Trial, dosed: Subject) -> None:
    open_one(ima402, dosed, key="a", term="=Given twice")
    with ima402.acting_as("noor") as noor_actor:
        record(noor_actor, dosed)
    noor = browser(ima402, "noor")
    assert noor.get(url(ima402, "deviations")).context["page"].paginator.count == 2
    important = noor.get(url(ima402, "deviations"), {"important": "yes"})
    assert important.context["page"].paginator.count == 1
    rows = list(
        csv.reader(
            noor.get(url(ima402, "deviations"), {"important": "yes", "format": "csv"}).content.decode().splitlines()
        )
    )
    assert len(rows) == 2
    assert "'=Given twice" in rows[1]


def test_the_log_takes_as_many_statements_for_many_rows_as_for_few(ima402: Trial, dosed: Subject) -> None:
    def statements() -> int:
        client = browser(ima402, "noor")
        with CaptureQueriesContext(connection) as captured:
            client.get(url(ima402, "deviations"))
        return len(captured)

    for number in range(3):
        open_one(ima402, dosed, key=f"few:{number}")
    few = statements()
    for number in range(27):
        open_one(ima402, dosed, key=f"many:{number}")
    assert statements() == few


def test_a_monitor_records_one_by_hand_and_another_site_finds_nothing(ima402: Trial, dosed: Subject) -> None:
    noor, ines = browser(ima402, "noor"), browser(ima402, "ines")
    form = {"category": "OTHER", "term": "Diary lost", "occurred": "mar 2026"}
    refused = noor.post(url(ima402, "deviation_record", number=dosed.number), form | {"occurred": "3/4/26"})
    assert refused.status_code == 422
    assert "Diary lost" in refused.content.decode()
    made = noor.post(url(ima402, "deviation_record", number=dosed.number), form)
    assert made.status_code == 302
    page = made.headers["Location"]
    assert "Mar-2026" in noor.get(page).content.decode()
    assert ines.get(page).status_code == 404
    assert ines.post(page, {"act": "close"}).status_code == 404
    assert ines.get(url(ima402, "deviation_record", number=dosed.number)).status_code == 404


def test_the_subject_list_is_in_the_order_things_happened(ima402: Trial, dosed: Subject) -> None:
    with ima402.acting_as("chidi") as chidi:
        for key, when in (("b", "2026-05"), ("a", "2026-03-04")):
            services.open_deviation(
                actor=chidi,
                subject=dosed,
                category="DOSE",
                term=key,
                occurred=PartialDate.parse(when),
                key=key,
                at=NOON,
            )
        assert [each.term for each in selectors.of_subject(dosed, actor=chidi)] == ["a", "b"]
        assert selectors.open_counts([dosed]) == {dosed.pk: 2}
