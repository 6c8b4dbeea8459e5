"""What the alerts hear of the rooms below, and what they do about it in the background."""

from typing import Any

from django.utils import timezone

from apps.alerts import events, recipients, services
from apps.alerts.models import Notice
from apps.core.actor import Actor
from apps.core.events import announce, at_once, in_background
from apps.escalation.events import DoseDecisionSigned
from apps.labs.events import LabGradesChanged
from apps.safety.events import AuthorityReportRecorded, SeriousEventReported, SeriousEventTriaged, ToxicityChanged
from apps.study.models import Study
from apps.subjects.models import Subject
from apps.visits.events import RecordCompleted, RecordFact, RecordRemoved, ValuesChanged
from clinical.protocol.pages import Page

READ_BY_RULES = frozenset({Page.DEATH.value, Page.NEUROTOXICITY.value})
"""Pages that rules read and nobody announces: events, doses and judgements come from `safety`, results from `labs`."""


def hear_changed_page(fact: RecordFact, actor: Actor) -> None:
    """Ask for an evaluation when a page that rules read has changed."""
    if fact.page in READ_BY_RULES or _moves_a_sample(fact):
        announce(
            events.SafetyFactsChanged(study_id=fact.study_id, site_id=fact.site_id, at=fact.at, subject=fact.subject),
            actor=actor,
        )


def _moves_a_sample(fact: RecordFact) -> bool:
    """Whether the head of a laboratory page changed: another day of a sample alters no grade and yet Hy's law."""
    is_changed = isinstance(fact, ValuesChanged) and any("/" not in path for path in fact.paths)
    return is_changed and fact.page == Page.LAB_PANEL


for _kind in (ValuesChanged, RecordCompleted, RecordRemoved):
    at_once(_kind)(hear_changed_page)


@in_background(
    ToxicityChanged,
    SeriousEventReported,
    SeriousEventTriaged,
    AuthorityReportRecorded,
    LabGradesChanged,
    events.SafetyFactsChanged,
    events.SubjectNotJudged,
)
def evaluate_subject(payload: dict[str, Any], actor: Actor) -> None:
    """Judge the subject's rules from the data as they are when the worker comes to it."""
    subject = Subject.objects.select_related("site", "protocol_version").get(pk=payload["subject"])
    services.evaluate_subject(actor=actor, subject=subject, at=timezone.now())


@in_background(ToxicityChanged, DoseDecisionSigned, events.StudyNotJudged)
def evaluate_study(payload: dict[str, Any], actor: Actor) -> None:
    """Judge the rules on the whole study: a toxicity counts for its dose level."""
    services.evaluate_study(actor=actor, study=Study.objects.get(pk=payload["study_id"]), at=timezone.now())


@in_background(events.NoticeOwed)
def send_notice(payload: dict[str, Any], actor: Actor) -> None:
    """Send the mail, unless it went out before. If it cannot be sent the outbox tries again, later and later."""
    notice = (
        Notice.objects.select_for_update(of=("self",))
        .select_related("event__alert__subject", "event__alert__study", "person")
        .get(pk=payload["notice"])
    )
    if notice.sent_at is not None:
        return
    recipients.mail(notice).send()
    notice.sent_at = timezone.now()
    notice.save(update_fields=["sent_at"])
