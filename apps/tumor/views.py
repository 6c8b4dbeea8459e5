"""The listing of responses across subjects with its figures, and splitting a lesion."""

import csv
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from apps.access.views import StudyView
from apps.core import drawing
from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.refusal import NotAllowed
from apps.core.transactions import note_in_trail
from apps.study.models import ProtocolVersion
from apps.study.selectors import latest_version
from apps.tumor import courses, figures, filters, selectors, services
from apps.tumor.drawings import TimeAxis, TimeUnit
from apps.tumor.figures import Figure
from apps.tumor.filters import Filters
from apps.tumor.models import Response, SubjectResponse
from apps.visits import selectors as visit_selectors
from clinical.protocol.pages import Page

PAGE = 50
HEADINGS = (
    "Subject",
    "Site",
    "Cohort",
    "Scans after baseline",
    "Last scan",
    "Sum (mm)",
    "From baseline (%)",
    "Response, system",
    "Response, evaluator",
    "Best change (%)",
    "Best response",
    "Confirmed best response",
    "Progression",
)
NUMBERS = ("Scans after baseline", "Sum (mm)", "From baseline (%)", "Best change (%)")
"""Which of them head a column of numbers."""


class TumorListing(StudyView):
    """Every subject with a tumor assessment: the last one, and what they amount to so far."""

    action = Action.READ_DATA
    template = "tumor/listing.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        version = latest_version(self.study)
        asked = filters.read(request.GET, actor=self.actor, version=version)
        found = _listing(self.actor, asked)
        if request.GET.get("format") == "csv":
            return self._csv(found)
        page = Paginator(found, PAGE).get_page(request.GET.get("page"))
        kept = request.GET.copy()
        kept.pop("page", None)
        assesses_tumors = version.definition.recist is not None
        return self.page(
            {
                "page_of": page,
                "rows": selectors.with_last(page),
                "figures": _figures(self, asked, version, found) if page.paginator.count and assesses_tumors else [],
                "responses": Response.choices,
                "time_units": list(TimeUnit),
                "filters": asked,
                "kept": kept.urlencode(),
                "headings": HEADINGS,
                "numbers": NUMBERS,
                "may_download": self.actor.may(Action.EXPORT_LISTING),
                "assesses_tumors": assesses_tumors,
            },
            fragment="table",
        )

    def _csv(self, found: Any) -> HttpResponse:
        if not self.actor.may(Action.EXPORT_LISTING):
            raise NotAllowed("Your role here does not allow you to download a listing.")
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{self.study.code}-tumor.csv"'
        writer = csv.writer(response)
        writer.writerow(HEADINGS)
        for row in selectors.with_last(found):
            last = row.last
            writer.writerow(
                [
                    row.best.subject.number,
                    row.best.subject.site.number,
                    row.best.subject.cohort or "",
                    row.best.assessments,
                    "" if last is None else last.scanned.iso,
                    "" if last is None or last.sum_mm is None else f"{last.sum_mm:f}",
                    "" if last is None or last.change_baseline_pct is None else f"{last.change_baseline_pct:.1f}",
                    "" if last is None else last.overall or "",
                    row.stated,
                    "" if row.best.best_change_pct is None else f"{row.best.best_change_pct:.1f}",
                    row.best.best,
                    row.best.confirmed_best,
                    "" if row.best.progressed_on is None else row.best.progressed_on.iso,
                ]
            )
        return response


def _listing(actor: Actor, asked: Filters) -> QuerySet[SubjectResponse]:
    return selectors.listing(
        actor=actor, evaluator=asked.evaluator, response=asked.response, site=asked.site, order=asked.order
    )


def _axis(asked: Filters, version: ProtocolVersion) -> TimeAxis:
    """Time as the study's newest protocol counts it."""
    recist = version.definition.recist
    if recist is None:
        raise Http404
    return TimeAxis(version.definition.anchor(recist.reference_anchor), asked.time)


def _figures(
    view: StudyView, asked: Filters, version: ProtocolVersion, found: QuerySet[SubjectResponse]
) -> list[Figure]:
    """Both figures of the page, from one reading of the subjects; a mark leads to its subject."""

    def link(number: str) -> str:
        return reverse("subject", kwargs={"study": view.study.code, "number": number})

    read = courses.courses(found, actor=view.actor, evaluator=asked.evaluator)
    return [figures.of_waterfall(read, link=link), figures.of_spider(read, axis=_axis(asked, version), link=link)]


class FigureFile(StudyView):
    """One figure of the page as a file, by the same filters."""

    code = ""

    def figure(self, request: HttpRequest) -> Figure:
        """The figure without links, which lead nowhere from a file, but with its source."""
        version = latest_version(self.study)
        asked = filters.read(request.GET, actor=self.actor, version=version)
        axis = _axis(asked, version)
        read = courses.courses(_listing(self.actor, asked), actor=self.actor, evaluator=asked.evaluator)
        source = f"{self.study.code}, data of {timezone.now():%d-%b-%Y %H:%M} UTC; {asked.in_words}"
        if self.code == "spider":
            return figures.of_spider(read, axis=axis, link=None, source=source)
        return figures.of_waterfall(read, link=None, source=source)

    def named(self, ending: str, response: HttpResponse) -> HttpResponse:
        response["Content-Disposition"] = f'attachment; filename="{self.study.code}-{self.code}.{ending}"'
        return response


class FigurePicture(FigureFile):
    """The picture as SVG."""

    action = Action.READ_DATA

    def get(self, request: HttpRequest) -> HttpResponse:
        picture = self.figure(request).picture
        if picture is None:
            raise Http404
        return self.named("svg", HttpResponse(drawing.as_file(picture), content_type="image/svg+xml"))


class FigureTable(FigureFile):
    """Its data as CSV. The download is noted in the trail."""

    action = Action.EXPORT_LISTING

    def get(self, request: HttpRequest) -> HttpResponse:
        figure = self.figure(request)
        response = self.named("csv", HttpResponse(content_type="text/csv; charset=utf-8"))
        writer = csv.writer(response)
        writer.writerow(figure.headings)
        writer.writerows(figure.rows)
        name = f"{self.study.code}-{self.code}.csv"
        note_in_trail(act="listing downloaded", about={"listing": name, "rows": len(figure.rows)})
        return response


class SplitLesion(StudyView):
    """A lesion that fell into parts: a new entry for one of them."""

    action = Action.ENTER_DATA

    def post(self, request: HttpRequest, record: int) -> HttpResponse:
        found = visit_selectors.record_or_404(actor=self.actor, pk=record)
        if found.page != Page.LESION:
            raise Http404
        part = services.split_lesion(actor=self.actor, record=found, at=timezone.now())
        return redirect("record", study=self.study.code, record=part.pk)
