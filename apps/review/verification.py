"""Source data verification: which values must be compared with the source, which were, and which changed since.

What must be verified follows from the protocol's plan; serious and dose-limiting events are always verified whole,
whatever the plan says. A mark belongs to one version of one value. Staleness is never stored but read off the versions,
so an import, a bulk update or raw SQL makes a mark stale exactly as typing does.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Protocol

from django.db import connection, transaction
from django.db.models import CharField, Exists, F, Func, Max, OuterRef, Q, QuerySet, Subquery, Value, Window
from django.db.models.functions import RowNumber

from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.refusal import NotFound, Refusal
from apps.review.models import Verification
from apps.study.models import ProtocolVersion
from apps.subjects.models import Subject
from apps.visits.models import EntryState, FormRecord, PathVersion
from clinical.protocol.conduct import Sdv, SdvExtent

FINISHED = (EntryState.COMPLETE, EntryState.NOT_DONE, EntryState.REMOVED)
"""The entry states in which a form can be compared with the source: the site has said its word."""

_always: list[Q] = []


class NotFinished(Refusal):
    """The site is still entering the form."""


class RecordLocked(Refusal):
    """A locked form takes no marks."""


def verify_always(which: Q) -> None:
    """Register which records are verified whole whatever the plan says: serious events, DLT data.

    The floor that knows calls this from its `ready()`, with a condition on the record.
    """
    _always.append(which)


@dataclass(frozen=True)
class Standing:
    """How the verification of a form stands: values that can be verified, that are, and that changed afterwards."""

    is_required: bool = False
    values: int = 0
    verified: int = 0
    stale: int = 0

    @property
    def is_done(self) -> bool:
        return self.values > 0 and self.verified == self.values

    @property
    def is_outstanding(self) -> bool:
        """Whether somebody has to go to the source for this form."""
        return self.stale > 0 or (self.is_required and self.verified < self.values)


def values_to_verify() -> QuerySet[PathVersion]:
    """Every value (or reason for a missing one) that was ever entered, with the version that was verified last.

    Of a removed line only the removal itself is left to verify. What the system derives has no version and so never
    appears here.
    """
    removal = Func(F("path"), Value("[^/]+$"), Value("is_removed"), function="regexp_replace", output_field=CharField())
    last = (
        Verification.objects.filter(record_id=OuterRef("record_id"), path=OuterRef("path"), withdrawn_at=None)
        .order_by()
        .values("path")
        .annotate(last=Max("version"))
        .values("last")
    )
    removed = PathVersion.objects.filter(record_id=OuterRef("record_id"), path=OuterRef("removal"))
    return PathVersion.objects.annotate(removal=removal, verified=Subquery(last)).filter(
        Q(path=F("removal")) | ~Q(path__contains="/") | ~Exists(removed)
    )


class Finished(Protocol):
    """As much of a form record as the plan of verification asks about."""

    @property
    def pk(self) -> int: ...
    @property
    def site_id(self) -> int: ...
    @property
    def subject_id(self) -> int: ...
    @property
    def protocol_version_id(self) -> int: ...
    @property
    def form(self) -> str: ...


def counts(records: Collection[int]) -> dict[int, Standing]:
    """What was verified and what changed since on those of many records (by key) that hold anything; one query."""
    with connection.cursor() as cursor:
        cursor.execute("select * from review_standings(%s::bigint[])", [list(records)])
        return {
            record: Standing(values=all_of_it, verified=verified, stale=stale)
            for record, all_of_it, verified, stale in cursor.fetchall()
        }


def standings(records: Sequence[Finished]) -> dict[int, Standing]:
    """How verification stands for each of many records, what the plan asks included; a constant number of queries."""
    counted, required = counts([record.pk for record in records]), required_records(records)
    return {
        record.pk: replace(counted.get(record.pk, Standing()), is_required=record.pk in required) for record in records
    }


def required_records(records: Sequence[Finished]) -> set[int]:
    """Which of the records must be verified, by the plan of each record's protocol version and by what always must."""
    ranks = _ranks(records)
    versions = ProtocolVersion.objects.in_bulk({record.protocol_version_id for record in records})
    plans = {key: version.definition.sdv for key, version in versions.items()}
    planned = {
        record.pk
        for record in records
        if is_required(plans[record.protocol_version_id], form=record.form, rank=ranks.get(record.subject_id))
    }
    if _always:
        sites = {record.site_id for record in records}
        always = FormRecord.objects.filter(reduce(or_, _always), site__in=sites).values_list("pk", flat=True)
        planned |= {record.pk for record in records}.intersection(always)
    return planned


def is_required(plan: Sdv, *, form: str, rank: int | None) -> bool:
    """Whether the plan asks for a form of the subject who was the `rank`-th of the site; the first rule holds."""
    rule = next((rule for rule in plan.rules if form in rule.forms), None)
    extent = plan.rest if rule is None else rule.extent
    if extent is SdvExtent.FIRST_SUBJECTS:
        return rule is not None and rule.subjects is not None and rank is not None and rank <= rule.subjects
    return extent is SdvExtent.ALL


def _ranks(records: Sequence[Finished]) -> dict[int, int]:
    """The how-manieth subject of its site each subject is, in the order in which they entered."""
    sites = {record.site_id for record in records}
    if not sites:
        return {}
    ranked = Subject.objects.filter(site__in=sites).annotate(
        rank=Window(RowNumber(), partition_by=[F("site_id")], order_by=[F("entered_at").asc(), F("pk").asc()])
    )
    return dict(ranked.values_list("pk", "rank"))


def marks(record: FormRecord) -> dict[str, tuple[Verification, bool]]:
    """The newest mark of each path of a record, and whether it is stale."""
    versions = dict(PathVersion.objects.filter(record=record).values_list("path", "version"))
    newest: dict[str, Verification] = {}
    for mark in Verification.objects.filter(record=record, withdrawn_at=None).order_by("version"):
        newest[mark.path] = mark
    return {path: (mark, mark.version != versions.get(path, 0)) for path, mark in newest.items()}


@transaction.atomic
def verify_value(*, actor: Actor, record: FormRecord, path: str, at: datetime) -> None:
    """Mark one value, as it stands now, as found in the source."""
    if _verify([record], actor=actor, at=at, paths=(path,)) == 0:
        standing = values_to_verify().filter(record=record, path=path).first()
        if standing is None:
            raise NotFound("There is nothing to verify here: nobody has entered a value.")


@transaction.atomic
def verify_records(*, actor: Actor, records: Sequence[FormRecord], at: datetime) -> int:
    """Mark every value of the forms as found in the source, in one act; says how many marks that made.

    A value given as missing with its reason is verified too. Marks that still hold are left alone.
    """
    return _verify(records, actor=actor, at=at)


@transaction.atomic
def withdraw_verification(*, actor: Actor, record: FormRecord, path: str, at: datetime) -> None:
    """Take back a mark set in error. The mark stays in the trail."""
    actor.require(Action.VERIFY_SOURCE, at=record.site_id)
    _open_to_marks([record])
    Verification.objects.filter(record=record, path=path, withdrawn_at=None).update(
        withdrawn_at=at, withdrawn_by_name=actor.name
    )


def _verify(records: Sequence[FormRecord], *, actor: Actor, at: datetime, paths: Iterable[str] | None = None) -> int:
    for record in records:
        actor.require(Action.VERIFY_SOURCE, at=record.site_id)
    current = _open_to_marks(records)
    unfinished = [record for record in current if record.state not in FINISHED]
    if unfinished:
        raise NotFinished(
            "The site has not completed this form yet. Verify it when it is complete."
            if len(current) == 1
            else f"{len(unfinished)} of {len(current)} forms are not complete yet. Verify the complete ones one by one."
        )
    unmarked = values_to_verify().filter(Q(verified=None) | Q(verified__lt=F("version")), record__in=current)
    if paths is not None:
        unmarked = unmarked.filter(path__in=tuple(paths))
    site_of = {record.pk: record.site_id for record in current}
    made = Verification.objects.bulk_create(
        Verification(
            site_id=site_of[each.record_id],
            record_id=each.record_id,
            path=each.path,
            version=each.version,
            verified_by_id=actor.user_id,
            verified_by_name=actor.name,
            verified_at=at,
        )
        for each in unmarked.order_by("record_id", "path")  # the same work leaves the same rows in the same order
    )
    return len(made)


def _open_to_marks(records: Sequence[FormRecord]) -> list[FormRecord]:
    current = list(
        FormRecord.objects.select_for_update().filter(pk__in=[record.pk for record in records]).order_by("pk")
    )
    if any(record.is_locked for record in current):
        raise RecordLocked("This form is locked. To go on, ask the data manager to unlock it.")
    return current
