"""What follows from toxicity before any committee meets."""

from datetime import datetime
from typing import Any

from apps.core.actor import Actor
from apps.core.events import at_once, in_background
from apps.escalation import services
from apps.safety.events import DltJudged, ToxicityChanged
from apps.safety.models import DltAdjudication
from apps.study.models import Study


@in_background(ToxicityChanged)
def close_places_when_safety_asks(payload: dict[str, Any], actor: Actor) -> None:
    """Safety moves early: the design is asked anew whenever toxicity changed, and its places close if it says so."""
    study = Study.objects.get(pk=payload["study_id"])
    services.hold_where_safety_asks(actor=actor, study=study, at=datetime.fromisoformat(payload["at"]))


@at_once(DltJudged)
def question_decisions_when_a_judgement_is_taken_back(fact: DltJudged, actor: Actor) -> None:
    """A dose decision that rested on the judgement is named to those who signed it."""
    if fact.reverses:
        adjudication = DltAdjudication.objects.select_related("replaces").get(pk=fact.adjudication)
        services.question_decisions(actor=actor, adjudication=adjudication, at=fact.at)
