"""What disposition and death pages mean for where the subject stands and for the moments that visits hang on."""

from collections.abc import Sequence
from datetime import date, datetime

from apps.assessments.models import Death, Disposition, Ending
from apps.core.actor import Actor
from apps.subjects import services as subject_services
from apps.subjects.models import Status, StatusChange, Subject
from apps.visits import schedule
from apps.visits.models import EntryState, FormRecord
from clinical.protocol.schedule import AnchorSource

END_OF_TREATMENT_FORM, END_OF_STUDY_FORM = "end_of_treatment", "end_of_study"
"""The forms of a protocol that say what ended; any other disposition form records a milestone."""

COMPLETED, DIED = "COMPLETED", "DEATH"
AFTER_TREATMENT = (Status.FOLLOW_UP, Status.COMPLETED, Status.WITHDRAWN, Status.DIED)


def ending_of(form: str) -> Ending:
    """What a disposition form ends."""
    return {END_OF_TREATMENT_FORM: Ending.TREATMENT, END_OF_STUDY_FORM: Ending.PARTICIPATION}.get(
        form, Ending.MILESTONE
    )


def opened(record: FormRecord) -> None:
    """A disposition page knows from its form what it ends."""
    Disposition.objects.filter(record=record).update(ending=ending_of(record.form))


def ends_of_treatment(subject_ids: Sequence[int]) -> dict[int, date]:
    """The last day on which each subject can have been on treatment: its end, the end of taking part, or death."""
    return _last_days(subject_ids, Ending.TREATMENT, Ending.PARTICIPATION)


def _last_days(subject_ids: Sequence[int], *endings: Ending) -> dict[int, date]:
    """The earliest of these endings and of death for each subject that has one.

    Only completed pages count. Of a partial date the latest day is taken, so that nothing is given up too early.
    """
    pages = Disposition.objects.filter(
        record__subject__in=subject_ids,
        record__state=EntryState.COMPLETE,
        ending__in=endings,
        happened__isnull=False,
    )
    deaths = Death.objects.filter(
        record__subject__in=subject_ids, record__state=EntryState.COMPLETE, died__isnull=False
    )
    moments = [(row.record.subject_id, row.happened) for row in pages.select_related("record")]
    moments += [(row.record.subject_id, row.died) for row in deaths.select_related("record")]
    ends: dict[int, date] = {}
    for subject, moment in moments:
        day = moment.latest().date()
        ends[subject] = min(day, ends.get(subject, day))
    return ends


def end_of_treatment(subject: Subject) -> date | None:
    """The last day on which the subject can have been on treatment; None while it goes on."""
    return ends_of_treatment([subject.pk]).get(subject.pk)


def end_of_participation(subject: Subject) -> date | None:
    """The last day on which the subject can have taken part: the end of the study for them, or death; None before."""
    return _last_days([subject.pk], Ending.PARTICIPATION).get(subject.pk)


def follow(*, actor: Actor, subject: Subject, at: datetime) -> None:
    """Bring status, anchors and planned visits in step with the completed pages, corrections included."""
    status, why = _status(subject)
    subject_services.change_status(actor=actor, subject=subject, status=status, at=at, why=why)
    treatment_end = _page(subject, Ending.TREATMENT)
    for anchor in subject.protocol_version.definition.anchors:
        if anchor.source is not AnchorSource.END_OF_TREATMENT:
            continue
        if treatment_end is not None and treatment_end.happened is not None:
            schedule.set_anchor(subject=subject, name=anchor.code, moment=treatment_end.happened)
        else:
            schedule.clear_anchor(subject=subject, name=anchor.code)
    schedule.plan_visits(subject=subject)


def _status(subject: Subject) -> tuple[Status, str]:
    """Death outweighs the end of study, that the end of treatment; without any, where the subject stood before."""
    death = Death.objects.filter(record__subject=subject, record__state=EntryState.COMPLETE, died__isnull=False).first()
    if death is not None:
        return Status.DIED, f"Died {death.died}"
    end = _page(subject, Ending.PARTICIPATION)
    if end is not None:
        named = {COMPLETED: Status.COMPLETED, DIED: Status.DIED}
        return named.get(end.reason or "", Status.WITHDRAWN), f"End of study {end.happened}: {_words(subject, end)}"
    end = _page(subject, Ending.TREATMENT)
    if end is not None:
        return Status.FOLLOW_UP, f"End of treatment {end.happened}: {_words(subject, end)}"
    if Status(subject.status) not in AFTER_TREATMENT:
        return Status(subject.status), ""
    before = StatusChange.objects.filter(subject=subject).exclude(status__in=AFTER_TREATMENT).order_by("-at", "-pk")
    return Status(before.values_list("status", flat=True)[0]), "The page that ended it was corrected"


def _page(subject: Subject, ending: Ending) -> Disposition | None:
    return Disposition.objects.filter(
        record__subject=subject, record__state=EntryState.COMPLETE, ending=ending, happened__isnull=False
    ).first()


def _words(subject: Subject, page: Disposition) -> str:
    """The reason as the protocol's list words it."""
    terms = subject.protocol_version.definition.codelist("DISPOSITION").terms
    return next((term.label.lower() for term in terms if term.value == page.reason), "no reason given")
