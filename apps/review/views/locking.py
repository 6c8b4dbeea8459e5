"""Freeze, lock and unlock."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from apps.access.views import StudyView
from apps.core.action import Action
from apps.core.actor import Actor
from apps.review import checklist, locking, worklists
from apps.review.models import UnlockRequest, UnlockState
from apps.review.views.ways_back import way_back
from apps.visits import overlays
from apps.visits.models import EntryState
from apps.visits.selectors import record_or_404, subject_or_404

PAGE_ROWS = 50
PAGE_SUBJECTS = 20
"""Subjects on one page of the checklist: every form of each is looked at."""


class FreezeLock(StudyView):
    """Every subject with the checklist: each count leads to the rows it counts. Unlock requests wait below."""

    action: tuple[Action, ...] = (Action.FREEZE_DATA, Action.LOCK_DATA, Action.UNLOCK_DATA, Action.READ_AUDIT)
    template = "review/freeze_lock.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = worklists.RecordFilter.of(request.GET.dict())
        found = worklists.subjects_with_forms(actor=self.actor, filters=filters)
        page = Paginator(found, PAGE_SUBJECTS).get_page(request.GET.get("page"))
        kept = request.GET.copy()
        kept.pop("page", None)
        items = checklist.items()
        return self.page(
            {
                "filters": filters,
                "items": items,
                "page": page,
                "rows": [
                    (row, [(self._address(item, row), row.obstacles.get(item.code, 0)) for item in items])
                    for row in worklists.readiness(list(page), actor=self.actor, filters=filters)
                ],
                "address": kept.urlencode(),
                "requests": waiting_unlocks(actor=self.actor),
                "may_lock": self.actor.may(Action.LOCK_DATA),
                "may_unlock": self.actor.may(Action.UNLOCK_DATA),
            }
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Lock every form of one subject."""
        subject = subject_or_404(actor=self.actor, number=request.POST.get("subject", ""))
        chosen = list(worklists.records(actor=self.actor, filters=worklists.RecordFilter(subject=subject.number)))
        certificate = locking.lock_records(actor=self.actor, subject=subject, records=chosen, at=timezone.now())
        self.tell(f"{len(certificate.records)} forms of {subject.number} locked.")
        return redirect("freeze_lock", study=self.study.code)

    def _address(self, item: checklist.Item, row: worklists.Readiness) -> str:
        if not item.url_name:
            return ""
        where = reverse(item.url_name, kwargs={"study": self.study.code})
        return f"{where}?subject={row.number}{'&' if item.query else ''}{item.query}"


def waiting_unlocks(*, actor: Actor) -> list[UnlockRequest]:
    """The unlocks that wait for a second person."""
    return list(
        UnlockRequest.objects.visible_to(actor)
        .filter(study_id=actor.study_id, state=UnlockState.ASKED)
        .select_related("subject", "record__visit")
        .prefetch_related("record__protocol_version")
        .order_by("asked_at")
    )


class FreezeLockForms(StudyView):
    """The forms behind a count of the checklist, and freezing or locking some of them."""

    action = (Action.FREEZE_DATA, Action.LOCK_DATA, Action.UNLOCK_DATA, Action.READ_AUDIT)
    template = "review/freeze_lock_forms.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = worklists.RecordFilter.of(request.GET.dict())
        found = worklists.records(actor=self.actor, filters=filters)
        if request.GET.get("state") == "unfinished":
            found = found.filter(state__in=(EntryState.EXPECTED, EntryState.IN_PROGRESS), is_locked=False)
        page = Paginator(found, PAGE_ROWS).get_page(request.GET.get("page"))
        shown = list(page)
        words = overlays.status_words(shown)
        kept = request.GET.copy()
        kept.pop("page", None)
        return self.page(
            {
                "filters": filters,
                "page": page,
                "rows": [(record, worklists.title(record), words[record.pk]) for record in shown],
                "address": kept.urlencode(),
                "may_freeze": self.actor.may(Action.FREEZE_DATA),
                "may_lock": self.actor.may(Action.LOCK_DATA),
            }
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        chosen = worklists.of_keys(actor=self.actor, keys=request.POST.getlist("record"))
        if not chosen:
            raise Http404
        now, why = timezone.now(), request.POST.get("why", "")
        match request.POST.get("act"):
            case "freeze":
                count = locking.freeze_records(actor=self.actor, records=chosen, at=now)
                self.tell(f"{count} {_forms(count)} frozen.")
            case "unfreeze":
                count = locking.unfreeze_records(actor=self.actor, records=chosen, why=why, at=now)
                self.tell(f"{count} {_forms(count)} open for entry again.")
            case "lock":
                certificate = locking.lock_records(actor=self.actor, subject=chosen[0].subject, records=chosen, at=now)
                self.tell(f"{len(certificate.records)} {_forms(len(certificate.records))} locked.")
            case _:
                return HttpResponse("This is not something that can be done to forms here.", status=400)
        return redirect(way_back(request) or request.get_full_path())


def _forms(count: int) -> str:
    return "form" if count == 1 else "forms"


class AskUnlock(StudyView):
    """Asking for a locked form to be opened."""

    action = (Action.ENTER_DATA, Action.RAISE_QUERY, Action.LOCK_DATA)

    def post(self, request: HttpRequest, record: int) -> HttpResponse:
        found = record_or_404(actor=self.actor, pk=record)
        locking.ask_unlock(actor=self.actor, record=found, why=request.POST.get("why", ""), at=timezone.now())
        self.tell("The unlock was asked for. Another person approves it.")
        return redirect("record", study=self.study.code, record=found.pk)


class DecideUnlock(FreezeLock):
    """Approving or refusing an unlock that another person asked for."""

    action = (Action.UNLOCK_DATA,)

    def get(self, request: HttpRequest, unlock: int = 0) -> HttpResponse:
        self._asked(unlock)
        return super().get(request)

    def _asked(self, unlock: int) -> UnlockRequest:
        asked = UnlockRequest.objects.visible_to(self.actor).filter(pk=unlock, study_id=self.actor.study_id).first()
        if asked is None:
            raise Http404
        return asked

    def post(self, request: HttpRequest, unlock: int = 0) -> HttpResponse:
        decided = locking.decide_unlock(
            actor=self.actor,
            request=self._asked(unlock),
            approve=request.POST.get("act") == "approve",
            note=request.POST.get("note", ""),
            at=timezone.now(),
        )
        self.tell(f"{decided.get_state_display()}.")
        return redirect("freeze_lock", study=self.study.code)
