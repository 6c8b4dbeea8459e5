"""States of a dose escalation reached through the services: cohorts treated, observed, judged, decided."""

from datetime import UTC, datetime, timedelta

from apps.enrollment.models import Cohort, Slot, SlotState
from apps.escalation import selectors, services
from apps.escalation.models import CommitteeDecision, DecisionKind
from apps.escalation.selectors import Board
from apps.safety.models import Judgement
from apps.subjects.models import Subject
from apps.visits.models import FormRecord
from tests import scenarios_dosing, scenarios_enrollment, scenarios_safety
from tests.scenarios import NOON, Trial

FIRST = datetime(2026, 3, 9, 9, tzinfo=UTC)
AFTER = datetime(2026, 5, 20, 12, tzinfo=UTC)
"""When everybody of the first cohort has finished the DLT period."""


def treated(trial: Trial, *, level: int = 1, day: datetime = FIRST, doses: int = 3, by: str = "chidi") -> Subject:
    """A subject with a confirmed place at a dose level and weekly doses of IMA402 from `day` on.

    The place stands as enrolment leaves it behind; the way there through screening and gates is told elsewhere.
    """
    subject = scenarios_dosing.assigned(trial, level=level, planned=f"{day:%Y-%m-%d}", by=by)
    scenarios_enrollment.cohort(trial)
    with trial.acting_as(by):
        Slot.objects.create(
            subject=subject,
            cohort=Cohort.objects.get(study=trial.study, code=subject.cohort),
            state=SlotState.CONFIRMED,
            requested_at=NOON,
            reserved_at=NOON,
            confirmed_at=NOON,
        )
    amount = trial.version.definition.dose_level(level).target
    for number, visit in zip(range(doses), ("C1D1", "C1D8", "C1D15", "C1D22"), strict=False):
        moment = f"{day + timedelta(days=7 * number):%Y-%m-%d}T10:00"
        scenarios_dosing.dose(trial, subject, visit, moment, amount=str(amount), by=by)
    return subject


def dlt(
    trial: Trial, subject: Subject, *, day: int = 10, judged: Judgement | None = Judgement.CONFIRMED, by: str = "chidi"
) -> FormRecord:
    """Febrile neutropenia on a day of the DLT period (counted from the first cohort's), judged by the sponsor."""
    onset = FIRST + timedelta(days=day - 1)
    event = scenarios_safety.event(
        trial, subject, term="Febrile neutropenia", grade=3, onset=f"{onset:%Y-%m-%d}", by=by, at=onset
    )
    if judged is not None:
        scenarios_safety.adjudicate(trial, event, judged, at=onset + timedelta(days=1))
    return event


def board(trial: Trial, *, by: str = "mora", at: datetime = AFTER) -> Board:
    with trial.acting_as(by) as actor:
        found = selectors.cohort_board(actor=actor, study=trial.study, at=at)
    assert found is not None
    return found


def decide(
    trial: Trial,
    kind: DecisionKind,
    *,
    level: int | None = None,
    by: str = "mora",
    at: datetime = AFTER,
    advice_seen: str | None = None,
) -> CommitteeDecision:
    """A decision signed on the advice as it stands."""
    seen = board(trial, at=at).advice.short if advice_seen is None else advice_seen
    with trial.acting_as(by) as actor:
        return services.sign_decision(
            actor=actor,
            proof=scenarios_enrollment.proof_of(actor),
            study=trial.study,
            proposal=services.Proposal(
                kind=kind,
                next_level=level,
                rationale="As discussed.",
                attendees=(services.Attendee("Dr Mora Lindqvist", "medical monitor"),),
                advice_seen=seen,
            ),
            data_cut_at=at,
            at=at,
        )
