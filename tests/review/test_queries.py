"""Queries as stories: who asks, who answers, who closes, and what the system does by itself."""

import pytest
from django.db import DatabaseError, transaction

from apps.core.refusal import NotAllowed, NotFound
from apps.review import selectors, services, transitions
from apps.review.models import Act, Group, Query, QueryMessage, QueryState
from apps.visits import services as entry
from apps.visits.models import FormRecord
from tests import scenarios_review as review
from tests.scenarios import NOON, Trial, days

pytestmark = pytest.mark.django_db

HIGH = "300"


def only_query(trial: Trial) -> Query:
    with trial.acting_as("dana"):
        (query,) = Query.objects.select_related("record").all()
    return query


def acts(trial: Trial, query: Query) -> list[str]:
    with trial.acting_as("dana"):
        return list(QueryMessage.objects.filter(query=query).order_by("pk").values_list("act", flat=True))


def test_noor_asks_chidi_answers_noor_closes(ima402: Trial) -> None:
    record = review.completed(ima402)
    query = review.query(ima402, record, text="Please check the systolic pressure.")
    assert (query.state, query.group, query.number) == (QueryState.OPEN, Group.MONITOR, 1)
    with ima402.acting_as("chidi") as chidi:
        services.answer_query(actor=chidi, query=query, text="Confirmed in the chart.", at=NOON + days(2))
    with ima402.acting_as("noor") as noor:
        closed = services.close_query(actor=noor, query=query, at=NOON + days(3))
    assert (closed.state, closed.closed_at) == (QueryState.CLOSED, NOON + days(3))
    assert acts(ima402, query) == [Act.RAISE, Act.ANSWER, Act.CLOSE]


def test_an_answer_that_does_not_settle_it_is_asked_again_and_counted(ima402: Trial) -> None:
    query = review.answered_query(ima402, review.completed(ima402))
    with ima402.acting_as("noor") as noor:
        asked = services.requery(actor=noor, query=query, text="Which arm?", at=NOON + days(1))
    assert (asked.state, asked.requeries) == (QueryState.OPEN, 1)


def test_the_age_counts_only_the_time_that_the_site_had_to_act(ima402: Trial) -> None:
    query = review.query(ima402, review.completed(ima402))
    with ima402.acting_as("chidi") as chidi:
        services.answer_query(actor=chidi, query=query, text="Yes.", at=NOON + days(4))
    with ima402.acting_as("noor") as noor:
        asked = services.requery(actor=noor, query=query, text="Really?", at=NOON + days(10))
        assert selectors.open_for(asked, now=NOON + days(13)) == days(7)
        listed = selectors.query_list(actor=noor, filters=selectors.QueryFilter(), now=NOON + days(13)).get()
    assert listed.age == days(7)  # type: ignore[attr-defined]  # annotated


def test_the_site_cannot_close_and_the_monitor_cannot_answer(ima402: Trial) -> None:
    query = review.answered_query(ima402, review.completed(ima402))
    with ima402.acting_as("chidi") as chidi, pytest.raises(NotAllowed):
        services.close_query(actor=chidi, query=query, at=NOON)
    other = review.query(ima402, query.record)
    with ima402.acting_as("noor") as noor, pytest.raises(NotAllowed):
        services.answer_query(actor=noor, query=other, text="I answer myself.", at=NOON)


def test_dana_closes_the_monitors_query_only_with_a_reason(ima402: Trial) -> None:
    query = review.answered_query(ima402, review.completed(ima402))
    with ima402.acting_as("dana") as dana:
        with pytest.raises(transitions.WordsNeeded):
            services.close_query(actor=dana, query=query, at=NOON)
        services.close_query(actor=dana, query=query, text="Monitor on leave.", at=NOON)


def test_numbers_run_through_the_study_whoever_sees_which(ima402: Trial) -> None:
    first = review.query(ima402, review.completed(ima402))
    second = review.query(ima402, review.completed(ima402, by="iris"))
    assert (first.number, second.number) == (1, 2)


def test_a_query_is_not_raised_on_a_field_that_the_form_does_not_have(ima402: Trial) -> None:
    record = review.completed(ima402)
    with ima402.acting_as("noor") as noor, pytest.raises(NotFound):
        services.raise_query(actor=noor, record=record, path="results/NONE/value", text="?", at=NOON)


def test_another_site_neither_sees_nor_moves_a_query(ima402: Trial) -> None:
    query = review.query(ima402, review.completed(ima402))
    with ima402.acting_as("iris") as iris:
        assert not Query.objects.exists()
        assert not QueryMessage.objects.exists()
        with pytest.raises(NotFound):
            services.answer_query(actor=iris, query=query, text="Mine now.", at=NOON)


def test_a_draft_is_hidden_from_the_site_until_it_is_released(ima402: Trial) -> None:
    record = review.completed(ima402)
    with ima402.acting_as("noor") as noor:
        draft = services.raise_query(actor=noor, record=record, path="", text="Sure?", at=NOON, as_draft=True)
    with ima402.acting_as("chidi") as chidi:
        assert not selectors.queries(actor=chidi).exists()
    with ima402.acting_as("dana") as dana:
        services.release_query(actor=dana, query=draft, at=NOON)
    with ima402.acting_as("chidi") as chidi:
        assert selectors.queries(actor=chidi).get().state == QueryState.OPEN


def test_a_thread_never_changes(ima402: Trial) -> None:
    review.query(ima402, review.completed(ima402))
    with ima402.acting_as("noor"), pytest.raises(DatabaseError), transaction.atomic():
        QueryMessage.objects.update(text="Something else")


# -- what the system asks -------------------------------------------------------------------------------------------


def test_a_check_that_nobody_answered_becomes_one_query_of_the_system_at_completion(ima402: Trial) -> None:
    record = review.filled(ima402, systolic=HIGH)
    with ima402.acting_as("dana"):
        assert not Query.objects.exists()  # never while typing
    with ima402.acting_as("chidi") as chidi:
        entry.complete_record(actor=chidi, record=record, at=NOON)
    query = only_query(ima402)
    assert (query.group, query.path, query.state) == (Group.SYSTEM, review.SYSTOLIC, QueryState.OPEN)
    assert "above the expected" in query.text


def test_completing_again_does_not_ask_the_same_twice(ima402: Trial) -> None:
    record = review.completed(ima402, systolic=HIGH)
    with ima402.acting_as("chidi") as chidi:
        entry.complete_record(actor=chidi, record=record, at=NOON)
    only_query(ima402)


def test_a_finding_that_was_answered_beside_its_field_is_not_asked(ima402: Trial) -> None:
    record = review.filled(ima402, systolic=HIGH)
    with ima402.acting_as("chidi") as chidi:
        (finding,) = entry.checks.of_value(record, review.SYSTOLIC, entry.values.place(record, review.SYSTOLIC).stored)
        entry.confirm_value(
            actor=chidi, record=record, path=finding.path, check=finding.check, why="Measured twice", at=NOON
        )
        entry.complete_record(actor=chidi, record=record, at=NOON)
    with ima402.acting_as("dana"):
        assert not Query.objects.exists()


def test_correcting_the_value_closes_the_systems_query_by_itself(ima402: Trial) -> None:
    record = review.completed(ima402, systolic=HIGH)
    review.correct(ima402, record, "130")
    query = only_query(ima402)
    assert query.state == QueryState.AUTO_CLOSED
    assert acts(ima402, query) == [Act.RAISE, Act.AUTO_CLOSE]


def test_correcting_another_value_closes_nothing(ima402: Trial) -> None:
    record = review.completed(ima402, systolic=HIGH)
    review.correct(ima402, record, "81", path="results/DIABP/value")
    assert only_query(ima402).state == QueryState.OPEN


def test_a_value_that_is_still_unusual_is_asked_anew_in_the_same_thread(ima402: Trial) -> None:
    record = review.completed(ima402, systolic=HIGH)
    review.correct(ima402, record, "301")
    query = only_query(ima402)
    assert query.state == QueryState.OPEN
    assert query.text.startswith("301")
    assert acts(ima402, query) == [Act.RAISE, Act.ASK_ANEW]
    with ima402.acting_as("chidi") as chidi:
        entry.complete_record(actor=chidi, record=record, at=NOON)
    only_query(ima402)


def test_once_answered_a_person_closes_it_even_when_the_value_was_corrected(ima402: Trial) -> None:
    record = review.completed(ima402, systolic=HIGH)
    query = only_query(ima402)
    with ima402.acting_as("chidi") as chidi:
        services.answer_query(actor=chidi, query=query, text="Transcription error.", at=NOON)
    review.correct(ima402, record, "130")
    assert only_query(ima402).state == QueryState.ANSWERED


def test_value_confirmed_beside_the_field_answers_the_query_and_leaves_the_closing_to_a_person(ima402: Trial) -> None:
    record = review.completed(ima402, systolic=HIGH)
    query = only_query(ima402)
    with ima402.acting_as("chidi") as chidi:
        entry.confirm_value(
            actor=chidi, record=record, path=query.path, check=query.check_code, why="Measured twice", at=NOON
        )
    assert only_query(ima402).state == QueryState.ANSWERED
    with ima402.acting_as("noor") as noor:
        services.close_query(actor=noor, query=query, at=NOON)
    with ima402.acting_as("chidi") as chidi:
        entry.complete_record(actor=chidi, record=record, at=NOON)
    assert only_query(ima402).state == QueryState.CLOSED


def test_a_closed_finding_never_fires_again_while_its_inputs_are_the_same(ima402: Trial) -> None:
    record = review.completed(ima402, systolic=HIGH)
    query = only_query(ima402)
    with ima402.acting_as("chidi") as chidi:
        services.answer_query(actor=chidi, query=query, text="Value confirmed.", at=NOON)
    with ima402.acting_as("dana") as dana:
        services.close_query(actor=dana, query=query, at=NOON)
    with ima402.acting_as("chidi") as chidi:
        entry.complete_record(actor=chidi, record=record, at=NOON)
    only_query(ima402)


def test_the_system_speaks_under_its_own_name_and_the_trail_knows_who_set_it_off(ima402: Trial) -> None:
    review.completed(ima402, systolic=HIGH)
    with ima402.acting_as("dana"):
        message = QueryMessage.objects.get()
    assert (message.author_name, message.author_role, message.author_id) == (services.CHECKS_NAME, "system", None)


# -- closed forms ---------------------------------------------------------------------------------------------------


def test_a_frozen_form_takes_queries_and_answers(ima402: Trial) -> None:
    record = review.completed(ima402)
    with ima402.acting_as("dana"):
        FormRecord.objects.filter(pk=record.pk).update(is_frozen=True)
    review.answered_query(ima402, record)


def test_a_locked_form_takes_no_act_on_queries_in_words_and_in_the_database(ima402: Trial) -> None:
    record = review.completed(ima402)
    query = review.query(ima402, record)
    with ima402.acting_as("dana"):
        FormRecord.objects.filter(pk=record.pk).update(is_locked=True)
    with ima402.acting_as("noor") as noor, pytest.raises(services.RecordLocked, match="unlock"):
        services.raise_query(actor=noor, record=record, path="", text="?", at=NOON)
    with ima402.acting_as("chidi") as chidi, pytest.raises(services.RecordLocked):
        services.answer_query(actor=chidi, query=query, text="Yes.", at=NOON)
    with ima402.acting_as("chidi"), pytest.raises(DatabaseError, match="locked"), transaction.atomic():
        Query.objects.update(state=QueryState.ANSWERED)


def test_what_asks_about_a_removed_entry_is_withdrawn_with_the_reason(ima402: Trial) -> None:
    record = review.completed(ima402)
    query = review.query(ima402, record)
    with ima402.acting_as("chidi") as chidi:
        services.withdraw_queries(actor=chidi, record=record, why="Withdrawn: the line was removed.", at=NOON)
    assert only_query(ima402).state == QueryState.AUTO_CLOSED
    with ima402.acting_as("dana"):
        last = QueryMessage.objects.filter(query=query).latest("pk")
    assert (last.act, last.text) == (Act.WITHDRAW, "Withdrawn: the line was removed.")
