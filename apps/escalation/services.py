"""The committee's decision, and what acts before any committee meets: places that close for safety."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from apps.core.action import Action
from apps.core.actor import Actor, system_actor
from apps.core.events import announce
from apps.core.refusal import NotAllowed, Refusal
from apps.core.transactions import acting
from apps.enrollment import services as enrollment
from apps.enrollment.models import Cohort, CohortState
from apps.enrollment.selectors import whole_study
from apps.escalation import events, selectors
from apps.escalation import ladder as ladders
from apps.escalation.ladder import Ladder
from apps.escalation.models import CommitteeDecision, DecisionKind
from apps.review.signatures import Proof
from apps.safety.models import DltAdjudication
from apps.study.models import Study
from apps.study.selectors import latest_version
from clinical.escalation.advice import Action as Advises
from clinical.escalation.advice import Advice

MEANING = "This is the decision of the committee named, on the counts and the advice shown here."


class NoEscalation(Refusal): ...


class Incomplete(Refusal): ...


class CountsChanged(Refusal): ...


class LevelNotPossible(Refusal): ...


class OutcomesPending(Refusal): ...


class TrialHasEnded(Refusal): ...


@dataclass(frozen=True)
class Attendee:
    """Who took part, and for which side or role in the committee."""

    name: str
    role: str


@dataclass(frozen=True)
class Proposal:
    """What the committee is about to sign. `advice_seen` is the advice that stood on the page."""

    kind: DecisionKind
    next_level: int | None
    rationale: str
    attendees: tuple[Attendee, ...]
    advice_seen: str


@transaction.atomic
def sign_decision(
    *, actor: Actor, proof: Proof, study: Study, proposal: Proposal, data_cut_at: datetime, at: datetime
) -> CommitteeDecision:
    """Sign the committee's decision on the cohort now open, and open, expand or close cohorts as it says.

    The advice and the counts are computed at the data cut and kept with the decision. A decision toward less dose is
    never refused for outcomes still to come; one toward more waits for them, unless the design itself does not.
    """
    actor.require(Action.DECIDE_ESCALATION)
    if proof.user_id != actor.user_id:
        raise NotAllowed("A decision is signed by the person who is signed in, with their own password.")
    _refuse_incomplete(proposal, data_cut_at, at)
    cohorts = list(Cohort.objects.select_for_update().filter(study=study).order_by("pk"))
    with whole_study(study.pk):
        ladder = ladders.climb(latest_version(study), at=data_cut_at)
        advice = None if ladder is None else ladders.advise(ladder)
    if ladder is None or advice is None:
        raise NoEscalation("This protocol escalates no dose, so there is nothing to decide.")
    shown = selectors.advised(ladder)[0]
    if proposal.advice_seen != shown.short:
        raise CountsChanged(f"The counts have changed since you opened this page: the advice is now “{shown.short}”.")
    _refuse_impossible(proposal, ladder, advice)
    judged = ladders.cohort_at(ladder, ladder.current, cohorts)
    level = ladder.current if proposal.next_level is None else proposal.next_level
    following = ladders.cohort_at(ladder, level, cohorts)
    if judged is None or following is None:
        raise LevelNotPossible("The protocol has no cohort at that dose level. Choose another level.")
    eliminated = {ladder.number(place) for place in ladder.trial.eliminated | advice.eliminates}
    decision = CommitteeDecision.objects.create(
        study=study,
        protocol_version=ladder.version,
        part=ladder.part,
        cohort=judged,
        dose_level=ladder.current,
        kind=proposal.kind,
        next_cohort=None if proposal.kind is DecisionKind.STOP else following,
        next_level=None if proposal.kind is DecisionKind.STOP else level,
        rationale=proposal.rationale.strip(),
        attendees=[{"name": each.name, "role": each.role} for each in proposal.attendees],
        design=ladder.definition.escalation.design,
        parameters={name: str(value) for name, value in ladder.definition.escalation.parameters.items()},
        advice=shown.short[:60],
        advice_reason=shown.reason,
        follows_advice=_follows(proposal, ladder, advice),
        shown=_counts(ladder),
        eliminated=sorted(eliminated),
        data_cut_at=data_cut_at,
        decided_at=at,
        signed_by_id=proof.user_id,
        signer_name=actor.name,
        signer_role=actor.role_words,
        meaning=MEANING,
    )
    _carry_out(decision, advice, actor=actor, at=at)
    announce(
        events.DoseDecisionSigned(
            **_about(actor, study, at), decision=decision.pk, cohort=judged.pk, kind=decision.kind
        ),
        actor=actor,
    )
    return decision


def _refuse_incomplete(proposal: Proposal, data_cut_at: datetime, at: datetime) -> None:
    problems = []
    if not proposal.rationale.strip():
        problems.append("Write the rationale.")
    if not proposal.attendees:
        problems.append("Name who took part.")
    if data_cut_at > at:
        problems.append("The data cut cannot lie ahead.")
    if proposal.kind in (DecisionKind.ESCALATE, DecisionKind.DE_ESCALATE) and proposal.next_level is None:
        problems.append("Choose the dose level of the next subjects.")
    if problems:
        raise Incomplete("The decision cannot be signed yet.", problems=problems)


def _refuse_impossible(proposal: Proposal, ladder: Ladder, advice: Advice) -> None:
    """What no committee may decide: a skipped level, an eliminated one, more dose while outcomes are open."""
    if ladder.has_ended:
        raise TrialHasEnded("The escalation was stopped by a signed decision. A new protocol version would reopen it.")
    if proposal.kind is DecisionKind.STOP:
        return
    here, level = ladder.current, ladder.current if proposal.next_level is None else proposal.next_level
    if level not in ladder.numbers:
        raise LevelNotPossible(f"The ladder has no dose level {level}.")
    direction = {DecisionKind.ESCALATE: 1, DecisionKind.DE_ESCALATE: -1}.get(proposal.kind, 0)
    if (level > here) - (level < here) != direction:
        raise LevelNotPossible(
            f"{proposal.kind.label} from level {here} does not lead to level {level}. Choose a level that fits."
        )
    place = ladder.place(level)
    by_design = advice.level == place and advice.action in (Advises.ESCALATE, Advises.EXPAND, Advises.STAY)
    highest = ladder.trial.highest_tried
    skips = place > highest + 1 and place > ladder.trial.current
    if skips and not (by_design or ladder.definition.escalation.skip_levels):
        untried = ladder.definition.dose_level(ladder.number(highest + 1)).label
        raise LevelNotPossible(f"{untried} was not tried yet, and this protocol skips no level.")
    if place in ladder.trial.eliminated | advice.eliminates and not by_design:
        label = ladder.definition.dose_level(level).label
        raise LevelNotPossible(f"{label} is ruled out by what was observed. The design does not lead back to it.")
    if direction > 0 and not by_design:
        _refuse_open_outcomes(ladder)


def _refuse_open_outcomes(ladder: Ladder) -> None:
    """Escalation waits: for the subjects of the cohort, and for as many as the protocol asks."""
    counts = ladder.trial.here
    if counts.cohort_pending:
        raise OutcomesPending(
            f"Outcomes still open at this level: {counts.cohort_pending}. Escalation waits until everybody is decided."
        )
    needed = max(
        (
            cohort.minimum_evaluable
            for cohort in ladder.definition.cohorts
            if cohort.part == ladder.part and cohort.dose_level == ladder.current
        ),
        default=0,
    )
    if counts.cohort_evaluable < needed:
        raise OutcomesPending(
            f"The protocol needs {needed} evaluable subjects for this decision; there are {counts.cohort_evaluable}."
        )


def _follows(proposal: Proposal, ladder: Ladder, advice: Advice) -> bool:
    level = ladder.current if proposal.next_level is None else proposal.next_level
    if proposal.kind.value != advice.action.value:
        return False
    return proposal.kind is DecisionKind.STOP or ladder.number(advice.level) == level


def _counts(ladder: Ladder) -> list[dict[str, object]]:
    """The counts per level as they were shown, numbers only."""
    return [
        {
            "level": number,
            "label": level.label,
            "treated": level.treated,
            "evaluable": level.evaluable,
            "dlts": level.dlts,
            "pending": level.pending,
            "undecided": level.undecided,
        }
        for number, level in zip(ladder.numbers, ladder.trial.levels, strict=True)
    ]


def _carry_out(decision: CommitteeDecision, advice: Advice, *, actor: Actor, at: datetime) -> None:
    """Bring the cohorts to what was decided. A signed decision lifts any hold on the cohort it leads to."""
    why = f"Committee decision of {at:%d-%b-%Y}: {decision.get_kind_display().lower()}."
    judged, following = decision.cohort, decision.next_cohort
    match DecisionKind(decision.kind):
        case DecisionKind.ESCALATE:
            enrollment.set_cohort_state(actor=actor, cohort=judged, state=CohortState.CLEARED, why=why, at=at)
        case DecisionKind.DE_ESCALATE:
            enrollment.close_cohort(actor=actor, cohort=judged, for_toxicity=True, why=why, at=at)
        case DecisionKind.STOP:
            enrollment.close_cohort(actor=actor, cohort=judged, for_toxicity=advice.is_for_safety, why=why, at=at)
    if following is None:
        return
    following.refresh_from_db()
    if following.hold_reason:
        following = enrollment.lift_hold(actor=actor, cohort=following, why=why, at=at)
    if following.opened_at is None:
        enrollment.open_cohort(actor=actor, cohort=following, why=why, at=at)
    elif decision.kind == DecisionKind.STAY:
        size = min(following.largest_capacity, following.taken + max(advice.places, 1))
        enrollment.expand_cohort(actor=actor, cohort=following, why=why, at=at, capacity=size)
    else:
        enrollment.expand_cohort(actor=actor, cohort=following, why=why, at=at)


# -- safety moves early -----------------------------------------------------------------------------------------------


@transaction.atomic
def hold_where_safety_asks(*, actor: Actor, study: Study, at: datetime) -> str:
    """Close the places of the cohort now open when the outcomes so far ask for it; say why, or nothing.

    Running it again changes nothing. The hold goes with the next signed decision, or when what asked for it is settled.
    """
    cohorts = list(Cohort.objects.select_for_update().filter(study=study).order_by("pk"))
    with whole_study(study.pk):
        ladder = ladders.climb(latest_version(study), at=at)
        advice = None if ladder is None or ladder.has_ended else ladders.advise(ladder)
    if ladder is None or advice is None:
        return ""
    cohort = ladders.cohort_at(ladder, ladder.current, cohorts)
    asks = advice.is_for_safety and advice.action in CLOSES_PLACES
    why = f"{HELD}: {advice.reason}"[:500] if asks else ""
    if cohort is None or why == cohort.hold_reason or (not asks and not cohort.hold_reason.startswith(HELD)):
        return why
    about = _about(actor, study, at)
    if asks:
        enrollment.hold_slots(actor=actor, cohort=cohort, why=why, at=at)
        announce(events.CohortHeld(**about, cohort=cohort.pk, advice=str(advice)), actor=actor)
    else:
        enrollment.lift_hold(actor=actor, cohort=cohort, why=advice.reason[:400], at=at)
        announce(events.CohortReleased(**about, cohort=cohort.pk), actor=actor)
    return why


def hold_in_every_study(*, at: datetime) -> None:
    """The clock's round: a deadline that passed can close places as well as a value that was entered."""
    for study in Study.objects.order_by("pk"):
        with connection.cursor() as cursor:
            cursor.execute("select study_site_ids(%s)", [study.pk])
            (site_ids,) = cursor.fetchone()
        system = system_actor("Cohort safety", study_id=study.pk, site_ids=site_ids or ())
        with acting(system, place="escalation.hold_places"):
            if study.protocol_versions.exists():
                hold_where_safety_asks(actor=system, study=study, at=at)


CLOSES_PLACES = frozenset({Advises.STOP, Advises.DE_ESCALATE, Advises.SUSPEND})
HELD = "Held for safety"
"""How the reason of a hold begins that this room has set; it lifts no other."""


def question_decisions(*, actor: Actor, adjudication: DltAdjudication, at: datetime) -> list[CommitteeDecision]:
    """Name the decisions signed while a judgement stood that has just been taken back, and announce each."""
    before = adjudication.replaces
    if before is None or before.judgement == adjudication.judgement:
        return []
    signed = list(
        CommitteeDecision.objects.filter(
            study_id=adjudication.study_id, decided_at__gte=before.adjudicated_at, decided_at__lte=at
        ).order_by("decided_at", "pk")
    )
    for decision in signed:
        announce(
            events.DoseDecisionQuestioned(
                study_id=adjudication.study_id,
                site_id=adjudication.site_id,
                at=at,
                decision=decision.pk,
                adjudication=adjudication.pk,
                subject=adjudication.subject_id,
            ),
            actor=actor,
        )
    return signed


def _about(actor: Actor, study: Study, at: datetime) -> dict[str, Any]:
    """A decision is the study's; its outbox row is kept with the first site."""
    return {"study_id": study.pk, "site_id": min(actor.study_site_ids), "at": at}
