"""The round over every study: what time alone has changed (a report is overdue) and what no fact announced.

Nothing is remembered between rounds. Each one computes from the data which alerts should stand, compares, and
evaluates under the lock only the subjects for which something differs.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from apps.alerts import cases, events, services
from apps.core.actor import Actor, system_actor
from apps.core.events import Fact, announce
from apps.core.models import OutboxMessage
from apps.core.transactions import acting
from apps.study.models import Study
from apps.subjects.models import Subject
from clinical.signals.signal import Changes

logger = logging.getLogger(__name__)

SUBJECTS_AT_ONCE = 200
PLACE = "alerts.go_round"


@dataclass(frozen=True)
class Due:
    """What an evaluation would change now, for one subject or (None) the study as a whole.

    With a `fault` the rules could not be judged at all, and nobody knows what would change.
    """

    subject: Subject | None
    changes: Changes
    fault: Exception | None = None


def go_round(*, at: datetime) -> None:
    """Bring the alerts of all studies in step. A fault in one subject holds up nobody else's.

    What could not be judged is left to the outbox: it tries again and keeps the error where the System page shows it.
    """
    for study in Study.objects.order_by("pk"):
        actor = rules_actor(study)
        for due in differences(study, actor=actor, at=at):
            fault = due.fault
            if fault is None:
                try:
                    with acting(actor, place=PLACE):
                        bring_in_step(study, due, actor=actor, at=at)
                except Exception as error:  # whatever is wrong with one subject's data, the others are still watched
                    fault = error
            if fault is not None:
                logger.error("Safety rules failed for %s %s.", study, due.subject or "as a whole", exc_info=fault)
                _leave_to_outbox(study, due.subject, actor=actor, at=at)


def bring_in_step(study: Study, due: Due, *, actor: Actor, at: datetime) -> Changes:
    if due.subject is None:
        return services.evaluate_study(actor=actor, study=study, at=at)
    return services.evaluate_subject(actor=actor, subject=due.subject, at=at)


def differences(study: Study, *, actor: Actor, at: datetime) -> Iterator[Due]:
    """Where the alerts that stand differ from what the rules say now, and where they cannot be judged. Reads only."""
    with acting(actor, place=PLACE):
        keys = list(Subject.objects.filter(study=study).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), SUBJECTS_AT_ONCE):
        yield from _of_subjects(study, keys[start : start + SUBJECTS_AT_ONCE], actor=actor, at=at)
    try:
        with acting(actor, place=PLACE):
            fired = services.fired_for_study(study, at=at)
            changes = services.changes_due(study_id=study.pk, subject_id=None, fired=fired)
    except Exception as fault:  # whatever it is, it is told; the other studies are still watched
        yield Due(None, Changes(), fault)
        return
    if not changes.is_empty:
        yield Due(None, changes)


def _of_subjects(study: Study, keys: Sequence[int], *, actor: Actor, at: datetime) -> list[Due]:
    """The differences among these subjects. A fault among many is narrowed down to the subject that has it."""
    with acting(actor, place=PLACE):
        subjects = list(Subject.objects.filter(pk__in=keys).select_related("site", "protocol_version").order_by("pk"))
    try:
        with acting(actor, place=PLACE):
            return list(_compared(study, subjects, at))
    except Exception as fault:  # whatever it is, it is told; the other subjects are still watched
        if len(subjects) == 1:
            return [Due(subjects[0], Changes(), fault)]
        return [due for key in keys for due in _of_subjects(study, [key], actor=actor, at=at)]


def _compared(study: Study, subjects: Sequence[Subject], at: datetime) -> Iterator[Due]:
    fired = cases.fired_for_subjects(subjects, at=at)
    standing = services.standing_by_subject(study_id=study.pk, subject_ids=[subject.pk for subject in subjects])
    for subject in subjects:
        changes = services.compared(standing.get(subject.pk, ()), fired.get(subject.pk, ()))
        if not changes.is_empty:
            yield Due(subject, changes)


def _leave_to_outbox(study: Study, subject: Subject | None, *, actor: Actor, at: datetime) -> None:
    """Ask for an evaluation by the outbox, unless one that failed before is waiting there already."""
    fact: Fact
    if subject is None:
        fact = events.StudyNotJudged(study_id=study.pk, site_id=0, at=at)
        waiting = OutboxMessage.objects.filter(payload__fact="StudyNotJudged", payload__study_id=study.pk)
    else:
        fact = events.SubjectNotJudged(study_id=study.pk, site_id=subject.site_id, at=at, subject=subject.pk)
        waiting = OutboxMessage.objects.filter(payload__fact="SubjectNotJudged", payload__subject=subject.pk)
    with acting(actor, place=PLACE):
        if not waiting.filter(delivered_at=None).exists():
            announce(fact, actor=actor)


def rules_actor(study: Study) -> Actor:
    """The safety rules as the actor of what they write, with every site of the study in sight."""
    with connection.cursor() as cursor:
        cursor.execute("select study_site_ids(%s)", [study.pk])
        (site_ids,) = cursor.fetchone()
    return system_actor("Safety rules", study_id=study.pk, site_ids=site_ids or ())
