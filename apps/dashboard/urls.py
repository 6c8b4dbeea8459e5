from django.urls import path

from apps.dashboard import views

urlpatterns = [
    path("", views.MyWork.as_view(), name="my_work"),
    path("subjects/", views.Subjects.as_view(), name="subjects"),
    path("subjects/<str:number>/", views.SubjectPage.as_view(), name="subject"),
]
