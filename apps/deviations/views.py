"""The log of deviations, one deviation, and recording one by hand."""

import csv
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from apps.access.views import StudyView
from apps.core.action import Action
from apps.core.refusal import Refusal
from apps.core.transactions import note_in_trail
from apps.deviations import selectors, services
from apps.deviations.models import Deviation, State
from apps.study.models import Site
from apps.study.selectors import latest_version
from apps.visits.selectors import subject_or_404
from clinical.partial_date import AskBack, PartialDate, read_typed

PAGE_ROWS = 50
COLUMNS = (
    "Site",
    "Subject",
    "Category",
    "Title",
    "What differed",
    "Important",
    "Occurred",
    "Cause",
    "Action taken",
    "State",
    "Opened by",
    "Opened",
)


class NotADate(Refusal): ...


class DeviationList(StudyView):
    """Every deviation of the person's sites; filters in the address, the same rows as CSV."""

    action = Action.READ_DATA
    template = "deviations/deviation_list.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = selectors.DeviationFilter.of(request.GET.dict())
        found = selectors.listing(actor=self.actor, filters=filters)
        if request.GET.get("format") == "csv":
            return self._csv(found)
        kept = request.GET.copy()
        kept.pop("page", None)
        return self.page(
            {
                "filters": filters,
                "page": Paginator(found, PAGE_ROWS).get_page(request.GET.get("page")),
                "states": State,
                "categories": latest_version(self.study).definition.deviations,
                "sites": Site.objects.filter(pk__in=self.actor.site_ids).order_by("number"),
                "address": kept.urlencode(),
                "may_download": self.actor.may(Action.EXPORT_LISTING),
            },
            fragment="table",
        )

    def _csv(self, found: QuerySet[Deviation]) -> HttpResponse:
        self.actor.require(Action.EXPORT_LISTING)
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{self.study.code}-deviations.csv"'
        writer = csv.writer(response)
        writer.writerow(COLUMNS)
        rows = list(found)
        for each in rows:
            writer.writerow(
                (
                    each.site.number,
                    each.subject.number,
                    each.category,
                    each.title,
                    _unarmed(each.term),
                    "yes" if each.is_important else "no",
                    each.occurred.iso if each.occurred else "",
                    _unarmed(each.cause),
                    _unarmed(each.action_taken),
                    each.get_state_display(),
                    each.opened_by_name,
                    each.opened_at.strftime("%Y-%m-%dT%H:%MZ"),
                )
            )
        note_in_trail(act="listing downloaded", about={"key": "deviations", "rows": len(rows)})
        return response


def _unarmed(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text


class DeviationPage(StudyView):
    """One deviation: what differed, the site's words about it, importance and its end."""

    action = Action.READ_DATA
    template = "deviations/deviation.html"

    def get(self, request: HttpRequest, deviation: int) -> HttpResponse:
        found = selectors.deviation_or_404(actor=self.actor, pk=deviation)
        is_open = found.state == State.OPEN
        return self.page(
            {
                "deviation": found,
                "subject": found.subject,
                "may_describe": is_open and self.actor.may(Action.ENTER_DATA, at=found.site_id),
                "may_judge": is_open and self.actor.may(Action.REVIEW_DATA, at=found.site_id),
            }
        )

    def post(self, request: HttpRequest, deviation: int) -> HttpResponse:
        found = selectors.deviation_or_404(actor=self.actor, pk=deviation)
        now = timezone.now()
        match request.POST.get("act"):
            case "describe":
                services.describe_deviation(
                    actor=self.actor,
                    deviation=found,
                    cause=request.POST.get("cause", ""),
                    action_taken=request.POST.get("action_taken", ""),
                    at=now,
                )
            case "important" | "not_important" as judged:
                services.judge_importance(actor=self.actor, deviation=found, is_important=judged == "important", at=now)
            case "close":
                services.close_deviation(actor=self.actor, deviation=found, at=now)
            case _:
                return HttpResponse("This is not something that can be done to a deviation.", status=400)
        return redirect("deviation", study=self.study.code, deviation=found.pk)


class RecordDeviation(StudyView):
    """Recording what a person saw."""

    action = (Action.ENTER_DATA, Action.REVIEW_DATA)
    template = "deviations/deviation_record.html"

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        subject = subject_or_404(actor=self.actor, number=number)
        return self.page({"subject": subject, "categories": services.categories(subject), "typed": request.POST})

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        subject = subject_or_404(actor=self.actor, number=number)
        now: Any = timezone.now()
        recorded = services.record_deviation(
            actor=self.actor,
            subject=subject,
            category=request.POST.get("category", ""),
            term=request.POST.get("term", ""),
            occurred=_typed(request.POST.get("occurred", ""), today=now.astimezone(subject.site.zone_info).date()),
            cause=request.POST.get("cause", ""),
            action_taken=request.POST.get("action_taken", ""),
            at=now,
        )
        self.tell(f"Deviation recorded for {subject.number}.")
        return redirect("deviation", study=self.study.code, deviation=recorded.pk)


def _typed(text: str, *, today: Any) -> PartialDate | None:
    """When it happened, as typed; unknown stays unknown."""
    if not text.strip():
        return None
    read = read_typed(text, today=today, not_after=PartialDate.of(today))
    if isinstance(read, AskBack):
        raise NotADate(read.message)
    return read
