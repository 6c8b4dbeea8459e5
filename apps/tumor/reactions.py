"""What a change on a lesion or an assessment brings with it, in the transaction of the change."""

from apps.core import events as core_events
from apps.core.actor import Actor
from apps.subjects.models import Subject
from apps.tumor import selectors, services
from apps.tumor.models import Lesion, TumorAssessment
from apps.tumor.series import all_series
from apps.visits import events, schedule
from clinical.protocol.pages import Page
from clinical.protocol.schedule import AnchorSource

NOT_DERIVED_FROM = frozenset(
    {"target_response", "non_target_response", "new_lesions", "why_different", "method", "location_detail"}
)


@core_events.at_once(events.ValuesChanged)
def values_changed(fact: events.ValuesChanged, actor: Actor) -> None:
    """Name a lesion once it is known what it is, keep the lines in step, derive the responses anew."""
    evaluator: str | None
    if fact.page == Page.LESION:
        lesion = Lesion.objects.select_related("record").get(record_id=fact.record)
        if lesion.lesion_id is None:
            lesion = services.name_lesion(lesion=lesion)
        if lesion.lesion_id is None or lesion.evaluator is None:
            return
        evaluator, is_reassigned = lesion.evaluator, "evaluator" in fact.paths
        subject = fact.loaded_subject
        services.keep_lines(subject=subject, evaluator=evaluator)
    elif fact.page == Page.TUMOR_ASSESSMENT:
        is_reassigned = "evaluator" in fact.paths
        if set(fact.paths) <= NOT_DERIVED_FROM:
            return
        evaluator = TumorAssessment.objects.values_list("evaluator", flat=True).get(record_id=fact.record)
        subject = fact.loaded_subject
        if is_reassigned and evaluator is not None:
            services.keep_lines(subject=subject, evaluator=evaluator)
    else:
        return
    # Readers assess one by one: only a page that changed hands moves the responses of two of them.
    only = None if is_reassigned else evaluator
    services.derive_responses(actor=actor, subject=subject, at=fact.at, caused_by=fact.record, only=only)
    _fix_progression(subject)


@core_events.at_once(events.RecordOpened)
def record_opened(fact: events.RecordOpened, actor: Actor) -> None:
    """A new assessment has a line of every lesion from the start: no lesion is ever typed again."""
    if fact.page == Page.TUMOR_ASSESSMENT:
        evaluator = TumorAssessment.objects.values_list("evaluator", flat=True).get(record_id=fact.record)
        if evaluator is not None:
            services.keep_lines(subject=fact.loaded_subject, evaluator=evaluator)


@core_events.at_once(events.RecordCompleted)
def record_completed(fact: events.RecordCompleted, actor: Actor) -> None:
    """The investigator's progression counts from the page's completion on."""
    if fact.page == Page.TUMOR_ASSESSMENT:
        _fix_progression(fact.loaded_subject)


@core_events.at_once(events.RecordNotDone)
def record_not_done(fact: events.RecordNotDone, actor: Actor) -> None:
    """An assessment that was not done is none."""
    if fact.page == Page.TUMOR_ASSESSMENT:
        services.derive_responses(actor=actor, subject=fact.loaded_subject, at=fact.at, caused_by=fact.record)


@core_events.at_once(events.RecordRemoved)
def record_removed(fact: events.RecordRemoved, actor: Actor) -> None:
    """A lesion recorded in error leaves the assessments; its name is not used again."""
    if fact.page == Page.LESION:
        lesion = Lesion.objects.select_related("record").get(record_id=fact.record)
        services.drop_lines(lesion=lesion, why=lesion.record.removed_reason)
        services.derive_responses(actor=actor, subject=fact.loaded_subject, at=fact.at, caused_by=fact.record)


@core_events.at_once(events.AnchorMoved)
def anchor_moved(fact: events.AnchorMoved, actor: Actor) -> None:
    """The reference date decides what belongs to baseline and how long a disease was stable."""
    subject = Subject.objects.select_related("protocol_version").get(pk=fact.subject)
    recist = subject.protocol_version.definition.recist
    if recist is not None and fact.name == recist.reference_anchor:
        services.derive_responses(actor=actor, subject=subject, at=fact.at)


def _fix_progression(subject: Subject) -> None:
    """Fix or take back the moment of progression that a protocol's visits may hang on."""
    named = [
        anchor.code
        for anchor in subject.protocol_version.definition.anchors
        if anchor.source is AnchorSource.PROGRESSION
    ]
    if not named:
        return
    derived = all_series(subject).get(selectors.site_evaluator(subject.protocol_version))
    moment = None if derived is None else selectors.investigators_progression(derived)
    for name in named:
        if moment is None:
            schedule.clear_anchor(subject=subject, name=name)
        else:
            schedule.set_anchor(subject=subject, name=name, moment=moment)
