"""What the frame round every page leads to: the search box and the list of keys."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from apps.access.views import StudyRequest, StudyView
from apps.accounts.services import use_letter_keys
from apps.core.action import Action
from apps.dashboard import keys, search


class Search(StudyView):
    """What a few letters may mean: the hits below the box while somebody types, or all on a page."""

    action = Action.READ_DATA
    template = "dashboard/search.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        sought = search.search(request.GET.get("q", ""), study=self.study, actor=self.actor)
        return self.page({"sought": sought}, fragment="hits")


class Keys(StudyView):
    """The keys that work, and the person's own choice whether single letters do."""

    action = Action.READ_STUDY
    template = "dashboard/keys.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page({"places": keys.places(self.actor)}, fragment="table")

    def post(self, request: StudyRequest) -> HttpResponse:
        use_letter_keys(user=request.user, use=request.POST.get("letters") == "on")
        self.tell("Your choice is kept.")
        return redirect("keys", study=self.study.code)
