"""The pages of enrolment: the cohorts' places, a subject's gates and slot, the medical monitor's releases."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from apps.access.views import StudyRequest, StudyView
from apps.core.action import Action
from apps.core.refusal import Refusal
from apps.enrollment import presentation, selectors, services
from apps.enrollment.models import STANDING, Cohort, Slot
from apps.review.signatures import reauthenticate
from apps.subjects.models import Subject
from apps.visits.selectors import subject_or_404
from clinical.partial_date import AskBack, PartialDate, Precision, read_typed


class NotADate(Refusal): ...


class Enrolment(StudyView):
    """Which cohort is open, how many places it has, from when the next first dose is permitted."""

    action = Action.READ_STUDY
    template = "enrollment/enrolment.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        services.ensure_cohorts(study=self.study, at=now)
        services.expire_reservations(study=self.study, at=now)
        return self.page(presentation.board(actor=self.actor, study=self.study, at=now), fragment="table")


class SlotsToRelease(StudyView):
    """The reserved slots that wait for the medical monitor."""

    action = Action.RELEASE_SLOT
    template = "enrollment/slots.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        services.expire_reservations(study=self.study, at=now)
        slots = list(selectors.to_release(actor=self.actor))
        return self.page({"rows": presentation.slot_rows(slots, study=self.study, at=now)})


class SubjectEnrolment(StudyView):
    """One subject's gates and place."""

    action: Action | tuple[Action, ...] = Action.READ_DATA
    template = "enrollment/subject_enrolment.html"

    def get(self, request: HttpRequest, number: str, **_: Any) -> HttpResponse:
        now = timezone.now()
        services.ensure_cohorts(study=self.study, at=now)
        services.expire_reservations(study=self.study, at=now)
        subject = subject_or_404(actor=self.actor, number=number)
        typed = request.POST if request.method == "POST" else {}
        shown = presentation.subject_enrolment(subject, actor=self.actor, at=now)
        return self.page(shown | {"typed": typed})


class _Act(SubjectEnrolment):
    """An act on that page; it comes back to the page, with the refusal on it if there was one."""

    def post(self, request: StudyRequest, number: str, **names: str) -> HttpResponse:
        subject = subject_or_404(actor=self.actor, number=number)
        self.tell(self.act(request, subject, **names))
        return redirect("subject_enrolment", study=self.study.code, number=number)

    def act(self, request: StudyRequest, subject: Subject, **names: str) -> str:
        """Do it, and say in a sentence what happened."""
        raise Http404

    def slot(self, subject: Subject) -> Slot:
        """The subject's standing slot."""
        slot = selectors.slot_of(subject)
        if slot is None or slot.state not in STANDING:
            raise services.SlotNotPossible(f"{subject.number} has no place in a cohort now.")
        return slot

    def planned(self, request: StudyRequest, subject: Subject) -> PartialDate | None:
        """The planned first dose as typed; nothing typed is nothing planned."""
        text = request.POST.get("planned", "").strip()
        if not text:
            return None
        today = timezone.now().astimezone(subject.site.zone_info).date()
        read = read_typed(text, today=today, at_least=Precision.DAY, at_most=Precision.MINUTE)
        if isinstance(read, AskBack):
            raise NotADate(f"Planned first dose: {read.message}")
        return read


class SignGate(_Act):
    """The investigator's signature under the criteria of a gate."""

    action = Action.SIGN_ELIGIBILITY

    def act(self, request: StudyRequest, subject: Subject, **names: str) -> str:
        if names["gate"] not in {gate.code for gate in subject.protocol_version.definition.gates}:
            raise Http404
        proof = reauthenticate(request.user, request.POST.get("password", ""), request=request)
        services.sign_gate(actor=self.actor, subject=subject, gate=names["gate"], proof=proof, at=timezone.now())
        return f"{subject.protocol_version.definition.gate(names['gate']).title} is signed."


class ReserveSlot(_Act):
    """Asking for a place in a cohort."""

    action = Action.REQUEST_SLOT

    def act(self, request: StudyRequest, subject: Subject, **names: str) -> str:
        cohort = Cohort.objects.filter(study=self.study, code=request.POST.get("cohort", "")).first()
        if cohort is None:
            raise services.SlotNotPossible("Choose a cohort.")
        slot = services.reserve_slot(
            actor=self.actor,
            subject=subject,
            cohort=cohort,
            planned_first_dose=self.planned(request, subject),
            backfill="backfill" in request.POST,
            wait=request.POST.get("act") == "wait",
            at=timezone.now(),
        )
        return f"{cohort}: {slot.get_state_display().lower()}."


class PlanFirstDose(_Act):
    """Saying when the first dose is planned."""

    action = Action.REQUEST_SLOT

    def act(self, request: StudyRequest, subject: Subject, **names: str) -> str:
        planned = self.planned(request, subject)
        if planned is None:
            raise NotADate("Type when the first dose is planned, such as 15mar26 09:00.")
        services.plan_first_dose(actor=self.actor, slot=self.slot(subject), planned=planned, at=timezone.now())
        return f"First dose planned for {planned}."


class ConfirmSlot(_Act):
    """Enrolling the subject."""

    action = Action.REQUEST_SLOT

    def act(self, request: StudyRequest, subject: Subject, **names: str) -> str:
        slot = services.confirm_slot(actor=self.actor, slot=self.slot(subject), at=timezone.now())
        return f"{subject.number} is enrolled in {slot.cohort}."


class GiveBackSlot(_Act):
    """Giving a place back before the first dose."""

    action = Action.REQUEST_SLOT

    def act(self, request: StudyRequest, subject: Subject, **names: str) -> str:
        services.give_back_slot(
            actor=self.actor, slot=self.slot(subject), why=request.POST.get("why", ""), at=timezone.now()
        )
        return "The place is given back."


class ReleaseSlot(_Act):
    """The medical monitor's release, or refusal."""

    action = Action.RELEASE_SLOT

    def act(self, request: StudyRequest, subject: Subject, **names: str) -> str:
        slot, comment = self.slot(subject), request.POST.get("comment", "")
        if request.POST.get("act") == "refuse":
            services.refuse_release(actor=self.actor, slot=slot, comment=comment, at=timezone.now())
            return f"{subject.number} is not released for dosing."
        services.release_for_dosing(
            actor=self.actor,
            slot=slot,
            override_reason=request.POST.get("override_reason", ""),
            comment=comment,
            at=timezone.now(),
        )
        return f"{subject.number} is released for dosing."
