"""The outbox: work that exists exactly when its fact exists, delivered until it succeeds."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction

from apps.core import events, outbox
from apps.core.actor import Actor
from apps.core.models import OutboxMessage
from apps.core.transactions import acting_everywhere
from apps.subjects.models import Subject
from tests import scenarios
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, kw_only=True)
class BellRang(events.Fact):
    bell: str


heard: list[tuple[str, Actor, list[str]]] = []
broken: set[str] = set()


@events.in_background(BellRang)
def hear_bell(fact: dict[str, Any], actor: Actor) -> None:
    if fact["bell"] in broken:
        raise RuntimeError(f"{fact['bell']} is cracked")
    heard.append((fact["bell"], actor, sorted(Subject.objects.values_list("number", flat=True))))


@pytest.fixture(autouse=True)
def silence() -> None:
    heard.clear()
    broken.clear()


def ring(trial: Trial, bell: str) -> None:
    with trial.acting_as("chidi") as chidi:
        site = trial.sites["101"]
        events.announce(BellRang(study_id=trial.study.pk, site_id=site.pk, at=NOON, bell=bell), actor=chidi)


def waiting() -> list[str]:
    with acting_everywhere("test"):
        return [
            message.payload["bell"]
            for message in OutboxMessage.objects.filter(delivered_at=None, payload__fact="BellRang").order_by("pk")
        ]


def test_a_fact_that_was_rolled_back_leaves_no_work(ima402: Trial) -> None:
    with transaction.atomic():
        ring(ima402, "great")
        transaction.set_rollback(True)
    assert waiting() == []


def test_the_worker_delivers_as_the_system_within_the_study(ima402: Trial) -> None:
    subject = scenarios.subject(ima402)
    scenarios.subject(scenarios.trial("IMA203"))
    ring(ima402, "great")
    outbox.drain()
    [(bell, actor, seen)] = heard
    assert (bell, actor.is_system, actor.study_id) == ("great", True, ima402.study.pk)
    assert seen == [subject.number]
    assert waiting() == []


def test_a_message_that_fails_waits_and_holds_nobody_up(ima402: Trial) -> None:
    broken.add("cracked")
    ring(ima402, "cracked")
    ring(ima402, "great")
    outbox.drain()
    assert [bell for bell, _, _ in heard] == ["great"]
    with acting_everywhere("test"):
        message = OutboxMessage.objects.get(payload__bell="cracked")
        assert message.attempts == 1
        assert message.last_error == "RuntimeError: cracked is cracked"
        assert message.not_before > message.written_at
        OutboxMessage.objects.filter(pk=message.pk).update(not_before=message.written_at)
    broken.clear()
    outbox.drain()
    assert [bell for bell, _, _ in heard] == ["great", "cracked"]


def test_a_queue_that_cannot_be_reached_does_not_hurt_the_commit(
    ima402: Trial, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trialsite.celery import app

    monkeypatch.setattr(app.conf, "broker_url", "redis://127.0.0.1:1/0")
    with django_capture_on_commit_callbacks(execute=True):
        ring(ima402, "great")
        ring(ima402, "small")
    assert waiting() == ["great", "small"]
