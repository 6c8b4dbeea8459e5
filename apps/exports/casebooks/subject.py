"""Who takes part: identity, arm, elements, consents, milestones, criteria, visits."""

from datetime import date, timedelta

from apps.enrollment.models import EligibilitySignature
from apps.exports.casebooks.reading import Page, SubjectReading, iso, local_iso
from apps.screening.models import FailedCriterion, ScreenFailure
from apps.subjects.models import Status, StatusChange
from apps.visits.models import VisitStatus
from clinical.protocol.conduct import Criterion
from clinical.protocol.submission import Arm
from clinical.sdtm import facts
from clinical.sdtm.derivations import ElementPeriod
from clinical.sdtm.domains import se

EXCEPTION = {"INCLUSION": "N", "EXCLUSION": "Y"}


def identity(reading: SubjectReading, doses: tuple[facts.Administration, ...]) -> facts.Subject:
    """The subject's row of DM, with arm and elements."""
    subject, origin, definition = reading.subject, reading.origin, reading.definition
    page = next(iter(reading.pages("demographics")), None)
    deaths = [each.head.died.iso for each in reading.pages("death") if each.head.died]
    ended = [each for each in reading.pages("disposition") if each.head.ending == "STUDY PARTICIPATION"]
    arm = planned_arm(reading)
    is_treated = any(dose.was_given and dose.is_study_treatment for dose in doses)
    races = [line.race for line in page.lines.get("races", ()) if line.race] if page else []
    participation_ended = max((each.head.happened.iso for each in ended if each.head.happened), default=None)
    return facts.Subject(
        study=reading.study.code,
        subject_number=origin.subject_number if origin else subject.number,
        unique_id=unique_id(reading),
        site=reading.site.number,
        country=reading.site.country,
        screening_number=subject.screening_number,
        birth=iso(page.head.birth) if page else None,
        age=page.head.age if page else None,
        sex=page.head.sex if page else None,
        races=tuple(races),
        race_other=page.head.race_other if page else None,
        ethnicity=page.head.ethnicity if page else None,
        demographics_collected=iso(page.head.collected) if page else None,
        arm_code=arm.code if arm else None,
        arm=arm.title if arm else None,
        actual_arm_code=arm.code if arm and is_treated else None,
        actual_arm=arm.title if arm and is_treated else None,
        no_arm_reason=_why_no_arm(reading, arm, is_treated),
        cohort=subject.cohort,
        dose_level=None if subject.dose_level is None else definition.dose_level(subject.dose_level).label,
        died=min(deaths, default=None),
        participation_ended=participation_ended,
        elements=_elements(reading, arm, doses, participation_ended or min(deaths, default=None)),
    )


def unique_id(reading: SubjectReading) -> str:
    """USUBJID: the one a brought-over subject already had, else study and number."""
    return reading.origin.unique_id if reading.origin else f"{reading.study.code}-{reading.subject.number}"


def planned_arm(reading: SubjectReading) -> Arm | None:
    """The arm of the subject's cohort: the one it names, or the trial's only one."""
    subject, definition = reading.subject, reading.definition
    if subject.cohort is None:
        return None
    cohort = next((each for each in definition.cohorts if each.code == subject.cohort), None)
    wanted = cohort.arm if cohort and cohort.arm else subject.cohort
    only = definition.arms[0] if len(definition.arms) == 1 else None
    return next((arm for arm in definition.arms if arm.code == wanted), only)


def _why_no_arm(reading: SubjectReading, arm: Arm | None, is_treated: bool) -> str | None:
    if arm is not None:
        return None if is_treated else "ASSIGNED, NOT TREATED"
    return "SCREEN FAILURE" if reading.subject.status == Status.SCREEN_FAILED else "NOT ASSIGNED"


def _elements(
    reading: SubjectReading, arm: Arm | None, doses: tuple[facts.Administration, ...], ended: str | None
) -> tuple[ElementPeriod, ...]:
    """The elements the subject went through, each from the moment it began to the begin of the next one reached.

    The first begins with the first consent (or visit), one of follow-up on the day after treatment ended, one whose
    rule names products with the first dose of any of them, one that names the leukapheresis with it, and any other
    with the first dose. A subject without an arm is in the first element of the trial.
    """
    path = arm.path if arm else reading.definition.arms[0].path[:1] if reading.definition.arms else ()
    known = {element.code: element for element in reading.definition.elements}
    steps: list[tuple[str, str, str, str | None]] = []
    latest = ""
    for place, step in enumerate(path):
        element = known[step.element]
        start = _element_start(reading, element.starts, step.epoch, doses) if place else _begin(reading)
        if start is not None and (start < latest or (ended and start[:10] > ended[:10])):
            start = None  # a later element was not reached before participation ended
        latest = start or latest
        steps.append((element.code, element.title, step.epoch, start))
    return se.passed_through(tuple(steps), ended)


def _begin(reading: SubjectReading) -> str | None:
    known = [iso(page.head.given) for page in reading.pages("consent")]
    if not any(known):
        known = [iso(visit.took_place) for visit in reading.visits.values() if visit.status == VisitStatus.STARTED]
    return min((each for each in known if each and len(each) >= 10), default=None)


def _element_start(
    reading: SubjectReading, rule: str, epoch: str, doses: tuple[facts.Administration, ...]
) -> str | None:
    given = [dose for dose in doses if dose.was_given and dose.began and len(dose.began) >= 10]
    if epoch == "FOLLOW-UP":
        ends = [page.head.happened for page in reading.pages("disposition") if page.head.ending == "STUDY TREATMENT"]
        last = next((moment.full_date for moment in ends if moment), None)
        return None if last is None else _day_after(last)
    if "leukapheresis" in rule.casefold():
        taken = [iso(page.head.apheresis) for page in reading.pages("cell_product")]
        return min((each for each in taken if each and len(each) >= 10), default=None)
    named = {
        product.code
        for product in reading.definition.products
        if product.name.casefold() in rule.casefold() or product.code.casefold() in rule.casefold()
    }
    return min(
        (
            dose.began
            for dose in given
            if dose.began and dose.is_study_treatment and (not named or dose.product in named)
        ),
        default=None,
    )


def _day_after(day: date) -> str:
    return (day + timedelta(days=1)).isoformat()


def visits(reading: SubjectReading) -> tuple[facts.SubjectVisit, ...]:
    """What became of each visit that took place, was missed or was skipped."""
    found = []
    for visit in sorted(reading.visits.values(), key=lambda each: (each.number, each.pk)):
        fact = reading.visit_fact(visit)
        if visit.status in (VisitStatus.PLANNED, VisitStatus.NOT_ASKED) or fact is None:
            continue
        found.append(
            facts.SubjectVisit(
                visit=fact,
                occurred=visit.status == VisitStatus.STARTED,
                began=iso(visit.took_place),
                is_planned=not visit.is_unscheduled,
                not_occurred_reason=visit.reason_missed or None,
                contact=_contact(reading, visit.pk),
            )
        )
    return tuple(found)


def _contact(reading: SubjectReading, visit: int) -> str | None:
    modes = [page.head.contact_mode for page in reading.pages("survival_follow_up") if page.record.visit_id == visit]
    return next((mode for mode in modes if mode and mode != "RECORD"), None)


def consents(reading: SubjectReading) -> tuple[facts.Consent, ...]:
    """Consents given: the first gate's takes the subject into the trial, a later gate's is for what that gate opens."""
    return tuple(
        facts.Consent(
            reference=page.reference,
            given=iso(page.head.given),
            document_version=page.head.version,
            activity=_activity(page),
        )
        for page in reading.pages("consent")
        if page.head.given
    )


def _activity(page: Page) -> str | None:
    """What a later consent is for; None for the first, with which the subject's part in the trial begins."""
    gates = page.definition.gates
    first = next((gate.code for gate in gates if gate.consent_form), None)
    gate = next((each for each in gates if each.code == page.form.gate), None)
    return None if gate is None or gate.code == first else gate.title


def milestones(reading: SubjectReading) -> tuple[facts.Milestone, ...]:
    """Signed eligibility, enrolment, ends of treatment and participation, withdrawal of consent, death."""
    return (
        *_signed(reading),
        *_moves(reading),
        *_withdrawals(reading),
        *(_disposition(page) for page in reading.pages("disposition") if page.head.reason or page.head.happened),
        *(_death(page) for page in reading.pages("death") if page.head.died or page.head.cause),
    )


def _signed(reading: SubjectReading) -> list[facts.Milestone]:
    """The eligibility of the gate that opens enrolment, at its latest signature."""
    opening = {gate.code for gate in reading.definition.gates if gate.opens_enrolment}
    signed = [each for each in reading.rows(EligibilitySignature) if each.gate in opening]
    return [
        facts.Milestone(
            reference=f"eligibility-{each.gate}",
            term="ELIGIBILITY CRITERIA MET",
            decoded="ELIGIBILITY CRITERIA MET",
            category="PROTOCOL MILESTONE",
            when=local_iso(each.signed_at, reading.site),
        )
        for each in signed[-1:]
    ]


def _moves(reading: SubjectReading) -> list[facts.Milestone]:
    """Enrolment and screen failure, as they happened here; of a brought-over subject its own pages tell."""
    if reading.origin is not None:
        return []
    words = {Status.ENROLLED: ("ENROLLED", "PROTOCOL MILESTONE"), Status.SCREEN_FAILED: ("SCREEN FAILURE", "")}
    why = {each.pk: each for each in reading.rows(ScreenFailure)}
    found = []
    for number, change in enumerate(reading.rows(StatusChange), start=1):
        if Status(change.status) not in words:
            continue
        decoded, category = words[Status(change.status)]
        comment = next(iter(why.values())).comment if decoded == "SCREEN FAILURE" and why else ""
        found.append(
            facts.Milestone(
                reference=f"status-{number}",
                term=comment or decoded,
                decoded=decoded,
                category=category or "DISPOSITION EVENT",
                subcategory=None if category else "STUDY PARTICIPATION",
                when=local_iso(change.at, reading.site),
            )
        )
    return found


def _withdrawals(reading: SubjectReading) -> list[facts.Milestone]:
    return [
        facts.Milestone(
            reference=f"{page.reference}.withdrawn",
            term="CONSENT WITHDRAWN",
            decoded="WITHDRAWAL OF CONSENT",
            category="OTHER EVENT",
            when=iso(page.head.withdrawn),
        )
        for page in reading.pages("consent")
        if page.head.withdrawn
    ]


def _disposition(page: Page) -> facts.Milestone:
    head = page.head
    is_end = head.ending in ("STUDY TREATMENT", "STUDY PARTICIPATION")
    return facts.Milestone(
        reference=page.reference,
        term=head.detail or head.reason or page.form.title.upper(),
        decoded=head.reason or page.form.title.upper(),
        category="DISPOSITION EVENT" if is_end else "PROTOCOL MILESTONE",
        subcategory=head.ending if is_end else None,
        when=iso(head.happened),
        visit=page.visit_fact,
    )


def _death(page: Page) -> facts.Milestone:
    return facts.Milestone(
        reference=page.reference,
        term=page.head.cause or "DEATH",
        decoded="DEATH",
        category="OTHER EVENT",
        when=iso(page.head.died),
        visit=page.visit_fact,
    )


def criteria(reading: SubjectReading) -> tuple[facts.CriterionAnswer, ...]:
    """Every criterion as answered, and those that a screen failure named without an answer on the page."""
    found = []
    for page in reading.pages("eligibility"):
        asked = {each.number: each for each in page.definition.criteria_of(page.form.gate or "")}
        for line in page.lines.get("answers", ()):
            criterion = asked.get(line.key)
            if criterion is None:
                continue
            found.append(
                _answer(criterion, reference=page.line_reference(line), page=page, answer=_yes_no(line.answer))
            )
    wording = {each.number: each for each in reading.definition.criteria}
    for failed in reading.rows(FailedCriterion):
        if not failed.was_answered and failed.number in wording:
            criterion = wording[failed.number]
            answer = EXCEPTION[criterion.kind.value.upper()]
            found.append(_answer(criterion, reference=f"screen_failure.{failed.number}", page=None, answer=answer))
    return tuple(found)


def _yes_no(answer: str | None) -> str | None:
    return {"MET": "Y", "NOT MET": "N"}.get(answer or "")


def _answer(criterion: Criterion, *, reference: str, page: Page | None, answer: str | None) -> facts.CriterionAnswer:
    return facts.CriterionAnswer(
        code=criterion.number,
        text=criterion.name,
        category=criterion.kind.value.upper(),
        answer=answer,
        assessed=iso(page.head.assessed) if page else None,
        visit=page.visit_fact if page else None,
        reference=reference,
    )


def comments(reading: SubjectReading) -> tuple[facts.Comment, ...]:
    """What was written beside a criterion: at its row of IE where it has one, else about the subject."""
    exceptions = {each.reference for each in criteria(reading) if each.answer == EXCEPTION.get(each.category)}
    found = []
    for page in reading.pages("eligibility"):
        for line in page.lines.get("answers", ()):
            reference = page.line_reference(line)
            if not line.comment:
                continue
            if reference in exceptions:
                found.append(facts.Comment(text=line.comment, dataset="IE", parent=reference))
            else:
                found.append(facts.Comment(text=f"{line.key}: {line.comment}", written=iso(page.head.assessed)))
    return tuple(found)
