"""What the grid of a lab panel shows beside each result: range, flag, grade, baseline, previous, what to do next."""

from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from django.urls import reverse

from apps.labs import checks, selectors
from apps.labs.models import LabResult, RangeSource
from apps.visits.models import FormRecord
from clinical.protocol.pages import Page

NEW_EVENT_GRADE = 3
NEW_EVENT_RISE = 2


@dataclass(frozen=True)
class Earlier:
    """A result that this one is compared with."""

    value: str
    day: str
    grade: int | None


@dataclass(frozen=True)
class Row:
    """The derived cells of one analyte."""

    test: str
    range_words: str
    range_source: str
    range_note: str
    flag: str
    times_uln: str
    grade: int | None
    grade_term: str
    clause: str
    question: str
    baseline: Earlier | None
    previous: Earlier | None
    event_url: str
    event_words: str
    findings: tuple[str, ...]
    is_not_done: bool


def rows(record: FormRecord) -> dict[str, Row]:
    """The derived cells of the record's results by test code."""
    mine = {
        each.key: each for each in LabResult.objects.filter(record=record, is_removed=False).select_related("record")
    }
    subject = record.subject
    everything = selectors.results(subject, tests=mine)
    by_pk = {each.pk: each for each in everything}
    previous: dict[str, LabResult] = {}
    for each in everything:
        if each.record_id == record.pk:
            mine[each.key] = each
    for each in everything:
        own = mine[each.key]
        if each.pk != own.pk and each.value is not None and _is_earlier(each, own):
            previous[each.key] = each
    for each in mine.values():
        each.record = record  # one record with its subject and protocol for every row
    findings: dict[str, list[str]] = {}
    for finding in checks.of_panel(record):
        parts = finding.path.split("/")
        if len(parts) == 3 and not checks.is_answered(record, finding):
            findings.setdefault(parts[1], []).append(finding.sentence)
    return {
        test: _row(result, by_pk.get(result.baseline_id or 0), previous.get(test), tuple(findings.get(test, ())))
        for test, result in mine.items()
    }


def _is_earlier(one: LabResult, other: LabResult) -> bool:
    mine, theirs = selectors.panel_of(one).collected, selectors.panel_of(other).collected
    return mine is not None and theirs is not None and mine.earliest() < theirs.earliest()


def _row(result: LabResult, baseline: LabResult | None, previous: LabResult | None, findings: tuple[str, ...]) -> Row:
    return Row(
        test=result.key,
        range_words=_range_words(result),
        range_source="" if result.range_source is None else RangeSource(result.range_source).label,
        range_note="default" if result.range_source == RangeSource.PROTOCOL else "",
        flag=result.get_flag_display() if result.flag and result.flag != "NORMAL" else "",
        times_uln=f"{result.times_uln:.2f} × ULN" if result.times_uln is not None and result.times_uln > 1 else "",
        grade=result.grade,
        grade_term=result.grade_term or "",
        clause=result.clause or "",
        question=result.question or "",
        baseline=_earlier(baseline),
        previous=_earlier(previous),
        event_url=_event_url(result) if _asks_for_event(result, baseline, previous) else "",
        event_words=f"{result.grade_term}, grade {result.grade}",
        findings=findings,
        is_not_done=result.is_not_done,
    )


def _range_words(result: LabResult) -> str:
    low, high = _short(result.low), _short(result.high)
    if low and high:
        return f"{low}–{high}"
    return f"≥ {low}" if low else f"≤ {high}" if high else ""


def _short(limit: Decimal | None) -> str:
    """A limit as a laboratory prints it: a converted one to four digits, the judgement itself uses all of them."""
    if limit is None:
        return ""
    if limit.as_tuple().digits[5:]:
        limit = Decimal(f"{limit:.4g}")
    text = f"{limit:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _earlier(result: LabResult | None) -> Earlier | None:
    if result is None:
        return None
    collected = selectors.panel_of(result).collected
    day = "" if collected is None else str(collected.to_day())
    return Earlier(f"{result.reported} {result.unit or ''}".strip(), day, result.grade or None)


def _asks_for_event(result: LabResult, baseline: LabResult | None, previous: LabResult | None) -> bool:
    """A new grade 3 or more, or a rise by two grades, since the last result (or baseline, or nothing abnormal)."""
    if not result.grade:
        return False
    before = (previous or baseline).grade if (previous or baseline) is not None else 0  # type: ignore[union-attr]  # one of the two is there
    rise = result.grade - (before or 0)
    return (result.grade >= NEW_EVENT_GRADE and rise > 0) or rise >= NEW_EVENT_RISE


def _event_url(result: LabResult) -> str:
    """A new adverse event with term, grade and onset filled in; empty where the trial has no such log."""
    record = result.record
    forms = record.subject.protocol_version.definition.forms_of(Page.ADVERSE_EVENT)
    if not forms:
        return ""
    collected = selectors.panel_of(result).collected
    address = reverse(
        "log_entry_add",
        kwargs={"study": record.subject.study.code, "number": record.subject.number, "form": forms[0].code},
    )
    known = {
        "term": result.grade_term or "",
        "grade": str(result.grade),
        "onset": "" if collected is None else collected.to_day().iso,
    }
    return f"{address}?{urlencode(known)}"
