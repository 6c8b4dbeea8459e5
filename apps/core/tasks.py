"""What the worker does on request and by the clock."""

import socket

from celery import shared_task
from celery.signals import worker_ready
from django.db import connection
from django.utils import timezone

from apps.core import outbox
from apps.core.models import WorkerHeartbeat


@shared_task(name="core.drain_outbox", acks_late=True, ignore_result=True)  # type: ignore[untyped-decorator]
def drain_outbox() -> None:
    """Deliver what waits in the outbox: told at every commit, and every two seconds as the sweep."""
    outbox.drain()


@shared_task(name="core.heartbeat", ignore_result=True)  # type: ignore[untyped-decorator]
def heartbeat() -> None:
    """Leave a sign of life for `/readyz`."""
    WorkerHeartbeat.objects.update_or_create(worker=socket.gethostname(), defaults={"seen_at": timezone.now()})


@worker_ready.connect  # type: ignore[untyped-decorator]
def _ask_for_a_sign_of_life(**_: object) -> None:
    """Do not wait for beat's first round: through the queue, so that the sign proves the queue as well."""
    heartbeat.delay()


@shared_task(name="core.seal_trail", ignore_result=True)  # type: ignore[untyped-decorator]
def seal_trail() -> None:
    """Number and chain the trail rows that no running transaction can still precede."""
    with connection.cursor() as cursor:
        cursor.execute("select audit_seal()")
