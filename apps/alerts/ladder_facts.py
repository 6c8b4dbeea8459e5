"""From the dose ladder to the facts of its rules: does the design stop a level, did a signed count change?"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from apps.alerts import cases
from apps.alerts.cases import Case
from apps.escalation import ladder as ladders
from apps.escalation import selectors as boards
from apps.escalation.ladder import Ladder, Member
from apps.escalation.models import CommitteeDecision
from apps.study.models import ProtocolVersion
from clinical.escalation.trial import DoseLevel, Trial
from clinical.signals.dose_level import SignedCountFacts, dose_level_facts


@cases.of_studies("COHORT_STOP_BOUNDARY", "EVALUABILITY_CHANGED")
def dose_levels(version: ProtocolVersion, at: datetime) -> Iterator[Case]:
    """Every dose level as the design judges it, and every signed decision beside the counts as they are now."""
    ladder = ladders.climb(version, at=at)
    if ladder is None:
        return
    waiting: dict[int, list[str]] = defaultdict(list)
    for member in ladder.members:
        if not member.is_treated and member.level in ladder.numbers:
            waiting[ladder.place(member.level)].append(member.subject.number)
    for facts in dose_level_facts(
        ladder.trial,
        ladders.design_of(version.definition.escalation),
        name=version.definition.escalation.design,
        not_yet_dosed={place: tuple(sorted(names)) for place, names in waiting.items()},
    ):
        yield Case(facts)
    for index, decision in enumerate(ladder.decisions):
        yield Case(_signed(ladder, decision, before=ladder.decisions[:index]))


def _signed(ladder: Ladder, decision: CommitteeDecision, *, before: tuple[CommitteeDecision, ...]) -> SignedCountFacts:
    """The counts of one decision, then and now, over the subjects who had been dosed when it was signed.

    Subjects dosed later are no part of it, and somebody pending then who ends without a DLT changes nothing.
    """
    then = {int(row["level"]): row for row in decision.shown}
    now = {number: _level_now(ladder, number, decision.decided_at) for number in ladder.numbers}
    changed = any(number in then and _differs(then[number], level) for number, level in now.items())
    judged, level = then[decision.dose_level], now[decision.dose_level]
    differs = _differs(judged, level)
    return SignedCountFacts(
        decision=f"{decision.cohort} {decision.decided_at:%d-%b-%Y %H:%M}",
        dose_level=level.label,
        signed_on=decision.decided_at,
        signed_evaluable=int(judged["evaluable"]),
        signed_dlts=int(judged["dlts"]),
        evaluable=level.evaluable if differs else int(judged["evaluable"]),
        dlts=level.dlts,
        advice_then=decision.advice,
        advice_now=_advice_now(ladder, decision, now, before) if changed else decision.advice,
    )


def _level_now(ladder: Ladder, number: int, decided_at: datetime) -> DoseLevel:
    here = [each for each in ladder.at_level(number) if each.is_treated and _dosed_by(each, decided_at)]
    evaluable = [each for each in here if each.is_evaluable]
    pending = [each for each in here if each.is_pending]
    return DoseLevel(
        label=ladder.trial[ladder.place(number)].label,
        treated=len(here),
        evaluable=len(evaluable),
        dlts=sum(each.has_dlt for each in evaluable),
        pending=len(pending),
        undecided=sum(each.is_undecided for each in pending),
        follow_up=(1.0,) * len(pending),
    )


def _dosed_by(member: Member, moment: datetime) -> bool:
    zone = member.subject.site.zone_info
    return any(dose.given is not None and dose.given.earliest_at(zone) <= moment for dose in member.case.facts.doses)


def _differs(then: dict[str, Any], now: DoseLevel) -> bool:
    settled_since = range(int(then["evaluable"]), int(then["evaluable"]) + int(then["pending"]) + 1)
    return now.dlts != int(then["dlts"]) or now.evaluable not in settled_since


def _advice_now(
    ladder: Ladder, decision: CommitteeDecision, now: dict[int, DoseLevel], before: tuple[CommitteeDecision, ...]
) -> str:
    """What the design would have said at that meeting, had the counts been what they are now."""
    eliminated = {level for earlier in before for level in earlier.eliminated if level in ladder.numbers}
    trial = Trial(
        levels=tuple(now[number] for number in ladder.numbers),
        current=ladder.place(decision.dose_level),
        eliminated=frozenset(ladder.place(level) for level in eliminated),
    )
    return boards.advised(replace(ladder, trial=trial))[0].short
