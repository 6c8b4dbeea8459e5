"""The swimmer, which has facts of more floors than one, as page and files."""

import csv
from dataclasses import replace
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from apps.access.views import StudyView
from apps.core import drawing
from apps.core.action import Action
from apps.core.drawing import LinkOf
from apps.core.transactions import note_in_trail
from apps.dashboard import swimmer
from apps.dashboard.treatments import treatments
from apps.study.models import ProtocolVersion
from apps.study.selectors import latest_version
from apps.tumor import filters
from apps.tumor.drawings import TimeAxis, TimeUnit
from apps.tumor.figures import Figure
from apps.tumor.filters import Filters
from clinical.figures.swimmer import Order

ON_TOP = ((Order.LENGTH, "Longest on treatment"), (Order.DOSE, "Highest dose"))


class SwimmerView(StudyView):
    """What page and files of the swimmer have in common."""

    action: Any = Action.READ_DATA

    def asked(self, request: HttpRequest) -> tuple[Filters, ProtocolVersion, Order]:
        """The filters; who is treated is a lane whatever the response, so that is no filter here."""
        version = latest_version(self.study)
        asked = replace(filters.read(request.GET, actor=self.actor, version=version), response="")
        top = request.GET.get("top", "")
        return asked, version, Order(top) if top in list(Order) else Order.LENGTH

    def figure(self, request: HttpRequest, *, link: LinkOf | None) -> Figure:
        asked, version, order = self.asked(request)
        now = timezone.now()
        source = "" if link else f"{self.study.code}, data of {now:%d-%b-%Y %H:%M} UTC; {asked.in_words}"
        definition = version.definition
        reference = definition.day_labels.anchor if definition.recist is None else definition.recist.reference_anchor
        return swimmer.figure(
            treatments(actor=self.actor, evaluator=asked.evaluator, site=asked.site, at=now),
            axis=TimeAxis(definition.anchor(reference), asked.time),
            order=order,
            link=link,
            source=source,
        )


class SwimmerPage(SwimmerView):
    """Who is on treatment for how long, with responses and events."""

    template = "dashboard/swimmer.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        def link(number: str) -> str:
            return reverse("subject", kwargs={"study": self.study.code, "number": number})

        asked, _, order = self.asked(request)
        return self.page(
            {
                "figure": self.figure(request, link=link),
                "filters": asked,
                "on_top": ON_TOP,
                "top": order,
                "time_units": list(TimeUnit),
                "kept": request.GET.urlencode(),
                "may_download": self.actor.may(Action.EXPORT_LISTING),
            }
        )


class SwimmerPicture(SwimmerView):
    """The picture as SVG."""

    def get(self, request: HttpRequest) -> HttpResponse:
        picture = self.figure(request, link=None).picture
        if picture is None:
            raise Http404
        response = HttpResponse(drawing.as_file(picture), content_type="image/svg+xml")
        response["Content-Disposition"] = f'attachment; filename="{self.study.code}-swimmer.svg"'
        return response


class SwimmerTable(SwimmerView):
    """Its data as CSV. The download is noted in the trail."""

    action = Action.EXPORT_LISTING

    def get(self, request: HttpRequest) -> HttpResponse:
        figure = self.figure(request, link=None)
        name = f"{self.study.code}-swimmer.csv"
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        writer = csv.writer(response)
        writer.writerow(figure.headings)
        writer.writerows(figure.rows)
        note_in_trail(act="listing downloaded", about={"listing": name, "rows": len(figure.rows)})
        return response
