from django.urls import path

from apps.visits import views

urlpatterns = [
    path("subjects/<str:number>/visits/<str:code>/", views.VisitPage.as_view(), name="visit"),
    path("subjects/<str:number>/visits/<str:code>/start/", views.StartVisit.as_view(), name="visit_start"),
    path("subjects/<str:number>/visits/<str:code>/running/", views.AnswerRunning.as_view(), name="visit_running"),
    path("subjects/<str:number>/unscheduled/", views.AddUnscheduledVisit.as_view(), name="visit_unscheduled"),
    path("subjects/<str:number>/logs/<str:form>/", views.AddLogEntry.as_view(), name="log_entry_add"),
    path("records/<int:record>/", views.RecordPage.as_view(), name="record"),
    path("records/<int:record>/value/", views.SaveValue.as_view(), name="record_value"),
    path("records/<int:record>/lines/<str:kind>/", views.AddLine.as_view(), name="record_line_add"),
    path(
        "records/<int:record>/lines/<str:kind>/<str:key>/remove/", views.RemoveLine.as_view(), name="record_line_remove"
    ),
    path("records/<int:record>/history/", views.FieldHistory.as_view(), name="record_history"),
]
