"""What makes results to be judged anew: their own values, the subject's sex and age, the first dose."""

from apps.core import events as core_events
from apps.core.actor import Actor
from apps.labs import services
from apps.labs.models import LabResult
from apps.subjects.models import Subject
from apps.visits import events
from clinical.protocol.pages import Page

NOT_JUDGED = frozenset({"clinically_significant", "not_done_reason"})


@core_events.at_once(events.ValuesChanged)
def values_changed(fact: events.ValuesChanged, actor: Actor) -> None:
    """Judge the results behind the changed values, in the transaction that changed them."""
    if fact.page == Page.LAB_PANEL:
        tests = _tests_behind(fact)
        if tests:
            services.regrade(
                actor=actor,
                subject=fact.loaded_subject,
                tests=tests,
                why="The baseline result changed.",
                entered=fact.record,
                at=fact.at,
            )
    elif fact.page == Page.DEMOGRAPHICS:
        services.regrade(actor=actor, subject=fact.loaded_subject, why="Sex or age of the subject changed.", at=fact.at)


@core_events.at_once(events.AnchorMoved)
def anchor_moved(fact: events.AnchorMoved, actor: Actor) -> None:
    """The first dose decides which result is the baseline."""
    subject = Subject.objects.select_related("protocol_version").get(pk=fact.subject)
    if fact.name == subject.protocol_version.definition.safety.treatment_emergent_from:
        services.regrade(actor=actor, subject=subject, why="The date of the first dose changed.", at=fact.at)


def _tests_behind(fact: events.ValuesChanged) -> set[str]:
    """The tests that the paths are about; all of the page for a value of its head."""
    tests = set()
    for path in fact.paths:
        match path.split("/"):
            case ["results", test, name] if name not in NOT_JUDGED:
                tests.add(test)
            case ["laboratory" | "collected" | "fasting"]:
                return set(LabResult.objects.filter(record_id=fact.record).values_list("key", flat=True))
    return tests
