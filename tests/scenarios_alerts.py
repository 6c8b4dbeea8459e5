"""States of the safety alerts: facts put straight before the rules, for tests of what becomes of a signal."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from apps.alerts import cases, services
from apps.alerts.models import Alert
from apps.core.transactions import acting
from apps.subjects.models import Subject
from clinical.signals.deadlines import SaeFacts
from clinical.signals.signal import Changes
from clinical.signals.toxicity import ToxicityFacts
from tests.scenarios import NOON, Trial


@dataclass
class Told:
    """What the rules are told of each subject, in place of the rooms' data."""

    toxicities: dict[int, list[ToxicityFacts]] = field(default_factory=dict)
    serious: dict[int, list[SaeFacts]] = field(default_factory=dict)

    def of_toxicity(self, subjects: Sequence[Subject], at: datetime) -> dict[int, list[cases.Case]]:
        return {key: [cases.Case(facts) for facts in found] for key, found in self.toxicities.items()}

    def of_serious_events(self, subjects: Sequence[Subject], at: datetime) -> dict[int, list[cases.Case]]:
        return {key: [cases.Case(facts) for facts in found] for key, found in self.serious.items()}


@dataclass
class WorkerClock:
    """What time it is for the worker that judges the rules; a test sets it."""

    at: datetime = NOON + timedelta(days=5)

    def now(self) -> datetime:
        return self.at


def dlt(subject: Subject, *, event: str = "AE-1", grade: int = 3, criterion: str = "Grade 3 or more") -> ToxicityFacts:
    """A colitis in the DLT period that meets the protocol's definition."""
    return ToxicityFacts(
        subject=subject.number,
        event=event,
        term="Colitis",
        grade=grade,
        began="02-Mar-2026",
        dose_level="DL2",
        in_window=True,
        related=True,
        at=NOON,
        entered_at=NOON,
        criterion=criterion,
    )


def sae(subject: Subject, *, hours_ago: int, at: datetime, received_at: datetime | None = None) -> SaeFacts:
    """A serious event that the site has known of for so many hours."""
    return SaeFacts(
        subject=subject.number,
        sae="AE-1",
        term="Sepsis",
        aware_at=at - timedelta(hours=hours_ago),
        received_at=received_at,
        at=at,
    )


def evaluate(trial: Trial, subject: Subject, *, at: datetime = NOON) -> Changes:
    """Judge the rules on the subject, as the worker does."""
    with acting(trial.system(), place="test"):
        return services.evaluate_subject(actor=trial.system(), subject=subject, at=at)


def alerts_of(trial: Trial, subject: Subject | None) -> list[Alert]:
    """The alerts on a subject (or on the study as a whole), in the order in which they were raised."""
    with acting(trial.system(), place="test"):
        found = Alert.objects.filter(study=trial.study, subject=subject)
        return list(found.select_related("study", "site", "subject").order_by("pk"))
