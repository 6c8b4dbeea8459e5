"""The outbox: work for the background that exists exactly when the fact it follows from exists."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from apps.core import events
from apps.core.actor import system_actor
from apps.core.models import OutboxMessage
from apps.core.transactions import acting, acting_everywhere

logger = logging.getLogger(__name__)

LONGEST_WAIT = timedelta(minutes=10)


def put(*, handlers: Sequence[str], payload: dict[str, Any], fact: events.Fact) -> None:
    """Write a message to each handler in the fact's own transaction and, once it has committed, nudge the worker."""
    plain = {key: value.isoformat() if isinstance(value, datetime) else value for key, value in payload.items()}
    OutboxMessage.objects.bulk_create(
        OutboxMessage(handler=handler, payload=plain, study_id=fact.study_id, site_id=fact.site_id)
        for handler in handlers
    )
    if not any(waiting[1] is _tell_worker for waiting in connection.run_on_commit):  # one nudge is enough
        transaction.on_commit(_tell_worker, robust=True)


def _tell_worker() -> None:
    """Nudge the worker; if the queue is down the sweep finds the row, so the failure is only logged."""
    from apps.core import tasks  # Celery tasks import this module

    try:
        tasks.drain_outbox.apply_async(retry=False, ignore_result=True)
    except Exception:  # whatever the broker's client raises, the commit stands and the sweep delivers
        logger.warning("The queue cannot be reached; the sweep will deliver.", exc_info=True)


def drain(*, at_most: int = 500) -> int:
    """Deliver waiting messages, one transaction each, so that a killed worker loses and doubles nothing."""
    done = 0
    while done < at_most and _deliver_next():
        done += 1
    return done


def _deliver_next() -> bool:
    with acting_everywhere("outbox"):
        message = (
            OutboxMessage.objects.select_for_update(skip_locked=True)
            .filter(delivered_at=None, not_before__lte=timezone.now())
            .order_by("not_before", "id")
            .first()
        )
        if message is None:
            return False
        message.attempts += 1
        try:
            _deliver(message)
            message.delivered_at = timezone.now()
            message.last_error = ""
        except Exception as error:  # one message that cannot be delivered must not stop the others
            logger.exception("%s failed; it will be tried again.", message.handler)
            message.last_error = f"{type(error).__name__}: {error}"
            message.not_before = timezone.now() + min(timedelta(seconds=2**message.attempts), LONGEST_WAIT)
        message.save(update_fields=["attempts", "delivered_at", "last_error", "not_before"])
    return True


def _deliver(message: OutboxMessage) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select study_site_ids(%s)", [message.study_id])
        (site_ids,) = cursor.fetchone()
    actor = system_actor("Trialsite background", study_id=message.study_id, site_ids=site_ids or ())
    with acting(actor, place=message.handler, request=f"outbox-{message.pk}"):
        events.handler_named(message.handler)(message.payload, actor)
