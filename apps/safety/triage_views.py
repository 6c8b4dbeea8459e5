"""The pages of the triage: serious events and their clocks, one of them with its forms, the reference versions."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from apps.access.views import StudyView
from apps.core.action import Action
from apps.safety import authority, panels, triage, triage_forms
from apps.safety.authority import TriageCase
from apps.safety.models import ReferenceInformation
from apps.study.selectors import latest_version
from apps.visits.selectors import record_or_404


class SeriousEvents(StudyView):
    """Every serious event that the person sees, what is due at the authority first."""

    action = Action.READ_DATA
    template = "safety/serious_events.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        found = authority.cases_of_study(actor=self.actor, at=timezone.now())
        return self.page({"cases": found, "zone": self.study.zone})


class SeriousEvent(StudyView):
    """One serious event on its way to the authority: the clock, both opinions, the forms, the history."""

    action: Action | tuple[Action, ...] = Action.READ_DATA
    template = "safety/serious_event.html"
    refused_form = ""

    def get(self, request: HttpRequest, record: int) -> HttpResponse:
        case = self.case_or_404(record, timezone.now())
        corrects = request.POST.get("number", "") or request.GET.get("correct", "")
        typed = {self.refused_form: (request.POST, self.refusal)} if self.refusal else {}
        shown = panels.triage_of(case, self.actor, corrects=corrects, typed=typed)
        return self.page(
            {
                "record": case.record,
                "subject": case.record.subject,
                "panel": shown,
                "problems": shown[f"{self.refused_form}_form"].problems if self.refusal and self.refused_form else [],
            }
        )

    def case_or_404(self, record: int, at: datetime) -> TriageCase:
        case = authority.case_of(record_or_404(actor=self.actor, pk=record), at)
        if case is None:
            raise Http404
        return case

    def done(self, case: TriageCase, sentence: str) -> HttpResponse:
        """Back to the section of the event's own page."""
        self.tell(sentence)
        return redirect(reverse("record", kwargs={"study": self.study.code, "record": case.record.pk}) + "#triage")


class TriageEvent(SeriousEvent):
    """The medical monitor's triage; the page again when it is refused."""

    action = Action.TRIAGE_SERIOUS_EVENT
    refused_form = "triage"

    def post(self, request: HttpRequest, record: int) -> HttpResponse:
        now = timezone.now()
        case = self.case_or_404(record, now)
        answers = triage_forms.read_answers(case, request.POST)
        recorded = triage.triage_event(actor=self.actor, record=case.record, answers=answers, at=now)
        return self.done(case, f"Your triage is recorded: the event {recorded.get_determination_display()}.")


class RecordSubmission(SeriousEvent):
    """A report that went to the authority."""

    action = Action.TRIAGE_SERIOUS_EVENT
    refused_form = "sending"

    def post(self, request: HttpRequest, record: int) -> HttpResponse:
        now = timezone.now()
        case = self.case_or_404(record, now)
        sending = triage_forms.read_sending(case, request.POST)
        recorded = triage.record_submission(actor=self.actor, record=case.record, sending=sending, at=now)
        return self.done(case, f"{authority.report_name(recorded.number)} is recorded.")


class CorrectSubmission(SeriousEvent):
    """The correction of what was recorded of a report."""

    action = Action.TRIAGE_SERIOUS_EVENT
    refused_form = "correction"

    def post(self, request: HttpRequest, record: int) -> HttpResponse:
        now = timezone.now()
        case = self.case_or_404(record, now)
        number = triage_forms.key(request.POST, "number")
        triage.correct_submission(
            actor=self.actor,
            record=case.record,
            number=-1 if number is None else number,
            sending=triage_forms.read_sending(case, request.POST),
            was_sent=triage_forms.yes_or_no(request.POST, "was_sent") is not False,
            reason=request.POST.get("reason", ""),
            at=now,
        )
        return self.done(case, "The correction is recorded.")


class ReferenceVersions(StudyView):
    """The versions of the reference safety information; the medical monitor enters and corrects them."""

    action: Action | tuple[Action, ...] = Action.READ_DATA
    template = "safety/reference_versions.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        products = self.products()
        names = dict(products)
        rows = authority.references_of([self.study.pk])[self.study.pk]
        asked = request.POST.get("corrects", "") or request.GET.get("correct", "")
        wrong = next((each for each in rows if str(each.pk) == asked), None)
        may_enter = self.actor.may(Action.TRIAGE_SERIOUS_EVENT)
        form = triage_forms.reference(
            products, corrects=wrong, typed=request.POST if self.refusal else None, refusal=self.refusal
        )
        return self.page(
            {
                "rows": [(row, names.get(row.product, row.product)) for row in rows],
                "replaced": ReferenceInformation.objects.filter(study=self.study, replaced_by__isnull=False).order_by(
                    "entered_at", "pk"
                ),
                "form": form if may_enter else None,
                "problems": form.problems,
                "corrected": wrong,
                "may_enter": may_enter,
            }
        )

    def products(self) -> tuple[tuple[str, str], ...]:
        definition = latest_version(self.study).definition
        return tuple((each.code, each.name) for each in definition.products if each.study_product)


class EnterReference(ReferenceVersions):
    """Entering a version, or correcting one; the page again when it is refused."""

    action = Action.TRIAGE_SERIOUS_EVENT

    def post(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        today = now.astimezone(ZoneInfo(self.study.zone)).date()
        entered = triage.enter_reference(
            actor=self.actor,
            study=self.study,
            product=request.POST.get("product", ""),
            version=request.POST.get("version", ""),
            in_force_from=triage_forms.read_day(request.POST, "in_force_from", today=today),
            corrects=triage_forms.key(request.POST, "corrects"),
            reason=request.POST.get("reason", ""),
            at=now,
        )
        self.tell(f"{entered.version} is entered, in force from {entered.in_force_from:%d-%b-%Y}.")
        return redirect("reference_versions", study=self.study.code)
