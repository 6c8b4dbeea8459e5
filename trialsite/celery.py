"""The worker and its clock."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialsite.settings")

from celery import Celery
from celery.signals import worker_init

app = Celery("trialsite")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect  # type: ignore[untyped-decorator]
def _check_database_role(**_: object) -> None:
    from apps.core.start import refuse_unsafe_start

    refuse_unsafe_start(serving=False)
