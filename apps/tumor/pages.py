"""The typed pages of this room: the lesion log and the tumor assessment."""

from apps.tumor import checks, grid
from apps.tumor.forms import LesionForm, LesionMeasurementForm, TumorAssessmentForm
from apps.tumor.models import Lesion, LesionMeasurement, TumorAssessment
from apps.visits import pages, schedule
from apps.visits.models import CrfLine, FormRecord, Visit, VisitStatus
from clinical.protocol.pages import Page


def _open_lesion(record: FormRecord) -> None:
    """Preset who evaluates at the site, and the last visit that had an assessment."""
    held = Visit.objects.filter(
        subject_id=record.subject_id, status=VisitStatus.STARTED, records__page=Page.TUMOR_ASSESSMENT
    )
    last = held.order_by("-number").first()
    Lesion.objects.filter(record=record).update(
        subject=record.subject,
        evaluator=_next_evaluator(record, set()),
        identified_at=None if last is None else last.code,
    )


def _open_assessment(record: FormRecord) -> None:
    """Preset the evaluator who has no assessment at this visit yet, and the day where the visit is the scan."""
    taken = set(
        TumorAssessment.objects.filter(record__visit=record.visit, record__subject=record.subject)
        .exclude(record=record)
        .values_list("evaluator", flat=True)
    )
    planned = schedule.planned_visit(record.visit) if record.visit else None
    is_scan = planned is not None and planned.on_imaging_calendar and record.visit is not None
    took_place = record.visit.took_place if is_scan and record.visit else None
    TumorAssessment.objects.filter(record=record).update(
        evaluator=_next_evaluator(record, taken), scanned=None if took_place is None else took_place.to_day()
    )


def _next_evaluator(record: FormRecord, taken: set[str | None]) -> str | None:
    evaluators = record.protocol_version.definition.evaluators
    in_turn = sorted(evaluators, key=lambda each: not each.at_site)
    return next((each.code for each in in_turn if each.code not in taken), None)


def _label(line: CrfLine) -> str:
    return line.key


def _lesion_summary(record: FormRecord) -> str:
    """ "T1, liver, target"."""
    lesion = Lesion.objects.get(record=record)
    parts = (lesion.lesion_id, lesion.get_location_display(), lesion.get_kind_display())
    return ", ".join(part for part in parts if part)


def _assessment_summary(record: FormRecord) -> str:
    head = TumorAssessment.objects.get(record=record)
    return f"{head.scanned or 'no date'}, {head.overall_response or 'no response stated'}"


def _lesion_context(record: FormRecord) -> dict[str, object]:
    lesion = Lesion.objects.select_related("parent").get(record=record)
    return {"lesion": lesion, "parts": list(lesion.parts.order_by("record_id"))}


def _assessment_context(record: FormRecord) -> dict[str, object]:
    return {"grid": grid.of(record)}


def register() -> None:
    pages.register(
        pages.PageType(
            code=Page.LESION.value,
            title="Lesion",
            model=Lesion,
            form=LesionForm,
            is_log=True,
            opened=_open_lesion,
            checks=checks.of_lesion,
            summary=_lesion_summary,
            context=_lesion_context,
            panel="tumor/lesion_panel.html",
        )
    )
    pages.register(
        pages.PageType(
            code=Page.TUMOR_ASSESSMENT.value,
            title="Tumor assessment",
            model=TumorAssessment,
            form=TumorAssessmentForm,
            lines=(
                pages.LineType(
                    title="Lesions",
                    row_title="Lesion",
                    model=LesionMeasurement,
                    form=LesionMeasurementForm,
                    label=_label,
                ),
            ),
            opened=_open_assessment,
            checks=checks.of_assessment,
            summary=_assessment_summary,
            context=_assessment_context,
            panel="tumor/assessment_derived.html",
            template="tumor/tumor_assessment.html",
        )
    )
