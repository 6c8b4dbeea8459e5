"""The work that waits in review: what to verify, what to sign, what can be locked; subjects and their forms."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db.models import Count, Q, QuerySet

from apps.core.actor import Actor
from apps.review import checklist, signatures, verification
from apps.review.models import Signature
from apps.review.verification import Standing
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


class ListedForm(NamedTuple):
    """As much of a form as a list of thousands needs before it is known which are shown."""

    pk: int
    site_id: int
    subject_id: int
    protocol_version_id: int
    form: str
    site_number: str
    subject_number: str


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

    subject: str
    site: str
    required: int = 0
    done: int = 0
    stale: int = 0


@dataclass(frozen=True)
class VerificationWorklist:
    """The forms to go to the source for, by key in their order, and the totals by subject."""

    keys: list[int]
    standings: dict[int, Standing]
    totals: list[SubjectTotals]

    def rows(self, keys: Sequence[int], *, actor: Actor) -> list[ToVerify]:
        """Some of the forms with what is shown of them."""
        return [
            ToVerify(record, self.standings[record.pk])
            for record in records(actor=actor, filters=RecordFilter()).filter(pk__in=keys)
        ]


def verification_worklist(*, actor: Actor, filters: RecordFilter) -> VerificationWorklist:
    """What there is to verify; a constant number of queries, and of each form no more than the plan asks about."""
    finished = records(actor=actor, filters=filters).filter(state__in=verification.FINISHED)
    columns = ("pk", "site", "subject", "protocol_version", "form", "site__number", "subject__number")
    found = [ListedForm(*row) for row in finished.values_list(*columns)]
    standings = verification.standings(found)
    totals: dict[int, SubjectTotals] = {}
    shown = []
    wanted = SHOW_VERIFICATION.get(filters.show or "outstanding", SHOW_VERIFICATION["outstanding"])
    for each in found:
        standing = standings[each.pk]
        sums = totals.setdefault(each.subject_id, SubjectTotals(each.subject_number, each.site_number))
        sums.required += SHOW_VERIFICATION["required"](standing)
        sums.done += SHOW_VERIFICATION["done"](standing)
        sums.stale += SHOW_VERIFICATION["stale"](standing)
        if wanted(standing):
            shown.append(each.pk)
    return VerificationWorklist(shown, standings, [sums for sums in totals.values() if sums.required or sums.stale])


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


def to_sign(*, actor: Actor, filters: RecordFilter) -> QuerySet[FormRecord]:
    """The finished forms of the signature queue; by default those that can be signed now."""
    finished = records(actor=actor, filters=filters).filter(state__in=(EntryState.COMPLETE, EntryState.NOT_DONE))
    match filters.show or "ready":
        case "all":
            return finished
        case "signed":
            return finished.filter(signatures.STANDS)
        case "unsigned":
            return finished.exclude(signatures.STANDS)
        case "broken":
            return finished.filter(signatures.WAS_GIVEN).exclude(signatures.STANDS)
        case _:
            return finished.filter(is_locked=False).exclude(signatures.IS_ASKED).exclude(signatures.STANDS)


def signature_rows(records: Sequence[FormRecord]) -> list[ToSign]:
    """These forms with their signatures and what stands in the way of one."""
    in_the_way = signatures.obstacles(records)
    stand = signatures.standing(records)
    last = {
        signature.record_id: signature
        for signature in Signature.objects.filter(record__in=[record.pk for record in records])
        .select_related("broken")
        .defer("content")
        .order_by("record_id", "-pk")
        .distinct("record_id")
    }
    return [
        ToSign(record, tuple(in_the_way.get(record.pk, ())), stand.get(record.pk), last.get(record.pk))
        for record in records
    ]


@dataclass
class Readiness:
    """A subject before its lock: what each line of the checklist still counts."""

    number: str
    forms: int = 0
    frozen: int = 0
    locked: int = 0
    obstacles: dict[str, int] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        return self.forms > self.locked and not any(self.obstacles.values())


def subjects_with_forms(*, actor: Actor, filters: RecordFilter) -> QuerySet[Any, Any]:
    """The subjects that have forms: number, and how many forms there are, are frozen and are locked."""
    frozen, locked = Q(is_frozen=True), Q(is_locked=True)
    return (
        records(actor=actor, filters=filters)
        .order_by("subject__number")
        .values("subject_id", "subject__number")
        .annotate(forms=Count("pk"), frozen=Count("pk", filter=frozen), locked=Count("pk", filter=locked))
    )


def readiness(subjects: Sequence[Mapping[str, Any]], *, actor: Actor, filters: RecordFilter) -> list[Readiness]:
    """These subjects with the checklist of their forms that are not locked; a constant number of queries."""
    rows = {
        each["subject_id"]: Readiness(each["subject__number"], each["forms"], each["frozen"], each["locked"])
        for each in subjects
    }
    open_ones = list(records(actor=actor, filters=filters).filter(subject__in=rows, is_locked=False))
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
