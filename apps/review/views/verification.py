"""Source data verification and review marks."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from apps.access.views import StudyView
from apps.core.action import Action
from apps.review import marks, verification, worklists
from apps.review.views.ways_back import way_back

PAGE_ROWS = 50


class VerificationList(StudyView):
    """What must be compared with the source: totals by subject, then the forms; filters in the address."""

    action = Action.READ_DATA
    template = "review/verification_list.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = worklists.RecordFilter.of(request.GET.dict())
        worklist = worklists.verification_worklist(actor=self.actor, filters=filters)
        page = Paginator(worklist.keys, PAGE_ROWS).get_page(request.GET.get("page"))
        shown = worklist.rows(list(page), actor=self.actor)
        kept = request.GET.copy()
        kept.pop("page", None)
        return self.page(
            {
                "filters": filters,
                "totals": worklist.totals,
                "page": page,
                "rows": [(row.record, worklists.title(row.record), row.standing) for row in shown],
                "address": kept.urlencode(),
                "may_verify": self.actor.may(Action.VERIFY_SOURCE),
            },
            fragment="table",
        )


class Verify(StudyView):
    """Marking one value, a form, or every finished form of a visit as found in the source; or taking a mark back."""

    action = Action.VERIFY_SOURCE

    def post(self, request: HttpRequest) -> HttpResponse:
        chosen = worklists.of_keys(actor=self.actor, keys=request.POST.getlist("record"))
        if not chosen:
            raise Http404
        record, now = chosen[0], timezone.now()
        act = request.POST.get("act", "")
        path = act.partition(":")[2]
        if act.startswith("value:"):
            verification.verify_value(actor=self.actor, record=record, path=path, at=now)
            self.tell("Value verified.")
        elif act.startswith("withdraw:"):
            verification.withdraw_verification(actor=self.actor, record=record, path=path, at=now)
            self.tell("Verification taken back.")
        else:
            if act == "visit":
                chosen = [
                    each
                    for each in worklists.records(actor=self.actor, filters=worklists.RecordFilter())
                    .filter(visit=record.visit_id, subject=record.subject_id)
                    .filter(state__in=verification.FINISHED)
                    if record.visit_id is not None
                ] or chosen
            count = verification.verify_records(actor=self.actor, records=chosen, at=now)
            self.tell(
                f"{count} {'value' if count == 1 else 'values'} verified on "
                f"{len(chosen)} {'form' if len(chosen) == 1 else 'forms'}."
            )
        return redirect(way_back(request) or reverse("verification", kwargs={"study": self.study.code}))


class MarkReviewed(StudyView):
    """Marking rows as reviewed, from a listing or from the form itself."""

    action = Action.REVIEW_DATA

    def post(self, request: HttpRequest) -> HttpResponse:
        chosen = worklists.of_keys(actor=self.actor, keys=request.POST.getlist("record"))
        if not chosen:
            raise Http404
        count = marks.mark_reviewed(
            actor=self.actor, records=chosen, note=request.POST.get("note", ""), at=timezone.now()
        )
        self.tell(f"{count} {'row' if count == 1 else 'rows'} marked as reviewed.")
        return redirect(
            way_back(request) or reverse("record", kwargs={"study": self.study.code, "record": chosen[0].pk})
        )
