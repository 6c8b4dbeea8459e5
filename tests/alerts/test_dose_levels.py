"""Alerts on dose levels: the design says stop, a signed count changes."""

from datetime import timedelta

from apps.alerts import rounds
from apps.alerts.models import Alert, Hold
from apps.core import outbox
from apps.safety.models import Judgement
from apps.subjects.models import Subject
from apps.visits.models import FormRecord
from tests import scenarios_dosing, scenarios_enrollment, scenarios_safety
from tests.scenarios import NOON, Trial
from tests.scenarios_alerts import WorkerClock, alerts_of


def dosed(trial: Trial, day: int) -> Subject:
    """A subject who was enrolled into the first cohort and dosed on that day of March."""
    slot = scenarios_enrollment.confirmed(trial, planned=f"2026-03-{day:02d}", override="Agreed with the sponsor")
    with trial.acting_as("chidi"):
        subject = scenarios_enrollment.fresh(trial, slot.subject)
    scenarios_dosing.started(trial, subject, "C1D1", f"2026-03-{day:02d}")
    scenarios_dosing.dose(trial, subject, "C1D1", f"2026-03-{day:02d}T10:00")
    return subject


def confirmed_dlt(trial: Trial, subject: Subject) -> FormRecord:
    record = scenarios_safety.event(trial, subject, term="Febrile neutropenia", onset="2026-03-20", grade=3)
    scenarios_safety.adjudicate(trial, record, Judgement.CONFIRMED, at=NOON + timedelta(days=20))
    return record


def standing(trial: Trial) -> dict[str, Alert]:
    return {alert.rule: alert for alert in alerts_of(trial, None) if alert.hold == Hold.STANDS}


def test_the_second_dlt_of_a_3_plus_3_cohort_stops_its_level_until_one_is_rejected(
    ima402: Trial, worker_clock: WorkerClock
) -> None:
    worker_clock.at = NOON + timedelta(days=21)
    first, second = dosed(ima402, 2), dosed(ima402, 16)
    confirmed_dlt(ima402, first)
    outbox.drain()
    assert "COHORT_STOP_BOUNDARY" not in standing(ima402)
    record = confirmed_dlt(ima402, second)
    outbox.drain()
    alert = standing(ima402)["COHORT_STOP_BOUNDARY"]
    assert "2 DLTs in 2 evaluable subjects" in alert.sentence
    assert (alert.site_id, alert.subject_id) == (None, None)
    scenarios_safety.adjudicate(
        ima402, record, Judgement.REJECTED, reason="Due to the disease", at=NOON + timedelta(days=21)
    )
    rounds.go_round(at=NOON + timedelta(days=22))
    assert "COHORT_STOP_BOUNDARY" not in standing(ima402)
