"""`/healthz` asks nobody; `/readyz` says line by line what is not well."""

import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from apps.core import health
from apps.core.models import WorkerHeartbeat
from trialsite.embedded.queue_server import EmbeddedQueue

REQUEST = RequestFactory().get("/readyz")


@pytest.fixture(scope="module")
def queue() -> Iterator[EmbeddedQueue]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, EmbeddedQueue(Path(folder) / "queue") as server:
        yield server


def heartbeat(*, seconds_ago: int) -> None:
    WorkerHeartbeat.objects.create(worker="one", seen_at=timezone.now() - timedelta(seconds=seconds_ago))


def test_alive_asks_neither_database_nor_queue(
    db: None, django_assert_num_queries: DjangoAssertNumQueries, settings: Settings
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with django_assert_num_queries(0):
        answer = health.healthz(REQUEST)
    assert (answer.status_code, answer.content) == (200, b"alive\n")


def test_ready_when_all_four_are_well(db: None, queue: EmbeddedQueue, settings: Settings) -> None:
    settings.REDIS_URL = queue.url
    heartbeat(seconds_ago=12)
    answer = health.readyz(REQUEST)
    assert answer.content.decode() == "database: well\nmigrations: well\nqueue: well\nworker: well\n"
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_not_ready_without_a_recent_sign_of_life(db: None, queue: EmbeddedQueue, settings: Settings) -> None:
    settings.REDIS_URL = queue.url
    heartbeat(seconds_ago=46)
    answer = health.readyz(REQUEST)
    assert answer.status_code == 503
    assert "worker: gave no sign of life lately" in answer.content.decode()


def test_not_ready_without_queue_and_the_rest_is_still_told(db: None, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    heartbeat(seconds_ago=1)
    answer = health.readyz(REQUEST)
    assert answer.status_code == 503
    assert answer.content.decode() == "database: well\nmigrations: well\nqueue: does not answer\nworker: well\n"


def test_not_ready_while_a_migration_waits(
    db: None, queue: EmbeddedQueue, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = queue.url
    heartbeat(seconds_ago=1)
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda self, targets: [("0002", False)])
    assert "migrations: 1 not applied yet; run manage.py migrate" in health.readyz(REQUEST).content.decode()
