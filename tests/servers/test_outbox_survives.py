"""Queue, worker and web killed at the worst moment: every signal exists, and exists once."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apps.alerts.models import Alert, AlertEvent, EventKind, Notice
from apps.core.models import OutboxMessage
from apps.core.transactions import acting, acting_everywhere
from apps.subjects.models import Subject
from tests import scenarios, scenarios_dosing, scenarios_safety
from tests.harness import ROOT
from tests.running import RunningSystem, eventually
from tests.scenarios import Trial
from tests.servers.committing import DIED
from trialsite.embedded.queue_server import EmbeddedQueue

pytestmark = [pytest.mark.servers, pytest.mark.committed]
MANY = 20


@pytest.fixture
def system(committed: str, data: Path) -> Iterator[RunningSystem]:
    """A queue, and a worker that a test starts and kills as it likes, on this test's own database."""
    with EmbeddedQueue(data / "queue") as queue:
        running = RunningSystem(data, committed, queue)
        yield running
        running.stop()


def days_ago(days: int) -> str:
    """A day by the real clock, which the worker reads."""
    return (datetime.now(tz=UTC) - timedelta(days=days)).date().isoformat()


def dosed_subject(trial: Trial) -> Subject:
    """A subject at the first dose level, first dosed five days ago."""
    subject = scenarios_dosing.assigned(trial, level=1, planned=days_ago(5))
    scenarios_dosing.started(trial, subject, "C1D1", days_ago(5))
    scenarios_dosing.dose(trial, subject, "C1D1", f"{days_ago(5)}T10:00")
    return subject


def enter_dlt_elsewhere(system: RunningSystem, subject: Subject, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Another process enters the event, with the environment of a web process."""
    command = [sys.executable, "-m", "tests.servers.committing", "IMA402", subject.number, days_ago(3), *arguments]
    settings = {"DJANGO_SETTINGS_MODULE": "trialsite.settings"}
    return subprocess.run(
        command, cwd=ROOT, env=system.environment | settings, capture_output=True, text=True, check=False, timeout=120
    )


def signals(trial: Trial, rule: str) -> list[tuple[str, int]]:
    """The alerts of a rule: the subject of each, and how often it was raised."""
    with acting(trial.system(), place="test"):
        return [
            (str(alert.subject), AlertEvent.objects.filter(alert=alert, kind=EventKind.RAISED).count())
            for alert in Alert.objects.filter(rule=rule).select_related("subject").order_by("subject__number")
        ]


def waiting() -> int:
    with acting_everywhere("test"):
        return OutboxMessage.objects.filter(delivered_at=None).count()


def settled(what: str, *, patience: float = 150) -> None:
    """Wait until nothing is left to deliver; where something is, fail with what the outbox says of it."""
    try:
        eventually(lambda: not waiting(), what, patience=patience)
    except AssertionError as late:
        with acting_everywhere("test"):
            left = list(
                OutboxMessage.objects.filter(delivered_at=None).values_list("handler", "attempts", "last_error")
            )
        raise AssertionError(f"{late} Left: {left}") from late


def delivered() -> int:
    with acting_everywhere("test"):
        return OutboxMessage.objects.exclude(delivered_at=None).count()


def kill_queue(system: RunningSystem) -> None:
    assert system.queue.pid is not None
    os.kill(system.queue.pid, signal.SIGKILL)
    system.queue.stop()


def mails(system: RunningSystem) -> Counter[str]:
    """How often a mail of each Message-ID was sent."""
    written = "".join(file.read_text(encoding="utf-8") for file in (system.folder / "mail").glob("*"))
    return Counter(re.findall(r"^Message-ID: (\S+)$", written, flags=re.MULTILINE))


def test_a_committed_dlt_becomes_an_alert_and_a_mail(system: RunningSystem) -> None:
    trial = scenarios.trial()
    subject = dosed_subject(trial)
    system.start_worker()
    done = enter_dlt_elsewhere(system, subject)
    assert done.returncode == 0, done.stderr
    eventually(lambda: signals(trial, "DLT_REPORTED"), "the DLT has raised an alert")
    assert signals(trial, "DLT_REPORTED") == [(subject.number, 1)]
    settled("the mails are sent")
    with acting(trial.system(), place="test"):
        owed = set(Notice.objects.values_list("message_id", flat=True))
        assert Notice.objects.filter(event__alert__rule="DLT_REPORTED", person_name="Dr Mora Lindqvist").count() == 1
    assert set(mails(system)) == owed


def test_entries_are_accepted_while_the_queue_is_dead_and_signalled_when_it_is_back(system: RunningSystem) -> None:
    trial = scenarios.trial()
    subjects = [dosed_subject(trial) for _ in range(2)]
    system.start_worker()
    settled("the worker works")
    kill_queue(system)
    for subject in subjects:
        done = enter_dlt_elsewhere(system, subject)
        assert done.returncode == 0, done.stderr
        assert float(done.stdout) < 10, "the entry waited for a queue that is not there"
    assert signals(trial, "DLT_REPORTED") == []
    assert waiting() > 0
    system.queue.start()
    settled("the sweep has delivered")
    assert signals(trial, "DLT_REPORTED") == [(subject.number, 1) for subject in subjects]


def test_a_worker_killed_in_the_middle_of_many_messages_loses_and_doubles_none(system: RunningSystem) -> None:
    trial = scenarios.trial()
    numbers = []
    for _ in range(MANY):
        subject = scenarios.subject(trial)
        scenarios_safety.event(trial, subject, is_serious="True", site_aware_at=f"{days_ago(3)}T09:00")
        numbers.append(subject.number)
    everything = waiting()
    system.start_worker()
    eventually(lambda: delivered() >= MANY // 2, "the worker is in the middle of them")
    system.kill("worker")
    assert 0 < waiting() < everything + MANY * 10
    system.start_worker()
    settled("the new worker has delivered the rest")
    assert signals(trial, "SAE_CLOCK") == [(number, 1) for number in numbers]
    with acting(trial.system(), place="test"):
        owed = set(Notice.objects.values_list("message_id", flat=True))
        assert Notice.objects.filter(sent_at=None).count() == 0
    sent = mails(system)
    assert set(sent) == owed
    assert sum(sent.values()) - len(owed) <= 1, "at most the mail under way at the kill is sent again"


def test_a_web_process_that_dies_between_commit_and_telling_the_queue_loses_nothing(system: RunningSystem) -> None:
    trial = scenarios.trial()
    subject = dosed_subject(trial)
    died = enter_dlt_elsewhere(system, subject, "--die-before-telling")
    assert (died.returncode, died.stdout) == (DIED, "")
    assert waiting() > 0
    system.start_worker()
    eventually(lambda: not waiting(), "the sweep has found what nobody told of")
    assert signals(trial, "DLT_REPORTED") == [(subject.number, 1)]


def test_two_workers_at_once_raise_one_alert(system: RunningSystem) -> None:
    trial = scenarios.trial()
    subject = dosed_subject(trial)
    for _ in range(6):
        scenarios_safety.event(trial, subject, term="Febrile neutropenia", onset=days_ago(3), grade=3)
    system.start_worker()
    first = system.processes.pop("worker")
    system.start_worker()
    system.processes["first worker"] = first
    settled("both workers are done")
    assert signals(trial, "DLT_REPORTED") == [(subject.number, 1)] * 6
