"""Laboratories, their ranges from proposal to approval, and judging results anew when something behind them moves."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import DatabaseError, transaction

from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.events import announce
from apps.core.refusal import Refusal
from apps.labs import events, judging, selectors
from apps.labs.models import GradeChange, Laboratory, LabResult, RangeState, ReferenceRange
from apps.study.models import Site
from apps.subjects.models import Subject

JUDGEMENT = ("flag", "times_uln", "grade", "grade_term")
"""The derived columns whose change other rooms hear of."""


class LaboratoryExists(Refusal): ...


class RangesOverlap(Refusal): ...


class RangeIsDecided(Refusal): ...


class ProposerCannotApprove(Refusal): ...


class NoLimits(Refusal): ...


@dataclass(frozen=True, kw_only=True)
class ProposedRange:
    """A laboratory's normal range as its certificate states it."""

    analyte: str
    unit: str
    effective_from: date
    effective_to: date | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    sex: str | None = None
    age_from: int | None = None
    age_to: int | None = None

    @property
    def problems(self) -> list[str]:
        """What no range can be."""
        found = []
        if self.low is None and self.high is None:
            found.append("A range needs a lower limit, an upper limit or both.")
        if self.low is not None and self.high is not None and self.low >= self.high:
            found.append(f"The upper limit {self.high} is not above the lower limit {self.low}.")
        if self.effective_to is not None and self.effective_to < self.effective_from:
            found.append("The range ends before it begins.")
        if self.age_from is not None and self.age_to is not None and self.age_to < self.age_from:
            found.append(f"The range is for ages from {self.age_from} to {self.age_to}, which is nobody.")
        return found


@transaction.atomic
def register_laboratory(*, actor: Actor, site: Site, name: str, at: datetime) -> Laboratory:
    """Name a laboratory that the site sends samples to."""
    actor.require(Action.ENTER_DATA, at=site.pk)
    name = " ".join(name.split())
    if not name:
        raise Refusal("Type the name of the laboratory.")
    if Laboratory.objects.filter(site=site, name__iexact=name).exists():
        raise LaboratoryExists(f"Site {site.number} already has a laboratory of the name {name}.")
    laboratory: Laboratory = Laboratory.objects.create(site=site, name=name)
    return laboratory


@transaction.atomic
def propose_range(
    *,
    actor: Actor,
    laboratory: Laboratory,
    proposal: ProposedRange,
    at: datetime,
    replaces: ReferenceRange | None = None,
) -> ReferenceRange:
    """Propose a range, or the correction of an approved one. It judges nothing until a data manager approves it."""
    actor.require(Action.ENTER_DATA, at=laboratory.site_id)
    if proposal.problems:
        raise NoLimits(proposal.problems[0], problems=proposal.problems)
    if replaces is not None and (replaces.laboratory_id, replaces.analyte) != (laboratory.pk, proposal.analyte):
        raise Refusal("A correction is for the same laboratory and the same test as the range it replaces.")
    return ReferenceRange.objects.create(
        laboratory=laboratory,
        analyte=proposal.analyte,
        sex=proposal.sex or None,
        age_from=proposal.age_from,
        age_to=proposal.age_to,
        unit=proposal.unit,
        low=proposal.low,
        high=proposal.high,
        effective_from=proposal.effective_from,
        effective_to=proposal.effective_to,
        replaces=replaces,
        proposed_by_id=actor.user_id,
        proposer_name=actor.name,
        proposed_at=at,
    )


@transaction.atomic
def approve_range(*, actor: Actor, proposed: ReferenceRange, at: datetime) -> ReferenceRange:
    """Approve a proposed range. Results that it concerns are judged anew, and every grade that changes is kept.

    A correction takes the place of the range it names; any other range must leave the approved ones alone.
    """
    proposed = _to_decide(actor, proposed)
    if actor.user_id is not None and proposed.proposed_by_id == actor.user_id:
        raise ProposerCannotApprove("Somebody else has to approve the range that you proposed.")
    replaced = proposed.replaces
    if replaced is not None and replaced.state == RangeState.APPROVED:
        replaced.state = RangeState.REPLACED
        replaced.save(update_fields=["state"])
    proposed.state, proposed.decided_by_id = RangeState.APPROVED, actor.user_id
    proposed.decider_name, proposed.decided_at = actor.name, at
    with _overlap_in_words(proposed):
        proposed.save(update_fields=["state", "decided_by", "decider_name", "decided_at"])
    what = "corrected" if replaced is not None else "approved"
    _regrade_under(actor, proposed, why=f"The range of {proposed.analyte} at {proposed.laboratory} was {what}.", at=at)
    return proposed


@transaction.atomic
def reject_range(*, actor: Actor, proposed: ReferenceRange, why: str, at: datetime) -> ReferenceRange:
    """Reject a proposed range, with the reason for the site."""
    proposed = _to_decide(actor, proposed)
    if not why.strip():
        raise Refusal("Say why the range is rejected, so that the site can propose a better one.")
    proposed.state, proposed.decided_by_id, proposed.decision_note = RangeState.REJECTED, actor.user_id, why.strip()
    proposed.decider_name, proposed.decided_at = actor.name, at
    proposed.save(update_fields=["state", "decided_by", "decider_name", "decided_at", "decision_note"])
    return proposed


@transaction.atomic
def end_range(*, actor: Actor, ending: ReferenceRange, last_day: date, at: datetime) -> ReferenceRange:
    """Say until when an approved range holds, so that the laboratory's next one can follow it."""
    actor.require(Action.APPROVE_RANGES, at=ending.site_id)
    ending = ReferenceRange.objects.select_for_update(of=("self",)).select_related("laboratory").get(pk=ending.pk)
    if ending.state != RangeState.APPROVED:
        raise RangeIsDecided("Only an approved range can end.")
    if last_day < ending.effective_from:
        raise NoLimits(f"The range begins on {ending.effective_from:%d-%b-%Y} and cannot end before.")
    ending.effective_to = last_day
    with _overlap_in_words(ending):
        ending.save(update_fields=["effective_to"])
    _regrade_under(actor, ending, why=f"The range of {ending.analyte} at {ending.laboratory} ended.", at=at)
    return ending


def _to_decide(actor: Actor, proposed: ReferenceRange) -> ReferenceRange:
    actor.require(Action.APPROVE_RANGES, at=proposed.site_id)
    Laboratory.objects.select_for_update().get(pk=proposed.laboratory_id)  # two approvals: one after the other
    proposed = (
        ReferenceRange.objects.select_for_update(of=("self",))
        .select_related("laboratory", "replaces")
        .get(pk=proposed.pk)
    )
    if proposed.state != RangeState.PROPOSED:
        raise RangeIsDecided(
            f"This range was already {proposed.get_state_display().lower()} by {proposed.decider_name}."
        )
    return proposed


@contextmanager
def _overlap_in_words(about: ReferenceRange) -> Iterator[None]:
    """The database's refusal of two ranges for one sample, in words."""
    try:
        with transaction.atomic():
            yield
    except DatabaseError as refused:
        if getattr(refused.__cause__, "sqlstate", "") != "TS011":
            raise
        raise RangesOverlap(
            f"{about.laboratory} already has an approved range of {about.analyte} for some of the same subjects and "
            "days. End that range first, or propose this one as its correction."
        ) from refused


def _regrade_under(actor: Actor, changed: ReferenceRange, *, why: str, at: datetime) -> None:
    for subject in selectors.results_under(changed.laboratory, changed.analyte).select_related("protocol_version"):
        regrade(actor=actor, subject=subject, tests={changed.analyte}, why=why, at=at)


@transaction.atomic
def regrade(
    *,
    actor: Actor,
    subject: Subject,
    at: datetime,
    why: str,
    tests: Iterable[str] | None = None,
    entered: int | None = None,
) -> list[LabResult]:
    """Derive anew what the subject's results (of these tests) mean, and say which judgements changed.

    `why` names what moved behind results that nobody touched; each of their grades that changed is kept with it. Of
    results on the page `entered` the values themselves changed, and the trail of those is the history.
    """
    definition = subject.protocol_version.definition
    found = selectors.results(subject, tests=tests)
    if not found:
        return []
    dose = selectors.first_dose(subject)
    person = selectors.person(subject)
    version = selectors.ctcae_version(definition)
    laboratories = {lab for each in found if (lab := selectors.panel_of(each).laboratory_id) is not None}
    ranges = selectors.approved_ranges(laboratories, {each.key for each in found}) if laboratories else []
    before = [each for each in found if selectors.is_before_dose(selectors.panel_of(each).collected, dose)]
    changes: list[_Change] = []

    def judge(result: LabResult, baseline: LabResult | None) -> None:
        panel = selectors.panel_of(result)
        columns = judging.judge(
            result,
            sample=judging.Sample(panel.laboratory_id, panel.collected, panel.fasting == "Y"),
            analyte=definition.analyte(result.key),
            person=person,
            ranges=ranges,
            baseline=baseline,
            version=version,
        )
        reason = "" if result.record_id == entered else why
        if (change := _set(result, columns, why=reason)) is not None:
            changes.append(change)

    for result in before:
        judge(result, None)
    baselines = selectors.baselines(before, dose)
    earlier = {result.pk for result in before}
    for result in found:
        if result.pk not in earlier:
            judge(result, baselines.get(result.key))
    _write(changes, subject=subject, at=at)
    touched = [change.result for change in changes if change.is_another_judgement]
    if touched:
        announce(
            events.LabGradesChanged(
                study_id=subject.study_id,
                site_id=subject.site_id,
                at=at,
                subject=subject.pk,
                results=tuple(result.pk for result in touched),
            ),
            actor=actor,
        )
    return touched


@dataclass(frozen=True)
class _Change:
    """A result whose derived columns are other ones now, with what they said before."""

    result: LabResult
    columns: tuple[str, ...]
    old: dict[str, Any]
    why: str

    @property
    def is_another_judgement(self) -> bool:
        return any(self.old[name] != getattr(self.result, name) for name in JUDGEMENT)

    @property
    def is_graded_anew(self) -> bool:
        return (self.old["grade"], self.old["grade_term"]) != (self.result.grade, self.result.grade_term)


def _set(result: LabResult, columns: dict[str, Any], *, why: str) -> _Change | None:
    """Set what changed of a result, unsaved; None where nothing did."""
    changed = tuple(name for name, value in columns.items() if getattr(result, name) != value)
    old = {name: getattr(result, name) for name in JUDGEMENT}
    for name in changed:
        setattr(result, name, columns[name])
    return _Change(result, changed, old, why) if changed else None


def _write(changes: Sequence[_Change], *, subject: Subject, at: datetime) -> None:
    """Write the changed results; keep each grade that changed behind a value nobody touched."""
    for change in changes:
        change.result.save(update_fields=[name.removesuffix("_id") for name in change.columns])
        if change.why and change.is_graded_anew:
            GradeChange.objects.create(
                subject=subject,
                result=change.result,
                old_grade=change.old["grade"],
                old_term=change.old["grade_term"],
                new_grade=change.result.grade,
                new_term=change.result.grade_term,
                why=change.why,
                at=at,
            )
