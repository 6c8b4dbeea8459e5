"""Questions about screening: episodes, consents, what keeps a subject out, the screening log."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Prefetch, QuerySet

from apps.core.actor import Actor
from apps.screening import criteria
from apps.screening.models import Consent, ScreenFailure, ScreeningEpisode
from apps.subjects.models import ConsentGate, Status, Subject
from apps.visits.models import EntryState, FormRecord
from clinical.protocol.conduct import Criterion, Gate
from clinical.protocol.definition import Definition


def first_consent_gate(definition: Definition) -> Gate | None:
    """The gate whose consent begins a subject's way; none in a trial that records no consent."""
    return next((gate for gate in definition.gates if gate.consent_form is not None), None)


def consent_gate_of(definition: Definition, gate: str) -> Gate | None:
    """The gate whose consent covers this one: its own, or the nearest before it that has one."""
    covering = None
    for each in definition.gates:
        if each.consent_form is not None:
            covering = each
        if each.code == gate:
            return covering
    return None


def newest_episode(subject: Subject) -> ScreeningEpisode | None:
    return ScreeningEpisode.objects.filter(subject=subject).order_by("-number").first()


def is_passed_anew(definition: Definition, episode: ScreeningEpisode, gate: str) -> bool:
    """Whether the episode asks the gate again: it begins at a gate, and earlier ones stand as they were passed."""
    codes = [each.code for each in definition.gates]
    return codes.index(gate) >= codes.index(episode.from_gate)


@dataclass(frozen=True)
class ConsentStanding:
    """The consent that a gate asks for, as it stands."""

    title: str
    consent: Consent | None
    problem: str

    @property
    def stands(self) -> bool:
        return not self.problem


def consent_standing(subject: Subject, gate: str) -> ConsentStanding | None:
    """Whether the consent that covers a gate was given and not withdrawn; None where the trial asks for none."""
    definition = subject.protocol_version.definition
    covering = consent_gate_of(definition, gate)
    if covering is None or covering.consent_form is None:
        return None
    title = definition.form(covering.consent_form).title
    pages = Consent.objects.filter(
        record__subject=subject, record__form=covering.consent_form, record__state=EntryState.COMPLETE
    ).select_related("record")
    episode = newest_episode(subject)
    if (
        episode is not None
        and episode.number > 1
        and definition.screening.new_consent_on_rescreen
        and is_passed_anew(definition, episode, covering.code)
    ):
        pages = pages.filter(record__opened_at__gte=episode.began_at)
    newest = pages.order_by("given_earliest", "pk").last()
    if newest is None or newest.given is None:
        return ConsentStanding(title, None, f"{title}: not given yet. Complete the consent form first.")
    if newest.withdrawn is not None:
        return ConsentStanding(title, newest, f"{title}: withdrawn on {newest.withdrawn}.")
    return ConsentStanding(title, newest, "")


def keeping_out(subject: Subject) -> list[criteria.CriterionView]:
    """The criteria that keep the subject out by the site's own answers, over the gates of the present screening."""
    found = []
    known = criteria.known_of(subject)
    for gate in subject.protocol_version.definition.gates:
        record = criteria.record_of_gate(subject, gate.code)
        if record is not None:
            found += [view for view in criteria.of_record(record, known) if view.site_lets_in is False]
    return found


def criteria_asked(subject: Subject) -> list[Criterion]:
    return list(subject.protocol_version.definition.criteria)


@dataclass(frozen=True)
class RescreenRule:
    """Whether a subject may be screened again, and if not, why."""

    problem: str
    from_date: date | None = None


def rescreen_rule(subject: Subject, *, on: date) -> RescreenRule:
    """What the protocol says about screening this subject again on a day."""
    rule = subject.protocol_version.definition.screening
    if subject.status != Status.SCREEN_FAILED:
        return RescreenRule(f"{subject.number} is not a screen failure, so there is nothing to repeat.")
    failures = list(ScreenFailure.objects.filter(subject=subject).order_by("failed_at"))
    if len(failures) > rule.rescreen_limit:
        times = {0: "not be screened again", 1: "be screened again once"}.get(
            rule.rescreen_limit, f"be screened again {rule.rescreen_limit} times"
        )
        return RescreenRule(f"By the protocol a subject may {times}. {subject.number} had that.")
    failed = failures[-1].failed_at.astimezone(subject.site.zone_info).date()
    earliest = failed + timedelta(days=rule.rescreen_after_days)
    if on < earliest:
        return RescreenRule(
            f"The protocol wants {rule.rescreen_after_days} days between a screen failure and screening again. "
            f"Earliest {earliest:%d-%b-%Y}.",
            earliest,
        )
    return RescreenRule("", earliest)


def screening_log(*, actor: Actor, status: str = "", site: str = "") -> QuerySet[Subject]:
    """Everybody who was screened at the actor's sites, newest first, with consents, episodes and reasons."""
    shown: list[Any] = [
        Prefetch("consents", ConsentGate.objects.order_by("given_earliest", "pk"), to_attr="given_consents"),
        Prefetch("screening_episodes", ScreeningEpisode.objects.order_by("number"), to_attr="episodes"),
        Prefetch(
            "screen_failures",
            ScreenFailure.objects.order_by("failed_at").prefetch_related("criteria"),
            to_attr="failures",
        ),
    ]
    listed: QuerySet[Subject] = (
        Subject.objects.visible_to(actor)
        .filter(study_id=actor.study_id)
        .select_related("site")
        .prefetch_related(*shown)
        .order_by("-entered_at", "-pk")
    )
    if status in Status.values:
        listed = listed.filter(status=status)
    if site:
        listed = listed.filter(site__number=site)
    return listed


def repeated_visits(subject: Subject, *, from_gate: str) -> list[FormRecord]:
    """The criteria and consent pages of the gates that a new screening asks again, newest of each visit."""
    definition = subject.protocol_version.definition
    codes = [gate.code for gate in definition.gates]
    again = definition.gates[codes.index(from_gate) :]
    forms = {form for gate in again for form in (gate.consent_form, gate.eligibility_form) if form is not None}
    return list(
        FormRecord.objects.filter(subject=subject, form__in=forms, visit__isnull=False)
        .select_related("visit__subject__protocol_version")
        .order_by("visit__number", "pk")
    )
