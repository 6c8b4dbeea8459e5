"""The doses of a subject on one page, and a further dose at a visit."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from apps.access.views import StudyView
from apps.core.action import Action
from apps.core.refusal import NotFound
from apps.dosing import presentation, selectors, services
from apps.visits import selectors as visit_selectors
from clinical.protocol.pages import Page


class SubjectDosing(StudyView):
    """Planned and given doses of a subject, running totals, and what holds the next dose back."""

    action = Action.READ_DATA
    template = "dosing/subject_dosing.html"

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        subject = visit_selectors.subject_or_404(actor=self.actor, number=number)
        return self.page(
            {
                "subject": subject,
                "products": presentation.products(subject, as_planned_by=timezone.now()),
                "holds": selectors.next_dose_hold(subject, timezone.now()),
            }
        )


class AddDose(StudyView):
    """One more dose of the same product at the same visit."""

    action = Action.RECORD_DOSING

    def post(self, request: HttpRequest, record: int) -> HttpResponse:
        found = visit_selectors.record_or_404(actor=self.actor, pk=record)
        if found.page != Page.ADMINISTRATION:
            raise NotFound("This form records no dose.")
        added = services.add_dose(actor=self.actor, record=found, at=timezone.now())
        return redirect("record", study=self.study.code, record=added.pk)
