"""The pages of the safety place: a subject's events, the listing across sites, the judgements on a possible DLT."""

import csv
from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from apps.access.views import StudyRequest, StudyView
from apps.core.action import Action
from apps.core.refusal import Refusal
from apps.core.transactions import note_in_trail
from apps.review import marks, signatures
from apps.review import services as review
from apps.safety import asked, listing, panels, selectors, services
from apps.safety.models import DltStanding, Judgement, Outcome
from apps.subjects.models import Subject
from apps.visits.models import FormRecord
from apps.visits.selectors import record_or_404, subject_or_404
from apps.visits.services import REASONS_FOR_CHANGE
from clinical.protocol.pages import Page


class ChooseAnswer(Refusal): ...


class SubjectEvents(StudyView):
    """The adverse events of one subject, one line each; end and outcome are entered on the line."""

    action = Action.READ_DATA
    template = "safety/subject_events.html"

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        subject = subject_or_404(actor=self.actor, number=number)
        ongoing_only = request.GET.get("ongoing") == "yes"
        return self.page(_list_of(self, subject, ongoing_only=ongoing_only), fragment="table")


def _list_of(view: StudyView, subject: Subject, *, ongoing_only: bool) -> dict[str, Any]:
    events = list(selectors.events_of_subject(actor=view.actor, subject=subject, ongoing_only=ongoing_only))
    return {
        "subject": subject,
        "rows": selectors.lines_of(events),
        "ongoing_only": ongoing_only,
        "outcomes": Outcome.choices,
        "reasons": REASONS_FOR_CHANGE,
        "may_enter": view.actor.may(Action.ENTER_DATA, at=subject.site_id),
        "status": selectors.dlt_status(subject, timezone.now()),
    }


class EndEvent(StudyView):
    """End and outcome of an event, entered on its line; the list again when something is wrong."""

    action = Action.ENTER_DATA
    template = "safety/subject_events.html"

    def get(self, request: HttpRequest, record: int) -> HttpResponse:
        found = _event_or_404(self, record)
        problems = _problems(self.refusal, {"ended": f"ended-{record}", "outcome": f"outcome-{record}"})
        again = {"typed": request.POST, "asked": record, "problems": problems}
        return self.page(_list_of(self, found.subject, ongoing_only=False) | again)

    def post(self, request: HttpRequest, record: int) -> HttpResponse:
        found = _event_or_404(self, record)
        services.end_event(
            actor=self.actor,
            record=found,
            ended=request.POST.get("ended", ""),
            outcome=request.POST.get("outcome", ""),
            reason=request.POST.get("reason", ""),
            at=timezone.now(),
        )
        return redirect("subject_events", study=self.study.code, number=found.subject.number)


class NewEvent(StudyView):
    """A new event with what is known of it already, from a laboratory result or another page."""

    action = Action.ENTER_DATA
    template = "safety/new_event.html"

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        subject = subject_or_404(actor=self.actor, number=number)
        problems = _problems(self.refusal, {"onset": "onset", "grade_periods/1/grade": "grade-1"})
        return self.page({"subject": subject, "known": _known(request.POST or request.GET), "problems": problems})

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        subject = subject_or_404(actor=self.actor, number=number)
        record = services.open_event(actor=self.actor, subject=subject, known=_known(request.POST), at=timezone.now())
        return redirect("record", study=self.study.code, record=record.pk)


def _problems(refusal: Refusal | None, places: dict[str, str]) -> list[tuple[str, str, str]]:
    """What is wrong with typed values, each with the element to go to: path, element, sentence."""
    findings = getattr(refusal, "findings", ())
    return [(each.path, places.get(each.path, "content"), each.sentence) for each in findings]


def _known(query: QueryDict) -> services.Known:
    return services.Known(term=query.get("term", ""), grade=query.get("grade", ""), onset=query.get("onset", ""))


class ReportSeriousEvent(StudyView):
    """Sending the report of a serious event to the sponsor."""

    action = Action.ENTER_DATA

    def post(self, request: HttpRequest, record: int) -> HttpResponse:
        found = _event_or_404(self, record)
        services.report_serious_event(actor=self.actor, record=found, at=timezone.now())
        self.tell("The report was sent to the sponsor.")
        return redirect("record", study=self.study.code, record=found.pk)


class SubjectDlt(StudyView):
    """Everything about one subject's DLT question: the period, each event, and the facts that are no event."""

    action: Action | tuple[Action, ...] = Action.READ_DATA
    template = "safety/subject_dlt.html"

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        subject = subject_or_404(actor=self.actor, number=number)
        now = timezone.now()
        record = self.record_asked(request, subject)
        events = list(selectors.events_of_subject(actor=self.actor, subject=subject))
        return self.page(
            {
                "subject": subject,
                "status": selectors.dlt_status(subject, now),
                "rows": [(event, listing.standing_at(event, now)) for event in events],
                "record": record,
                "question": selectors.dlt_question(subject, record, now),
                "key": "" if record is None else str(record.pk),
                "typed": request.POST,
                **panels.may_judge(subject.site_id, self.actor),
            }
        )

    def record_asked(self, request: HttpRequest, subject: Subject) -> FormRecord | None:
        """The event that is asked about; none for the subject's other facts."""
        key = request.POST.get("record", "") or request.GET.get("event", "")
        if not key:
            return None
        record = _event_or_404(self, int(key)) if key.isascii() and key.isdigit() else None
        if record is None or record.subject_id != subject.pk:
            raise Http404
        return record

    def back(self, number: str, record: FormRecord | None) -> HttpResponse:
        """To the event that was judged, or to this page."""
        if record is None:
            return redirect("subject_dlt", study=self.study.code, number=number)
        return redirect(reverse("record", kwargs={"study": self.study.code, "record": record.pk}) + "#dlt")


class AnswerDlt(SubjectDlt):
    """The investigator's answer; the page again when it is refused."""

    action = Action.ASSESS_DLT

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        subject = subject_or_404(actor=self.actor, number=number)
        record = self.record_asked(request, subject)
        if request.POST.get("is_dlt") not in {"yes", "no"}:
            raise ChooseAnswer("Choose whether it is dose limiting, yes or no.")
        services.answer_dlt(
            actor=self.actor,
            subject=subject,
            record=record,
            is_dlt=request.POST["is_dlt"] == "yes",
            criterion=request.POST.get("criterion", ""),
            reason=request.POST.get("reason", ""),
            at=timezone.now(),
        )
        return self.back(number, record)


class AdjudicateDlt(SubjectDlt):
    """The sponsor's signed decision; the page again when it is refused."""

    action = Action.ADJUDICATE_DLT

    def post(self, request: StudyRequest, number: str) -> HttpResponse:
        subject = subject_or_404(actor=self.actor, number=number)
        record = self.record_asked(request, subject)
        if request.POST.get("judgement") not in Judgement.values:
            raise ChooseAnswer("Choose whether it is confirmed as dose limiting, or not.")
        proof = signatures.reauthenticate(request.user, request.POST.get("password", ""), request=request)
        services.adjudicate_dlt(
            actor=self.actor,
            proof=proof,
            subject=subject,
            record=record,
            judgement=Judgement(request.POST["judgement"]),
            criterion=request.POST.get("criterion", ""),
            reason=request.POST.get("reason", ""),
            at=timezone.now(),
        )
        self.tell("Your decision is signed.")
        return self.back(number, record)


class AdverseEvents(StudyView):
    """The listing across the sites of the study."""

    action = Action.READ_DATA
    template = "safety/adverse_events.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = listing.Filters.read(request.GET)
        asked_page = request.GET.get("page", "1")
        number = int(asked_page) if asked_page.isascii() and asked_page.isdigit() and len(asked_page) < 7 else 1
        now = timezone.now()
        shown = listing.page(actor=self.actor, filters=filters, number=number, at=now)
        return self.page(
            {
                "listing": shown,
                "filters": filters,
                "choices": listing.choices(actor=self.actor),
                "standings": [(value, label) for value, label in DltStanding.choices if value != "not_asked"],
                "may_review": marks.track_of(self.actor) is not None,
                "may_query": self.actor.may(Action.RAISE_QUERY),
                "may_download": self.actor.may(Action.EXPORT_LISTING),
                "overview": selectors.safety_overview(actor=self.actor),
                "here": request.get_full_path(),
            },
            fragment="table",
        )


class AdverseEventsCsv(StudyView):
    """The listing as CSV, with the same filters and order. The download is noted in the trail."""

    action = Action.EXPORT_LISTING

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = listing.Filters.read(request.GET)
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        name = f"{self.study.code}-adverse-events.csv"
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response.write("\ufeff")
        rows: Iterator[list[str]] = listing.csv_rows(actor=self.actor, filters=filters, at=timezone.now())
        writer = csv.writer(response)
        count = -1
        for row in rows:
            writer.writerow(row)
            count += 1
        note_in_trail(act="listing downloaded", about={"listing": name, "filters": filters.in_use, "rows": count})
        return response


class ReviewRows(StudyView):
    """Marking rows of the listing as reviewed, up to a hundred at once."""

    action = Action.REVIEW_DATA

    def post(self, request: HttpRequest) -> HttpResponseBase:
        keys = {int(key) for key in request.POST.getlist("record") if key.isdigit()}
        records = list(
            FormRecord.objects.visible_to(self.actor).filter(
                pk__in=keys, study_id=self.actor.study_id, page=Page.ADVERSE_EVENT.value
            )
        )
        if len(records) != len(keys):
            raise Http404
        marks.mark_reviewed(actor=self.actor, records=records, at=timezone.now())
        return redirect(_back(request, reverse("adverse_events", kwargs={"study": self.study.code})))


class QueryCell(StudyView):
    """A question about a cell of the listing, asked without leaving it."""

    action = Action.RAISE_QUERY
    template = "safety/query_cell.html"

    def get(self, request: HttpRequest, record: int) -> HttpResponse:
        found = _event_or_404(self, record)
        source = request.POST or request.GET
        event = selectors.events_of_subject(actor=self.actor, subject=found.subject).filter(record=found).first()
        return self.page(
            {
                "record": found,
                "subject": found.subject,
                "event": event,
                "path": source.get("path", ""),
                "paths": selectors.query_paths(found),
                "back": source.get("back", ""),
                "text": source.get("text", ""),
            },
            fragment="form",
        )

    def post(self, request: HttpRequest, record: int) -> HttpResponseBase:
        found = _event_or_404(self, record)
        review.raise_query(
            actor=self.actor,
            record=found,
            path=request.POST.get("path", ""),
            text=request.POST.get("text", ""),
            at=timezone.now(),
        )
        self.tell("The question was sent to the site.")
        return redirect(_back(request, reverse("adverse_events", kwargs={"study": self.study.code})))


class TermSearch(StudyView):
    """Terms of the protocol's dictionary for what somebody has typed so far."""

    action = Action.READ_DATA

    def get(self, request: HttpRequest, record: int) -> HttpResponse:
        found = _event_or_404(self, record)
        text = request.GET.get("q", "")[:100]
        terms = asked.search_terms(found.protocol_version.definition, text)
        return JsonResponse(
            {"terms": [{"name": term.name, "soc": term.soc, "grades": list(term.grades)} for term in terms]}
        )


def _event_or_404(view: StudyView, pk: int) -> FormRecord:
    record = record_or_404(actor=view.actor, pk=pk)
    if record.page != Page.ADVERSE_EVENT.value:
        raise Http404
    return record


def _back(request: HttpRequest, otherwise: str) -> str:
    """The listing as it was, filters and all; an address of another host is not followed."""
    address = request.POST.get("back", "")
    return address if url_has_allowed_host_and_scheme(address, allowed_hosts=None) else otherwise
