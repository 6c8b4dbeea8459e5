"""A subject, and facts that the tests put before the rules themselves."""

import pytest

from apps.alerts import cases, listeners
from apps.subjects.models import Subject
from tests import scenarios
from tests.scenarios import Trial
from tests.scenarios_alerts import Told, WorkerClock


@pytest.fixture
def subject(ima402: Trial) -> Subject:
    return scenarios.subject(ima402)


@pytest.fixture
def worker_clock(monkeypatch: pytest.MonkeyPatch) -> WorkerClock:
    clock = WorkerClock()
    monkeypatch.setattr(listeners, "timezone", clock)
    return clock


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Only what a test tells reaches the rules."""
    told = Told()
    builders = {
        "DLT_REPORTED": told.of_toxicity,
        "DLT_CANDIDATE_UNJUDGED": told.of_toxicity,
        "SAE_CLOCK": told.of_serious_events,
    }
    monkeypatch.setattr(cases, "_of_subjects", builders)
    monkeypatch.setattr(cases, "_of_studies", {})
    return told
