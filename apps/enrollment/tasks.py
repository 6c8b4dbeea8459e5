"""What the clock asks of enrolment."""

from celery import shared_task
from django.utils import timezone

from apps.enrollment import services


@shared_task(name="enrollment.expire_reservations", ignore_result=True)  # type: ignore[untyped-decorator]
def expire_reservations() -> None:
    """Every few minutes: let reservations fall back that ran out while nobody looked."""
    services.expire_in_every_study(at=timezone.now())
