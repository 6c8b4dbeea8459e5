"""The work that waits in review: what to verify, what to sign, what can be locked; subjects and their forms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import QuerySet

from apps.core.actor import Actor
from apps.review import checklist, signatures, verification
from apps.review.models import Signature
from apps.review.verification import Standing
from apps.study.models import Site
from apps.subjects.models import Subject
from apps.visits.models import EntryState, FormRecord


@dataclass(frozen=True)
class RecordFilter:
    """Which forms a worklist is about, as it stands in the address."""

    site: str = ""
    subject: str = ""
    form: str = ""
    visit: str = ""
    show: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> "RecordFilter":
        return cls(**{name: parameters.get(name, "").strip() for name in cls.__dataclass_fields__})


LISTED = (
    "study", "site__number", "site__name", "subject__number", "subject__status", "visit__code", "visit__name",
    "visit__number", "form", "page", "repeat", "time_point", "state", "not_done_reason", "is_frozen", "is_locked",
    "first_completed_at", "completed_at", "protocol_version",
)  # fmt: skip
"""What a worklist shows or judges of a form; its values stay where they are."""


def records(*, actor: Actor, filters: RecordFilter) -> QuerySet[FormRecord]:
    """The forms of the actor's sites that pass; protocol versions are fetched once and shared."""
    found: QuerySet[FormRecord] = FormRecord.objects.visible_to(actor).filter(study_id=actor.study_id)
    for name, column in (
        ("site", "site__number"),
        ("subject", "subject__number"),
        ("form", "form"),
        ("visit", "visit__code"),
    ):
        if value := getattr(filters, name):
            found = found.filter(**{column: value})
    return (
        found.exclude(state=EntryState.REMOVED)
        .select_related("subject", "visit", "site")
        .only(*LISTED)
        .prefetch_related("protocol_version")
        .order_by("subject__number", "visit__number", "form", "repeat")
    )


def title(record: FormRecord) -> str:
    """The form's title as the protocol names it."""
    return record.protocol_version.definition.form(record.form).title


@dataclass(frozen=True)
class ToVerify:
    """A form on the verification worklist."""

    record: FormRecord
    standing: Standing


SHOW_VERIFICATION: dict[str, Callable[[Standing], bool]] = {
    "outstanding": lambda standing: standing.is_outstanding,
    "stale": lambda standing: standing.stale > 0,
    "done": lambda standing: standing.is_required and standing.is_done,
    "required": lambda standing: standing.is_required,
    "all": lambda standing: True,
}
"""What the worklist can be narrowed to. Its totals are counted with the same tests, so the numbers agree."""


@dataclass
class SubjectTotals:
    """Forms of one subject that the plan asks for, that are done, and that changed after verification."""

    subject: Subject
    site: Site
    required: int = 0
    done: int = 0
    stale: int = 0


def verification_worklist(*, actor: Actor, filters: RecordFilter) -> tuple[list[ToVerify], list[SubjectTotals]]:
    """The forms to go to the source for, and the totals by subject; a constant number of queries."""
    finished = list(records(actor=actor, filters=filters).filter(state__in=verification.FINISHED))
    standings = verification.standings(finished)
    totals: dict[int, SubjectTotals] = {}
    shown = []
    wanted = SHOW_VERIFICATION.get(filters.show or "outstanding", SHOW_VERIFICATION["outstanding"])
    for record in finished:
        standing = standings[record.pk]
        sums = totals.setdefault(record.subject_id, SubjectTotals(record.subject, record.site))
        sums.required += SHOW_VERIFICATION["required"](standing)
        sums.done += SHOW_VERIFICATION["done"](standing)
        sums.stale += SHOW_VERIFICATION["stale"](standing)
        if wanted(standing):
            shown.append(ToVerify(record, standing))
    return shown, [sums for sums in totals.values() if sums.required or sums.stale]


@dataclass(frozen=True)
class ToSign:
    """A form on the signature queue: what stands in the way, and what broke the last signature."""

    record: FormRecord
    obstacles: tuple[str, ...]
    stands: Signature | None
    last: Signature | None

    @property
    def is_ready(self) -> bool:
        return self.stands is None and not self.obstacles


def signature_queue(*, actor: Actor, filters: RecordFilter) -> list[ToSign]:
    """The finished forms with their signatures; by default those that can be signed now."""
    finished = list(records(actor=actor, filters=filters).filter(state__in=(EntryState.COMPLETE, EntryState.NOT_DONE)))
    in_the_way = signatures.obstacles(finished)
    stand = signatures.standing(finished)
    last = {
        signature.record_id: signature
        for signature in Signature.objects.filter(record__in=[record.pk for record in finished])
        .select_related("broken")
        .defer("content")
        .order_by("record_id", "-pk")
        .distinct("record_id")
    }
    rows = [
        ToSign(record, tuple(in_the_way.get(record.pk, ())), stand.get(record.pk), last.get(record.pk))
        for record in finished
    ]
    match filters.show or "ready":
        case "all":
            return rows
        case "signed":
            return [row for row in rows if row.stands is not None]
        case "unsigned":
            return [row for row in rows if row.stands is None]
        case "broken":
            return [row for row in rows if row.stands is None and row.last is not None]
        case _:
            return [row for row in rows if row.is_ready]


@dataclass
class Readiness:
    """A subject before its lock: what each line of the checklist still counts."""

    subject: Subject
    forms: int = 0
    frozen: int = 0
    locked: int = 0
    obstacles: dict[str, int] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        return self.forms > self.locked and not any(self.obstacles.values())


def readiness(*, actor: Actor, filters: RecordFilter) -> list[Readiness]:
    """Every subject with the checklist of its forms that are not locked; a constant number of queries."""
    found = list(records(actor=actor, filters=filters))
    rows: dict[int, Readiness] = {}
    for record in found:
        row = rows.setdefault(record.subject_id, Readiness(record.subject))
        row.forms += 1
        row.frozen += record.is_frozen
        row.locked += record.is_locked
    open_ones = [record for record in found if not record.is_locked]
    subject_of = {record.pk: record.subject_id for record in open_ones}
    for code, counts in checklist.obstacles(open_ones).items():
        for key, count in counts.items():
            counted = rows[subject_of[key]].obstacles
            counted[code] = counted.get(code, 0) + count
    return list(rows.values())


def of_keys(*, actor: Actor, keys: Sequence[str]) -> list[FormRecord]:
    """The forms chosen on a page, as far as the person may see them."""
    chosen = [int(key) for key in keys if key.isdigit() and len(key) < 19]
    return list(records(actor=actor, filters=RecordFilter()).filter(pk__in=chosen))
