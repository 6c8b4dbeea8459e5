"""The database's own walls: they stand as declared, and hold against the application's role."""

import pytest
from django.apps import apps
from django.db import DatabaseError, connection

from apps.core import walls

pytestmark = pytest.mark.django_db


def test_every_declared_wall_stands() -> None:
    assert walls.missing_walls() == []


def test_the_application_cannot_switch_a_trigger_off() -> None:
    with pytest.raises(DatabaseError, match="must be owner"), connection.cursor() as cursor:
        cursor.execute("alter table subjects_subject disable trigger zz_audit")


@pytest.mark.parametrize(
    "verb",
    [
        "update audit_auditevent set reason = 'x'",
        "delete from audit_auditevent",
        "truncate audit_auditevent",
        "insert into audit_auditblock select * from audit_auditblock",
    ],
)
def test_the_application_cannot_write_the_trail(verb: str) -> None:
    with pytest.raises(DatabaseError, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(verb)


def test_every_model_is_walled_by_site_or_study_or_says_why_not() -> None:
    unscoped = walls.unscoped_tables() | walls.unaudited_tables()
    bare = [
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if not {"site_id", "study_id"} & {field.column for field in model._meta.concrete_fields}
        and model._meta.db_table not in unscoped
    ]
    assert bare == []


def test_every_model_of_ours_has_a_name_a_person_can_read() -> None:
    silent = [
        model.__name__
        for model in apps.get_models()
        if model.__module__.startswith("apps.")
        and "__str__" not in {name for base in model.__mro__[:-3] for name in vars(base)}
    ]
    assert silent == []
