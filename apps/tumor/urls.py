from django.urls import path

from apps.tumor import views

urlpatterns = [
    path("tumor/", views.TumorListing.as_view(), name="tumor"),
    path("tumor/waterfall.svg", views.FigurePicture.as_view(code="waterfall"), name="waterfall_picture"),
    path("tumor/waterfall.csv", views.FigureTable.as_view(code="waterfall"), name="waterfall_table"),
    path("tumor/spider.svg", views.FigurePicture.as_view(code="spider"), name="spider_picture"),
    path("tumor/spider.csv", views.FigureTable.as_view(code="spider"), name="spider_table"),
    path("records/<int:record>/split/", views.SplitLesion.as_view(), name="lesion_split"),
]
