from django.urls import path

from apps.safety import triage_views, views

urlpatterns = [
    path("adverse-events/", views.AdverseEvents.as_view(), name="adverse_events"),
    path("adverse-events.csv", views.AdverseEventsCsv.as_view(), name="adverse_events_csv"),
    path("adverse-events/reviewed/", views.ReviewRows.as_view(), name="adverse_events_reviewed"),
    path("adverse-events/<int:record>/end/", views.EndEvent.as_view(), name="adverse_event_end"),
    path("adverse-events/<int:record>/report/", views.ReportSeriousEvent.as_view(), name="serious_event_report"),
    path("adverse-events/<int:record>/query/", views.QueryCell.as_view(), name="adverse_event_query"),
    path("adverse-events/<int:record>/terms/", views.TermSearch.as_view(), name="ctcae_terms"),
    path("adverse-events/<int:record>/authority/", triage_views.SeriousEvent.as_view(), name="serious_event"),
    path("adverse-events/<int:record>/triage/", triage_views.TriageEvent.as_view(), name="triage_event"),
    path("adverse-events/<int:record>/submission/", triage_views.RecordSubmission.as_view(), name="submission_record"),
    path(
        "adverse-events/<int:record>/submission/correct/",
        triage_views.CorrectSubmission.as_view(),
        name="submission_correct",
    ),
    path("serious-events/", triage_views.SeriousEvents.as_view(), name="serious_events"),
    path("reference-versions/", triage_views.ReferenceVersions.as_view(), name="reference_versions"),
    path("reference-versions/enter/", triage_views.EnterReference.as_view(), name="reference_enter"),
    path("subjects/<str:number>/adverse-events/", views.SubjectEvents.as_view(), name="subject_events"),
    path("subjects/<str:number>/adverse-events/new/", views.NewEvent.as_view(), name="adverse_event_new"),
    path("subjects/<str:number>/dlt/", views.SubjectDlt.as_view(), name="subject_dlt"),
    path("subjects/<str:number>/dlt/answer/", views.AnswerDlt.as_view(), name="dlt_answer"),
    path("subjects/<str:number>/dlt/adjudicate/", views.AdjudicateDlt.as_view(), name="dlt_adjudicate"),
]
