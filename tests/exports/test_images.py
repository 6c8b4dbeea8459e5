"""Rows as they stood at a cut, read from the trail."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connection

from apps.dosing.models import Administration
from apps.exports import images
from apps.exports.images import Cut
from tests import scenarios_dosing
from tests.harness import TestServer
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db


@contextmanager
def asked() -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent meanwhile."""
    sent: list[tuple[str, Any]] = []

    def keep(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        yield sent


def test_an_image_is_looked_up_by_its_row_whatever_the_planner_believes_of_the_trail(
    postgres: TestServer, ima402: Trial
) -> None:
    """A trail that was loaded a moment ago has no statistics, and the planner takes it for empty."""
    with psycopg.connect(postgres.superuser_url_of(connection.settings_dict["NAME"]), autocommit=True) as superuser:
        superuser.execute("update pg_class set reltuples = 0, relpages = 1000 where relname = 'audit_auditevent'")
    subject = scenarios_dosing.assigned(ima402, level=1)
    scenarios_dosing.dose(ima402, subject, "C1D1", "2026-03-02T10:00")
    with ima402.acting_as("sven"):
        with asked() as sent:
            found = images.of_subject(Administration, subject.pk, cut=Cut(None, NOON))
        assert [str(each.started) for each in found if each.started] == ["02-Mar-2026 10:00"]
        ((sql, params),) = sent
        with connection.cursor() as cursor:
            cursor.execute(f"explain {sql}", params)
            plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "audit_of_row" in plan
    assert "audit_auditevent_pkey" not in plan
