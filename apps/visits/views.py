"""The pages of a visit and of a form record."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from apps.access.views import CONFLICT, UNPROCESSABLE, StudyView
from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.refusal import Refusal
from apps.visits import overlays, pages, presentation, running, schedule, selectors, services
from apps.visits.models import FormRecord, RunningAnswer
from clinical.partial_date import AskBack, PartialDate, Precision, read_typed

ENTRY = (Action.ENTER_DATA, Action.RECORD_DOSING)


class NotADate(Refusal): ...


class VisitPage(StudyView):
    """A visit as a task list of its forms."""

    action = Action.READ_DATA
    template = "visits/visit.html"

    def get(self, request: HttpRequest, number: str, code: str) -> HttpResponse:
        visit = selectors.visit_or_404(actor=self.actor, number=number, code=code)
        return self.page(presentation.visit(visit, actor=self.actor))


class StartVisit(StudyView):
    """Starting a visit, or recording that it did not take place."""

    action = Action.ENTER_DATA
    template = "visits/visit.html"

    def get(self, request: HttpRequest, number: str, code: str) -> HttpResponse:
        visit = selectors.visit_or_404(actor=self.actor, number=number, code=code)
        return self.page(presentation.visit(visit, actor=self.actor))

    def post(self, request: HttpRequest, number: str, code: str) -> HttpResponse:
        visit = selectors.visit_or_404(actor=self.actor, number=number, code=code)
        now = timezone.now()
        if request.POST.get("act") in {"missed", "skipped"}:
            schedule.miss_visit(
                actor=self.actor,
                visit=visit,
                why=request.POST.get("why", ""),
                skipped=request.POST["act"] == "skipped",
                at=now,
            )
        else:
            today = now.astimezone(visit.site.zone_info).date()
            took_place = _typed_moment(request.POST.get("took_place") or "t", today=today)
            schedule.start_visit(actor=self.actor, visit=visit, took_place=took_place, at=now)
        return redirect("visit", study=self.study.code, number=number, code=code)


class AnswerRunning(StudyView):
    """What was heard at a visit of running entries: of one, or that nothing changed of all that nobody asked about yet.

    Whoever says that an entry changed goes on to it and enters what.
    """

    action = Action.ENTER_DATA
    template = "visits/visit.html"

    def get(self, request: HttpRequest, number: str, code: str) -> HttpResponse:
        visit = selectors.visit_or_404(actor=self.actor, number=number, code=code)
        return self.page(presentation.visit(visit, actor=self.actor))

    def post(self, request: HttpRequest, number: str, code: str) -> HttpResponse:
        visit = selectors.visit_or_404(actor=self.actor, number=number, code=code)
        answer = RunningAnswer.CHANGED if "changed" in request.POST else RunningAnswer.NO_CHANGE
        names = [name for name in ("changed", "unchanged") if name in request.POST] or ["waiting"]
        keys = [int(key) for key in request.POST.getlist(names[0]) if key.isdigit() and len(key) < 19]
        running.answer_about_running(actor=self.actor, visit=visit, records=keys, answer=answer, at=timezone.now())
        if answer is RunningAnswer.CHANGED:
            return redirect("record", study=self.study.code, record=keys[0])
        address = reverse("visit", kwargs={"study": self.study.code, "number": number, "code": code})
        return redirect(f"{address}#since-last-visit")


class AddUnscheduledVisit(StudyView):
    """A visit that nobody planned."""

    action = Action.ENTER_DATA
    template = "visits/unscheduled.html"

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        subject = selectors.subject_or_404(actor=self.actor, number=number)
        definition = subject.protocol_version.definition
        offered = [definition.form(code) for code in definition.unscheduled.forms]
        return self.page({"subject": subject, "offered": offered})

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        subject = selectors.subject_or_404(actor=self.actor, number=number)
        now = timezone.now()
        took_place = _typed_moment(
            request.POST.get("took_place") or "t", today=now.astimezone(subject.site.zone_info).date()
        )
        visit = schedule.add_unscheduled_visit(
            actor=self.actor, subject=subject, took_place=took_place, forms=tuple(request.POST.getlist("forms")), at=now
        )
        return redirect("visit", study=self.study.code, number=number, code=visit.code)


def _typed_moment(text: str, *, today: Any) -> PartialDate:
    read = read_typed(
        text, today=today, at_least=Precision.DAY, at_most=Precision.MINUTE, not_after=PartialDate.of(today)
    )
    if isinstance(read, AskBack):
        raise NotADate(read.message)
    return read


class AddLogEntry(StudyView):
    """A new entry of a log: an adverse event, a medication, a lesion."""

    action = ENTRY

    def post(self, request: HttpRequest, number: str, form: str) -> HttpResponse:
        subject = selectors.subject_or_404(actor=self.actor, number=number)
        if form not in {each.code for each in subject.protocol_version.definition.forms if each.is_log}:
            raise Http404
        record = services.open_record(
            actor=self.actor,
            subject=subject,
            form=form,
            visit=None,
            protocol_version=subject.protocol_version,
            at=timezone.now(),
        )
        return redirect("record", study=self.study.code, record=record.pk)


class RecordPage(StudyView):
    """One form: entry, completion, and everything that is said about it."""

    action = Action.READ_DATA
    template = "visits/record.html"

    def get(self, request: HttpRequest, record: int) -> HttpResponse:
        found = selectors.record_or_404(actor=self.actor, pk=record)
        self.template = pages.page(found.page).template
        typed = request.POST.dict() if request.method == "POST" else {}
        return self.page(
            presentation.record(found, actor=self.actor, refusal=getattr(self, "refusal", None), typed=typed)
        )

    def post(self, request: HttpRequest, record: int) -> HttpResponse:
        found = selectors.record_or_404(actor=self.actor, pk=record)
        now, act = timezone.now(), request.POST.get("act", "save")
        if act == "not_done":
            services.mark_not_done(actor=self.actor, record=found, why=request.POST.get("why", ""), at=now)
        elif act == "remove":
            services.remove_record(actor=self.actor, record=found, why=request.POST.get("why", ""), at=now)
        else:
            _save_typed(self.actor, found, request)
            if act == "complete":
                services.complete_record(actor=self.actor, record=found, at=now)
        return redirect(self._next(found, act))

    def _next(self, record: Any, act: str) -> str:
        """After completion the next form of the visit, otherwise the same page."""
        if act in {"complete", "not_done"}:
            following = selectors.next_record(record, actor=self.actor)
            if following is not None:
                return reverse("record", kwargs={"study": self.study.code, "record": following.pk})
            if record.visit is not None:
                return reverse(
                    "visit",
                    kwargs={"study": self.study.code, "number": record.subject.number, "code": record.visit.code},
                )
        if act == "remove":
            return reverse("subject", kwargs={"study": self.study.code, "number": record.subject.number})
        return reverse("record", kwargs={"study": self.study.code, "record": record.pk})


def _save_typed(actor: Actor, record: FormRecord, request: HttpRequest) -> None:
    """Save whatever of the page was typed and not saved yet: without a script, that is all of it."""
    posted = {name: str(text) for name, text in request.POST.items()}
    texts = {name[6:]: text for name, text in posted.items() if name.startswith("value:")}
    seen = {name[5:]: int(text) for name, text in posted.items() if name.startswith("seen:") and text.isdigit()}
    services.save_values(
        actor=actor, record=record, texts=texts, seen=seen, reason=request.POST.get("reason", ""), at=timezone.now()
    )


class SaveValue(StudyView):
    """Autosave: one value as typed; the answer is what stands beside the field, and its new version."""

    action = ENTRY

    def post(self, request: HttpRequest, record: int) -> HttpResponse:
        found = selectors.record_or_404(actor=self.actor, pk=record)
        path, text = request.POST.get("path", ""), request.POST.get("value", "")
        seen = request.POST.get("seen", "")
        context: dict[str, Any] = {"record": found, "path": path, "study": self.study, "typed": text}
        now = timezone.now()
        try:
            if request.POST.get("blank_reason"):
                services.explain_blank(
                    actor=self.actor,
                    record=found,
                    path=path,
                    why=request.POST["blank_reason"],
                    at=now,
                    reason=request.POST.get("reason", ""),
                )
                context["note"] = f"No value: {request.POST['blank_reason']}"
            elif request.POST.get("confirm"):
                services.confirm_value(
                    actor=self.actor,
                    record=found,
                    path=path,
                    check=request.POST["confirm"],
                    why=request.POST.get("why", ""),
                    at=now,
                )
                context["note"] = f"Right as entered: {request.POST.get('why', '')}"
            else:
                context["saved"] = services.save_value(
                    actor=self.actor,
                    record=found,
                    path=path,
                    text=text,
                    seen=int(seen) if seen.isdigit() else None,
                    reason=request.POST.get("reason", ""),
                    at=now,
                )
            context["version"] = services.version_of(found, path)
        except services.ChangedMeanwhile as conflict:
            return render(request, "visits/feedback.html", context | {"conflict": conflict}, status=CONFLICT)
        except services.ReasonNeeded as refusal:
            context |= {"reason_needed": refusal, "reasons": services.REASONS_FOR_CHANGE}
            return render(request, "visits/feedback.html", context, status=UNPROCESSABLE)
        except (services.CannotBeStored, services.Closed, services.HoldsValues) as refusal:
            return render(request, "visits/feedback.html", context | {"problem": refusal}, status=UNPROCESSABLE)
        found.refresh_from_db()
        context |= {"status": overlays.status_words([found])[found.pk]}
        context |= presentation.derived(found, actor=self.actor)
        return render(request, "visits/feedback.html", context)


class AddLine(StudyView):
    """A further line on a page."""

    action = ENTRY

    def post(self, request: HttpRequest, record: int, kind: str) -> HttpResponse:
        found = selectors.record_or_404(actor=self.actor, pk=record)
        if kind not in pages.page(found.page).line_types:
            raise Http404
        _save_typed(self.actor, found, request)
        services.add_line(actor=self.actor, record=found, kind=kind, at=timezone.now())
        return redirect(reverse("record", kwargs={"study": self.study.code, "record": found.pk}) + f"#{kind}")


class RemoveLine(StudyView):
    """Taking a line out of a page, with a reason."""

    action = ENTRY

    def post(self, request: HttpRequest, record: int, kind: str, key: str) -> HttpResponse:
        found = selectors.record_or_404(actor=self.actor, pk=record)
        if kind not in pages.page(found.page).line_types:
            raise Http404
        services.remove_line(
            actor=self.actor, record=found, kind=kind, key=key, reason=request.POST.get("reason", ""), at=timezone.now()
        )
        return redirect(reverse("record", kwargs={"study": self.study.code, "record": found.pk}) + f"#{kind}")


class FieldHistory(StudyView):
    """Every change of one value: who, when, from what to what, and why."""

    action = Action.READ_DATA
    template = "visits/history.html"

    def get(self, request: HttpRequest, record: int) -> HttpResponse:
        found = selectors.record_or_404(actor=self.actor, pk=record)
        path = request.GET.get("path", "")
        changes = selectors.history(found, path)
        return self.page({"record": found, "path": path, "changes": changes, "label": presentation.label(found, path)})
