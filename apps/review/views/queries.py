"""The query list, a query's thread, and raising one."""

import csv
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from apps.access.views import StudyView
from apps.core.action import Action
from apps.core.transactions import note_in_trail
from apps.review import selectors, services
from apps.review.models import Act, Group, Query
from apps.review.views.ways_back import way_back
from apps.study.models import Site
from apps.visits import presentation
from apps.visits.selectors import record_or_404

PAGE_ROWS = 50
COLUMNS = (
    "Number",
    "State",
    "Days open",
    "Site",
    "Subject",
    "Visit",
    "Form",
    "Field",
    "Question",
    "Asked by",
    "Raised",
)


class QueryList(StudyView):
    """Every query the person may see: counts by state and age on top, the list below; filters in the address."""

    action = Action.READ_DATA
    template = "review/query_list.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        filters = selectors.QueryFilter.of(request.GET.dict())
        listed = selectors.query_list(actor=self.actor, filters=filters, now=now)
        if request.GET.get("format") == "csv":
            return self._csv(listed, now)
        page = Paginator(listed, PAGE_ROWS).get_page(request.GET.get("page"))
        kept = request.GET.copy()
        kept.pop("page", None)
        without_state = kept.copy()
        for name in ("state", "age"):
            without_state.pop(name, None)
        return self.page(
            {
                "filters": filters,
                "page": page,
                "rows": [(query, _days(query), _form_title(query), presentation.dom_id(query.path)) for query in page],
                "table": selectors.by_state_and_age(actor=self.actor, filters=filters, now=now),
                "bands": selectors.AGE_BANDS,
                "states": selectors.SHOWN_STATES,
                "groups": Group,
                "sites": Site.objects.filter(pk__in=self.actor.site_ids).order_by("number"),
                "address": kept.urlencode(),
                "address_without_state": without_state.urlencode(),
                "may_close": self.actor.may(Action.CLOSE_QUERY),
                "may_download": self.actor.may(Action.EXPORT_LISTING),
            },
            fragment="table",
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Close the chosen answered queries together."""
        chosen = selectors.queries(actor=self.actor).filter(
            number__in=[int(text) for text in request.POST.getlist("number") if text.isdigit()]
        )
        count = services.close_queries(
            actor=self.actor, queries=list(chosen.order_by("pk")), at=timezone.now(), text=request.POST.get("text", "")
        )
        self.tell(f"{count} {'query' if count == 1 else 'queries'} closed.")
        return redirect(request.get_full_path())

    def _csv(self, listed: Any, now: Any) -> HttpResponse:
        self.actor.require(Action.EXPORT_LISTING)
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{self.study.code}-queries.csv"'
        writer = csv.writer(response)
        writer.writerow(COLUMNS)
        count = 0
        for query in listed:
            count += 1
            writer.writerow(
                (
                    query.number,
                    query.get_state_display(),
                    _days(query),
                    query.site.number,
                    query.subject.number,
                    query.record.visit.code if query.record.visit else "",
                    _form_title(query),
                    _unarmed(query.label),
                    _unarmed(query.text),
                    query.raised_by_name,
                    query.raised_at.strftime("%Y-%m-%dT%H:%MZ"),
                )
            )
        note_in_trail(act="listing downloaded", about={"key": "queries", "rows": count, "filters": self.request.GET})
        return response


def _unarmed(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t"} else text


def _days(query: Query) -> int:
    age: Any = getattr(query, "age", None)
    return 0 if age is None else max(age.days, 0)


def _form_title(query: Query) -> str:
    return query.record.protocol_version.definition.form(query.record.form).title


class QueryPage(StudyView):
    """One query: its thread, and what the person can do to it."""

    action = Action.READ_DATA
    template = "review/query.html"

    def get(self, request: HttpRequest, number: int) -> HttpResponse:
        query = selectors.query_or_404(actor=self.actor, number=number)
        (thread,) = selectors.threads([query], actor=self.actor, is_locked=query.record.is_locked, now=timezone.now())
        return self.page(
            {
                "thread": thread,
                "query": query,
                "record": query.record,
                "subject": query.subject,
                "visit": query.record.visit,
                "form_title": _form_title(query),
                "field": presentation.dom_id(query.path) if query.path else "",
            }
        )

    def post(self, request: HttpRequest, number: int) -> HttpResponse:
        query = selectors.query_or_404(actor=self.actor, number=number)
        text = request.POST.get(f"answer:{number}") or request.POST.get("text", "")
        act, now = request.POST.get("act"), timezone.now()
        match act:
            case Act.ANSWER:
                services.answer_query(actor=self.actor, query=query, text=text, at=now)
            case Act.REQUERY:
                services.requery(actor=self.actor, query=query, text=text, at=now)
            case Act.CLOSE:
                services.close_query(actor=self.actor, query=query, text=text, at=now)
            case Act.REOPEN:
                services.reopen_query(actor=self.actor, query=query, text=text, at=now)
            case Act.CANCEL:
                services.cancel_query(actor=self.actor, query=query, text=text, at=now)
            case Act.RELEASE:
                services.release_query(actor=self.actor, query=query, at=now)
            case _:
                return HttpResponse("This is not something that can be done to a query.", status=400)
        self.tell(f"Query {number}: {Act(act).label.lower()}.")
        return redirect(way_back(request) or reverse("query", kwargs={"study": self.study.code, "number": number}))


class RaiseQuery(StudyView):
    """Asking about a value: as a page, beside the field, or in the side panel of a listing.

    `record` and `path` say what about (an empty path: the whole form); `next` is where to go afterwards.
    """

    action = Action.RAISE_QUERY
    template = "review/query_raise.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        asked = request.POST if request.method == "POST" else request.GET
        record = record_or_404(actor=self.actor, pk=_number(asked.get("record", "")))
        path = asked.get("path", "")
        return self.page(
            {
                "record": record,
                "subject": record.subject,
                "visit": record.visit,
                "path": path,
                "label": presentation.label(record, path) if path else "Whole form",
                "form_title": record.protocol_version.definition.form(record.form).title,
                "text": asked.get("text") or asked.get(f"ask:{path}", ""),
                "next": asked.get("next", ""),
            },
            fragment="panel",
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        record = record_or_404(actor=self.actor, pk=_number(request.POST.get("record", "")))
        path = request.POST.get("path", "")
        query = services.raise_query(
            actor=self.actor,
            record=record,
            path=path,
            text=request.POST.get("text") or request.POST.get(f"ask:{path}", ""),
            as_draft=request.POST.get("as") == "draft",
            at=timezone.now(),
        )
        if self.request.htmx:  # type: ignore[attr-defined]  # set by the htmx middleware
            self.template = "review/query_raise.html"
            return self.page({"raised": query}, fragment="raised")
        self.tell(f"Query {query.number} raised.")
        return redirect(
            way_back(request) or reverse("query", kwargs={"study": self.study.code, "number": query.number})
        )


def _number(text: str) -> int:
    """A key as it stands in an address; what is none finds nothing."""
    return int(text) if text.isdigit() and len(text) < 19 else 0
