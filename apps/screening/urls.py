from django.urls import path

from apps.screening import views

urlpatterns = [
    path("screening/", views.ScreeningLog.as_view(), name="screening_log"),
    path("screening/log.csv", views.ScreeningLogFile.as_view(), name="screening_log_file"),
    path("screening/new/", views.NewSubject.as_view(), name="subject_new"),
    path("subjects/<str:number>/screen-failure/", views.ScreenFailurePage.as_view(), name="screen_failure"),
    path("subjects/<str:number>/rescreen/", views.Rescreen.as_view(), name="rescreen"),
]
