"""The listing of responses across subjects, and splitting a lesion."""

import csv
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from apps.access.views import StudyView
from apps.core.action import Action
from apps.core.refusal import NotAllowed
from apps.study.selectors import latest_version
from apps.tumor import selectors, services
from apps.tumor.models import Response
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
        definition = latest_version(self.study).definition
        evaluators = [(each.code, each.title) for each in definition.evaluators]
        named = request.GET.get("evaluator", "")
        evaluator = named if named in dict(evaluators) else selectors.site_evaluator(latest_version(self.study))
        filters = {
            "response": request.GET.get("response", "") if request.GET.get("response") in Response.values else "",
            "site": request.GET.get("site", ""),
            "order": request.GET.get("order", "subject"),
        }
        found = selectors.listing(actor=self.actor, evaluator=evaluator, **filters)
        if request.GET.get("format") == "csv":
            return self._csv(found)
        page = Paginator(found, PAGE).get_page(request.GET.get("page"))
        kept = request.GET.copy()
        kept.pop("page", None)
        return self.page(
            {
                "page_of": page,
                "rows": selectors.with_last(page),
                "evaluators": evaluators,
                "evaluator": evaluator,
                "responses": Response.choices,
                "filters": filters,
                "kept": kept.urlencode(),
                "headings": HEADINGS,
                "numbers": NUMBERS,
                "may_download": self.actor.may(Action.EXPORT_LISTING),
                "assesses_tumors": definition.recist is not None,
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


class SplitLesion(StudyView):
    """A lesion that fell into parts: a new entry for one of them."""

    action = Action.ENTER_DATA

    def post(self, request: HttpRequest, record: int) -> HttpResponse:
        found = visit_selectors.record_or_404(actor=self.actor, pk=record)
        if found.page != Page.LESION:
            raise Http404
        part = services.split_lesion(actor=self.actor, record=found, at=timezone.now())
        return redirect("record", study=self.study.code, record=part.pk)
