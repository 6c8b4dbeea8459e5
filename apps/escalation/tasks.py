"""What the clock asks of the cohorts."""

from celery import shared_task
from django.utils import timezone

from apps.escalation import services


@shared_task(name="escalation.hold_places", ignore_result=True)  # type: ignore[untyped-decorator]
def hold_places() -> None:
    """Every few minutes: close places where time alone has turned the advice toward less dose."""
    services.hold_in_every_study(at=timezone.now())
