from django.urls import path

from apps.alerts import views

urlpatterns = [
    path("alerts/", views.Alerts.as_view(), name="alerts"),
    path("alerts/<int:alert>/", views.AlertPage.as_view(), name="alert"),
    path("alerts/<int:alert>/acknowledge/", views.Acknowledge.as_view(), name="alert_acknowledge"),
    path("alerts/<int:alert>/close/", views.Close.as_view(), name="alert_close"),
]
