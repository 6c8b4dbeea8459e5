"""Two questions a machine asks: is this process alive, and can it serve?"""

from collections.abc import Callable
from datetime import timedelta

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.core.models import WorkerHeartbeat

HEARTBEAT_MAY_BE_OLD = timedelta(seconds=45)
"""Beat asks for a sign of life every 10 seconds; a worker busy with one long task may miss a few."""

_WELL = "well"


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: the process answers. It asks nobody else, so that a database outage does not restart the web server."""
    return HttpResponse("alive\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Ready: database, migrations, queue and a worker are well. Otherwise 503, and a line says what is not."""
    found = {name: check() for name, check in CHECKS.items()}
    lines = "".join(f"{name}: {state}\n" for name, state in found.items())
    ready = all(state == _WELL for state in found.values())
    return HttpResponse(lines, content_type="text/plain", status=200 if ready else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except DatabaseError:
        return "does not answer"
    return _WELL


def _migrations() -> str:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return "cannot be read"
    return f"{len(waiting)} not applied yet; run manage.py migrate" if waiting else _WELL


def _queue() -> str:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1)
    try:
        client.ping()
    except redis.RedisError:
        return "does not answer"
    finally:
        client.close()
    return _WELL


def _worker() -> str:
    try:
        alive = WorkerHeartbeat.objects.filter(seen_at__gt=timezone.now() - HEARTBEAT_MAY_BE_OLD).exists()
    except DatabaseError:
        return "cannot be read"
    return _WELL if alive else "gave no sign of life lately"


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "migrations": _migrations,
    "queue": _queue,
    "worker": _worker,
}
