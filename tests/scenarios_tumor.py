"""States of tumor assessment, reached through the services."""

from datetime import datetime

from apps.subjects.models import Subject
from apps.tumor.models import Lesion, SystemResponse, TumorAssessment
from apps.visits import schedule
from apps.visits import services as visit_services
from apps.visits.models import FormRecord, Visit, VisitStatus
from clinical.partial_date import PartialDate
from clinical.protocol.pages import Page
from tests.scenarios import NOON, Trial

STATE_WORDS = {
    "absent": "ABSENT",
    "present": "PRESENT",
    "too small": "TOO SMALL TO MEASURE",
    "equivocal": "EQUIVOCAL",
    "progressed": "UNEQUIVOCAL",
    "merged": "TUMOR MERGED",
    "NE": "NOT EVALUABLE",
    "ND": "NOT DONE",
}


def lesion(
    trial: Trial,
    subject: Subject,
    kind: str = "TARGET",
    location: str = "LIVER",
    *,
    node: bool = False,
    identified: str = "2026-03-02",
    identified_at: str = "",
    evaluator: str = "",
    by: str = "chidi",
    at: datetime = NOON,
) -> FormRecord:
    """An entry of the lesion log; the system names it."""
    form = trial.version.definition.forms_of(Page.LESION)[0].code
    with trial.acting_as(by) as actor:
        record = visit_services.open_record(
            actor=actor, subject=subject, form=form, visit=None, protocol_version=trial.version, at=at
        )
        texts = {
            "kind": kind,
            "location": location,
            "node": "Y" if node else "N",
            "method": "CT SCAN",
            "identified": identified,
        }
        if identified_at:
            texts["identified_at"] = identified_at
        if evaluator:
            texts["evaluator"] = evaluator
        visit_services.save_values(actor=actor, record=record, texts=texts, at=at)
    return record


def name(trial: Trial, record: FormRecord, *, by: str = "chidi") -> str:
    """The name that a lesion was given."""
    with trial.acting_as(by):
        return Lesion.objects.get(record=record).lesion_id or ""


def baseline_visit(trial: Trial) -> str:
    """The visit that the protocol makes the first assessment at."""
    return next(visit.code for visit in trial.version.definition.visits if any("tumor" in form for form in visit.forms))


def treated(trial: Trial, subject: Subject, moment: str = "2026-03-11", *, by: str = "chidi") -> None:
    """The reference date of the trial, from which scans are planned."""
    recist = trial.version.definition.recist
    assert recist is not None
    with trial.acting_as(by):
        schedule.set_anchor(subject=subject, name=recist.reference_anchor, moment=PartialDate.parse(moment))


def scans(trial: Trial, subject: Subject, *, by: str = "chidi") -> list[str]:
    """The codes of the planned scans, in order."""
    calendar = [each.code for each in trial.version.definition.visits_for() if each.on_imaging_calendar]
    with trial.acting_as(by):
        found = Visit.objects.filter(subject=subject, code__in=calendar).order_by("number")
        return list(found.values_list("code", flat=True))


def assessment(
    trial: Trial,
    subject: Subject,
    visit: str,
    scanned: str,
    cells: dict[str, str],
    *,
    stated: dict[str, str] | None = None,
    complete: bool = False,
    by: str = "chidi",
    at: datetime = NOON,
) -> FormRecord:
    """An assessment of a visit: `cells` by lesion, a diameter in mm or a word such as "absent"."""
    with trial.acting_as(by) as actor:
        schedule.plan_visits(subject=subject)
        found = Visit.objects.get(subject=subject, code=visit)
        if found.status != VisitStatus.STARTED:
            schedule.start_visit(actor=actor, visit=found, took_place=PartialDate.parse(scanned), at=at)
        record = FormRecord.objects.get(visit=found, page=Page.TUMOR_ASSESSMENT)
    fill(trial, record, cells, stated={"scanned": scanned, **(stated or {})}, by=by, at=at)
    if complete:
        with trial.acting_as(by) as actor:
            visit_services.complete_record(actor=actor, record=record, at=at)
    return record


def fill(
    trial: Trial,
    record: FormRecord,
    cells: dict[str, str],
    *,
    stated: dict[str, str] | None = None,
    by: str = "chidi",
    at: datetime = NOON,
) -> None:
    """Type cells and stated responses into an assessment."""
    with trial.acting_as(by) as actor:
        record.refresh_from_db()
        nodes = {
            key
            for key in Lesion.objects.filter(subject=record.subject, node="Y").values_list("lesion_id", flat=True)
            if key
        }
        texts = dict(stated or {})
        for key, text in cells.items():
            if text in STATE_WORDS:
                texts[f"lesions/{key}/state"] = STATE_WORDS[text]
            else:
                texts[f"lesions/{key}/{'short_axis_mm' if key in nodes else 'longest_mm'}"] = text
        visit_services.save_values(
            actor=actor, record=record, texts=texts, at=at, reason="New information" if record.needs_reason else ""
        )


def system(trial: Trial, record: FormRecord, *, by: str = "chidi") -> SystemResponse:
    """What the system derives for an assessment."""
    with trial.acting_as(by):
        return SystemResponse.objects.select_related("record__visit").get(record=record)


def head(trial: Trial, record: FormRecord, *, by: str = "chidi") -> TumorAssessment:
    """The head of an assessment."""
    with trial.acting_as(by):
        return TumorAssessment.objects.get(record=record)
