"""The cohort board and the committee's decision."""

import csv
from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.access.views import StudyRequest, StudyView
from apps.core import drawing
from apps.core.action import Action
from apps.core.refusal import Refusal
from apps.core.transactions import note_in_trail
from apps.escalation import plot, selectors, services
from apps.escalation.models import CommitteeDecision, DecisionKind
from apps.escalation.selectors import Board
from apps.review import signatures

MOST_ATTENDEES = 6


class UnreadableCut(Refusal): ...


class CohortBoard(StudyView):
    """Every dose level with its counts, its subjects, the advice and the decisions."""

    action = Action.READ_STUDY
    template = "escalation/cohort_board.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        board = selectors.cohort_board(actor=self.actor, study=self.study, at=timezone.now())
        return self.page(
            {
                "board": board,
                "picture": None if board is None else _picture(self, board),
                "decisions": selectors.decisions(study=self.study),
                "may_decide": self.actor.may(Action.DECIDE_ESCALATION),
                "may_download": self.actor.may(Action.EXPORT_LISTING),
            },
            fragment="board",
        )


def _picture(view: StudyView, board: Board) -> SafeString:
    def link(number: str) -> str:
        return reverse("subject_dlt", kwargs={"study": view.study.code, "number": number})

    return plot.cohort_board(board, link=link)


class CohortBoardPicture(StudyView):
    """The board as a file."""

    action = Action.READ_STUDY

    def get(self, request: HttpRequest) -> HttpResponse:
        board = selectors.cohort_board(actor=self.actor, study=self.study, at=timezone.now())
        if board is None:
            raise Http404
        response = HttpResponse(drawing.as_file(_picture(self, board)), content_type="image/svg+xml")
        response["Content-Disposition"] = f'attachment; filename="{self.study.code}-cohorts.svg"'
        return response


class CohortBoardCsv(StudyView):
    """The counts per dose level as CSV."""

    action = Action.EXPORT_LISTING

    def get(self, request: HttpRequest) -> HttpResponse:
        board = selectors.cohort_board(actor=self.actor, study=self.study, at=timezone.now())
        if board is None:
            raise Http404
        name = f"{self.study.code}-cohorts.csv"
        response = HttpResponse(content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        writer = csv.writer(response)
        counted = ("treated", "evaluable", "dlts", "pending", "undecided", "not_evaluable")
        writer.writerow(["level", "label", "cohort", "state", "places", "enrolled", *counted])
        for row in board.rows:
            cohort = [row.cohort.code, row.cohort.get_state_display()] if row.cohort else ["", ""]
            counts = [getattr(row.counts, each) for each in counted]
            writer.writerow([row.number, row.label, *cohort, row.planned, row.enrolled, *counts])
        note_in_trail(act="listing downloaded", about={"listing": name, "rows": len(board.rows)})
        return response


class SignDecision(StudyView):
    """The decision form: what the board shows at a data cut, what the committee decides, the signature."""

    action = Action.DECIDE_ESCALATION
    template = "escalation/committee_decision_form.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        board = selectors.cohort_board(actor=self.actor, study=self.study, at=now)
        if board is None:
            raise Http404
        definition = board.ladder.definition
        return self.page(
            {
                "board": board,
                "picture": _picture(self, board),
                "cut": now.isoformat(),
                "kinds": DecisionKind.choices,
                "levels": [(number, definition.dose_level(number).label) for number in board.ladder.numbers],
                "places": _typed_attendees(request, definition.escalation.committee),
                "meaning": services.MEANING,
                "typed": request.POST,
            }
        )

    def post(self, request: StudyRequest) -> HttpResponse:
        kind, level = request.POST.get("kind", ""), request.POST.get("next_level", "")
        if kind not in DecisionKind.values:
            raise services.Incomplete("Choose what is decided.")
        try:
            cut = datetime.fromisoformat(request.POST.get("cut", ""))
        except ValueError as problem:
            raise UnreadableCut("The moment of the data cut is missing. Open the page again.") from problem
        if cut.tzinfo is None:
            raise UnreadableCut("The moment of the data cut is missing. Open the page again.")
        named = zip(request.POST.getlist("attendee"), request.POST.getlist("attendee_role"), strict=False)
        proposal = services.Proposal(
            kind=DecisionKind(kind),
            next_level=int(level) if level.removeprefix("-").isdigit() and level.isascii() else None,
            rationale=request.POST.get("rationale", ""),
            attendees=tuple(services.Attendee(name.strip(), role.strip()) for name, role in named if name.strip()),
            advice_seen=request.POST.get("advice_seen", ""),
        )
        proof = signatures.reauthenticate(request.user, request.POST.get("password", ""), request=request)
        decision = services.sign_decision(
            actor=self.actor, proof=proof, study=self.study, proposal=proposal, data_cut_at=cut, at=timezone.now()
        )
        self.tell("The decision is signed.")
        return redirect("committee_decision", study=self.study.code, decision=decision.pk)


def _typed_attendees(request: HttpRequest, committee: tuple[str, ...]) -> list[tuple[str, str]]:
    """Name and role of each line of the form: what was typed, or the roles that the protocol names."""
    names = request.POST.getlist("attendee")
    roles = request.POST.getlist("attendee_role") or list(committee)
    lines = max(MOST_ATTENDEES, len(names), len(roles))
    names += [""] * (lines - len(names))
    roles += [""] * (lines - len(roles))
    return list(zip(names, roles, strict=True))


class DecisionPage(StudyView):
    """One signed decision as it was signed."""

    action = Action.READ_STUDY
    template = "escalation/committee_decision.html"

    def get(self, request: HttpRequest, decision: int) -> HttpResponse:
        found = (
            CommitteeDecision.objects.filter(study=self.study, pk=decision)
            .select_related("cohort", "next_cohort", "protocol_version")
            .first()
        )
        if found is None:
            raise Http404
        return self.page({"decision": found})
