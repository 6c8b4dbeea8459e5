"""Electronic signatures: asking for the secret again, signing forms, what breaks a signature, and proving one.

21 CFR 11.50 (printed name, moment, meaning), 11.70 (bound to the record), 11.100 and 11.200 (one person, fresh secret).
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth import authenticate
from django.db import transaction
from django.db.models import Aggregate, Exists, F, JSONField, OuterRef, Q, Subquery, Value
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from apps.accounts.models import User
from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.events import announce
from apps.core.refusal import NotAllowed, Refusal
from apps.core.transactions import note_in_trail
from apps.review import content, events
from apps.review.models import Query, QueryState, Scope, Signature, SignatureBreak
from apps.visits.models import EntryState, FormRecord, PathVersion

MEANING = (
    "I have reviewed these data and confirm that they are, to the best of my knowledge, accurate, complete and "
    "attributable to the subject named."
)
"""What the investigator's signature on casebook data means."""


class WrongPassword(Refusal):
    """The secret is not the signer's. The try counts towards the lock-out."""


class LockedOut(Refusal):
    """Too many wrong tries; the account is closed for a while, to signing as to sign-in."""


class CannotBeSigned(Refusal):
    """What stands in the way, form by form."""


@dataclass(frozen=True)
class Proof:
    """That the person at the keyboard just gave their own secret. One proof signs one batch."""

    user_id: int
    batch: uuid.UUID


def reauthenticate(user: User, password: str, *, request: HttpRequest | None = None) -> Proof:
    """Ask for the signer's own secret again; wrong tries count towards the same lock-out as sign-in.

    Call it in the view, before the service that signs. A service undoes its own transaction when it refuses, and a
    wrong try must not be undone with it.
    """
    asked = request or HttpRequest()
    credentials = {"username": user.email, "password": password}
    if not AxesProxyHandler.is_allowed(asked, credentials):
        raise LockedOut("Too many wrong tries: the account is locked for 15 minutes. Sign again after that.")
    found = authenticate(asked, **credentials)
    if found is None or found.pk != user.pk:
        note_in_trail(act="signing refused", about={"key": str(user.pk), "name": user.full_name, "why": "password"})
        raise WrongPassword("The password is not right, so nothing was signed. Type your own sign-in password.")
    AxesProxyHandler.reset_attempts(username=user.email)
    return Proof(user_id=user.pk, batch=uuid.uuid4())


@transaction.atomic
def sign_records(
    *,
    actor: Actor,
    proof: Proof,
    records: Sequence[FormRecord],
    scope: Scope,
    at: datetime,
    meaning: str = MEANING,
) -> list[Signature]:
    """Sign forms in one act, all or none. The role that allows it must be held at the forms' own site."""
    if proof.user_id != actor.user_id or actor.user_id is None:
        raise NotAllowed("A signature is given by the person who is signed in, with their own password.")
    if Signature.objects.filter(batch=proof.batch).exists():
        raise NotAllowed("This password was used for a signature already. Type it again to sign more.")
    for site_id in {record.site_id for record in records}:
        actor.require(Action.SIGN_RECORDS, at=site_id)
    current = list(
        FormRecord.objects.select_for_update(of=("self",))
        .select_related("site", "study", "subject", "visit", "protocol_version")
        .filter(pk__in=[record.pk for record in records])
        .order_by("pk")
    )
    problems = obstacles(current)
    if problems or not current:
        raise CannotBeSigned(
            "Nothing was signed." if problems else "Choose what to sign first.",
            problems=[sentence for each in problems.values() for sentence in each],
        )
    signed = []
    for record in current:
        _supersede(record, why="Signed again.", paths=(), actor=actor, at=at)
        signature = Signature(
            site_id=record.site_id,
            subject_id=record.subject_id,
            visit_id=record.visit_id,
            record=record,
            batch=proof.batch,
            scope=scope,
            meaning=meaning,
            signed_by_id=actor.user_id,
            printed_name=actor.name,
            role=actor.role_words,
            signed_at=at,
            zone=record.site.zone,
            content=content.content_of(record),
        )
        signature.content_hash = binding_hash(signature)
        signature.save(force_insert=True)
        signed.append(signature)
    for subject_id in sorted({record.subject_id for record in current}):
        mine = [record for record in current if record.subject_id == subject_id]
        announce(
            events.RecordsSigned(
                study_id=mine[0].study_id,
                site_id=mine[0].site_id,
                at=at,
                subject=subject_id,
                records=tuple(record.pk for record in mine),
            ),
            actor=actor,
        )
    return signed


def obstacles(records: Sequence[FormRecord]) -> dict[int, list[str]]:
    """What stands between each form and a signature, in words; two queries for all of them."""
    keys = [record.pk for record in records]
    asked: dict[int, int] = {}
    for key in Query.objects.filter(record__in=keys, state=QueryState.OPEN).values_list("record_id", flat=True):
        asked[key] = asked.get(key, 0) + 1
    found: dict[int, list[str]] = {}
    for record in records:
        title = record.protocol_version.definition.form(record.form).title
        name = f"{title}{f', {record.visit.name}' if record.visit else f', entry {record.repeat}'}"
        problems = []
        if record.is_locked:
            problems.append(f"{name} is locked.")
        if record.state not in {EntryState.COMPLETE, EntryState.NOT_DONE}:
            problems.append(f"{name} is not complete.")
        if count := asked.get(record.pk, 0):
            problems.append(f"{name} has {count} open {'query' if count == 1 else 'queries'}. Answer first.")
        if problems:
            found[record.pk] = problems
    return found


@transaction.atomic
def withdraw_signature(*, actor: Actor, signature: Signature, why: str, at: datetime) -> None:
    """Take one's own signature back, with the reason. It stays to be seen as withdrawn."""
    actor.require(Action.SIGN_RECORDS, at=signature.site_id)
    if signature.signed_by_id != actor.user_id:
        raise NotAllowed("A signature is taken back by the person who gave it.")
    if not why.strip():
        raise Refusal("Say why the signature is taken back.")
    record = FormRecord.objects.select_for_update().get(pk=signature.record_id)
    if record.is_locked:
        raise Refusal("This form is locked. To go on, ask the data manager to unlock it.")
    if SignatureBreak.objects.filter(signature=signature).exists():
        raise Refusal("This signature does not stand any more.")
    _break(signature, why=f"Withdrawn by the signer: {why.strip()}", paths=(), actor=actor, at=at)


def is_signed(record: FormRecord) -> bool:
    """Whether a signature on the form has not been broken."""
    return Signature.objects.filter(record=record, broken=None).exists()


@transaction.atomic
def break_signatures(*, actor: Actor, record: FormRecord, paths: Iterable[str], why: str, at: datetime) -> int:
    """End every standing signature on the form, because what it covers changed; called in the change's transaction."""
    return _supersede(record, why=why, paths=tuple(paths), actor=actor, at=at)


class Proven(StrEnum):
    """What checking a signature against its record shows."""

    INTACT = "The signature stands and the form is as it was signed."
    BROKEN = "The signature was broken by a later change; what was signed is unaltered."
    OUTDATED = "The form changed after it was signed and nobody recorded the break."
    ALTERED = "The signature does not belong to this form, or was altered after signing."


def prove(signature: Signature) -> Proven:
    """Check that the signature is bound to its own record, is unaltered, and still describes what the record holds.

    The hash is computed over the row as found, its record included: a row copied onto another record is ALTERED there.
    """
    about = signature.content
    if signature.content_hash != binding_hash(signature) or about.get("record") != signature.record_id:
        return Proven.ALTERED
    if hasattr(signature, "broken"):
        return Proven.BROKEN
    return Proven.INTACT if about["versions"] == content.versions_of(signature.record) else Proven.OUTDATED


def binding_hash(signature: Signature) -> str:
    """The hash over what was signed, on which record, by whom, when and with which meaning."""
    return content.digest(
        {
            "content": signature.content,
            "record": signature.record_id,
            "subject": signature.subject_id,
            "batch": str(signature.batch),
            "scope": str(signature.scope),
            "meaning": signature.meaning,
            "signer": signature.signed_by_id,
            "printed_name": signature.printed_name,
            "role": signature.role,
            "signed_at": signature.signed_at.astimezone(UTC).isoformat(),
            "zone": signature.zone,
        }
    )


class _AsObject(Aggregate):
    """Names and values of many rows as one JSON object."""

    function = "jsonb_object_agg"
    output_field = JSONField()


_NOW = (
    PathVersion.objects.filter(record=OuterRef("record"))
    .order_by()
    .values("record")
    .annotate(versions=_AsObject(F("path"), F("version")))
    .values("versions")
)
_GIVEN = Signature.objects.filter(record=OuterRef("pk"))
WAS_GIVEN = Q(Exists(_GIVEN))
STANDS = Q(
    Exists(
        _GIVEN.filter(broken=None)
        .annotate(signed=KeyTransform("versions", "content"))
        .filter(signed=Coalesce(Subquery(_NOW), Value({}, JSONField())))
    )
)
"""Whether a signature stands on a form: unbroken, and of the versions that are there now."""
IS_ASKED = Q(Exists(Query.objects.filter(record=OuterRef("pk"), state=QueryState.OPEN)))


def standing(records: Sequence[FormRecord]) -> dict[int, Signature]:
    """The signature that stands on each of many records: unbroken, and of the versions that are there now."""
    keys = [record.pk for record in records]
    newest: Any = {
        signature.record_id: signature
        for signature in Signature.objects.filter(record__in=keys, broken=None)
        .annotate(signed_versions=KeyTransform("versions", "content"))
        .defer("content")  # the versions decide; the words are only read where they are shown
        .order_by("record_id", "-pk")
        .distinct("record_id")
    }
    if not newest:
        return {}
    now: dict[int, dict[str, int]] = {}
    rows = PathVersion.objects.filter(record__in=list(newest)).values_list("record_id", "path", "version")
    for record_id, path, version in rows:
        now.setdefault(record_id, {})[path] = version
    return {key: signature for key, signature in newest.items() if signature.signed_versions == now.get(key, {})}


def _supersede(record: FormRecord, *, why: str, paths: tuple[str, ...], actor: Actor, at: datetime) -> int:
    ended = list(Signature.objects.filter(record=record, broken=None))
    for signature in ended:
        _break(signature, why=why, paths=paths, actor=actor, at=at)
    return len(ended)


def _break(signature: Signature, *, why: str, paths: tuple[str, ...], actor: Actor, at: datetime) -> None:
    SignatureBreak.objects.create(
        site_id=signature.site_id,
        signature=signature,
        record_id=signature.record_id,
        cause=why[:1000],
        paths=list(paths),
        broken_by_name=actor.name,
        broken_at=at,
    )
    announce(
        events.SignatureBroken(
            study_id=signature.subject.study_id,
            site_id=signature.site_id,
            at=at,
            signature=signature.pk,
            record=signature.record_id,
            subject=signature.subject_id,
        ),
        actor=actor,
    )
