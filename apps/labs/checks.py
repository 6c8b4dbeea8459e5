"""What a lab panel asks about its values: implausible results, units that do not convert, significance left open."""

from collections.abc import Iterator
from decimal import Decimal

from apps.labs import judging
from apps.labs.models import Laboratory, LabPanel, LabResult
from apps.visits import values
from apps.visits.models import FormRecord
from apps.visits.pages import Finding
from clinical import units
from clinical.protocol.pages import Analyte, ExpectedRange, ResultType

SIGNIFICANCE_FROM_GRADE = 3


def of_panel(record: FormRecord) -> list[Finding]:
    """Everything to confirm on the page; nothing here stands in the way of completion."""
    return list(_findings(record))


def is_answered(record: FormRecord, finding: Finding) -> bool:
    """Whether somebody said why the value is right, and it is still that value."""
    answer = record.confirmations.get(f"{finding.path} {finding.check}")
    return answer is not None and bool(answer["text"] == values.place(record, finding.path).stored_text)


def _findings(record: FormRecord) -> Iterator[Finding]:
    definition = record.protocol_version.definition
    head = LabPanel.objects.get(record=record)
    code = definition.form(record.form).panel
    analytes = {each.test: each for each in definition.panel(code).analytes} if code else {}
    expected = {each.field: each for each in definition.expected_ranges if each.form == record.form}
    found = list(LabResult.objects.filter(record=record, is_removed=False).order_by("pk"))
    has_results = any(each.reported is not None and not each.is_not_done for each in found)
    if has_results and head.laboratory_id is None and Laboratory.objects.filter(site_id=record.site_id).exists():
        yield Finding(
            "laboratory",
            "Say which laboratory this is from; until then the protocol's default ranges are used.",
            check="laboratory",
        )
    for result in found:
        yield from _about(result, analytes.get(result.key), expected.get(f"results/{result.key}/value"))


def _about(result: LabResult, analyte: Analyte | None, expected: ExpectedRange | None) -> Iterator[Finding]:
    path = f"results/{result.key}/reported"
    name = analyte.label if analyte is not None else result.key
    if result.reported is None:
        return
    if result.is_not_done:
        return
    if result.not_done_reason:
        yield Finding(
            f"results/{result.key}/not_done_reason",
            f"{name} has a result and a reason why it was not done. Keep one of the two.",
            check="result and not done",
        )
    if result.value is None:
        if analyte is not None and analyte.type is ResultType.NUMBER:
            yield Finding(
                path, f"{name}: “{result.reported}” is not a number. Correct it, or say why it is right.", check="words"
            )
        return
    if expected is not None:
        yield from _outside(result, path, name, expected)
    if result.grade is None and result.unit and result.standard_value is None:
        yield Finding(
            f"results/{result.key}/unit",
            f"{name} in {result.unit} does not convert into the trial's unit, so it is not compared. Check the unit.",
            check="unit",
        )
    if result.grade is not None and result.grade >= SIGNIFICANCE_FROM_GRADE and result.clinically_significant is None:
        yield Finding(
            f"results/{result.key}/clinically_significant",
            f"{name} {result.reported} {result.unit or ''} is grade {result.grade}. Say whether it is clinically "
            "significant.",
            check="significance",
        )


def _outside(result: LabResult, path: str, name: str, expected: ExpectedRange) -> Iterator[Finding]:
    try:
        value = judging.convert(result.value or Decimal(0), result.unit or expected.unit, expected.unit, result.key)
    except (units.UnknownUnit, units.NoConversion):
        return
    where = None
    if expected.least is not None and value < expected.least:
        where = "below"
    if expected.most is not None and value > expected.most:
        where = "above"
    if where is not None:
        bounds = "–".join(str(end) for end in (expected.least, expected.most) if end is not None)
        yield Finding(
            path,
            f"{name} {result.reported} {result.unit or ''} is {where} the expected {bounds} {expected.unit}. "
            "Correct it, or say why it is right.",
            check=expected.code,
        )
