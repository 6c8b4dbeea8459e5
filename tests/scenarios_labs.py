"""States of the laboratory, reached through the services."""

from datetime import date, datetime
from decimal import Decimal

from apps.labs import services
from apps.labs.models import Laboratory, LabResult, ReferenceRange
from apps.subjects.models import Subject
from apps.visits import schedule
from apps.visits import services as visit_services
from apps.visits.models import FormRecord, Visit, VisitStatus
from clinical.partial_date import PartialDate
from tests.scenarios import NOON, Trial


def laboratory(trial: Trial, *, site: str = "101", name: str = "Labor Berlin", by: str = "chidi") -> Laboratory:
    """A laboratory that a site named."""
    with trial.acting_as(by) as actor:
        return services.register_laboratory(actor=actor, site=trial.sites[site], name=name, at=NOON)


def proposed_range(
    trial: Trial,
    of: Laboratory,
    analyte: str,
    low: str | None,
    high: str | None,
    *,
    unit: str = "U/L",
    sex: str | None = None,
    ages: tuple[int | None, int | None] = (None, None),
    effective_from: date = date(2026, 1, 1),
    effective_to: date | None = None,
    replaces: ReferenceRange | None = None,
    by: str = "chidi",
    at: datetime = NOON,
) -> ReferenceRange:
    """A range that waits for approval."""
    with trial.acting_as(by) as actor:
        return services.propose_range(
            actor=actor,
            laboratory=of,
            proposal=services.ProposedRange(
                analyte=analyte,
                unit=unit,
                low=None if low is None else Decimal(low),
                high=None if high is None else Decimal(high),
                sex=sex,
                age_from=ages[0],
                age_to=ages[1],
                effective_from=effective_from,
                effective_to=effective_to,
            ),
            replaces=replaces,
            at=at,
        )


def approve(trial: Trial, proposed: ReferenceRange, *, by: str = "dana", at: datetime = NOON) -> ReferenceRange:
    """The data manager's approval."""
    with trial.acting_as(by) as actor:
        return services.approve_range(actor=actor, proposed=proposed, at=at)


def panel(
    trial: Trial,
    subject: Subject,
    *,
    form: str = "chemistry",
    visit: str = "SCR",
    collected: str = "2026-03-02T08:00",
    by: str = "chidi",
    at: datetime = NOON,
    **results: str,
) -> FormRecord:
    """A panel of a visit with some results: `panel(..., ALT="412")`. A unit is written `ALT__unit="ukat/L"`."""
    with trial.acting_as(by) as actor:
        schedule.plan_visits(subject=subject)
        found = Visit.objects.get(subject=subject, code=visit)
        if found.status != VisitStatus.STARTED:
            schedule.start_visit(actor=actor, visit=found, took_place=PartialDate.parse(collected[:10]), at=at)
        record = FormRecord.objects.get(visit=found, form=form)
    enter(trial, record, paths_of(collected=collected, **results), by=by, at=at)
    return record


def paths_of(**texts: str) -> dict[str, str]:
    """`ALT="412"` and `ALT__unit="U/L"` as the paths of the page; `collected` and the like are the head's."""
    paths = {}
    for name, text in texts.items():
        test, _, column = name.partition("__")
        is_head = name in {"collected", "fasting", "laboratory", "sample_id"}
        paths[name if is_head else f"results/{test}/{column or 'reported'}"] = text
    return paths


def enter(
    trial: Trial,
    record: FormRecord,
    paths: dict[str, str] | None = None,
    *,
    by: str = "chidi",
    at: datetime = NOON,
    **texts: str,
) -> None:
    """Type values into a panel: results by test code, `fasting`, `collected`; or by their paths."""
    typed = {**(paths or {}), **paths_of(**texts)}
    with trial.acting_as(by) as actor:
        visit_services.save_values(
            actor=actor, record=record, texts=typed, at=at, reason="New information" if record.needs_reason else ""
        )


def first_dose(trial: Trial, subject: Subject, moment: str, *, by: str = "chidi") -> None:
    """The moment from which events are treatment emergent, as dosing fixes it."""
    name = trial.version.definition.safety.treatment_emergent_from
    with trial.acting_as(by):
        schedule.set_anchor(subject=subject, name=name, moment=PartialDate.parse(moment))


def result(trial: Trial, record: FormRecord, test: str, *, by: str = "chidi") -> LabResult:
    """One result as it stands."""
    with trial.acting_as(by):
        found: LabResult = LabResult.objects.select_related("reference_range", "baseline").get(record=record, key=test)
        return found
