from django.urls import path

from apps.exports import views

urlpatterns = [
    path("exports/", views.Exports.as_view(), name="exports"),
    path("exports/<int:job>/", views.ExportPage.as_view(), name="export"),
    path("exports/<int:job>/file/", views.ExportFile.as_view(), name="export_file"),
]
