"""Every address of the system. Pages of a study live under its code."""

from django.urls import include, path

from apps.core import health
from apps.dashboard.views import Start

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("", Start.as_view(), name="start"),
    path("", include("apps.accounts.urls")),
    path("<slug:study>/", include("apps.dashboard.urls")),
    path("<slug:study>/", include("apps.visits.urls")),
    path("<slug:study>/", include("apps.review.urls")),
    path("<slug:study>/", include("apps.deviations.urls")),
    path("<slug:study>/", include("apps.labs.urls")),
    path("<slug:study>/", include("apps.assessments.urls")),
    path("<slug:study>/", include("apps.screening.urls")),
    path("<slug:study>/", include("apps.enrollment.urls")),
    path("<slug:study>/", include("apps.dosing.urls")),
    path("<slug:study>/", include("apps.safety.urls")),
    path("<slug:study>/", include("apps.tumor.urls")),
    path("<slug:study>/", include("apps.escalation.urls")),
    path("<slug:study>/", include("apps.exports.urls")),
    path("<slug:study>/", include("apps.alerts.urls")),
]
