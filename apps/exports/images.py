"""Rows as they stood at a cut: the latest image that the audit trail holds of each, up to a sealed position.

The datasets are read from here and never from the live tables, so a cut in the past and the newest one are read in the
same way, and the same cut gives the same rows again whatever was entered since.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db import connection, models

from apps.audit.models import AuditBlock
from apps.core.refusal import Refusal
from apps.visits.models import CrfLine, CrfModel, FormRecord

M = TypeVar("M", bound=models.Model)


class NothingSealed(Refusal):
    """The trail has no sealed position at or before the moment asked for."""


@dataclass(frozen=True)
class Cut:
    """A sealed position of the trail and when it was sealed; `block` None is everything recorded so far."""

    block: int | None
    at: datetime

    @property
    def position(self) -> int:
        """The sealed position; only such a cut can be made again."""
        if self.block is None:
            raise ValueError("This cut is no sealed position.")
        return self.block


def newest_cut() -> Cut:
    """Seal what can be sealed and cut there: everything that was committed before, by no transaction still open."""
    with connection.cursor() as cursor:
        sealed: object = True
        while sealed:  # a block holds so many rows at most
            cursor.execute("select audit_seal()")
            (sealed,) = cursor.fetchone()
    block = AuditBlock.objects.order_by("-number").first()
    if block is None:
        raise NothingSealed("Nothing is sealed in the audit trail yet. Try again in a few seconds.")
    return Cut(block.number, block.sealed_at)


def cut_at(moment: datetime) -> Cut:
    """The last position sealed at or before the moment."""
    block = AuditBlock.objects.filter(sealed_at__lte=moment).order_by("-number").first()
    if block is None:
        raise NothingSealed(f"Nothing had been recorded by {moment:%d-%b-%Y %H:%M:%S %Z}. Ask for a later time.")
    return Cut(block.number, block.sealed_at)


def of_subject(model: type[M], subject: int, *, cut: Cut) -> list[M]:
    """The rows of one subject at the cut, in the order in which they came into being. One query."""
    if issubclass(model, CrfModel | CrfLine):
        records = FormRecord._meta.db_table
        return _images(model, f'live.record_id in (select id from "{records}" where subject_id = %s)', [subject], cut)
    return _images(model, "live.subject_id = %s", [subject], cut)


def of_study(model: type[M], study: int, *, cut: Cut, site_ids: Iterable[int] | None = None) -> list[M]:
    """The rows of a study (of some of its sites) at the cut."""
    where, values = "live.study_id = %s", [study, *([] if site_ids is None else [sorted(site_ids)])]
    return _images(model, where + ("" if site_ids is None else " and live.site_id = any (%s)"), values, cut)


def of_sites(model: type[M], site_ids: Iterable[int], *, cut: Cut) -> list[M]:
    """The rows of some sites at the cut."""
    return _images(model, "live.site_id = any (%s)", [sorted(site_ids)], cut)


def _images(model: type[M], where: str, values: list[object], cut: Cut) -> list[M]:
    """Rows are never deleted, so the live table names all that can have an image; the trail says what they were.

    The order is by an expression so that the few events of a row are read by their index and sorted. Ordered by the
    plain key, a planner without statistics (right after a load) walks the whole trail backwards for every row.
    """
    table, key = model._meta.db_table, model._meta.pk.column
    until = "" if cut.block is None else "and event.block <= %s"
    columns = ", ".join(f'image."{field.column}"' for field in model._meta.concrete_fields)
    sql = f"""
        select {columns}
          from "{table}" live
         cross join lateral (select event.new_row from audit_auditevent event
                              where event."table" = '{table}' and event.row_key = live."{key}"::text {until}
                              order by event.id + 0 desc limit 1) latest
         cross join lateral jsonb_populate_record(null::"{table}", latest.new_row) image
         where {where}
         order by live."{key}"
    """
    position = [] if cut.block is None else [cut.block]
    return list(model._default_manager.raw(sql, [*position, *values]))
