from django.urls import path

from apps.safety import views

urlpatterns = [
    path("adverse-events/", views.AdverseEvents.as_view(), name="adverse_events"),
    path("adverse-events.csv", views.AdverseEventsCsv.as_view(), name="adverse_events_csv"),
    path("adverse-events/reviewed/", views.ReviewRows.as_view(), name="adverse_events_reviewed"),
    path("adverse-events/<int:record>/end/", views.EndEvent.as_view(), name="adverse_event_end"),
    path("adverse-events/<int:record>/report/", views.ReportSeriousEvent.as_view(), name="serious_event_report"),
    path("adverse-events/<int:record>/query/", views.QueryCell.as_view(), name="adverse_event_query"),
    path("adverse-events/<int:record>/terms/", views.TermSearch.as_view(), name="ctcae_terms"),
    path("subjects/<str:number>/adverse-events/", views.SubjectEvents.as_view(), name="subject_events"),
    path("subjects/<str:number>/adverse-events/new/", views.NewEvent.as_view(), name="adverse_event_new"),
    path("subjects/<str:number>/dlt/", views.SubjectDlt.as_view(), name="subject_dlt"),
    path("subjects/<str:number>/dlt/answer/", views.AnswerDlt.as_view(), name="dlt_answer"),
    path("subjects/<str:number>/dlt/adjudicate/", views.AdjudicateDlt.as_view(), name="dlt_adjudicate"),
]
