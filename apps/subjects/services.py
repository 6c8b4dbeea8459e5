"""Subjects: entering the trial, moving along it, consents as gates see them."""

from datetime import datetime

from django.db import connection, transaction

from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.events import announce
from apps.core.refusal import Refusal
from apps.study.models import ProtocolVersion, Site
from apps.subjects import events
from apps.subjects.models import ConsentGate, Status, StatusChange, Subject
from clinical.partial_date import PartialDate


class SiteClosed(Refusal): ...


@transaction.atomic
def enter_subject(
    *, actor: Actor, site: Site, protocol_version: ProtocolVersion, at: datetime, number: str = ""
) -> Subject:
    """Enter a new subject under the next screening number of the site; `number` only where a source study has one."""
    actor.require(Action.CREATE_SUBJECT, at=site.pk)
    if not site.is_open:
        raise SiteClosed(f"Site {site.number} is closed to new subjects.")
    if not number:
        with connection.cursor() as cursor:
            cursor.execute("select next_screening_sequence(%s)", [site.pk])
            (sequence,) = cursor.fetchone()
        number = protocol_version.definition.screening.subject_number.format(site=site.number, sequence=sequence)
    subject = Subject.objects.create(
        study=site.study,
        site=site,
        number=number,
        screening_number=number,
        protocol_version=protocol_version,
        entered_at=at,
    )
    StatusChange.objects.create(subject=subject, status=Status.SCREENING, at=at)
    announce(events.SubjectEntered(study_id=site.study_id, site_id=site.pk, at=at, subject=subject.pk), actor=actor)
    return subject


@transaction.atomic
def change_status(*, actor: Actor, subject: Subject, status: Status, at: datetime, why: str = "") -> Subject:
    """Move the subject along. The floor that knows the reason calls this; each checks its own right first."""
    subject = Subject.objects.select_for_update().get(pk=subject.pk)
    if subject.status == status:
        return subject
    subject.status = status
    subject.save(update_fields=["status"])
    StatusChange.objects.create(subject=subject, status=status, at=at, why=why)
    announce(
        events.StatusChanged(
            study_id=subject.study_id, site_id=subject.site_id, at=at, subject=subject.pk, status=status
        ),
        actor=actor,
    )
    return subject


@transaction.atomic
def project_consent(
    *, subject: Subject, purpose: str, version: str, given: PartialDate, withdrawn: PartialDate | None
) -> None:
    """Keep the consent that a completed consent page states where gates look for it."""
    ConsentGate.objects.update_or_create(
        subject=subject, purpose=purpose, version=version, defaults={"given": given, "withdrawn": withdrawn}
    )
