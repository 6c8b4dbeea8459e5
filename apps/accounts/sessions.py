"""How long a session lasts: as long as its person does something."""

from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

UNATTENDED = "X-Unattended"
"""The header of a request that a page makes by itself, with nobody at it."""


class PersonsSessionMiddleware(SessionMiddleware):
    """Sessions that only their person's own requests keep alive.

    A page that refreshes itself says so in a header. Were that a sign of life, a start page left open on a shared
    computer of a clinic would never sign out.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if UNATTENDED in request.headers and not request.session.modified:
            patch_vary_headers(response, ("Cookie",))
            return response
        return super().process_response(request, response)
