"""The outbox and the worker's sign of life."""

from django.db import models
from django.db.models import Q

from apps.core.walls import deletable, unaudited, unscoped


@unscoped(because="claimed by the worker for every study; carries keys, never values; pages never read it")
@unaudited(because="messages about audited changes, not facts themselves")
class OutboxMessage(models.Model):
    """One thing the worker has to do because of a committed fact. Done when `delivered_at` is set."""

    handler = models.CharField(max_length=200)
    payload = models.JSONField()
    study_id = models.BigIntegerField()
    site_id = models.BigIntegerField()
    written_at = models.DateTimeField(db_default=models.functions.Now())
    delivered_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(db_default=models.functions.Now())
    last_error = models.TextField(default="")

    class Meta:
        indexes = [models.Index(name="outbox_waiting", fields=["not_before", "id"], condition=Q(delivered_at=None))]

    def __str__(self) -> str:
        return f"outbox message {self.pk} for {self.handler}"


@unscoped(because="one row per worker, no trial data")
@unaudited(because="a sign of life every few seconds, no fact of the trial")
@deletable(because="a worker that is gone leaves no row")
class WorkerHeartbeat(models.Model):
    """When a worker process last worked."""

    worker = models.CharField(max_length=200, primary_key=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"heartbeat of {self.worker}"
