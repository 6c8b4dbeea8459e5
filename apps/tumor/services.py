"""Naming lesions, keeping a line of each on every assessment, and deriving the responses anew."""

import re
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Q

from apps.core.actor import Actor
from apps.core.events import announce
from apps.core.refusal import Refusal
from apps.core.transactions import because
from apps.subjects.models import Subject
from apps.tumor import events
from apps.tumor.models import (
    Kind,
    Lesion,
    LesionMeasurement,
    ResponseChange,
    SubjectResponse,
    SystemResponse,
    TumorAssessment,
)
from apps.tumor.series import Seen, Series, all_series
from apps.visits import services as entry
from apps.visits.models import EntryState, FormRecord
from clinical.partial_date import PartialDate
from clinical.recist import endpoints
from clinical.recist.scan_date import ScanDate

PREFIX = {Kind.TARGET: "T", Kind.NON_TARGET: "NT", Kind.NEW: "N"}


class NotNamedYet(Refusal): ...


class NameIsTaken(Refusal): ...


@transaction.atomic
def name_lesion(*, lesion: Lesion, name: str = "") -> Lesion:
    """Allot the lesion's name, once: T1, NT1, N1, or T1.1 for a part of T1. Removed lesions keep theirs.

    `name` is for lesions that come from a source with names of its own.
    """
    Subject.objects.select_for_update().get(pk=lesion.record.subject_id)  # two lesions at once get two names
    lesion = Lesion.objects.select_related("record", "parent").get(pk=lesion.pk)
    if lesion.lesion_id is not None or lesion.kind is None or lesion.evaluator is None:
        return lesion
    taken = set(
        Lesion.objects.filter(
            subject_id=lesion.record.subject_id, evaluator=lesion.evaluator, lesion_id__isnull=False
        ).values_list("lesion_id", flat=True)
    )
    if name and name in taken:
        raise NameIsTaken(f"There is a lesion {name} of this evaluator already.")
    stem = f"{lesion.parent.lesion_id}." if lesion.parent is not None else PREFIX[Kind(lesion.kind)]
    lesion.lesion_id = name or f"{stem}{1 + _highest(stem, taken)}"
    lesion.subject_id = lesion.record.subject_id
    lesion.save(update_fields=["lesion_id", "subject"])
    return lesion


def _highest(stem: str, taken: set[Any]) -> int:
    pattern = re.compile(re.escape(stem) + r"0*(\d+)")
    return max((int(match[1]) for each in taken if (match := pattern.fullmatch(each))), default=0)


@transaction.atomic
def split_lesion(*, actor: Actor, record: FormRecord, at: datetime) -> FormRecord:
    """Record that a lesion fell apart: a new entry for one part, which is measured on its own and counts for it."""
    parent = Lesion.objects.select_related("record__subject__protocol_version").get(record=record)
    if parent.lesion_id is None:
        raise NotNamedYet("Say first which kind of lesion this is; then its parts can be recorded.")
    subject = parent.record.subject
    part = entry.open_record(
        actor=actor,
        subject=subject,
        form=record.form,
        visit=None,
        protocol_version=subject.protocol_version,
        at=at,
    )
    Lesion.objects.filter(record=part).update(parent=parent)
    texts = {"evaluator": parent.evaluator or "", "kind": parent.kind or ""}
    texts |= {name: getattr(parent, name) or "" for name in ("location", "laterality", "node", "method")}
    entry.save_values(actor=actor, record=part, texts=texts, at=at)
    return part


@transaction.atomic
def keep_lines(*, subject: Subject, evaluator: str) -> None:
    """Give every assessment of the evaluator a line for each lesion it has to account for.

    Lesions of baseline belong on all of them, a lesion found later (or a part of one) from its visit on. A line that
    the other evaluator's lesion of the same name left empty behind is taken over.
    """
    lesions = list(
        Lesion.objects.filter(subject=subject, evaluator=evaluator, lesion_id__isnull=False)
        .exclude(record__state=EntryState.REMOVED)
        .order_by("record_id")
    )
    heads = list(
        TumorAssessment.objects.filter(record__subject=subject, evaluator=evaluator)
        .exclude(record__state__in=[EntryState.REMOVED, EntryState.NOT_DONE])
        .select_related("record__visit")
        .order_by("record_id")
    )
    visits = dict(subject.visits.values_list("code", "number"))
    existing = {
        (line.record_id, line.key): line
        for line in LesionMeasurement.objects.filter(record__in=[head.record_id for head in heads])
    }
    missing = []
    for head in heads:
        for lesion in lesions:
            line = existing.get((head.record_id, lesion.lesion_id or ""))
            if line is not None:
                _follow(line, lesion)
            elif _belongs(lesion, head, visits):
                missing.append(
                    LesionMeasurement(
                        record_id=head.record_id,
                        site_id=head.site_id,
                        key=lesion.lesion_id or "",
                        lesion=lesion,
                        lesion_kind=lesion.kind,
                        lesion_is_node=lesion.is_node,
                    )
                )
    LesionMeasurement.objects.bulk_create(missing)


def _follow(line: LesionMeasurement, lesion: Lesion) -> None:
    """Keep what a line copies of its lesion: which one, what kind, whether it is a node."""
    if (line.lesion_id, line.lesion_kind, line.lesion_is_node) != (lesion.pk, lesion.kind, lesion.is_node):
        line.lesion, line.lesion_kind, line.lesion_is_node = lesion, lesion.kind, lesion.is_node
        line.save(update_fields=["lesion", "lesion_kind", "lesion_is_node"])


def _belongs(lesion: Lesion, head: TumorAssessment, visits: dict[str, Any]) -> bool:
    if lesion.kind != Kind.NEW and lesion.parent_id is None:
        return True
    found_at = visits.get(lesion.identified_at or "")
    if found_at is None:
        return head.record.first_completed_at is None
    return head.record.visit is None or head.record.visit.number >= found_at


@transaction.atomic
def drop_lines(*, lesion: Lesion, why: str) -> None:
    """Take the lines of a removed lesion off the assessments; their values stay in the trail."""
    try:
        with because(why), transaction.atomic():
            for line in LesionMeasurement.objects.filter(lesion=lesion, is_removed=False):
                line.is_removed = True
                line.save(update_fields=["is_removed"])
    except DatabaseError as refused:
        if getattr(refused.__cause__, "sqlstate", "") in ("TS002", "TS003"):
            raise entry.Closed(
                f"Lesion {lesion.lesion_id} stands on an assessment that is frozen or locked. "
                "Ask the data manager to open it first."
            ) from refused
        raise


@transaction.atomic
def derive_responses(
    *, actor: Actor, subject: Subject, at: datetime, caused_by: int | None = None, only: str | None = None
) -> None:
    """Derive the responses of every evaluator (or `only` one) from what is stored, and say which are other ones now.

    `caused_by` is the page whose values changed: the responses of other pages that it turned over are kept as such.
    """
    judged = SubjectResponse.objects.filter(subject=subject).values_list("evaluator", flat=True)
    for evaluator, derived in all_series(subject, only=only, also=judged if only is None else ()).items():
        _derive_for(actor, subject, evaluator, derived, at=at, caused_by=caused_by)


def _derive_for(
    actor: Actor, subject: Subject, evaluator: str, derived: Series, *, at: datetime, caused_by: int | None
) -> None:
    # An assessment that changed hands brings its row along.
    of_these = Q(evaluator=evaluator) | Q(record__in=[seen.record.pk for seen in derived.in_order])
    stored = {each.record_id: each for each in SystemResponse.objects.filter(of_these, subject=subject)}
    changed, flipped = [], []
    for position, seen in enumerate(derived.in_order):
        columns = {"evaluator": evaluator, **_columns(derived, seen, max(0, position - len(derived.baseline) + 1))}
        row = stored.pop(seen.record.pk, None)
        if row is None:
            SystemResponse.objects.create(subject=subject, record=seen.record, **columns)
            changed.append(seen.record.pk)
            continue
        before = row.overall
        if _keep(row, columns):
            changed.append(seen.record.pk)
        if before is not None and row.overall is not None and before != row.overall:
            flipped.append(seen.record.pk)
            if seen.record.pk != caused_by:
                ResponseChange.objects.create(
                    subject=subject, record=seen.record, caused_by_id=caused_by, old=before, new=row.overall, at=at
                )
    changed += [row.record_id for row in stored.values() if _keep(row, {"is_current": False})]
    _sum_up(subject, evaluator, derived)
    if changed:
        announce(
            events.ResponsesChanged(
                study_id=subject.study_id,
                site_id=subject.site_id,
                at=at,
                subject=subject.pk,
                evaluator=evaluator,
                records=tuple(changed),
                flipped=tuple(flipped),
            ),
            actor=actor,
        )


def _keep(row: Any, columns: dict[str, Any]) -> bool:
    """Write the columns that are other ones now; whether any was."""
    changed = [name for name, value in columns.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, columns[name])
    if changed:
        row.save(update_fields=changed)
    return bool(changed)


def _columns(derived: Series, seen: Seen, position: int) -> dict[str, Any]:
    columns: dict[str, Any] = {"position": position, "scanned": seen.date, "is_current": True}
    if position == 0:
        return columns | {
            "target": None,
            "non_target": None,
            "new_lesion": None,
            "overall": None,
            "rule": "",
            "is_complete": True,
            "sum_mm": derived.sum_at(seen),
            "baseline_mm": derived.baseline_mm,
            "nadir_mm": None,
            "nadir_visit": "",
            "change_baseline_pct": None,
            "change_nadir_pct": None,
            "change_nadir_mm": None,
            "progressed_on": None,
            "immune_overall": None,
            "immune_rule": "",
        }
    evaluation = derived.evaluations[position - 1]
    immune = derived.immune[position - 1] if derived.immune else None
    return columns | {
        "target": evaluation.target.value,
        "non_target": evaluation.non_target.value,
        "new_lesion": evaluation.new_lesion.value,
        "overall": evaluation.overall.value,
        "rule": evaluation.rule[:1000],
        "is_complete": evaluation.is_complete,
        "sum_mm": evaluation.sum_mm,
        "baseline_mm": evaluation.baseline_mm,
        "nadir_mm": evaluation.nadir_mm,
        "nadir_visit": evaluation.nadir_visit,
        "change_baseline_pct": evaluation.change_baseline_pct,
        "change_nadir_pct": evaluation.change_nadir_pct,
        "change_nadir_mm": evaluation.change_nadir_mm,
        "progressed_on": _partial(evaluation.progressed_on),
        "immune_overall": None if immune is None else immune.overall.value,
        "immune_rule": "" if immune is None else immune.rule[:1000],
    }


def _partial(day: ScanDate | None) -> PartialDate | None:
    return None if day is None else PartialDate.parse(day.text)


def _sum_up(subject: Subject, evaluator: str, derived: Series) -> None:
    """What the evaluator's assessments amount to so far."""
    best, confirmed = derived.best(), derived.confirmed_best()
    change = endpoints.best_change(derived.evaluations)
    progression = derived.first_progression()
    columns = {
        "best": best.response.value,
        "best_reason": best.reason[:500],
        "confirmed_best": confirmed.response.value,
        "confirmed_reason": confirmed.reason[:500],
        "best_change_pct": None if change is None else change.percent,
        "progressed_on": None if progression is None else _partial(progression.progressed_on),
        "immune_best": derived.immune_best(),
        "assessments": len(derived.follow_ups),
    }
    row = SubjectResponse.objects.filter(subject=subject, evaluator=evaluator).first()
    if row is None:
        SubjectResponse.objects.create(subject=subject, evaluator=evaluator, **columns)
    else:
        _keep(row, columns)
