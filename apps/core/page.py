"""What every page shows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def everywhere(request: HttpRequest) -> dict[str, Any]:
    """Context of every template: version, demo banner, how long a session lasts without a request."""
    return {
        "trialsite_version": settings.VERSION,
        "is_demo": settings.DEMO,
        "idle_minutes": settings.SESSION_IDLE_MINUTES,
    }
