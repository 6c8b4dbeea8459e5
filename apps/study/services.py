"""Opening studies and sites, and approving protocol versions."""

import hashlib
from datetime import date, datetime

from django.db import transaction

from apps.accounts.models import User
from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.refusal import Refusal
from apps.study.models import ProtocolDraft, ProtocolVersion, Site, SiteApproval, Study
from clinical.protocol import loading
from clinical.protocol.definition import Definition


class ProtocolRefused(Refusal): ...


class BuilderCannotApprove(Refusal): ...


@transaction.atomic
def open_study(*, code: str, title: str, sponsor: str, zone: str) -> Study:
    """Open a study. Only the command line does this, before anybody has a role in it."""
    return Study.objects.create(code=code, title=title, sponsor=sponsor, zone=zone)


@transaction.atomic
def open_site(*, actor: Actor, study: Study, number: str, name: str, country: str, zone: str) -> Site:
    """Open a site in the study."""
    actor.require(Action.MANAGE_SITES)
    return Site.objects.create(study=study, number=number, name=name, country=country, zone=zone)


@transaction.atomic
def load_draft(*, actor: Actor, study: Study, text: str, loaded_by: User, at: datetime) -> ProtocolDraft:
    """Load a protocol file for approval. Every fault of it is named at once, and then none of it is kept."""
    actor.require(Action.DRAFT_PROTOCOL)
    definition = _sound_definition(study, text)
    return ProtocolDraft.objects.create(
        study=study, version=definition.study.version, text=text, loaded_by=loaded_by, loaded_at=at
    )


@transaction.atomic
def approve_protocol(
    *, actor: Actor, study: Study, text: str, approver: User, loaded_by: User | None, effective_date: date, at: datetime
) -> ProtocolVersion:
    """Approve a protocol file into an immutable version. Every fault of the file is named at once."""
    actor.require(Action.APPROVE_PROTOCOL)
    if loaded_by is not None and loaded_by.pk == approver.pk:
        raise BuilderCannotApprove("Who loaded a protocol version cannot approve it. Ask a second person.")
    version = _sound_definition(study, text).study.version
    return ProtocolVersion.objects.create(
        study=study,
        version=version,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        loaded_by=loaded_by,
        approved_by=approver,
        approver_name=approver.full_name,
        approved_at=at,
        effective_date=effective_date,
    )


def _sound_definition(study: Study, text: str) -> Definition:
    """The definition in the text, once it has no fault, is of this study, and is not approved already."""
    loaded = loading.load(text, study.code)
    if loaded.definition is None or loaded.problems:
        faults = list(loaded.sentences())
        raise ProtocolRefused(
            f"This protocol file has {len(faults)} fault{'s' * (len(faults) != 1)}; none of it was taken.",
            problems=faults,
        )
    definition = loaded.definition
    if definition.study.code != study.code:
        raise ProtocolRefused(f"This is a protocol of study {definition.study.code}, not of {study.code}.")
    version = definition.study.version
    if study.protocol_versions.filter(version=version).exists():
        raise ProtocolRefused(
            f"Version {version} is already approved and never changes. Give the amendment a new version."
        )
    return definition


@transaction.atomic
def approve_at_site(
    *, actor: Actor, site: Site, protocol_version: ProtocolVersion, effective_date: date
) -> SiteApproval:
    """Let a site work under a protocol version from a date on."""
    actor.require(Action.MANAGE_SITES)
    return SiteApproval.objects.create(
        study=site.study, site=site, protocol_version=protocol_version, effective_date=effective_date
    )
