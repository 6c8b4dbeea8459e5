from django.urls import path

from apps.dosing import views

urlpatterns = [
    path("subjects/<str:number>/dosing/", views.SubjectDosing.as_view(), name="subject_dosing"),
    path("records/<int:record>/another-dose/", views.AddDose.as_view(), name="dose_add"),
]
