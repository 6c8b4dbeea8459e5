"""Checking that the trail, and the data it tells of, are as they were written."""

from dataclasses import dataclass

from django.apps import apps
from django.db import connection

from apps.audit.models import AuditBlock, AuditEvent
from apps.core import walls


@dataclass(frozen=True)
class Verdict:
    """What was checked and the first fault, if there is one."""

    rows: int
    blocks: int
    fault: str | None


def verify_trail() -> Verdict:
    """Recompute every hash and link, then compare each audited table with the last image the trail has of its rows."""
    with connection.cursor() as cursor:
        cursor.execute("select place, what from audit_first_fault()")
        found = cursor.fetchone()
        fault = None if found is None else f"{found[0]}: {found[1]}"
        for table, key in [] if fault else _audited_tables():
            cursor.execute(
                "select audit_live_difference(%s, %s, %s)", [table, key, list(walls.concealed_columns(table))]
            )
            (differing,) = cursor.fetchone()
            if differing is not None:
                fault = f"table {table}, row {differing}: the live row is not what the trail last recorded of it"
                break
    return Verdict(rows=AuditEvent.objects.count(), blocks=AuditBlock.objects.count(), fault=fault)


def _audited_tables() -> list[tuple[str, str]]:
    unaudited = walls.unaudited_tables()
    return [
        (model._meta.db_table, str(model._meta.pk.column))
        for model in apps.get_models(include_auto_created=True)
        if model._meta.db_table not in unaudited and model._meta.managed
    ]
