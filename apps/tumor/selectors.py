"""Questions about lesions and responses."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, OuterRef, QuerySet, Subquery

from apps.core.actor import Actor
from apps.study.models import ProtocolVersion
from apps.subjects.models import Subject
from apps.tumor.models import SubjectResponse, SystemResponse
from apps.tumor.series import Series, all_series
from clinical.eligibility import Fact
from clinical.partial_date import PartialDate
from clinical.recist.lesions import State, is_measurable


def site_evaluator(version: ProtocolVersion) -> str:
    """The evaluator whose assessments the site enters: the investigator."""
    evaluators = version.definition.evaluators
    return next((each.code for each in evaluators if each.at_site), evaluators[0].code if evaluators else "")


def responses(subject: Subject, evaluator: str) -> list[SystemResponse]:
    """The system's response at each assessment of an evaluator, baseline first."""
    found = SystemResponse.objects.filter(subject=subject, evaluator=evaluator, is_current=True)
    return list(found.select_related("record__visit", "record__tumorassessment").order_by("position", "pk"))


def best_response(subject: Subject, evaluator: str = "") -> SubjectResponse | None:
    """What an evaluator's assessments amount to so far; the site's own evaluator unless another is named."""
    evaluator = evaluator or site_evaluator(subject.protocol_version)
    return SubjectResponse.objects.filter(subject=subject, evaluator=evaluator).first()


def investigators_progression(derived: Series) -> PartialDate | None:
    """The scan at which the evaluator first stated progression on a completed page."""
    stated = [
        each.date
        for each in derived.follow_ups
        if each.head.overall_response == "PD" and each.record.first_completed_at is not None
    ]
    return stated[0] if stated else None


def eligibility_facts(subject: Subject) -> Iterable[Fact]:
    """Measurable disease: whether a lesion of the site's baseline is large enough; unknown until one is measured."""
    derived = all_series(subject).get(site_evaluator(subject.protocol_version))
    if derived is None or derived.baseline_assessment is None:
        return
    engine = {lesion.name: lesion for lesion in derived.engine_lesions()}
    measured = [
        (engine[seen.lesion], seen.mm)
        for seen in derived.baseline_assessment.measurements
        if seen.state is State.MEASURED and seen.mm is not None and seen.lesion in engine
    ]
    is_answered = bool(measured) or bool(derived.baseline_assessment.measurements)
    yield Fact(
        name="measurable_disease",
        label="Measurable disease",
        value=any(is_measurable(lesion, mm, derived.settings) for lesion, mm in measured) if is_answered else None,
        on=derived.baseline[-1].date,
    )


@dataclass(frozen=True)
class Row:
    """One subject of the listing, with the last assessment of one evaluator."""

    best: SubjectResponse
    last: SystemResponse | None

    @property
    def stated(self) -> str:
        """The evaluator's own overall response at the last assessment."""
        if self.last is None:
            return ""
        return self.last.record.tumorassessment.overall_response or ""

    @property
    def differs(self) -> bool:
        return self.last is not None and bool(self.stated) and self.stated != self.last.overall


def listing(
    *, actor: Actor, evaluator: str, response: str = "", site: str = "", order: str = "subject"
) -> QuerySet[SubjectResponse]:
    """The subjects with assessments of an evaluator, each with the number of its last one."""
    last = (
        SystemResponse.objects.filter(subject=OuterRef("subject"), evaluator=evaluator, is_current=True)
        .order_by("-position", "-pk")
        .values("pk")[:1]
    )
    found: QuerySet[SubjectResponse] = SubjectResponse.objects.visible_to(actor).filter(
        subject__study_id=actor.study_id, evaluator=evaluator
    )
    if response:
        found = found.filter(confirmed_best=response)
    if site:
        found = found.filter(subject__site__number=site)
    found = found.select_related("subject__site").annotate(last_id=Subquery(last))
    if order == "change":
        return found.order_by(F("best_change_pct").asc(nulls_last=True), "subject__number")
    return found.order_by("subject__number")


def with_last(page: Iterable[SubjectResponse]) -> list[Row]:
    """The rows of one page of the listing, in one further query."""
    rows = list(page)
    wanted = [getattr(row, "last_id", None) for row in rows]
    last = {
        each.pk: each
        for each in SystemResponse.objects.filter(pk__in=[pk for pk in wanted if pk]).select_related(
            "record__visit", "record__tumorassessment"
        )
    }
    return [Row(best=row, last=None if pk is None else last.get(pk)) for row, pk in zip(rows, wanted, strict=True)]
