"""The pages of screening: new subject, log, screen failure, screening again."""

import csv
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from apps.access.views import StudyView
from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.transactions import note_in_trail
from apps.screening import selectors, services
from apps.screening.models import YesNo
from apps.screening.services import ConsentGiven, ConsentNotPossible
from apps.study.models import Site
from apps.study.selectors import NoProtocol, version_at_site
from apps.subjects.models import Status, Subject
from apps.visits.selectors import subject_or_404
from clinical.partial_date import AskBack, Precision, read_typed

ROWS_A_PAGE = 50


class NewSubject(StudyView):
    """A new subject: the consent as signed, in one act with number, planned visits and consent form."""

    action = Action.CREATE_SUBJECT
    template = "screening/new_subject.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        sites = self._sites()
        chosen = self._site(sites)
        today = timezone.now().astimezone(chosen.zone_info).date() if chosen else None
        try:
            version = version_at_site(site=chosen, on=today) if chosen and today else None
        except NoProtocol:
            version = None
        gate = selectors.first_consent_gate(version.definition) if version else None
        return self.page(
            {
                "sites": sites,
                "chosen": chosen,
                "version": version,
                "consent_title": version.definition.form(gate.consent_form).title
                if version and gate and gate.consent_form
                else "",
                "copy_choices": YesNo.choices,
                "typed": request.POST,
            }
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        site = self._site(self._sites())
        if site is None:
            raise ConsentNotPossible("Choose the site.")
        subject = services.consent_new_subject(
            actor=self.actor, site=site, consent=_typed_consent(request, site), at=timezone.now()
        )
        self.tell(f"{subject.number} is in screening.")
        return redirect("subject", study=self.study.code, number=subject.number)

    def _sites(self) -> list[Site]:
        mine = self.actor.sites_where(Action.CREATE_SUBJECT)
        return list(Site.objects.filter(study=self.study, pk__in=mine, is_open=True).order_by("number"))

    def _site(self, sites: list[Site]) -> Site | None:
        if len(sites) == 1:
            return sites[0]
        chosen = self.request.POST.get("site") or self.request.GET.get("site", "")
        return next((site for site in sites if site.number == chosen), None)


class ScreeningLog(StudyView):
    """Everybody who was screened, with how it ended and why."""

    action = Action.READ_DATA
    template = "screening/log.html"

    def get(self, request: HttpRequest) -> HttpResponse:
        status, site = request.GET.get("status", ""), request.GET.get("site", "")
        listed = selectors.screening_log(actor=self.actor, status=status, site=site)
        page = Paginator(listed, ROWS_A_PAGE).get_page(request.GET.get("page"))
        sites = Site.objects.filter(pk__in=self.actor.site_ids).order_by("number")
        return self.page(
            {
                "page": page,
                "total": page.paginator.count,
                "statuses": Status.choices,
                "sites": sites,
                "status": status,
                "site": site,
                "may_enter": self.actor.may(Action.CREATE_SUBJECT),
                "may_download": self.actor.may(Action.EXPORT_LISTING),
                "filters": request.GET.urlencode(),
            },
            fragment="table",
        )


class ScreeningLogFile(StudyView):
    """The screening log as shown, as a CSV file."""

    action = Action.EXPORT_LISTING

    def get(self, request: HttpRequest) -> HttpResponse:
        listed = selectors.screening_log(
            actor=self.actor, status=request.GET.get("status", ""), site=request.GET.get("site", "")
        )
        answer = HttpResponse(content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{self.study.code}-screening-log.csv"'
        writer = csv.writer(answer)
        writer.writerow(["Subject", "Site", "Consent", "Consent version", "Screened", "Status", "Failed criteria"])
        rows = 0
        for subject in listed:
            writer.writerow(_log_row(subject))
            rows += 1
        note_in_trail(act="listing downloaded", about={"key": "screening log", "rows": rows})
        return answer


def _log_row(subject: Any) -> list[str]:
    consents = subject.given_consents
    return [
        subject.number,
        subject.site.number,
        consents[0].given.iso if consents else "",
        consents[-1].version if consents else "",
        str(max(1, len(subject.episodes))),
        subject.get_status_display(),
        "; ".join(each.number for failure in subject.failures for each in failure.criteria.all()),
    ]


class ScreenFailurePage(StudyView):
    """Recording that a subject cannot take part, and which criterion says so."""

    action = Action.ENTER_DATA
    template = "screening/screen_failure.html"

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        subject = self._subject(number)
        keeping_out = selectors.keeping_out(subject)
        chosen = request.POST.getlist("criterion") or [view.criterion.number for view in keeping_out]
        return self.page(
            {
                "subject": subject,
                "keeping_out": {view.criterion.number for view in keeping_out},
                "criteria": selectors.criteria_asked(subject),
                "chosen": chosen,
                "typed": request.POST,
            }
        )

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        subject = self._subject(number)
        services.fail_screening(
            actor=self.actor,
            subject=subject,
            criteria=request.POST.getlist("criterion"),
            comment=request.POST.get("comment", ""),
            at=timezone.now(),
        )
        self.tell(f"{subject.number} is a screen failure. Adverse events can still be recorded.")
        return redirect("subject", study=self.study.code, number=number)

    def _subject(self, number: str) -> Subject:
        return _enterable(self.actor, number, Action.ENTER_DATA)


class Rescreen(StudyView):
    """Screening a subject again after a screen failure."""

    action = Action.CREATE_SUBJECT
    template = "screening/rescreen.html"

    def get(self, request: HttpRequest, number: str) -> HttpResponse:
        subject = _enterable(self.actor, number, Action.CREATE_SUBJECT)
        today = timezone.now().astimezone(subject.site.zone_info).date()
        return self.page(
            {
                "subject": subject,
                "rule": selectors.rescreen_rule(subject, on=today),
                "needs_consent": subject.protocol_version.definition.screening.new_consent_on_rescreen,
                "failures": subject.screen_failures.order_by("failed_at").prefetch_related("criteria"),
                "copy_choices": YesNo.choices,
                "chosen": subject.site,
                "version": subject.protocol_version,
                "typed": request.POST,
            }
        )

    def post(self, request: HttpRequest, number: str) -> HttpResponse:
        subject = _enterable(self.actor, number, Action.CREATE_SUBJECT)
        needed = subject.protocol_version.definition.screening.new_consent_on_rescreen
        consent = _typed_consent(request, subject.site) if needed else None
        services.rescreen(actor=self.actor, subject=subject, consent=consent, at=timezone.now())
        self.tell(f"{subject.number} is screened again. The earlier forms stay as they are.")
        return redirect(reverse("subject", kwargs={"study": self.study.code, "number": number}))


def _enterable(actor: Actor, number: str, action: Action) -> Subject:
    subject = subject_or_404(actor=actor, number=number)
    if not actor.may(action, at=subject.site_id):
        raise Http404
    return subject


def _typed_consent(request: HttpRequest, site: Site) -> ConsentGiven:
    """The consent as typed; the clock is the site's."""
    now = timezone.now().astimezone(site.zone_info)
    read = read_typed(
        request.POST.get("given", ""), today=now.date(), at_least=Precision.MINUTE, at_most=Precision.MINUTE
    )
    if isinstance(read, AskBack):
        raise ConsentNotPossible(f"Date and time of consent: {read.message}")
    return ConsentGiven(
        version=request.POST.get("version", "").strip(),
        given=read,
        explained_by=request.POST.get("explained_by", "").strip(),
        copy_given=request.POST.get("copy_given", ""),
    )
