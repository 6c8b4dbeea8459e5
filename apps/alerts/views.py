"""The inbox of safety alerts, and what people do with one."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from apps.access.views import StudyView
from apps.alerts import selectors, services
from apps.alerts.models import Alert, Outcome
from apps.core.action import Action
from apps.core.refusal import NotFound
from clinical.signals.catalogue import RULES
from clinical.signals.signal import Severity

PAGE_ROWS = 50


class AlertView(StudyView):
    """A page on one alert; one of another site does not exist for the person."""

    def alert(self, key: int) -> Alert:
        found: Alert | None = Alert.objects.visible_to(self.actor).filter(pk=key).first()
        if found is None:
            raise NotFound("There is no such alert.")
        return found


class Alerts(StudyView):
    """The cards of all alerts, the most urgent first."""

    action = Action.READ_ALERTS
    template = "alerts/alert_list.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        chosen = selectors.AlertFilter.read(request.GET)
        listing = selectors.listing(actor=self.actor, chosen=chosen)
        page = Paginator(selectors.with_history(listing), PAGE_ROWS).get_page(request.GET.get("page"))
        return self.page(
            {
                "cards": selectors.cards(page.object_list, actor=self.actor),
                "page": page,
                "chosen": chosen,
                "shown": selectors.SHOWN,
                "rules": [(rule.id, rule.title) for rule in RULES.values()],
                "sites": selectors.sites_to_choose(actor=self.actor),
                "severities": [(str(int(each)), selectors.SEVERITY_WORDS[each].word) for each in reversed(Severity)],
                "outcomes": Outcome.choices,
            },
            fragment="cards",
        )


class AlertPage(AlertView):
    """One alert with its whole history."""

    action = Action.READ_ALERTS
    template = "alerts/alert.html"

    def get(self, request: HttpRequest, alert: int) -> HttpResponse:
        found = self.alert(alert)
        (card,) = selectors.cards(selectors.with_history(Alert.objects.filter(pk=found.pk)), actor=self.actor)
        return self.page({"card": card, "outcomes": Outcome.choices})


class Acknowledge(AlertPage):
    """Somebody has seen it and says what they make of it."""

    action = Action.ACKNOWLEDGE_ALERT

    def post(self, request: HttpRequest, alert: int) -> HttpResponse:
        found = self.alert(alert)
        services.acknowledge_alert(actor=self.actor, alert=found, note=request.POST.get("note", ""), at=timezone.now())
        self.tell("The alert is acknowledged with your note.")
        return redirect("alert", study=self.study.code, alert=found.pk)


class Close(AlertPage):
    """The work on it is done."""

    action = Action.ACKNOWLEDGE_ALERT

    def post(self, request: HttpRequest, alert: int) -> HttpResponse:
        found = self.alert(alert)
        services.close_alert(
            actor=self.actor,
            alert=found,
            outcome=request.POST.get("outcome", ""),
            note=request.POST.get("note", ""),
            at=timezone.now(),
        )
        self.tell("The alert is closed. It opens again by itself if its facts get worse.")
        return redirect("alert", study=self.study.code, alert=found.pk)
