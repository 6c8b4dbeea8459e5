from django.urls import path

from apps.deviations import views

urlpatterns = [
    path("deviations/", views.DeviationList.as_view(), name="deviations"),
    path("deviations/<int:deviation>/", views.DeviationPage.as_view(), name="deviation"),
    path("subjects/<str:number>/deviations/new/", views.RecordDeviation.as_view(), name="deviation_record"),
]
