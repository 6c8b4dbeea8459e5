"""The study's own pages: protocol versions and their approval, people, the audit trail, the state of the machinery."""

import csv
from datetime import timedelta
from io import TextIOWrapper
from tempfile import TemporaryFile

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from apps.access.views import StudyView
from apps.core.action import Action
from apps.core.refusal import Refusal
from apps.core.transactions import note_in_trail
from apps.dashboard import study_selectors as selectors
from apps.study import services
from apps.study.models import ProtocolDraft

LARGEST_FILE = 2_000_000


class NoFile(Refusal): ...


class StudySetUp(StudyView):
    """Protocol versions, drafts that wait for approval, sites and people."""

    action = Action.READ_STUDY
    template = "dashboard/study.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(selectors.set_up(self.study, actor=self.actor))


class LoadProtocol(StudyView):
    """Loading a protocol file; the page names every fault of a bad one."""

    action = Action.DRAFT_PROTOCOL
    template = "dashboard/study.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(selectors.set_up(self.study, actor=self.actor))

    def post(self, request: HttpRequest) -> HttpResponse:
        uploaded = request.FILES.get("file")
        if uploaded is None or uploaded.size is None or uploaded.size > LARGEST_FILE:
            raise NoFile("Choose a protocol file (TOML, at most 2 MB).")
        try:
            text = uploaded.read().decode("utf-8")
        except UnicodeDecodeError as problem:
            raise NoFile(
                "This file is not text in UTF-8, so it is no protocol file. Choose the .toml file."
            ) from problem
        draft = services.load_draft(
            actor=self.actor,
            study=self.study,
            text=text,
            loaded_by=request.user,  # type: ignore[arg-type]  # signed in
            at=timezone.now(),
        )
        self.tell(f"Version {draft.version} waits for approval by an administrator.")
        return redirect("study_set_up", study=self.study.code)


class ApproveProtocol(StudyView):
    """Approving a draft that somebody else loaded."""

    action = Action.APPROVE_PROTOCOL
    template = "dashboard/study.html"

    def get(self, request: HttpRequest, draft: int) -> HttpResponse:
        self._draft(draft)
        return self.page(selectors.set_up(self.study, actor=self.actor))

    def _draft(self, pk: int) -> ProtocolDraft:
        found = ProtocolDraft.objects.filter(study=self.study, pk=pk).select_related("loaded_by").first()
        if found is None:
            raise Http404
        return found

    def post(self, request: HttpRequest, draft: int) -> HttpResponse:
        found = self._draft(draft)
        now = timezone.now()
        approved = services.approve_protocol(
            actor=self.actor,
            study=self.study,
            text=found.text,
            approver=request.user,  # type: ignore[arg-type]  # signed in
            loaded_by=found.loaded_by,
            effective_date=now.date(),
            at=now,
        )
        self.tell(f"Version {approved.version} is approved. Sites work under it once their own approval is recorded.")
        return redirect("study_set_up", study=self.study.code)


class AuditTrail(StudyView):
    """The trail of the study as this person may see it, with filters in the address."""

    action = Action.READ_AUDIT
    template = "dashboard/audit_trail.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        listing = selectors.trail(request.GET, actor=self.actor)
        if not request.GET:
            note_in_trail(act="read the audit trail", about={"key": self.study.code})
        return self.page({"listing": listing}, fragment="table")


class AuditTrailFile(StudyView):
    """The same trail as a CSV file: all of it, however long, written to disk before it is sent."""

    action = Action.READ_AUDIT

    def get(self, request: HttpRequest) -> FileResponse:
        listing = selectors.trail(request.GET, actor=self.actor)
        note_in_trail(
            act="exported the audit trail", about={"key": self.study.code, "filters": request.GET.urlencode()}
        )
        file = TemporaryFile()  # noqa: SIM115  # the answer closes it once it is sent
        words = TextIOWrapper(file, encoding="utf-8", newline="")
        csv.writer(words).writerows(selectors.trail_rows(listing))  # while the database knows who asks
        words.detach()
        file.seek(0)
        return FileResponse(
            file,
            as_attachment=True,
            filename=f"{self.study.code}-audit-trail.csv",
            content_type="text/csv; charset=utf-8",
        )


class System(StudyView):
    """Queues, workers, failed jobs."""

    action = Action.READ_SYSTEM
    template = "dashboard/system.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.page(selectors.system(alive_within=timedelta(seconds=45)))
