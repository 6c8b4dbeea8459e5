from django.urls import path

from apps.labs import views

urlpatterns = [
    path("laboratories/", views.Laboratories.as_view(), name="laboratories"),
]
