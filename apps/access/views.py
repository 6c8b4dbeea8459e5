"""The base of every page of a study: who asks, may they, and the one transaction in which the page is made."""

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views import View

from apps.access import selectors
from apps.accounts.models import User
from apps.core import navigation
from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.refusal import NotAllowed, NotFound, Refusal
from apps.core.transactions import acting
from apps.study.models import Study

CONFLICT, UNPROCESSABLE = 409, 422


class StudyRequest(HttpRequest):
    """A request of a signed-in person."""

    user: User
    htmx: Any


class StudyView(View):
    """One page of one study. A subclass names its `action`; without one it does not open.

    `dispatch` opens the transaction, sets the actor for row-level security and trail, and renders inside it. A Refusal
    of a service is caught once, here, and shown as its sentence: on the page that asked (`get` runs again), status 422.
    """

    action: Action | tuple[Action, ...]
    template: str = ""
    actor: Actor
    study: Study

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        actions = getattr(self, "action", None)
        if actions is None:
            raise ImproperlyConfigured(f"{type(self).__name__} does not say which action it is, so it does not open.")
        if not request.user.is_authenticated:
            return sign_in_first(request)
        actor = selectors.actor_in(user=request.user, study_code=kwargs.pop("study"))
        if actor is None:
            raise Http404
        self.actor = actor
        if not actor.may_any((actions,) if isinstance(actions, Action) else actions):
            return render(request, "core/not_allowed.html", {"role": actor.role_words}, status=403)
        self.request_id = uuid.uuid4().hex
        try:
            with acting(actor, place=f"{request.method} {request.path}"[:300], request=self.request_id):
                self.study = Study.objects.get(pk=actor.study_id)
                return self._answer(request, *args, **kwargs)
        except NotFound as missing:
            raise Http404(missing.sentence) from missing

    def _answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.refusal: Refusal | None = None
        try:
            response = super().dispatch(request, *args, **kwargs)
        except NotFound:
            raise
        except NotAllowed as refusal:
            return render(
                request,
                "core/not_allowed.html",
                {"role": self.actor.role_words, "sentence": refusal.sentence},
                status=403,
            )
        except Refusal as refusal:
            self.refusal = refusal
            response = self.refused(request, refusal, *args, **kwargs)
        if hasattr(response, "render") and callable(response.render):
            response.render()
        return response

    def refused(self, request: HttpRequest, refusal: Refusal, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Show the page again with the refusal's sentence on it; one that was only looked at has no page to show."""
        if request.method in {"GET", "HEAD"} or not hasattr(self, "get"):
            return render(request, "core/refused.html", {"refusal": refusal}, status=UNPROCESSABLE)
        response: HttpResponse = self.get(request, *args, **kwargs)
        response.status_code = UNPROCESSABLE
        return response

    def page(self, context: dict[str, Any], *, fragment: str = "", status: int = 200) -> HttpResponse:
        """The page, or only its named fragment when htmx asks for that; a browser keeps the two apart."""
        template = self.template
        if fragment and self.request.htmx and not self.request.htmx.boosted:  # type: ignore[attr-defined]  # middleware
            template = f"{template}#{fragment}"
        response = render(self.request, template, self.common() | context, status=status)
        if fragment:
            patch_vary_headers(response, ("HX-Request",))  # or going back would show a fragment as the page
        return response

    def common(self) -> dict[str, Any]:
        """What every page of a study shows around its content."""
        return {
            "study": self.study,
            "actor": self.actor,
            "rail": navigation.places(self.actor),
            "may_search": self.actor.may(Action.READ_DATA),
            "may_add_events": self.actor.may(Action.ENTER_DATA),
            "refusal": getattr(self, "refusal", None),
            "now": timezone.now(),
        }

    def tell(self, sentence: str) -> None:
        """Say on the next page what happened."""
        messages.info(self.request, sentence)


def sign_in_first(request: HttpRequest) -> HttpResponseBase:
    """To the sign-in page; a request of the page's script is told so instead, and typed values stay on the screen."""
    if getattr(request, "htmx", False) or request.headers.get("X-Requested-With") == "fetch":
        return HttpResponse("Sign in again to go on.", status=401, headers={"HX-Trigger": "signInNeeded"})
    return redirect_to_login(request.get_full_path())
