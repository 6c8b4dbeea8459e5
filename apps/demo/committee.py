"""The dose committee of a demo trial: it meets, sees the advice, signs."""

from datetime import datetime

from apps.access.roles import Role
from apps.demo.stage import Stage, proof_of
from apps.escalation import ladder as ladders
from apps.escalation import selectors, services
from apps.escalation.models import DecisionKind
from apps.escalation.services import Attendee, Proposal


def decide(stage: Stage, kind: DecisionKind, level: int | None, rationale: str, at: datetime) -> None:
    """Sign the decision on the level now open, on the counts of this moment."""
    chair = stage.people[Role.MEDICAL_MONITOR, None]
    attendees = (
        Attendee(chair.full_name, "medical monitor"),
        Attendee(stage.people[Role.INVESTIGATOR, stage.sites[0].number].full_name, "investigator"),
        Attendee(stage.people[Role.STATISTICIAN, None].full_name, "statistician"),
    )
    with stage.acting(Role.MEDICAL_MONITOR) as actor:
        ladder = ladders.climb(stage.version, at=at)
        assert ladder is not None  # both demo trials escalate
        proposal = Proposal(
            kind=kind,
            next_level=level,
            rationale=rationale,
            attendees=attendees,
            advice_seen=selectors.advised(ladder)[0].short,
        )
        services.sign_decision(
            actor=actor, proof=proof_of(actor), study=stage.study, proposal=proposal, data_cut_at=at, at=at
        )
