"""What the clock asks of the alerts."""

from celery import shared_task
from django.utils import timezone

from apps.alerts import rounds


@shared_task(name="alerts.go_round", ignore_result=True)  # type: ignore[untyped-decorator]
def go_round() -> None:
    """Every minute: judge all rules again, for what only time or raw SQL has changed."""
    rounds.go_round(at=timezone.now())
