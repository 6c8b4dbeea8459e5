"""What the study's own pages show."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone

from apps.access.models import Membership
from apps.access.roles import ROLE_ACTIONS, Role
from apps.audit.models import AuditEvent
from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.models import OutboxMessage, WorkerHeartbeat
from apps.study.models import ProtocolDraft, ProtocolVersion, Site, Study
from clinical.partial_date import AskBack, read_typed

PAGE_ROWS = 50
ROWS_AT_A_TIME = 2_000


def set_up(study: Study, *, actor: Actor) -> dict[str, Any]:
    """Versions, drafts, sites, people and the role table of the study."""
    approved = set(ProtocolVersion.objects.filter(study=study).values_list("version", flat=True))
    drafts = ProtocolDraft.objects.filter(study=study).select_related("loaded_by").order_by("-pk")
    return {
        "versions": ProtocolVersion.objects.filter(study=study).order_by("-effective_date", "-pk"),
        "drafts": [draft for draft in drafts if draft.version not in approved],
        "sites": Site.objects.filter(study=study).order_by("number"),
        "people": Membership.objects.filter(study=study, ended_at=None)
        .select_related("user", "site")
        .order_by("role", "user__full_name"),
        "roles": [(role.label, sorted(action.value for action in ROLE_ACTIONS[role])) for role in Role],
        "may_draft": actor.may(Action.DRAFT_PROTOCOL),
        "may_approve": actor.may(Action.APPROVE_PROTOCOL),
    }


@dataclass(frozen=True)
class TrailListing:
    """One page of the trail, newest first; `older` continues after its last row."""

    rows: list[AuditEvent]
    matching: QuerySet[AuditEvent]
    filters: dict[str, str]
    problem: str
    older: str


def trail(asked: QueryDict, *, actor: Actor) -> TrailListing:
    """Trail rows of the actor's sites (and of the study itself), filtered as the address says."""
    matching = AuditEvent.objects.filter(study_id=actor.study_id).filter(
        Q(site_id__in=actor.site_ids) | Q(site_id__isnull=True)
    )
    filters = {name: asked.get(name, "").strip() for name in ("who", "table", "record", "since", "until", "reason")}
    problem = ""
    if filters["who"]:
        matching = matching.filter(user_name__icontains=filters["who"])
    if filters["table"]:
        matching = matching.filter(table__icontains=filters["table"])
    if filters["record"].isdigit():
        matching = matching.filter(record_id=int(filters["record"]))
    if filters["reason"]:
        matching = matching.filter(reason__icontains=filters["reason"])
    for name, lookup in (("since", "recorded_at__gte"), ("until", "recorded_at__lt")):
        if filters[name]:
            read = read_typed(filters[name], today=timezone.now().date())
            if isinstance(read, AskBack):
                problem = f"{name.capitalize()}: {read.message}"
            else:
                moment = read.earliest() if name == "since" else read.latest()
                matching = matching.filter(**{lookup: timezone.make_aware(moment.replace(tzinfo=None))})
    page = matching.order_by("-pk")
    before = asked.get("before", "")
    if before.isdigit():
        page = page.filter(pk__lt=int(before))
    rows = list(page[: PAGE_ROWS + 1])
    older = ""
    if len(rows) > PAGE_ROWS:
        rows = rows[:PAGE_ROWS]
        following = asked.copy()
        following["before"] = str(rows[-1].pk)
        older = following.urlencode()
    return TrailListing(rows=rows, matching=matching, filters=filters, problem=problem, older=older)


def trail_rows(listing: TrailListing) -> Iterator[list[str]]:
    """The matching trail as rows of text, oldest first, header included."""
    yield [
        "id",
        "recorded (UTC)",
        "who",
        "role",
        "act",
        "table",
        "row",
        "record",
        "changed",
        "reason",
        "where",
        "request",
    ]
    for event in listing.matching.order_by("pk").iterator(chunk_size=ROWS_AT_A_TIME):
        yield [
            str(event.pk),
            event.recorded_at.isoformat(),
            event.user_name,
            event.role,
            event.get_operation_display(),
            event.table,
            event.row_key,
            str(event.record_id or ""),
            "; ".join(f"{name}: {change}" for name, change in event.changed.items()),
            event.reason,
            event.place,
            event.request,
        ]


def system(*, alive_within: timedelta) -> dict[str, Any]:
    """What waits in the outbox, what failed, and which workers live."""
    waiting = OutboxMessage.objects.filter(delivered_at=None)
    now = timezone.now()
    return {
        "waiting": waiting.count(),
        "failed": list(waiting.exclude(last_error="").order_by("-attempts")[:PAGE_ROWS]),
        "by_handler": waiting.values("handler").annotate(messages=Count("pk")).order_by("handler"),
        "workers": [
            (beat.worker, beat.seen_at, now - beat.seen_at < alive_within)
            for beat in WorkerHeartbeat.objects.order_by("worker")
        ],
    }
