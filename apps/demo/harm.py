"""Adverse events of the demo: entered with their grades over time, reported when serious, judged when dose-limiting."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from apps.access.roles import Role
from apps.demo.casebook import Casebook
from apps.demo.stage import proof_of
from apps.safety import services
from apps.safety import triage as sponsor
from apps.safety.models import Judgement
from apps.visits import services as entry
from apps.visits.models import FormRecord
from clinical.clocks import Report

ASKED_FROM_GRADE = 3


@dataclass(frozen=True)
class Harm:
    """One adverse event: its grades, each with the days after onset on which it began, and how it went on."""

    term: str
    onset: int
    """Days after the first dose."""
    grades: tuple[tuple[int, int], ...]
    lasts: int | None
    """Days from onset to the end; None while it goes on."""
    related: bool = True
    action: str = "DOSE NOT CHANGED"
    treatment: str = ""
    serious: Mapping[str, str] = field(default_factory=dict)
    interest: str = ""
    reported_hours: int | None = None
    """Hours from awareness to the report of a serious event; None: not reported yet."""
    other_cause: str = ""
    is_expected: bool = True
    """Whether the reference safety information names it."""


USUAL = (
    Harm(
        "Cytokine release syndrome", 1, ((0, 1),), 2, treatment="Paracetamol 1 g", interest="CYTOKINE RELEASE SYNDROME"
    ),
    Harm("Fatigue", 4, ((0, 1), (6, 2)), None),
    Harm("Nausea", 2, ((0, 1),), 5),
    Harm("Lymphocyte count decreased", 1, ((0, 3), (3, 2)), 9),
    Harm("Pruritus", 6, ((0, 1),), None),
    Harm(
        "Cytokine release syndrome",
        1,
        ((0, 2), (1, 1)),
        3,
        treatment="Tocilizumab 8 mg/kg",
        interest="CYTOKINE RELEASE SYNDROME",
    ),
    Harm("Constipation", 9, ((0, 1),), 12, related=False, action="NOT APPLICABLE"),
    Harm("Alanine aminotransferase increased", 7, ((0, 1), (3, 2)), 16),
    Harm("Back pain", 13, ((0, 2),), None, related=False, action="NOT APPLICABLE", treatment="Ibuprofen 400 mg"),
    Harm("Rash maculo-papular", 5, ((0, 1), (4, 2)), 18),
    Harm("Anemia", 12, ((0, 2),), None, related=False, action="NOT APPLICABLE", other_cause="DISEASE UNDER STUDY"),
    Harm("Fever", 2, ((0, 1),), 1),
    Harm("Diarrhea", 16, ((0, 1), (2, 2)), 6, treatment="Loperamide"),
    Harm("Headache", 3, ((0, 1),), 2, related=False, action="NOT APPLICABLE"),
)
"""What is usual with a T-cell engager: none of it dose-limiting."""


def enter(casebook: Casebook, harm: Harm, first_dose: int, at: datetime, *, complete: bool = True) -> FormRecord:
    """Enter the event as far as it is known at the moment of entry: nothing that has not come yet."""
    known_until = (at.date() - casebook.stage.today).days
    onset = first_dose + harm.onset
    with casebook.stage.acting(Role.COORDINATOR, casebook.site) as actor:
        known = services.Known(term=harm.term, onset=_moment(casebook, harm, onset), grade=str(harm.grades[0][1]))
        record = services.open_event(actor=actor, subject=casebook.subject, known=known, at=at)
        for after, grade in harm.grades[1:]:
            if onset + after <= known_until:
                key = entry.add_line(actor=actor, record=record, kind="grade_periods", at=at)
                texts = {
                    f"grade_periods/{key}/grade": str(grade),
                    f"grade_periods/{key}/began": _moment(casebook, harm, onset + after),
                }
                entry.save_values(actor=actor, record=record, texts=texts, at=at)
        entry.save_values(actor=actor, record=record, texts=_texts(casebook, harm, onset, known_until, record), at=at)
        if complete:
            record = entry.complete_record(actor=actor, record=record, at=at)
    return record


def _moment(casebook: Casebook, harm: Harm, day: int) -> str:
    """The hour is written down where the protocol counts in hours or somebody watched; of a mild event only the day."""
    is_timed = harm.interest or harm.serious or max(grade for _, grade in harm.grades) >= ASKED_FROM_GRADE
    return f"{casebook.day(day)}T20:00" if is_timed else casebook.day(day)


def _texts(casebook: Casebook, harm: Harm, onset: int, known_until: int, record: FormRecord) -> dict[str, str]:
    is_over = harm.lasts is not None and onset + harm.lasts <= known_until
    texts = {
        "is_ongoing": "False" if is_over else "True",
        "outcome": "RECOVERED/RESOLVED" if is_over else "NOT RECOVERED/NOT RESOLVED",
        "is_serious": "True" if harm.serious else "False",
        **harm.serious,
    }
    if is_over and harm.lasts is not None:
        texts["ended"] = _moment(casebook, harm, onset + harm.lasts)
    if harm.treatment:
        texts |= {"was_treated": "True", "treatment": harm.treatment}
    if harm.interest:
        texts["interest"] = harm.interest
    if harm.other_cause:
        texts["other_cause"] = harm.other_cause
    if harm.serious:
        texts["site_aware_at"] = f"{casebook.day(onset)}T22:00"
    definition = record.protocol_version.definition
    for product in definition.products:
        if product.for_attribution:
            is_blamed = harm.related and product.study_product
            texts[f"attributions/{product.code}/relation"] = "RELATED" if is_blamed else "NOT RELATED"
        if product.study_product:
            texts[f"attributions/{product.code}/action"] = harm.action
    return texts


def enter_and_answer(casebook: Casebook, harm: Harm, first_dose: int, at: datetime) -> None:
    """An event that limits no dose; from grade 3 on the investigator has to say so before a level is complete."""
    record = enter(casebook, harm, first_dose, at)
    if max(grade for _, grade in harm.grades) >= ASKED_FROM_GRADE:
        answer(casebook, record, is_dlt=False, why="Expected, and no criterion is met.", at=at + timedelta(hours=1))


def report(casebook: Casebook, record: FormRecord, at: datetime) -> None:
    """Report a serious event to the sponsor."""
    with casebook.stage.acting(Role.COORDINATOR, casebook.site) as actor:
        services.report_serious_event(actor=actor, record=record, at=at)


def triage(casebook: Casebook, harm: Harm, record: FormRecord, at: datetime) -> None:
    """How the sponsor sees a serious event: related, and expected where the product is known for it."""
    products = {
        code: sponsor.ProductAnswer(is_related=harm.related, is_expected=harm.is_expected, reference=reference)
        for code, reference in casebook.stage.references.items()
    }
    answers = sponsor.Answers(
        is_serious=True, is_fatal=False, fatal_known_at=None, products=products, reason="Reviewed with the site."
    )
    with casebook.stage.acting(Role.MEDICAL_MONITOR) as actor:
        sponsor.triage_event(actor=actor, record=record, answers=answers, at=at)


def submit(casebook: Casebook, record: FormRecord, at: datetime) -> None:
    """The report on an unexpected event goes to the authority."""
    sending = sponsor.Sending(answers=frozenset({Report.OTHER}), authority="EudraVigilance", submitted_at=at)
    with casebook.stage.acting(Role.MEDICAL_MONITOR) as actor:
        sponsor.record_submission(actor=actor, record=record, sending=sending, at=at)


def answer(casebook: Casebook, record: FormRecord, *, is_dlt: bool, why: str, at: datetime) -> None:
    with casebook.stage.acting(Role.INVESTIGATOR, casebook.site) as actor:
        services.answer_dlt(actor=actor, subject=casebook.subject, record=record, is_dlt=is_dlt, reason=why, at=at)


def adjudicate(casebook: Casebook, record: FormRecord, *, is_dlt: bool, why: str, at: datetime) -> None:
    with casebook.stage.acting(Role.MEDICAL_MONITOR) as actor:
        services.adjudicate_dlt(
            actor=actor,
            proof=proof_of(actor),
            subject=casebook.subject,
            record=record,
            judgement=Judgement.CONFIRMED if is_dlt else Judgement.REJECTED,
            reason=why,
            at=at,
        )
