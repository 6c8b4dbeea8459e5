"""Start pages, and pages made of many rooms."""

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views import View

from apps.access.selectors import studies_of
from apps.access.views import StudyView, sign_in_first
from apps.core.action import Action
from apps.dashboard import matrix, selectors, work
from apps.visits.selectors import subject_or_404


class Start(View):
    """After sign-in: the study, or the choice of one."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return sign_in_first(request)
        places = studies_of(request.user)
        if len(places) == 1:
            return redirect("my_work", study=places[0].code)
        return render(request, "dashboard/studies.html", {"places": places})


class MyWork(StudyView):
    """What waits for this person."""

    action = Action.READ_STUDY
    template = "dashboard/my_work.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(
            {
                "blocks": work.blocks(
                    study=self.study, actor=self.actor, now=timezone.now(), whole=request.GET.get("all", "")
                )
            },
            fragment="blocks",
        )


class Subjects(StudyView):
    """The subjects that this person may see, with how each of their visits stands."""

    action = Action.READ_DATA
    template = "dashboard/subjects.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(matrix.subjects(request.GET, actor=self.actor, now=timezone.now()), fragment="table")


class SubjectPage(StudyView):
    """One subject: where it stands, its visits and logs."""

    action = Action.READ_DATA
    template = "dashboard/subject.html"

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        subject = subject_or_404(actor=self.actor, number=number)
        return self.page(selectors.subject_page(subject, actor=self.actor, now=timezone.now()))
