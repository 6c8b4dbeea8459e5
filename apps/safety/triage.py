"""What the medical monitor does with a serious event: triage it, and record what went to the authority.

Nothing here touches what the site entered. Every act is a record of its own with who, when and why; a changed mind or a
mistake is a further record that replaces the one before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction

from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.events import announce
from apps.core.refusal import NotAllowed, Refusal
from apps.safety import authority, events
from apps.safety.authority import ProductView, TriageCase
from apps.safety.models import AuthorityReport, ProductTriage, ReferenceInformation, Triage
from apps.study.models import Study
from apps.study.selectors import latest_version
from apps.subjects.models import Subject
from apps.visits.models import FormRecord
from clinical import clocks, triage
from clinical.clocks import Report
from clinical.partial_date import AskBack
from clinical.triage import Opinion

Moment = datetime | AskBack | None
"""A moment as it was typed: read, to be asked back, or left empty."""


@dataclass(frozen=True)
class Problem:
    """One thing that is missing or wrong, and the field that it is about."""

    path: str
    sentence: str


class NotComplete(Refusal):
    """What stands in the way, all of it at once, each with its field."""

    def __init__(self, sentence: str, findings: Sequence[Problem]) -> None:
        super().__init__(sentence, problems=[each.sentence for each in findings])
        self.findings = tuple(findings)


class NothingToTriage(Refusal): ...


class NotReportable(Refusal): ...


@dataclass(frozen=True)
class ProductAnswer:
    """What the sponsor says of one study product. None: not answered."""

    is_related: bool | None = None
    is_expected: bool | None = None
    reference: int | None = None
    """The key of the version against which expectedness was judged."""


@dataclass(frozen=True)
class Answers:
    """How the sponsor sees an event, as far as it was answered."""

    is_serious: bool | None
    is_fatal: bool | None
    fatal_known_at: Moment
    products: Mapping[str, ProductAnswer]
    reason: str


@transaction.atomic
def triage_event(*, actor: Actor, record: FormRecord, answers: Answers, at: datetime) -> Triage:
    """Record how the sponsor sees a serious event. What follows for the authority is computed, not chosen."""
    person = _person(actor, at_site=record.site_id)
    case = _locked_case(record, at)
    if not answers.is_serious and case.event.is_serious is not True and case.report is None and case.latest is None:
        raise NothingToTriage("Neither the site nor you see this event as serious, so there is nothing to triage.")
    problems = [*_problems_of_event(case, answers, at), *_problems_of_products(case, answers)]
    problems += _problems_of_text("reason", answers.reason, "Say why: the reason is part of the record.")
    if problems:
        raise NotComplete("The triage is not complete yet.", problems)
    assert answers.is_serious is not None  # or it would be among the problems
    assert answers.is_fatal is not None
    known_at = answers.fatal_known_at if answers.is_fatal else None
    assert not isinstance(known_at, AskBack)
    opinions = [_opinion(view, answers.products[view.code]) for view in case.products]
    leading = triage.leading(opinions)
    is_susar = clocks.is_susar(
        clocks.SeriousEvent(
            sponsor_zone=case.zone,
            received_at=case.minimum.complete_at,
            serious=clocks.either_says_serious(case.event.is_serious, answers.is_serious),
            related=leading.related,
            unexpected=leading.unexpected,
        )
    )
    before = case.latest
    recorded = Triage.objects.create(
        subject=record.subject,
        record=record,
        is_serious=answers.is_serious,
        is_fatal=answers.is_fatal,
        fatal_known_at=known_at,
        determination=triage.determination(is_susar).value,
        reason=answers.reason.strip(),
        basis=case.basis,
        replaces=before,
        triaged_at=at,
        triaged_by_id=person,
        triaged_by_name=actor.name,
        triaged_by_role=actor.role_words,
    )
    for view, opinion in zip(case.products, opinions, strict=True):
        assert opinion.sponsor is not None
        ProductTriage.objects.create(
            subject=record.subject,
            triage=recorded,
            product=view.code,
            is_related=opinion.sponsor,
            investigator_related=opinion.investigator,
            is_expected=opinion.expected,
            reference_id=None if opinion.expected is None else answers.products[view.code].reference,
        )
    announce(events.SeriousEventTriaged(**_about(record, at)), actor=actor)
    return recorded


def _problems_of_event(case: TriageCase, answers: Answers, at: datetime) -> list[Problem]:
    found = []
    if answers.is_serious is None:
        found.append(Problem("is_serious", "Say whether the sponsor sees the event as serious."))
    if answers.is_fatal is None:
        found.append(Problem("is_fatal", "Say whether the event is fatal or life threatening."))
    if answers.is_fatal:
        found += _problems_of_knowledge(case, answers.fatal_known_at, at)
    return found


def _problems_of_knowledge(case: TriageCase, known_at: Moment, at: datetime) -> Iterator[Problem]:
    """When the sponsor learnt that the event is fatal: told by the page, or typed where the sponsor knew otherwise."""
    if isinstance(known_at, AskBack):
        yield Problem("fatal_known_at", known_at.message)
    elif known_at is None and not case.page_is_fatal:
        yield Problem(
            "fatal_known_at",
            "The site's page does not say fatal or life threatening. Enter when you learnt it: 7 days run from then.",
        )
    elif known_at is not None and known_at > at:
        yield Problem(
            "fatal_known_at", "When you learnt that it is fatal lies in the future. Correct the day or the time."
        )


def _problems_of_products(case: TriageCase, answers: Answers) -> list[Problem]:
    """Expectedness is asked of a serious event where a product counts as related, by the version of the onset."""
    found = []
    may_be_serious = clocks.either_says_serious(case.event.is_serious, answers.is_serious) is not False
    for view in case.products:
        given = answers.products.get(view.code, ProductAnswer())
        if given.is_related is None:
            found.append(Problem(f"{view.code}-related", f"Say whether the event is related to {view.name}."))
        if given.is_expected is None:
            if may_be_serious and given.is_related is not None and _opinion(view, given).related:
                found.append(Problem(f"{view.code}-expected", f"Say whether the event is expected with {view.name}."))
            continue
        if not view.references:
            found.append(
                Problem(
                    f"{view.code}-reference",
                    f"No version of the reference safety information of {view.name} is known that was in force when "
                    "the event began. Enter it first.",
                )
            )
        elif given.reference not in {each.pk for each in view.references}:
            found.append(
                Problem(
                    f"{view.code}-reference",
                    f"Choose the version of {view.name} that was in force when the event began.",
                )
            )
    return found


def _opinion(view: ProductView, given: ProductAnswer) -> Opinion:
    return Opinion(view.code, view.opinion.investigator, given.is_related, given.is_expected)


# -- reports to the authority -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sending:
    """A report that went out: as which due reports, to whom, when."""

    answers: frozenset[Report]
    authority: str
    submitted_at: Moment


@transaction.atomic
def record_submission(*, actor: Actor, record: FormRecord, sending: Sending, at: datetime) -> AuthorityReport:
    """Record that a report on the event went to the authority. The first one is the initial report, then follow-ups."""
    person = _person(actor, at_site=record.site_id)
    case = _locked_case(record, at)
    if not case.may_be_sent:
        raise NotReportable(
            "By the answers given, this event does not go to the authority. If it should, triage it first."
            if case.minimum.complete_at is not None
            else f"A report needs {', '.join(case.minimum.missing)}, which the site has not entered yet."
        )
    problems = _problems_of_sending(case, sending, at)
    if not case.sent and not sending.answers:
        problems.insert(0, Problem("answers", "Say which due report this is: nothing was sent on this event before."))
    if problems:
        raise NotComplete("The submission was not recorded yet.", problems)
    taken_back = next((each for each in case.rows if not each.was_sent), None)
    if taken_back is not None:
        return _record(
            case,
            sending,
            actor=actor,
            person=person,
            at=at,
            replaces=taken_back,
            reason="Sent after it was taken back.",
        )
    return _record(case, sending, actor=actor, person=person, at=at)


@transaction.atomic
def correct_submission(
    *, actor: Actor, record: FormRecord, number: int, sending: Sending, was_sent: bool, reason: str, at: datetime
) -> AuthorityReport:
    """Correct what was recorded of a report, or take it back because it was never sent: the clock runs on then."""
    person = _person(actor, at_site=record.site_id)
    case = _locked_case(record, at)
    wrong = next((each for each in case.sent if each.number == number), None)
    if wrong is None:
        raise NothingToTriage("There is no such report on this event to correct.")
    problems = _problems_of_sending(case, sending, at) if was_sent else []
    if was_sent and number == 0 and not sending.answers:
        problems.insert(0, Problem("answers", "Say which due report the initial report was."))
    problems += _problems_of_text("reason", reason, "Say why it is corrected: the reason is part of the record.")
    if problems:
        raise NotComplete("The correction was not recorded yet.", problems)
    if not was_sent:
        sending = Sending(frozenset(map(Report, wrong.answers)), wrong.authority, wrong.submitted_at)
    return _record(
        case, sending, actor=actor, person=person, at=at, replaces=wrong, was_sent=was_sent, reason=reason.strip()
    )


def _problems_of_sending(case: TriageCase, sending: Sending, at: datetime) -> list[Problem]:
    found = []
    known = case.minimum.complete_at
    if sending.submitted_at is None:
        found.append(Problem("submitted_at", "Enter the day and time at which it went out."))
    elif isinstance(sending.submitted_at, AskBack):
        found.append(Problem("submitted_at", sending.submitted_at.message))
    elif sending.submitted_at > at:
        found.append(Problem("submitted_at", "The submission lies in the future. Record it once it went out."))
    elif known is not None and sending.submitted_at < known:
        found.append(
            Problem("submitted_at", "The submission lies before the event was known here. Correct the day or the time.")
        )
    return [*found, *_problems_of_text("authority", sending.authority, "Name the authority or its gateway.", most=100)]


def _record(
    case: TriageCase,
    sending: Sending,
    *,
    actor: Actor,
    person: int,
    at: datetime,
    replaces: AuthorityReport | None = None,
    was_sent: bool = True,
    reason: str = "",
) -> AuthorityReport:
    record = case.record
    assert isinstance(sending.submitted_at, datetime)  # or it would be among the problems
    recorded = AuthorityReport.objects.create(
        subject=record.subject,
        record=record,
        number=len(case.rows) if replaces is None else replaces.number,
        answers=sorted(each.value for each in sending.answers),
        authority=sending.authority.strip(),
        was_sent=was_sent,
        submitted_at=sending.submitted_at,
        reason=reason,
        replaces=replaces,
        recorded_at=at,
        recorded_by_id=person,
        recorded_by_name=actor.name,
        recorded_by_role=actor.role_words,
    )
    announce(events.AuthorityReportRecorded(**_about(record, at)), actor=actor)
    return recorded


# -- reference safety information -------------------------------------------------------------------------------------


@transaction.atomic
def enter_reference(
    *,
    actor: Actor,
    study: Study,
    product: str,
    version: str,
    in_force_from: date | AskBack | None,
    corrects: int | None = None,
    reason: str = "",
    at: datetime,
) -> ReferenceInformation:
    """Enter a version of a study product's reference safety information, or correct one that was mistyped."""
    person = _person(actor)
    study = Study.objects.select_for_update().get(pk=study.pk)
    standing = authority.references_of([study.pk])[study.pk]
    wrong = next((each for each in standing if each.pk == corrects), None)
    if corrects is not None and wrong is None:
        raise NothingToTriage("The version to correct was corrected already. Look at the list again.")
    problems = []
    products = {each.code: each.name for each in latest_version(study).definition.products if each.study_product}
    if product not in products:
        problems.append(Problem("product", "Choose the study product."))
    problems += _problems_of_text("version", version, "Name the version, as the document names itself.", most=60)
    if in_force_from is None:
        problems.append(Problem("in_force_from", "Enter the first day on which it was in force."))
    elif isinstance(in_force_from, AskBack):
        problems.append(Problem("in_force_from", in_force_from.message))
    others = [each for each in standing if each.product == product and each != wrong]
    if any(each.in_force_from == in_force_from for each in others):
        problems.append(Problem("in_force_from", "Another version of this product came into force on that day."))
    if any(each.version == version.strip() for each in others):
        problems.append(Problem("version", "This version is entered already. Correct that one."))
    if wrong is not None:
        problems += _problems_of_text("reason", reason, "Say why it is corrected: the reason is part of the record.")
    if problems:
        raise NotComplete("The version was not entered yet.", problems)
    assert isinstance(in_force_from, date)  # or it would be among the problems
    entered: ReferenceInformation = ReferenceInformation.objects.create(
        study=study,
        product=product,
        version=version.strip(),
        in_force_from=in_force_from,
        replaces=wrong,
        reason="" if wrong is None else reason.strip(),
        entered_at=at,
        entered_by_id=person,
        entered_by_name=actor.name,
    )
    return entered


def _person(actor: Actor, *, at_site: int | None = None) -> int:
    """The person who acts, once they may: nothing of this is ever done by the system."""
    actor.require(Action.TRIAGE_SERIOUS_EVENT, at=at_site)
    if actor.user_id is None:
        raise NotAllowed("A serious event is triaged by a person, never by the system.")
    return actor.user_id


def _problems_of_text(path: str, text: str, if_empty: str, *, most: int = 1000) -> Iterator[Problem]:
    """What is wrong with a text that is needed."""
    length = len(text.strip())
    if not length:
        yield Problem(path, if_empty)
    elif length > most:
        yield Problem(path, f"This text has {length} characters, and {most} are kept. Shorten it.")


def _locked_case(record: FormRecord, at: datetime) -> TriageCase:
    """The case, with its subject locked so that two people's records on it come one after the other."""
    Subject.objects.select_for_update(of=("self",)).get(pk=record.subject_id)
    case = authority.case_of(record, at)
    if case is None:
        raise NothingToTriage("This entry was removed, so there is nothing to triage.")
    return case


def _about(record: FormRecord, at: datetime) -> dict[str, Any]:
    return {
        "study_id": record.study_id,
        "site_id": record.site_id,
        "at": at,
        "subject": record.subject_id,
        "record": record.pk,
    }
