"""What follows at once from a changed page of this floor: derived grades, and where the subject stands."""

from apps.assessments import endings, toxicity
from apps.core.actor import Actor
from apps.core.events import at_once
from apps.visits.events import RecordCompleted, RecordFact, RecordNotDone, RecordRemoved, ValuesChanged
from clinical.protocol.pages import Page


def follow_record(fact: RecordFact, actor: Actor) -> None:
    """Derive anew what hangs on the record that changed."""
    if fact.page == Page.NEUROTOXICITY:
        toxicity.grade_observations(fact.subject)
    elif fact.page in {Page.DISPOSITION, Page.DEATH}:
        endings.follow(actor=actor, subject=fact.loaded_subject, at=fact.at)


def listen() -> None:
    """Subscribe; the app calls it when it is ready."""
    for kind in (ValuesChanged, RecordCompleted, RecordNotDone, RecordRemoved):
        at_once(kind)(follow_record)
