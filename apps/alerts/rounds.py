"""The round over every study: what time alone has changed (a report is overdue) and what no fact announced.

Nothing is remembered between rounds. Each one computes from the data which alerts should stand, compares, and
evaluates under the lock only the subjects for which something differs.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from apps.alerts import cases, services
from apps.core.actor import Actor, system_actor
from apps.core.transactions import acting
from apps.study.models import Study
from apps.subjects.models import Subject
from clinical.signals.signal import Changes

logger = logging.getLogger(__name__)

SUBJECTS_AT_ONCE = 200
PLACE = "alerts.go_round"


@dataclass(frozen=True)
class Due:
    """What an evaluation would change now, for one subject or (None) the study as a whole."""

    subject: Subject | None
    changes: Changes


def go_round(*, at: datetime) -> None:
    """Bring the alerts of all studies in step. A fault in one subject is logged and holds up nobody else's."""
    for study in Study.objects.order_by("pk"):
        actor = rules_actor(study)
        for due in differences(study, actor=actor, at=at):
            try:
                with acting(actor, place=PLACE):
                    bring_in_step(study, due, actor=actor, at=at)
            except Exception:  # whatever is wrong with one subject's data, the others are still watched
                logger.exception("Safety rules failed for %s %s.", study, due.subject or "as a whole")


def bring_in_step(study: Study, due: Due, *, actor: Actor, at: datetime) -> Changes:
    if due.subject is None:
        return services.evaluate_study(actor=actor, study=study, at=at)
    return services.evaluate_subject(actor=actor, subject=due.subject, at=at)


def differences(study: Study, *, actor: Actor, at: datetime) -> Iterator[Due]:
    """Where the alerts that stand differ from what the rules say now. Reads only."""
    with acting(actor, place=PLACE):
        keys = list(Subject.objects.filter(study=study).order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), SUBJECTS_AT_ONCE):
        with acting(actor, place=PLACE):
            found = list(_of_subjects(study, keys[start : start + SUBJECTS_AT_ONCE], at))
        yield from found
    with acting(actor, place=PLACE):
        fired = services.fired_for_study(study, at=at)
        changes = services.changes_due(study_id=study.pk, subject_id=None, fired=fired)
    if not changes.is_empty:
        yield Due(None, changes)


def _of_subjects(study: Study, keys: Iterable[int], at: datetime) -> Iterator[Due]:
    subjects = list(Subject.objects.filter(pk__in=keys).select_related("site", "protocol_version").order_by("pk"))
    fired = cases.fired_for_subjects(subjects, at=at)
    standing = services.standing_by_subject(study_id=study.pk, subject_ids=[subject.pk for subject in subjects])
    for subject in subjects:
        changes = services.compared(standing.get(subject.pk, ()), fired.get(subject.pk, ()))
        if not changes.is_empty:
            yield Due(subject, changes)


def rules_actor(study: Study) -> Actor:
    """The safety rules as the actor of what they write, with every site of the study in sight."""
    with connection.cursor() as cursor:
        cursor.execute("select study_site_ids(%s)", [study.pk])
        (site_ids,) = cursor.fetchone()
    return system_actor("Safety rules", study_id=study.pk, site_ids=site_ids or ())
