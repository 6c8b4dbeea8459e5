"""What review shows on the pages of form records: status words, the margin of each field, a panel below the form."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from apps.core.action import Action
from apps.core.actor import Actor
from apps.review import marks, selectors, signatures, verification
from apps.review.models import UNRESOLVED, Query, Signature, UnlockRequest, UnlockState
from apps.visits import overlays, presentation, values
from apps.visits.models import EntryState, FormRecord
from apps.visits.overlays import MarginNote, StatusWord


def status(records: list[FormRecord]) -> dict[int, list[StatusWord]]:
    """Query, stale, verified and signed, for many records in a constant number of queries."""
    keys = [record.pk for record in records]
    asked = set(Query.objects.filter(record__in=keys, state__in=UNRESOLVED).values_list("record_id", flat=True))
    signed = signatures.standing(records)
    verified = verification.counts([record.pk for record in records])
    words: dict[int, list[StatusWord]] = {}
    for record in records:
        mine = words.setdefault(record.pk, [])
        if record.pk in asked:
            mine.append(overlays.QUERY)
        if record.pk in signed:
            mine.append(overlays.SIGNED)
        if record.pk in verified:
            count = verified[record.pk]
            if count.stale:
                mine.append(overlays.STALE)
            elif count.is_done:
                mine.append(overlays.VERIFIED)
    return words


def margin(record: FormRecord, actor: Actor) -> Iterable[MarginNote]:
    """Beside each field: its queries, its verification, and what this person may add."""
    now = timezone.now()
    is_open = not record.is_locked and record.state != EntryState.REMOVED
    may_raise = is_open and actor.may(Action.RAISE_QUERY, at=record.site_id)
    may_verify = (
        is_open
        and actor.may(Action.VERIFY_SOURCE, at=record.site_id)
        and EntryState(record.state) in verification.FINISHED
    )
    threads: dict[str, list[selectors.Thread]] = {}
    found = selectors.queries_of(record, actor=actor)
    for thread in selectors.threads(found, actor=actor, is_locked=record.is_locked, now=now):
        threads.setdefault(thread.query.path, []).append(thread)
    verified = verification.marks(record)
    paths = dict.fromkeys(("", *threads))
    if may_raise or verified:
        paths |= dict.fromkeys(place.path for place in values.all_places(record))
    for path in paths:
        mark, is_stale = verified.get(path, (None, False))
        if path in threads or mark is not None or may_raise:
            yield MarginNote(
                path,
                "review/margin.html",
                {
                    "path": path,
                    "dom": presentation.dom_id(path) if path else "f-whole",
                    "threads": threads.get(path, []),
                    "mark": mark,
                    "is_stale": is_stale,
                    "may_raise": may_raise,
                    "may_verify": may_verify and path != "" and (mark is None or is_stale),
                },
            )


def panel(record: FormRecord, actor: Actor) -> dict[str, object] | None:
    """Below the form: verification, review, signatures, freeze and lock of the whole form."""
    site = record.site_id
    standing = verification.standings([record])[record.pk]
    signed = list(Signature.objects.filter(record=record).select_related("broken").order_by("-pk"))
    stands = signatures.standing([record]).get(record.pk) if signed else None
    track = marks.track_of(actor, at=site)
    context: dict[str, Any] = {
        "standing": standing,
        "may_verify": actor.may(Action.VERIFY_SOURCE, at=site) and not record.is_locked,
        "signatures": signed,
        "stands": stands,
        "may_sign": actor.may(Action.SIGN_RECORDS, at=site) and not record.is_locked and stands is None,
        "may_freeze": actor.may(Action.FREEZE_DATA, at=site) and not record.is_locked,
        "may_lock": actor.may(Action.LOCK_DATA, at=site) and not record.is_locked,
        "may_ask_unlock": record.is_locked and actor.may_any((Action.ENTER_DATA, Action.RAISE_QUERY, Action.LOCK_DATA)),
        "unlock": UnlockRequest.objects.filter(record=record, state=UnlockState.ASKED).first()
        if record.is_locked
        else None,
        "track": track,
        "review": marks.reviews([record], track=track)[record.pk] if track else None,
    }
    if context["review"] is not None:
        context["changed"] = [presentation.label(record, path) for path in context["review"].changed_paths]
    return context


def register() -> None:
    overlays.add_status(status)
    overlays.add_margin(margin)
    overlays.add_panel("review/panel.html", panel)
