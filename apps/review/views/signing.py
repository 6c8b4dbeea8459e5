"""The signature queue, signing, and one signature with its proof."""

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from apps.access.views import StudyRequest, StudyView
from apps.core.action import Action
from apps.review import signatures, worklists
from apps.review.models import Scope, Signature
from apps.review.views.ways_back import way_back
from apps.visits.models import FormRecord

PAGE_ROWS = 200


class SignatureQueue(StudyView):
    """Forms ready to sign, by subject and visit; what broke an earlier signature is said."""

    action = Action.READ_DATA
    template = "review/signature_queue.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        filters = worklists.RecordFilter.of(request.GET.dict())
        found = worklists.to_sign(actor=self.actor, filters=filters)
        only = request.GET.get("record", "")
        page = Paginator(found, PAGE_ROWS).get_page(request.GET.get("page"))
        kept = request.GET.copy()
        kept.pop("page", None)
        return self.page(
            {
                "filters": filters,
                "page": page,
                # A signature binds: nothing is chosen for the signer beyond what the address itself names.
                "rows": [
                    (row, worklists.title(row.record), str(row.record.pk) == only if only else bool(filters.subject))
                    for row in worklists.signature_rows(list(page))
                ],
                "meaning": signatures.MEANING,
                "may_sign": self.actor.may(Action.SIGN_RECORDS),
                "scopes": Scope,
                "address": kept.urlencode(),
            }
        )


class SignRecords(SignatureQueue):
    """Signing what was chosen, with the signer's password."""

    action = Action.SIGN_RECORDS

    def post(self, request: StudyRequest) -> HttpResponse:
        # The password is asked before the service, so that a wrong try counts even though nothing is signed.
        proof = signatures.reauthenticate(request.user, request.POST.get("password", ""), request=request)
        chosen = worklists.of_keys(actor=self.actor, keys=request.POST.getlist("record"))
        signed = signatures.sign_records(
            actor=self.actor, proof=proof, records=chosen, scope=_scope(chosen), at=timezone.now()
        )
        self.tell(f"{len(signed)} {'form' if len(signed) == 1 else 'forms'} signed.")
        return redirect(way_back(request) or reverse("signature_queue", kwargs={"study": self.study.code}))


def _scope(chosen: list[FormRecord]) -> Scope:
    """What one act covers: one form, forms of one visit, or more of a casebook."""
    if len(chosen) == 1:
        return Scope.RECORD
    visits = {(record.subject_id, record.visit_id) for record in chosen}
    return Scope.VISIT if len(visits) == 1 and next(iter(visits))[1] is not None else Scope.CASEBOOK


class SignaturePage(StudyView):
    """One signature: who, when, with which meaning, what was signed, and whether it still stands."""

    action = Action.READ_DATA
    template = "review/signature.html"

    def get(self, request: HttpRequest, signature: int) -> HttpResponse:
        found = self._found(signature)
        return self.page(
            {
                "signature": found,
                "broken": getattr(found, "broken", None),
                "proven": signatures.prove(found),
                "record": found.record,
                "subject": found.subject,
                "visit": found.visit,
                "may_withdraw": found.signed_by_id == self.actor.user_id and not hasattr(found, "broken"),
            }
        )

    def post(self, request: HttpRequest, signature: int) -> HttpResponse:
        found = self._found(signature)
        signatures.withdraw_signature(
            actor=self.actor, signature=found, why=request.POST.get("why", ""), at=timezone.now()
        )
        self.tell("Your signature was taken back.")
        return redirect("signature", study=self.study.code, signature=found.pk)

    def _found(self, key: int) -> Signature:
        found = (
            Signature.objects.visible_to(self.actor)
            .select_related("record__protocol_version", "subject__site", "subject__study", "visit", "broken")
            .filter(pk=key, subject__study_id=self.actor.study_id)
            .first()
        )
        if found is None:
            raise Http404
        return found
