"""What the database itself enforces, declared beside the model and raised after every migration.

Audit, immutability, row-level security and privileges are a *desired state*: after `migrate` every model's table is
brought to it, and `missing_walls()` compares the live database with it at start and in the tests. That way no
migration can forget a wall, and a new model has them by existing.

- Every model is audited unless `@unaudited(because=...)`.
- A table with a `site` column shows only rows of the actor's sites, one with a `study` column those of the study.
- `@immutable` rows never change once written.
- The application's role may not delete, unless `@deletable(because=...)`, nor touch what `@owned_by_triggers`.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections, models

Model = type[models.Model]

SQL_FOLDERS: list[Path] = []
"""Folders of `*.sql` with functions over tables, run after migrations; an app adds its own in its AppConfig."""

_unaudited: dict[str, str] = {
    "django_migrations": "the owner's record of schema changes",
    "django_session": "sign-in sessions: no clinical or administrative fact",
    "django_content_type": "Django's own list of models",
    "auth_permission": "unused: roles are the table in apps/access/roles.py",
    "auth_group": "unused: roles are the table in apps/access/roles.py",
    "auth_group_permissions": "unused: roles are the table in apps/access/roles.py",
    "axes_accessattempt": "counts failed sign-ins; the sign-in itself is noted in the trail",
    "axes_accesslog": "counts sign-ins; the sign-in itself is noted in the trail",
    "axes_accessfailurelog": "counts failed sign-ins; the sign-in itself is noted in the trail",
    "axes_accessattemptexpiration": "end of a lock-out",
}
_deletable: dict[str, str] = {
    "django_session": "an ended session goes",
    "axes_accessattempt": "a lock-out ends",
    "axes_accessattemptexpiration": "a lock-out ends",
}
_immutable: set[str] = set()
_owned_by_triggers: set[str] = set()
_concealed: dict[str, tuple[str, ...]] = {}
_unscoped: dict[str, str] = {}
_triggers: dict[str, list[tuple[str, str]]] = {}


def unaudited(*, because: str) -> Callable[[Model], Model]:
    """The rare table without a trail of its own, with the reason (a test prints the list)."""

    def mark(model: Model) -> Model:
        _unaudited[model._meta.db_table] = because
        return model

    return mark


def deletable(*, because: str) -> Callable[[Model], Model]:
    """Rows the application may delete: technical rows only."""

    def mark(model: Model) -> Model:
        _deletable[model._meta.db_table] = because
        return model

    return mark


def immutable(model: Model) -> Model:
    """Rows that never change once written."""
    _immutable.add(model._meta.db_table)
    return model


def owned_by_triggers(model: Model) -> Model:
    """A table that only triggers and functions of the owner write; the application reads it."""
    _owned_by_triggers.add(model._meta.db_table)
    return model


def unscoped(*, because: str) -> Callable[[Model], Model]:
    """A table whose rows are not one study's, so that no site wall stands before it (a test prints the list)."""

    def mark(model: Model) -> Model:
        _unscoped[model._meta.db_table] = because
        return model

    return mark


def concealed(*columns: str) -> Callable[[Model], Model]:
    """Columns whose values never enter the trail (a password's hash)."""

    def mark(model: Model) -> Model:
        _concealed[model._meta.db_table] = columns
        return model

    return mark


def add_trigger(model: Model, name: str, definition: str) -> None:
    """Attach a trigger: `definition` is what follows `create trigger NAME`, with {table} for the table."""
    _triggers.setdefault(model._meta.db_table, []).append((name, definition))


def unaudited_tables() -> dict[str, str]:
    return dict(_unaudited)


def unscoped_tables() -> dict[str, str]:
    return dict(_unscoped)


def concealed_columns(table: str) -> tuple[str, ...]:
    return _concealed.get(table, ())


def _tables() -> Iterable[Model]:
    return [m for m in apps.get_models(include_auto_created=True) if m._meta.managed and not m._meta.proxy]


def _columns(model: Model) -> set[str]:
    return {str(field.column) for field in model._meta.concrete_fields}


def _policies(model: Model) -> list[str]:
    """The conditions under which the application's role sees and writes rows of the table."""
    table, columns = model._meta.db_table, _columns(model)
    if table in _unscoped:
        return []
    if "site_id" in columns:
        mine = "site_id = any ((select trialsite_sites())::bigint[])"
        if any(field.column == "site_id" and field.null for field in model._meta.concrete_fields):
            mine += " or (site_id is null and study_id = any ((select trialsite_studies())::bigint[]))"
    elif "study_id" in columns:
        mine = "study_id = any ((select trialsite_studies())::bigint[])"
    else:
        return []
    return [f"(select trialsite_every_site()) or {mine}"]


def _trigger_list(model: Model) -> list[tuple[str, str]]:
    table = model._meta.db_table
    triggers = list(_triggers.get(table, []))
    if table in _immutable:
        triggers.append(
            ("row_is_immutable", "before update or delete on {table} for each row execute function refuse_any_change()")
        )
    if table not in _unaudited:
        hidden = ",".join(_concealed.get(table, ()))
        key = model._meta.pk.column
        triggers.append(
            (
                "zz_audit",  # last by name: the trail shows what the other triggers made of the row
                (
                    "after insert or update or delete on {table} "
                    f"for each row execute function audit_record('{key}', '{hidden}')"
                ),
            )
        )
    return triggers


def install_functions(using: str, folders: Iterable[Path]) -> None:
    """Create or replace the SQL functions of the folders.

    Those of `core` need no table and run before migrations, which use them in constraints and generated columns.
    """
    with connections[using].cursor() as cursor:
        cursor.execute("set check_function_bodies = off")  # functions may call others that come later
        for folder in folders:
            for file in sorted(folder.glob("*.sql")):
                cursor.execute(file.read_text(encoding="utf-8"))
        cursor.execute("reset check_function_bodies")


def raise_walls(using: str) -> None:
    """Bring every table to its declared triggers, policies and privileges. Running it again changes nothing.

    A table that no migration made yet (after a partial `migrate APP`) is left to the next run.
    """
    standing = set(connections[using].introspection.table_names())
    role = settings.DATABASE_APP_ROLE
    quoted = connections[using].ops.quote_name
    with connections[using].cursor() as cursor:
        cursor.execute(f"grant usage on schema public to {quoted(role)}")
        cursor.execute(f"grant usage on all sequences in schema public to {quoted(role)}")
        for model in _tables():
            table = model._meta.db_table
            if table not in standing:
                continue
            wanted = "select"
            if table not in _owned_by_triggers:
                wanted += ", insert" + ("" if table in _immutable else ", update")
                wanted += ", delete" if table in _deletable else ""
            cursor.execute(f"revoke all on {quoted(table)} from {quoted(role)}, public")
            cursor.execute(f"grant {wanted} on {quoted(table)} to {quoted(role)}")
            for name, definition in _trigger_list(model):
                cursor.execute(f"create or replace trigger {name} {definition.format(table=quoted(table))}")
            _raise_row_security(cursor, model, quoted)
        cursor.execute(f"grant select on django_migrations to {quoted(role)}")


def _raise_row_security(cursor: Any, model: Model, quoted: Callable[[str], str]) -> None:
    table = quoted(model._meta.db_table)
    conditions = _policies(model)
    if not conditions:
        return
    cursor.execute(f"alter table {table} enable row level security")
    cursor.execute(f"alter table {table} force row level security")
    cursor.execute(f"drop policy if exists own_rows on {table}")
    cursor.execute(f"create policy own_rows on {table} using ({conditions[0]}) with check ({conditions[0]})")
    cursor.execute(f"drop policy if exists owner_rows on {table}")
    # The owner runs migrations and the SECURITY DEFINER functions; the application's role never is the owner.
    cursor.execute(f"create policy owner_rows on {table} to current_user using (true) with check (true)")


def missing_walls(using: str = "default") -> list[str]:
    """Every declared wall that the live database does not have, in words. Empty means: as declared."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "select c.relname, t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid "
            "where not t.tgisinternal and t.tgenabled = 'O'"
        )
        standing = set(cursor.fetchall())
        cursor.execute("select relname from pg_class where relrowsecurity and relforcerowsecurity")
        walled = {name for (name,) in cursor.fetchall()}
        cursor.execute(
            "select table_name, privilege_type from information_schema.role_table_grants where grantee = %s",
            [settings.DATABASE_APP_ROLE],
        )
        granted = set(cursor.fetchall())
    missing = []
    for model in _tables():
        table = model._meta.db_table
        missing += [
            f"table {table} lacks trigger {name}" for name, _ in _trigger_list(model) if (table, name) not in standing
        ]
        if _policies(model) and table not in walled:
            missing.append(f"table {table} lacks row-level security")
        if table not in _deletable and (table, "DELETE") in granted:
            missing.append(f"the application may delete from {table}")
        if table in _immutable | _owned_by_triggers and (table, "UPDATE") in granted:
            missing.append(f"the application may update {table}")
    return missing
