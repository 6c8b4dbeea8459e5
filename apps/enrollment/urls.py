from django.urls import path

from apps.enrollment import views

_subject = "subjects/<str:number>/enrolment/"

urlpatterns = [
    path("enrolment/", views.Enrolment.as_view(), name="enrolment"),
    path("enrolment/slots/", views.SlotsToRelease.as_view(), name="slots"),
    path(_subject, views.SubjectEnrolment.as_view(), name="subject_enrolment"),
    path(f"{_subject}gates/<str:gate>/sign/", views.SignGate.as_view(), name="gate_sign"),
    path(f"{_subject}reserve/", views.ReserveSlot.as_view(), name="slot_reserve"),
    path(f"{_subject}plan/", views.PlanFirstDose.as_view(), name="slot_plan"),
    path(f"{_subject}confirm/", views.ConfirmSlot.as_view(), name="slot_confirm"),
    path(f"{_subject}give-back/", views.GiveBackSlot.as_view(), name="slot_give_back"),
    path(f"{_subject}release/", views.ReleaseSlot.as_view(), name="slot_release"),
]
