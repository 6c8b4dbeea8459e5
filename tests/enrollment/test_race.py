"""Two coordinators, one place: really concurrent, on really committed data."""

import threading

import pytest
from django.db import connection, connections

from apps.enrollment import services
from apps.enrollment.models import Slot, SlotState
from apps.subjects.models import Subject
from tests import scenarios
from tests import scenarios_enrollment as enrolment
from tests.scenarios import NOON

pytestmark = pytest.mark.committed


def test_two_coordinators_race_for_the_last_place_and_exactly_one_wins(committed: str) -> None:
    trial = scenarios.trial("IMA402")
    cohort = enrolment.cohort(trial)
    for _ in range(2):
        enrolment.reserved(trial)
    rivals: dict[str, Subject] = {
        "chidi": enrolment.eligible(trial),
        "iris": enrolment.eligible(trial, by="iris", signer="ines"),
    }
    start = threading.Barrier(2)
    outcomes: dict[str, str] = {}

    def reserve(name: str) -> None:
        try:
            with trial.acting_as(name) as actor:
                start.wait(timeout=30)
                slot = services.reserve_slot(actor=actor, subject=rivals[name], cohort=cohort, at=NOON)
                outcomes[name] = slot.state
        except services.SlotTaken as refused:
            outcomes[name] = refused.sentence
        finally:
            connections.close_all()

    threads = [threading.Thread(target=reserve, args=(name,)) for name in rivals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    won = [name for name, outcome in outcomes.items() if outcome == SlotState.RESERVED]
    lost = [outcome for outcome in outcomes.values() if outcome != SlotState.RESERVED]
    assert len(won) == 1, outcomes
    assert len(lost) == 1, outcomes
    assert "all 3 places are taken" in lost[0]
    with trial.acting_as("mora"):
        cohort.refresh_from_db()
        assert (cohort.taken, cohort.state) == (3, "full")
        assert Slot.objects.filter(cohort=cohort, state=SlotState.RESERVED).count() == 3
    connection.close()
