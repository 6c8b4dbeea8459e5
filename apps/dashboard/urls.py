from django.urls import path

from apps.dashboard import frame_views, plot_views, study_views, views

urlpatterns = [
    path("", views.MyWork.as_view(), name="my_work"),
    path("search/", frame_views.Search.as_view(), name="search"),
    path("keys/", frame_views.Keys.as_view(), name="keys"),
    path("study/", study_views.StudySetUp.as_view(), name="study_set_up"),
    path("study/protocol/", study_views.LoadProtocol.as_view(), name="protocol_load"),
    path("study/protocol/<int:draft>/approve/", study_views.ApproveProtocol.as_view(), name="protocol_approve"),
    path("audit-trail/", study_views.AuditTrail.as_view(), name="audit_trail"),
    path("audit-trail.csv", study_views.AuditTrailFile.as_view(), name="audit_trail_file"),
    path("system/", study_views.System.as_view(), name="system"),
    path("tumor/swimmer/", plot_views.SwimmerPage.as_view(), name="swimmer"),
    path("tumor/swimmer.svg", plot_views.SwimmerPicture.as_view(), name="swimmer_picture"),
    path("tumor/swimmer.csv", plot_views.SwimmerTable.as_view(), name="swimmer_table"),
    path("subjects/", views.Subjects.as_view(), name="subjects"),
    path("subjects/<str:number>/", views.SubjectPage.as_view(), name="subject"),
]
