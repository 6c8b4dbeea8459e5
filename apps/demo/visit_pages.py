"""A visit as the site enters it: every page of it, by what the page is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from apps.demo import measurements
from apps.demo.casebook import Casebook
from apps.dosing import plan
from apps.visits import schedule
from apps.visits.models import EntryState, FormRecord
from clinical.protocol.pages import Page

DOSE_HOUR, DAY_HOURS = 10, 24
NOT_PLANNED = "Not planned at this dose level"


@dataclass(frozen=True)
class VisitFacts:
    """What is particular about a visit; everything else is as usual."""

    ecog: int = 0
    dose: str = ""
    unusual: Mapping[str, str] = field(default_factory=dict)
    crs: int = 0
    dose_texts: Mapping[str, str] = field(default_factory=dict)
    left_open: frozenset[str] = frozenset()
    """Forms that the site has not come to yet."""


STORY_PAGES = frozenset({Page.CONSENT, Page.ELIGIBILITY, Page.TUMOR_ASSESSMENT, Page.CELL_PRODUCT, Page.DISPOSITION})
"""Pages that the story of the subject fills in itself, in its own time."""


def enter(casebook: Casebook, code: str, day: int, at: datetime, facts: VisitFacts) -> None:
    """Type and complete the pages of a visit that took place on a day.

    Time points around the dose come later, and so do the doses of a visit that lasts several days.
    """
    for record in casebook.records(code):
        lasts = record.page == Page.ADMINISTRATION and _lasts_days(record)
        if record.state == EntryState.EXPECTED and not (record.time_point or lasts or record.form in facts.left_open):
            _enter_page(casebook, record, day, at, facts)


def enter_doses_of_day(casebook: Casebook, code: str, first: int, day: int, at: datetime) -> None:
    """The doses of one day of a visit that began on the first one and lasts several, each at its time of day."""
    for record in casebook.records(code):
        if record.page == Page.ADMINISTRATION and record.state == EntryState.EXPECTED:
            days, place = divmod(record.repeat - 1, _times_a_day(record))
            if first + days == day:
                enter_dose(
                    casebook, record, day, at, VisitFacts(), hours_later=place * DAY_HOURS // _times_a_day(record)
                )


def _lasts_days(record: FormRecord) -> bool:
    planned = schedule.planned_visit(record.visit) if record.visit else None
    return planned is not None and planned.duration > timedelta(0)


def _times_a_day(record: FormRecord) -> int:
    """How often a day the plan has the product of this page at its visit."""
    assert record.visit is not None  # doses of the demo hang on visits
    definition = record.protocol_version.definition
    product = definition.form(record.form).product or ""
    dose = plan.planned_dose(definition, level=record.subject.dose_level, visit=record.visit.code, product=product)
    return dose.times_a_day if dose else 1


def enter_time_points(casebook: Casebook, code: str, day: int, at: datetime, facts: VisitFacts) -> None:
    """Type the pages that repeat by the hour after the end of the dose."""
    for record in casebook.records(code):
        if record.state == EntryState.EXPECTED and record.time_point:
            _enter_page(casebook, record, day, at, facts)


def _enter_page(casebook: Casebook, record: FormRecord, day: int, at: datetime, facts: VisitFacts) -> None:
    definition = record.protocol_version.definition
    form = definition.form(record.form)
    taken = f"{casebook.day(day)}T08:{casebook.chance.randint(0, 49):02d}"
    if record.time_point:
        taken = _after_dose(casebook, record, day)
    texts: dict[str, str]
    match form.page:
        case Page.PERFORMANCE_STATUS:
            texts = {"assessed": casebook.day(day), "ecog": str(facts.ecog)}
        case Page.VITAL_SIGNS:
            fever = {"TEMP": measurements.CRS_AT_BEDSIDE[facts.crs]["temperature"]} if facts.crs else {}
            texts = measurements.vital_signs(
                form, casebook.chance, taken=taken, weight=casebook.weight, unusual={**fever, **facts.unusual}
            )
        case Page.ECG:
            texts = measurements.ecg(form, casebook.chance, taken=taken)
        case Page.LAB_PANEL:
            if form.panel == "pregnancy" and casebook.sex == "M":
                casebook.not_done(record, "Not applicable, male subject", at)
                return
            texts = measurements.panel(
                definition,
                form,
                casebook.chance,
                collected=taken,
                laboratory=casebook.stage.laboratories[casebook.site.number],
                sex=casebook.sex,
                unusual=facts.unusual,
            )
        case Page.NEUROTOXICITY:
            texts = measurements.bedside(casebook.chance, observed=taken, crs=facts.crs)
        case Page.ADMINISTRATION:
            enter_dose(casebook, record, day, at, facts)
            return
        case _:
            return
    casebook.fill(record, texts, at)


def enter_dose(
    casebook: Casebook, record: FormRecord, day: int, at: datetime, facts: VisitFacts, *, hours_later: int = 0
) -> None:
    """A dose as planned, or as the story says."""
    product = record.protocol_version.definition.form(record.form).product or ""
    planned = record.administration.planned_dose
    amount = facts.dose if facts.dose and product == casebook.product else planned and f"{planned.normalize():f}"
    if not amount:
        casebook.not_done(record, NOT_PLANNED, at)
        return
    hour = (DOSE_HOUR if product == casebook.product else DOSE_HOUR - 1) + hours_later
    usual = {
        "was_given": "Y",
        "dose": amount,
        "started": f"{casebook.day(day)}T{hour:02d}:05",
        "ended": f"{casebook.day(day)}T{hour + 1:02d}:05",
        "modification": "NONE",
    }
    particular = facts.dose_texts if product == casebook.product else {}
    texts = {**usual, **particular}
    if texts["was_given"] == "N":
        texts = {name: text for name, text in texts.items() if name not in ("dose", "started", "ended")}
    casebook.fill(record, texts, at)


def _after_dose(casebook: Casebook, record: FormRecord, day: int) -> str:
    """The wall time of a time point: hours after the end of the dose, as its name says."""
    words = record.time_point.split(" h ")
    hours = float(words[0]) if len(words) > 1 else 0.0
    end = datetime.fromisoformat(f"{casebook.day(day)}T{DOSE_HOUR + 1:02d}:05")
    return (end + timedelta(hours=hours)).isoformat(timespec="minutes")
