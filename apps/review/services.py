"""Queries: raising, answering, asking again, closing; and what the system itself asks and withdraws."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.events import announce
from apps.core.refusal import NotAllowed, NotFound, Refusal
from apps.review import events, transitions
from apps.review.models import UNRESOLVED, Act, Group, Query, QueryMessage, QueryState
from apps.review.transitions import WordsNeeded
from apps.visits import checks, presentation, services, values
from apps.visits.models import EntryState, FormRecord
from apps.visits.pages import Weight

CHECKS_NAME = "Edit checks"
MOST_AT_ONCE = 100


class RecordLocked(Refusal):
    """A locked form is closed to queries too."""


class RecordRemoved(Refusal):
    """Nothing is asked about an entry that was removed."""


class TooMany(Refusal):
    """More rows at once than a person can have looked at."""


@transaction.atomic
def raise_query(
    *, actor: Actor, record: FormRecord, path: str, text: str, at: datetime, as_draft: bool = False
) -> Query:
    """Ask the site about a value, or (with an empty path) about the form as a whole."""
    actor.require(Action.RAISE_QUERY, at=record.site_id)
    groups = transitions.groups_of(actor, at=record.site_id)
    if not groups:
        raise NotAllowed("Queries are raised by monitors, data managers and medical monitors.")
    record = _open_to_queries(record)
    if record.state == EntryState.REMOVED:
        raise RecordRemoved("This entry was removed, so there is nothing to ask about it.")
    if not text.strip():
        raise WordsNeeded("Write the question first.")
    query = _create(
        record=record,
        path=path,
        label=_label(record, path),
        text=text.strip(),
        group=groups[0],
        state=QueryState.DRAFT if as_draft else QueryState.OPEN,
        opened_at=None if as_draft else at,
        raised_by_id=actor.user_id,
        raised_by_name=actor.name,
        raised_at=at,
    )
    _say(query, Act.DRAFT if as_draft else Act.RAISE, actor=actor, text=query.text, at=at)
    return query


@transaction.atomic
def release_query(*, actor: Actor, query: Query, at: datetime) -> Query:
    """Let a draft become an open query. A second person does that."""
    return _move(Act.RELEASE, actor=actor, query=query, text="", at=at)


@transaction.atomic
def answer_query(*, actor: Actor, query: Query, text: str, at: datetime) -> Query:
    """Answer, as the site. A corrected value or “the value is right, because …” are both answers."""
    return _move(Act.ANSWER, actor=actor, query=query, text=text, at=at)


@transaction.atomic
def requery(*, actor: Actor, query: Query, text: str, at: datetime) -> Query:
    """Ask again, because the answer does not settle it."""
    return _move(Act.REQUERY, actor=actor, query=query, text=text, at=at)


@transaction.atomic
def close_query(*, actor: Actor, query: Query, at: datetime, text: str = "") -> Query:
    """Close an answered query. For another group's query the data manager says why."""
    return _move(Act.CLOSE, actor=actor, query=query, text=text, at=at)


@transaction.atomic
def close_queries(*, actor: Actor, queries: Sequence[Query], at: datetime, text: str = "") -> int:
    """Close several answered queries as one act: all of them or none."""
    if len(queries) > MOST_AT_ONCE:
        raise TooMany(f"Choose at most {MOST_AT_ONCE} queries at once.")
    for query in queries:
        close_query(actor=actor, query=query, at=at, text=text)
    return len(queries)


@transaction.atomic
def cancel_query(*, actor: Actor, query: Query, at: datetime, text: str = "") -> Query:
    """Take back a query that was raised in error, before it is answered."""
    return _move(Act.CANCEL, actor=actor, query=query, text=text, at=at)


@transaction.atomic
def reopen_query(*, actor: Actor, query: Query, text: str, at: datetime) -> Query:
    """Open a closed query again, with the reason."""
    return _move(Act.REOPEN, actor=actor, query=query, text=text, at=at)


def fingerprint(*, record: FormRecord, path: str, check: str, sentence: str) -> str:
    """What makes a finding the same finding: the check, the protocol version, the value's version, what it says.

    The sentence stands for inputs that lie elsewhere on the page.
    """
    version = services.version_of(record, path)
    parts = (check, str(record.protocol_version_id), path, str(version), sentence)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


@transaction.atomic
def open_system_query(
    *, actor: Actor, record: FormRecord, path: str, check: str, sentence: str, fingerprint: str, at: datetime
) -> Query | None:
    """Open the system's own query for a finding that nobody answered; None where it was asked before.

    The same finding never asks twice, whatever became of the first query. Where one of the same check still waits for
    the site, that one asks anew in its thread instead of a second one beside it.
    """
    record = FormRecord.objects.select_for_update().get(pk=record.pk)
    if record.is_locked or Query.objects.filter(record=record, fingerprint=fingerprint).exists():
        return None
    waiting = (
        Query.objects.select_for_update()
        .filter(record=record, path=path, check_code=check[:100], group=Group.SYSTEM, state__in=UNRESOLVED)
        .first()
    )
    if waiting is not None:
        if waiting.state == QueryState.OPEN:
            _ask_anew(waiting, sentence=sentence, fingerprint=fingerprint, actor=actor, at=at)
        return None
    query = _create(
        record=record,
        path=path,
        label=_label(record, path),
        text=sentence[:2000],
        group=Group.SYSTEM,
        state=QueryState.OPEN,
        opened_at=at,
        check_code=check[:100],
        fingerprint=fingerprint,
        raised_by_name=CHECKS_NAME,
        raised_at=at,
    )
    _say(query, Act.RAISE, actor=actor, text=query.text, at=at, by_system=True)
    return query


@transaction.atomic
def recheck_system_queries(*, actor: Actor, record: FormRecord, at: datetime) -> int:
    """After values changed: close the system's open queries whose check no longer finds anything.

    Only queries that nobody answered: an answer is closed by the person who reads it. A query whose check still finds
    something, but says it of a new value, says so in its thread.
    """
    waiting = list(
        Query.objects.select_for_update()
        .filter(record=record, group=Group.SYSTEM, state=QueryState.OPEN, requeries=0)
        .exclude(check_code="")
    )
    if not waiting:
        return 0
    found = {}
    if record.state not in {EntryState.NOT_DONE, EntryState.REMOVED}:
        found = {
            (finding.path, finding.check[:100]): finding.sentence
            for finding in checks.of_record(record)
            if finding.weight is Weight.CONFIRM
        }
    closed = 0
    for query in waiting:
        sentence = found.get((query.path, query.check_code))
        if sentence is None:
            _end(query, Act.AUTO_CLOSE, "The value was corrected; the check finds nothing any more.", actor, at)
            closed += 1
        elif sentence != query.text:
            known = fingerprint(record=record, path=query.path, check=query.check_code, sentence=sentence)
            if not Query.objects.filter(record=record, fingerprint=known).exists():
                _ask_anew(query, sentence=sentence, fingerprint=known, actor=actor, at=at)
    return closed


@transaction.atomic
def withdraw_queries(*, actor: Actor, record: FormRecord, why: str, at: datetime, under: Iterable[str] = ("",)) -> int:
    """Withdraw every unsettled query on paths that begin with one of `under`: what they ask about is gone."""
    starts = tuple(under)
    unsettled = Query.objects.select_for_update().filter(record=record, state__in=(QueryState.DRAFT, *UNRESOLVED))
    gone = [query for query in unsettled if query.path.startswith(starts)]
    for query in gone:
        _end(query, Act.WITHDRAW, why, actor, at)
    return len(gone)


@transaction.atomic
def answer_by_confirmation(
    *, actor: Actor, record: FormRecord, path: str, check: str, why: str, at: datetime
) -> Query | None:
    """The site said beside the field why the value is right: that answers the system's open query on it."""
    query = (
        Query.objects.select_for_update()
        .filter(record=record, path=path, check_code=check[:100], group=Group.SYSTEM, state=QueryState.OPEN)
        .first()
    )
    if query is None or not actor.may(Action.ANSWER_QUERY, at=record.site_id):
        return None
    return answer_query(actor=actor, query=query, text=f"The value is right: {why}", at=at)


def _move(act: Act, *, actor: Actor, query: Query, text: str, at: datetime) -> Query:
    """Do what the table of transitions allows, and keep it in the thread."""
    if not Query.objects.visible_to(actor).filter(pk=query.pk).exists():
        raise NotFound("There is no such query.")
    record = _open_to_queries(query.record)  # locked first, as entry does, so that the two never wait for each other
    query = Query.objects.select_for_update().get(pk=query.pk)
    query.record = record
    move = transitions.check(
        act=act,
        state=QueryState(query.state),
        group=Group(query.group),
        actor=actor,
        at=query.site_id,
        words=text,
        is_own_draft=query.raised_by_id == actor.user_id,
    )
    _stop_clock(query, at)
    query.state = move.target
    match act:
        case Act.ANSWER:
            query.answered_at = at
        case Act.RELEASE | Act.REQUERY | Act.REOPEN:
            query.opened_at, query.closed_at = at, None
            query.requeries += act is Act.REQUERY
        case Act.CLOSE | Act.CANCEL:
            query.closed_at = at
    query.save(update_fields=["state", "opened_at", "open_before", "answered_at", "closed_at", "requeries"])
    _say(query, act, actor=actor, text=text.strip(), at=at)
    return query


def _stop_clock(query: Query, at: datetime) -> None:
    """Add the round that ends now to the time the query was open."""
    if query.state == QueryState.OPEN and query.opened_at is not None:
        query.open_before += max(at - query.opened_at, timedelta(0))


def _end(query: Query, act: Act, why: str, actor: Actor, at: datetime) -> None:
    _stop_clock(query, at)
    query.state, query.closed_at = QueryState.AUTO_CLOSED, at
    query.save(update_fields=["state", "open_before", "closed_at"])
    _say(query, act, actor=actor, text=why, at=at, by_system=True)


def _ask_anew(query: Query, *, sentence: str, fingerprint: str, actor: Actor, at: datetime) -> None:
    query.text, query.fingerprint = sentence[:2000], fingerprint
    query.path_version = _version(query.record, query.path)
    query.save(update_fields=["text", "fingerprint", "path_version"])
    _say(query, Act.ASK_ANEW, actor=actor, text=query.text, at=at, by_system=True)


def _open_to_queries(record: FormRecord) -> FormRecord:
    record = FormRecord.objects.select_for_update(of=("self",)).select_related("site", "visit").get(pk=record.pk)
    if record.is_locked:
        raise RecordLocked("This form is locked, and queries with it. To go on, ask the data manager to unlock it.")
    return record


def _label(record: FormRecord, path: str) -> str:
    """The field in words; NotFound for a path that the form does not have."""
    if path == "":
        return "Whole form"
    values.place(record, path)
    return presentation.label(record, path)[:300]


def _version(record: FormRecord, path: str) -> int:
    return services.version_of(record, path or "record")


def _create(*, record: FormRecord, path: str, **columns: Any) -> Query:
    with connection.cursor() as cursor:
        cursor.execute("select next_query_number(%s)", [record.study_id])
        (number,) = cursor.fetchone()
    return Query.objects.create(
        site_id=record.site_id,
        study_id=record.study_id,
        subject_id=record.subject_id,
        record=record,
        path=path,
        path_version=_version(record, path),
        number=number,
        **columns,
    )


def _say(query: Query, act: Act, *, actor: Actor, text: str, at: datetime, by_system: bool = False) -> None:
    """Keep the act in the thread and tell the floors above. The trail names who set the system off."""
    QueryMessage.objects.create(
        site_id=query.site_id,
        query=query,
        record_id=query.record_id,
        act=act,
        text=text[:2000],
        value_text=_value_now(query),
        path_version=_version(query.record, query.path),
        author_id=None if by_system else actor.user_id,
        author_name=CHECKS_NAME if by_system else actor.name,
        author_role="system" if by_system else actor.role_words,
        at=at,
    )
    announce(
        events.QueryMoved(
            study_id=query.study_id,
            site_id=query.site_id,
            at=at,
            query=query.pk,
            record=query.record_id,
            act=act,
            state=query.state,
        ),
        actor=actor,
    )


def _value_now(query: Query) -> str:
    if query.path == "":
        return ""
    try:
        place = values.place(query.record, query.path)
    except NotFound:  # the line was removed since; its values are in the trail
        return ""
    return values.words_of(place.field, place.stored)[:500]
