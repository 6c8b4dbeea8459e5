from django.urls import path

from apps.accounts import views

urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign_in"),
    path("signed-in/", views.SignedIn.as_view(), name="signed_in"),
    path("stay/", views.Stay.as_view(), name="stay"),
    path("sign-out/", views.SignOut.as_view(), name="sign_out"),
]
