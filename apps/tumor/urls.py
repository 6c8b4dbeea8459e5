from django.urls import path

from apps.tumor import views

urlpatterns = [
    path("tumor/", views.TumorListing.as_view(), name="tumor"),
    path("records/<int:record>/split/", views.SplitLesion.as_view(), name="lesion_split"),
]
