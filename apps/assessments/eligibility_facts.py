"""What visit procedures tell the eligibility checks, each result with its day."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from apps.assessments.models import EcgResult, PerformanceStatus, VitalResult
from apps.subjects.models import Subject
from apps.visits.models import EntryState, FormRecord
from clinical.eligibility import Fact
from clinical.partial_date import PartialDate
from clinical.protocol.conduct import FACTS
from clinical.protocol.pages import NUMBERS

KG_PER_POUND = Decimal("0.45359237")
"""The international avoirdupois pound."""

VITAL_FACTS = {"WEIGHT": "weight", "OXYSAT": "oxygen_saturation"}
ECG_FACTS = {"QTCFAG": "qtcf"}
VOID = (EntryState.REMOVED, EntryState.NOT_DONE)


def facts(subject: Subject) -> Iterable[Fact]:
    """Performance status, vital signs, ECG, and the protocol's own items that bear the name of a fact."""
    yield from _performance(subject)
    yield from _measured(subject)
    yield from _asked(subject)


def _performance(subject: Subject) -> Iterator[Fact]:
    for row in PerformanceStatus.objects.filter(record__subject=subject, ecog__isnull=False).exclude(
        record__state__in=VOID
    ):
        yield Fact(name="ecog", label=FACTS["ecog"], value=Decimal(row.ecog or 0), on=row.assessed)


def _measured(subject: Subject) -> Iterator[Fact]:
    lines = {"is_removed": False, "record__subject": subject, "value__isnull": False}
    vitals = VitalResult.objects.filter(**lines).exclude(record__state__in=VOID).select_related("record__vitalsigns")
    for vital in vitals.order_by("pk"):
        name = VITAL_FACTS.get(vital.key.split(".")[0])
        if name is not None:
            value, unit = _metric(vital.value, vital.unit)
            yield Fact(name=name, label=FACTS[name], value=value, unit=unit, on=vital.record.vitalsigns.taken)
    ecgs = EcgResult.objects.filter(**lines).exclude(record__state__in=VOID).select_related("record__ecg")
    for result in ecgs.order_by("pk"):
        name = ECG_FACTS.get(result.key.split(".")[0])
        if name is not None:
            yield Fact(name=name, label=FACTS[name], value=result.value, unit=result.unit, on=result.record.ecg.taken)


def _metric(value: Decimal | None, unit: str | None) -> tuple[Decimal | None, str | None]:
    return (value * KG_PER_POUND, "kg") if value is not None and unit == "LB" else (value, unit)


def _asked(subject: Subject) -> Iterator[Fact]:
    """Items that a protocol adds to a page under the name of a fact: `lvef` on its ECG form, say."""
    definition = subject.protocol_version.definition
    items = {
        form.code: [item for item in form.items if item.code in FACTS]
        for form in definition.forms
        if any(item.code in FACTS for item in form.items)
    }
    records = FormRecord.objects.filter(subject=subject, form__in=items).exclude(state__in=VOID)
    for record in records.select_related("visit", "ecg").order_by("pk"):
        for item in items[record.form]:
            answer = record.extra.get(item.code)
            if answer is not None:
                value = Decimal(answer) if item.type in NUMBERS else answer
                yield Fact(name=item.code, label=FACTS[item.code], value=value, unit=item.unit, on=_day_of(record))


def _day_of(record: FormRecord) -> PartialDate | None:
    """The day of the ECG where there is one, otherwise of the visit."""
    ecg = getattr(record, "ecg", None)
    if ecg is not None and ecg.taken is not None:
        return PartialDate.parse(ecg.taken.iso)
    return record.visit.took_place if record.visit else None
