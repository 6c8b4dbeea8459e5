"""The gates a subject passes, one after another: consent, criteria, signature, and what still stands in the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.enrollment.models import EligibilitySignature
from apps.screening import criteria
from apps.screening import selectors as screening
from apps.screening.criteria import CriterionView
from apps.screening.models import ScreeningEpisode
from apps.screening.selectors import ConsentStanding
from apps.subjects.models import Status, Subject
from apps.visits.models import EntryState, FormRecord
from clinical.protocol.conduct import Gate

OUT_OF_THE_TRIAL = frozenset({Status.SCREEN_FAILED, Status.WITHDRAWN, Status.DIED, Status.COMPLETED})


@dataclass(frozen=True)
class GateStanding:
    """One gate of one subject, as it stands now."""

    gate: Gate
    consent: ConsentStanding | None
    form_title: str
    record: FormRecord | None
    criteria: Sequence[CriterionView]
    signature: EligibilitySignature | None
    broken: EligibilitySignature | None
    problems: tuple[str, ...]

    @property
    def is_passed(self) -> bool:
        """Signed, the signed answers unchanged, and the consent not withdrawn since."""
        return self.signature is not None and (self.consent is None or self.consent.stands)

    @property
    def disagreements(self) -> list[CriterionView]:
        return [view for view in self.criteria if view.disagrees]


def standings(subject: Subject) -> list[GateStanding]:
    """Every gate of the subject's protocol, in order."""
    found: list[GateStanding] = []
    episode = screening.newest_episode(subject)
    signatures = list(
        EligibilitySignature.objects.filter(subject=subject).select_related("episode").order_by("signed_at", "pk")
    )
    known = criteria.known_of(subject)
    for gate in subject.protocol_version.definition.gates:
        found.append(_standing(subject, gate, found, episode, signatures, known))
    return found


def standing(subject: Subject, gate: str) -> GateStanding:
    return next(each for each in standings(subject) if each.gate.code == gate)


def not_passed(subject: Subject, *, through: str | None = None) -> list[GateStanding]:
    """The gates that are not passed, of all or up to and including one."""
    missing = []
    for each in standings(subject):
        if not each.is_passed:
            missing.append(each)
        if each.gate.code == through:
            break
    return missing


def opening_gate(subject: Subject) -> Gate:
    """The gate after which a place can be asked for."""
    return next(gate for gate in subject.protocol_version.definition.gates if gate.opens_enrolment)


def snapshot(views: Sequence[CriterionView]) -> dict[str, Any]:
    """The answers as they are signed, with what the data said beside them."""
    return {
        view.criterion.number: {
            "answer": view.answer,
            "comment": view.comment,
            "data": view.data_words,
            "evidence": [each.sentence for each in view.evidence],
        }
        for view in views
    }


def _standing(
    subject: Subject,
    gate: Gate,
    before: Sequence[GateStanding],
    episode: ScreeningEpisode | None,
    signatures: Sequence[EligibilitySignature],
    known: criteria.Known,
) -> GateStanding:
    definition = subject.protocol_version.definition
    record = criteria.record_of_gate(subject, gate.code)
    views = criteria.of_record(record, known) if record is not None else []
    consent = screening.consent_standing(subject, gate.code)
    title = definition.form(gate.eligibility_form).title if gate.eligibility_form else ""
    signed = [
        each
        for each in signatures
        if each.gate == gate.code
        and (
            episode is None
            or each.episode_id == episode.pk
            or not screening.is_passed_anew(definition, episode, gate.code)
        )
    ]
    newest = signed[-1] if signed else None
    holds = newest is not None and _answers(newest.answers) == _answers(snapshot(views))
    return GateStanding(
        gate=gate,
        consent=consent,
        form_title=title,
        record=record,
        criteria=views,
        signature=newest if holds else None,
        broken=None if holds else newest,
        problems=tuple(_problems(subject, gate, before, consent, record, views, title)),
    )


def _answers(signed: dict[str, Any]) -> dict[str, tuple[str | None, str]]:
    """What a signature is bound to: the investigator's own answers and comments, not what the data say."""
    return {number: (each["answer"], each["comment"]) for number, each in signed.items()}


def _problems(
    subject: Subject,
    gate: Gate,
    before: Sequence[GateStanding],
    consent: ConsentStanding | None,
    record: FormRecord | None,
    views: Sequence[CriterionView],
    title: str,
) -> list[str]:
    """Why the gate cannot be signed now, each in a sentence."""
    found = []
    if subject.status in OUT_OF_THE_TRIAL:
        found.append(f"{subject.number}: {subject.get_status_display().lower()}. Nothing further is signed.")
    found += [f"{each.gate.title} comes first and is not signed yet." for each in before if not each.is_passed][:1]
    if consent is not None and consent.problem:
        found.append(consent.problem)
    if gate.eligibility_form is None:
        return found
    if record is None:
        found.append(f"“{title}” is not open yet. Start the visit that holds it.")
        return found
    if record.state != EntryState.COMPLETE:
        found.append(f"“{title}” is not complete yet.")
    open_ones = [view.criterion.number for view in views if view.site_lets_in is None]
    if open_ones:
        found.append(f"Not assessed: {', '.join(open_ones)}.")
    out = [view.criterion.number for view in views if view.site_lets_in is False]
    if out:
        found.append(f"By the site's own answers these keep the subject out: {', '.join(out)}.")
    found += [
        f"{view.criterion.number} is answered “{view.answer_words}”, the data say “{view.data_words}” "
        f"({view.finding}). Say why in the comment."
        for view in views
        if view.needs_comment
    ]
    return found
