"""Opening studies and sites, and approving protocol versions."""

import hashlib
from datetime import date, datetime

from django.db import transaction

from apps.accounts.models import User
from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.refusal import Refusal
from apps.study.models import ProtocolVersion, Site, SiteApproval, Study
from clinical.protocol import loading


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
def approve_protocol(
    *, actor: Actor, study: Study, text: str, approver: User, loaded_by: User | None, effective_date: date, at: datetime
) -> ProtocolVersion:
    """Approve a protocol file into an immutable version. Every fault of the file is named at once."""
    actor.require(Action.APPROVE_PROTOCOL)
    if loaded_by is not None and loaded_by.pk == approver.pk:
        raise BuilderCannotApprove("Who loaded a protocol version cannot approve it. Ask a second person.")
    loaded = loading.load(text, study.code)
    if loaded.definition is None or loaded.problems:
        faults = [str(problem) for problem in loaded.problems]
        raise ProtocolRefused(f"This protocol file has {len(faults)} faults; none of it was taken.", problems=faults)
    if loaded.definition.study.code != study.code:
        raise ProtocolRefused(f"This is a protocol of study {loaded.definition.study.code}, not of {study.code}.")
    version = loaded.definition.study.version
    if study.protocol_versions.filter(version=version).exists():
        raise ProtocolRefused(
            f"Version {version} is already approved and never changes. Give the amendment a new version."
        )
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


@transaction.atomic
def approve_at_site(
    *, actor: Actor, site: Site, protocol_version: ProtocolVersion, effective_date: date
) -> SiteApproval:
    """Let a site work under a protocol version from a date on."""
    actor.require(Action.MANAGE_SITES)
    return SiteApproval.objects.create(
        study=site.study, site=site, protocol_version=protocol_version, effective_date=effective_date
    )
