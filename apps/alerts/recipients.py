"""From the trial roles that a rule addresses to people, and the mail that tells them."""

from hashlib import sha256

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Q
from django.urls import reverse

from apps.access.models import Membership
from apps.access.roles import Role
from apps.accounts.models import User
from apps.alerts import selectors
from apps.alerts.models import Alert, AlertEvent, EventKind, Notice
from clinical.signals.catalogue import RULES
from clinical.signals.signal import Recipient

ROLES_OF: dict[Recipient, tuple[Role, ...]] = {
    Recipient.MEDICAL_MONITOR: (Role.MEDICAL_MONITOR,),
    Recipient.INVESTIGATOR: (Role.INVESTIGATOR,),
    Recipient.COHORT_INVESTIGATORS: (Role.INVESTIGATOR,),
    Recipient.STATISTICIAN: (Role.STATISTICIAN,),
    Recipient.COMMITTEE: (Role.MEDICAL_MONITOR, Role.STATISTICIAN),
    Recipient.SAFETY_BOARD: (Role.MEDICAL_MONITOR, Role.STATISTICIAN),
    Recipient.SPONSOR_SAFETY: (Role.MEDICAL_MONITOR,),
    Recipient.HEPATIC_SAFETY: (Role.MEDICAL_MONITOR,),
    Recipient.SITE: (Role.COORDINATOR, Role.INVESTIGATOR),
    Recipient.SITE_LEAD: (Role.INVESTIGATOR,),
    Recipient.MONITOR: (Role.MONITOR,),
    Recipient.CENTRAL_MONITOR: (Role.DATA_MANAGER,),
}
"""Which memberships stand for a recipient of the catalogue. Boards without an account are told by their sponsor."""


def people(alert: Alert) -> list[User]:
    """Everybody with an account who holds an addressed role in the study: study-wide, or at the alert's own site.

    An investigator of another site is not among them, although of the same cohort: the alert names a subject.
    """
    roles = {role for word in alert.recipients for role in ROLES_OF[Recipient(word)]}
    held = Membership.objects.filter(study_id=alert.study_id, role__in=roles, ended_at=None)
    held = held.filter(Q(site=None) | Q(site_id=alert.site_id)) if alert.site_id else held.filter(site=None)
    return list(User.objects.filter(pk__in=held.values("user_id"), is_active=True).order_by("pk"))


def message_id(event: AlertEvent, person: User) -> str:
    """The Message-ID of this notice, the same however often it is sent, so that a mailbox shows it once."""
    named = f"{event.alert.study_id}|{event.alert.key}|{event.pk}|{person.email}"
    return f"<alert-{sha256(named.encode()).hexdigest()[:32]}@trialsite>"


def mail(notice: Notice) -> EmailMessage:
    """The mail of a notice: which rule spoke of which subject, and where to read why. It holds no medical value."""
    alert = notice.event.alert
    rule = RULES[alert.rule].title
    about = f"subject {alert.subject.number}" if alert.subject else "the study as a whole"
    again = " again" if notice.event.kind == EventKind.REOPENED else ""
    where = settings.PUBLIC_ADDRESS + _address(notice)
    return EmailMessage(
        subject=f"{alert.study.code}: {rule}, {about}",
        body=(
            f"The safety rule “{rule}” (version {alert.rule_version}) has spoken{again} of {about}.\n\n"
            f"Read the facts behind it here: {where}\n\n"
            f"You get this mail because of your role in {alert.study.code}. It is sent again if it could not be\n"
            "delivered for certain.\n"
        ),
        to=[notice.person.email],
        headers={"Message-ID": notice.message_id},
    )


def _address(notice: Notice) -> str:
    """The alert for those who may read alerts; the data behind it for the others it addresses."""
    alert = notice.event.alert
    if selectors.reads_alerts(
        selectors.roles_held(study_id=alert.study_id, person_id=notice.person_id, site_id=alert.site_id)
    ):
        return reverse("alert", kwargs={"study": alert.study.code, "alert": alert.pk})
    if alert.record_id is not None:
        return reverse("record", kwargs={"study": alert.study.code, "record": alert.record_id})
    return reverse("my_work", kwargs={"study": alert.study.code})
