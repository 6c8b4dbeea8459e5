"""Review marks: which rows a reviewer has not seen yet, has seen, and has to look at again because values changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import transaction

from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.refusal import NotAllowed
from apps.review import transitions
from apps.review.models import ReviewMark, Track
from apps.review.services import MOST_AT_ONCE, TooMany
from apps.visits.models import FormRecord, PathVersion


class ReviewState(StrEnum):
    NEW = "New"
    CHANGED = "Changed"
    REVIEWED = "Reviewed"


@dataclass(frozen=True)
class Review:
    """How one row stands for one track, and which values changed since it was reviewed."""

    state: ReviewState
    changed_paths: tuple[str, ...] = ()
    mark: ReviewMark | None = None


def track_of(actor: Actor, *, at: int | None = None) -> Track | None:
    """The track the person reviews in; None for somebody who does not review."""
    for site_id in actor.site_ids if at is None else (at,):
        if actor.may(Action.REVIEW_DATA, at=site_id):
            groups = transitions.groups_of(actor, at=site_id)
            if groups:
                return Track(groups[0].value)
    return None


@transaction.atomic
def mark_reviewed(*, actor: Actor, records: Sequence[FormRecord], at: datetime, note: str = "") -> int:
    """Mark rows as reviewed in the person's own track, as they stand now; at most a hundred in one act."""
    if len(records) > MOST_AT_ONCE:
        raise TooMany(f"Choose at most {MOST_AT_ONCE} rows at once.")
    made = []
    versions = _versions(records)
    for record in records:
        actor.require(Action.REVIEW_DATA, at=record.site_id)
        track = track_of(actor, at=record.site_id)
        if track is None:
            raise NotAllowed("Rows are reviewed by monitors, data managers and medical monitors.")
        made.append(
            ReviewMark(
                site_id=record.site_id,
                record=record,
                track=track,
                versions=versions.get(record.pk, {}),
                note=note.strip(),
                reviewed_by_id=actor.user_id,
                reviewed_by_name=actor.name,
                reviewed_at=at,
            )
        )
    return len(ReviewMark.objects.bulk_create(made))


def reviews(records: Sequence[FormRecord], *, track: Track) -> dict[int, Review]:
    """How each of many rows stands for a track, in two queries."""
    keys = [record.pk for record in records]
    newest = {
        mark.record_id: mark
        for mark in ReviewMark.objects.filter(record__in=keys, track=track)
        .order_by("record_id", "-pk")
        .distinct("record_id")
    }
    versions = _versions(records)
    return {key: _review(newest.get(key), versions.get(key, {})) for key in keys}


def _review(mark: ReviewMark | None, versions: dict[str, int]) -> Review:
    if mark is None:
        return Review(ReviewState.NEW)
    changed = tuple(sorted(path for path, version in versions.items() if mark.versions.get(path) != version))
    return Review(ReviewState.CHANGED if changed else ReviewState.REVIEWED, changed, mark)


def _versions(records: Sequence[FormRecord]) -> dict[int, dict[str, int]]:
    found: dict[int, dict[str, int]] = {}
    rows = PathVersion.objects.filter(record__in=[record.pk for record in records])
    for record_id, path, version in rows.values_list("record_id", "path", "version"):
        found.setdefault(record_id, {})[path] = version
    return found
