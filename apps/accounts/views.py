"""Signing in and out."""

from typing import Any

from django.contrib.auth import logout, views
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View

from apps.core.transactions import acting_everywhere, note_in_trail

WRONG = "The e-mail address or the password is not right. After five wrong tries the account is locked for 15 minutes."


class SignInForm(AuthenticationForm):
    """E-mail address and password; one sentence for every way to be wrong."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "E-mail address"
        self.fields["username"].widget.attrs.update(autocomplete="username", autofocus=True)
        self.fields["password"].widget.attrs.update(autocomplete="current-password")

    def get_invalid_login_error(self) -> ValidationError:
        return ValidationError(WRONG, code="invalid_login")


class SignIn(views.LoginView):
    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        response = super().form_valid(form)
        with acting_everywhere("sign-in"):
            note_in_trail(act="signed in", about={"key": str(form.get_user().pk), "name": form.get_user().full_name})
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        with acting_everywhere("sign-in"):
            note_in_trail(act="sign-in failed", about={"key": form.data.get("username", "")[:100]})
        response = super().form_invalid(form)
        response.status_code = 422
        return response


class SignedIn(View):
    """Where signing in again in a second tab ends; the first tab still has what was typed."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "accounts/signed_in.html")


class Stay(View):
    """One key keeps the session: any request does, this one shows nothing."""

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=204 if request.user.is_authenticated else 401)


class SignOut(View):
    def post(self, request: HttpRequest) -> HttpResponse:
        logout(request)
        return redirect("sign_in")


def locked_out(request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
    """What a locked-out person reads."""
    return render(request, "accounts/locked_out.html", status=429)
