"""The page of laboratories and their ranges: sites propose, data managers approve."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from apps.access.views import StudyView
from apps.core.action import Action
from apps.core.refusal import Refusal
from apps.labs import selectors, services
from apps.labs.forms import RangeForm
from apps.labs.models import RangeState
from apps.study.models import Site
from apps.study.selectors import latest_version
from clinical.partial_date import AskBack, Precision, read_typed

PAGE = 50


class NotReadable(Refusal):
    """What was typed is not a range."""


class Laboratories(StudyView):
    """Laboratories of the actor's sites and every range of theirs, filtered by state in the address."""

    action = (Action.ENTER_DATA, Action.APPROVE_RANGES)
    template = "labs/laboratories.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        state, test = request.GET.get("state", ""), request.GET.get("test", "")
        rows = selectors.ranges(actor=self.actor)
        if state in RangeState.values:
            rows = rows.filter(state=state)
        if test:
            rows = rows.filter(analyte=test)
        definition = latest_version(self.study).definition
        may_enter = self.actor.sites_where(Action.ENTER_DATA)
        return self.page(
            {
                "laboratories": selectors.laboratories(actor=self.actor),
                "rows": Paginator(rows, PAGE).get_page(request.GET.get("page")),
                "states": RangeState.choices,
                "state": state,
                "test": test,
                "may_approve": self.actor.may(Action.APPROVE_RANGES),
                "sites": Site.objects.filter(pk__in=may_enter).order_by("number"),
                "may_propose": bool(may_enter),
                "form": RangeForm(request.POST or None, definition=definition, today=timezone.now().date())
                if request.POST.get("act") == "propose"
                else RangeForm(definition=definition, today=timezone.now().date()),
            }
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        now, act = timezone.now(), request.POST.get("act", "")
        match act:
            case "register":
                services.register_laboratory(
                    actor=self.actor, site=self._site(request), name=request.POST.get("name", ""), at=now
                )
            case "propose":
                self._propose(request, now)
            case "approve":
                services.approve_range(actor=self.actor, proposed=self._range(request), at=now)
            case "reject":
                services.reject_range(
                    actor=self.actor, proposed=self._range(request), why=request.POST.get("why", ""), at=now
                )
            case "end":
                services.end_range(
                    actor=self.actor,
                    ending=self._range(request),
                    last_day=self._last_day(request.POST.get("last_day", ""), now),
                    at=now,
                )
        return redirect("laboratories", study=self.study.code)

    def _propose(self, request: HttpRequest, now: Any) -> None:
        form = RangeForm(request.POST, definition=latest_version(self.study).definition, today=now.date())
        if not form.is_valid():
            problems = [
                f"{form.fields[name].label or 'Range'}: {' '.join(map(str, sentences))}"
                for name, sentences in form.errors.items()
            ]
            raise NotReadable("This is not a range yet.", problems=problems)
        replaces = form.cleaned_data["replaces"]
        services.propose_range(
            actor=self.actor,
            laboratory=selectors.laboratory_or_404(actor=self.actor, pk=form.cleaned_data["laboratory"]),
            proposal=form.proposal(),
            replaces=selectors.range_or_404(actor=self.actor, pk=replaces) if replaces else None,
            at=now,
        )
        self.tell("The range waits for a data manager to approve it.")

    def _range(self, request: HttpRequest) -> Any:
        pk = request.POST.get("range", "")
        return selectors.range_or_404(actor=self.actor, pk=int(pk) if pk.isdigit() else 0)

    def _site(self, request: HttpRequest) -> Site:
        allowed = Site.objects.filter(pk__in=self.actor.sites_where(Action.ENTER_DATA))
        pk = request.POST.get("site", "")
        site = allowed.filter(pk=int(pk) if pk.isdigit() else 0).first()
        if site is None:
            raise NotReadable("Choose the site that sends samples to this laboratory.")
        return site

    def _last_day(self, text: str, now: Any) -> Any:
        read = read_typed(text, today=now.date(), at_least=Precision.DAY, at_most=Precision.DAY)
        if isinstance(read, AskBack):
            raise NotReadable(read.message)
        return read.full_date
