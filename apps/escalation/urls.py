from django.urls import path

from apps.escalation import views

urlpatterns = [
    path("cohorts/", views.CohortBoard.as_view(), name="cohort_board"),
    path("cohorts/board.svg", views.CohortBoardPicture.as_view(), name="cohort_board_picture"),
    path("cohorts/board.csv", views.CohortBoardCsv.as_view(), name="cohort_board_csv"),
    path("cohorts/decision/", views.SignDecision.as_view(), name="committee_decision_new"),
    path("cohorts/decisions/<int:decision>/", views.DecisionPage.as_view(), name="committee_decision"),
]
