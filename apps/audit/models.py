"""The append-only trail and the blocks that chain it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.core.walls import add_trigger, owned_by_triggers, unaudited, unscoped


class Operation(models.TextChoices):
    INSERT = "I", "created"
    UPDATE = "U", "changed"
    DELETE = "D", "deleted"
    NOTE = "N", "noted"


@owned_by_triggers
@unaudited(because="it is the trail")
class AuditEvent(models.Model):
    """One change of one row (or one noted act), with the row as it stood afterwards.

    `changed` maps column to [old, new]. `new_row` makes as-of reads possible: the latest event of a row at or before a
    sealed position is that row as it was.
    """

    transaction = models.BigIntegerField()
    recorded_at = models.DateTimeField()
    operation = models.CharField(max_length=1, choices=Operation.choices)
    table = models.CharField(max_length=63)
    row_key = models.CharField(max_length=100)
    changed = models.JSONField()
    new_row = models.JSONField(null=True)
    study_id = models.BigIntegerField(null=True)
    site_id = models.BigIntegerField(null=True)
    record_id = models.BigIntegerField(null=True)
    user_id = models.BigIntegerField(null=True)
    user_name = models.CharField(max_length=200)
    role = models.CharField(max_length=200)
    place = models.CharField(max_length=300)
    reason = models.CharField(max_length=1000)
    request = models.CharField(max_length=100)
    payload_hash = models.BinaryField()
    block = models.BigIntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(name="audit_of_row", fields=["table", "row_key", "id"]),
            models.Index(name="audit_of_record", fields=["record_id", "id"], condition=Q(record_id__isnull=False)),
            models.Index(name="audit_of_site", fields=["study_id", "site_id", "-id"]),
            models.Index(name="audit_unsealed", fields=["id"], condition=Q(block=None)),
            models.Index(name="audit_of_block", fields=["block", "id"]),
        ]

    def __str__(self) -> str:
        return f"trail row {self.pk}: {self.table} {self.row_key} {self.get_operation_display()}"


@owned_by_triggers
@unscoped(because="hashes over the whole trail; no values")
@unaudited(because="it chains the trail")
class AuditBlock(models.Model):
    """A run of trail rows sealed together: their hashes in order, chained to the block before."""

    number = models.BigIntegerField(primary_key=True)
    sealed_at = models.DateTimeField()
    event_ids = ArrayField(models.BigIntegerField())
    digest = models.BinaryField()
    previous_hash = models.BinaryField()
    hash = models.BinaryField()

    def __str__(self) -> str:
        return f"block {self.number} of the trail"


for _model in (AuditEvent, AuditBlock):
    add_trigger(
        _model, "append_only", "before update or delete on {table} for each row execute function audit_refuse_change()"
    )
    add_trigger(
        _model, "never_emptied", "before truncate on {table} for each statement execute function audit_refuse_change()"
    )
