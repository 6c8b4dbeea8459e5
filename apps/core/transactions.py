"""The one place where a transaction opens and the database learns who acts in it.

Row-level security and the audit triggers read settings that live exactly as long as the transaction, so a pooled
connection can never carry one person's rights into another's request. Whatever reads rows, a template included, must
run inside.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from apps.core.actor import Actor

_SETTINGS = ("sites", "studies", "every_site", "user_id", "user_name", "role", "place", "reason", "request")
_READ = "select " + ", ".join(f"current_setting('trialsite.{name}', true)" for name in _SETTINGS)
_WRITE = "select " + ", ".join(f"set_config('trialsite.{name}', %s, true)" for name in _SETTINGS)


def _array(numbers: frozenset[int]) -> str:
    return "{" + ",".join(map(str, sorted(numbers))) + "}"


@contextmanager
def acting(actor: Actor, *, place: str = "", reason: str = "", request: str = "") -> Iterator[Actor]:
    """Open a transaction (or a savepoint in one) in which `actor` acts.

    `place` is where in the system (a path, a command, a task), `reason` why a completed value changes, `request`
    the identifier that joins trail rows of one request. On leaving a nested block the outer actor is back.
    """
    values = (
        _array(actor.site_ids),
        _array(frozenset({actor.study_id})),
        "",
        "" if actor.user_id is None else str(actor.user_id),
        actor.name,
        actor.role_words,
        place,
        reason,
        request,
    )
    with _settings(values):
        yield actor


@contextmanager
def acting_everywhere(name: str) -> Iterator[None]:
    """The plumbing's own transaction, which sees every site: claiming outbox rows, nothing clinical."""
    with _settings(("{}", "{}", "on", "", name, "system", name, "", "")):
        yield


@contextmanager
def because(reason: str) -> Iterator[None]:
    """Say why the values changed in this block change; the trail keeps it, completed forms demand it.

    Saying nothing leaves the reason of the act around it.
    """
    if not reason:
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "with said as materialized (select current_setting('trialsite.reason', true) as reason) "
            "select said.reason, set_config('trialsite.reason', %s, true) from said",
            [reason],
        )
        before, _ = cursor.fetchone()
        yield
        cursor.execute("select set_config('trialsite.reason', %s, true)", [before or ""])


@contextmanager
def _settings(values: tuple[str, ...]) -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        outer = None
        if len(connection.savepoint_ids) > 0:
            cursor.execute(_READ)
            outer = cursor.fetchone()
        cursor.execute(_WRITE, values)
        yield
        if outer is not None:  # a rollback restores settings by itself, a release does not
            cursor.execute(_WRITE, [value or "" for value in outer])


def note_in_trail(*, act: str, about: dict[str, object], site_id: int | None = None) -> None:
    """Write an act that changes no row (a sign-in, an export, a look at the trail) into the audit trail."""
    with connection.cursor() as cursor:
        cursor.execute("select audit_note(%s, %s, %s)", [act, json.dumps(about, default=str), site_id])
