"""What was measured and asked: vital signs, ECG, performance status, laboratory, biomarkers, survival."""

from decimal import Decimal
from typing import Any

from apps.exports.casebooks.reading import Page, SubjectReading, iso
from clinical.partial_date import PartialDate
from clinical.protocol.pages import Point
from clinical.sdtm import bedside_units, facts

MARKERS = {
    "HLA": {"test_code": "HLATYPE", "test": "HLA Typing", "detail": "GENOTYPE", "symbol": "HLA-A", "specimen": "DNA"},
    "PRAME": {"test_code": "TRNSCPTN", "detail": "NORMALIZED LEVEL", "symbol": "PRAME", "specimen": "mRNA"},
}
"""How the markers that decide eligibility are named in GF; another one leaves under its own code."""
H_SCORE = {"test_code": "HSCORE", "test": "H-Score"}


def vital_signs(reading: SubjectReading) -> tuple[facts.Finding, ...]:
    """One fact a measurement, also where it was not done."""
    return tuple(
        finding
        for page in reading.pages("vital_signs")
        for line in page.lines.get("results", ())
        if (finding := _measured(page, line)) is not None
    )


def ecgs(reading: SubjectReading) -> tuple[facts.Finding, ...]:
    """The intervals and the reading of the whole ECG."""
    found = []
    for page in reading.pages("ecg"):
        found += [each for line in page.lines.get("results", ()) if (each := _measured(page, line)) is not None]
        if page.head.interpretation or page.is_not_done:
            found.append(
                facts.Finding(
                    reference=page.reference,
                    test_code="INTP",
                    test="Interpretation",
                    result=page.head.interpretation,
                    is_not_done=page.is_not_done,
                    not_done_reason=page.why_blank("interpretation") if page.is_not_done else None,
                    collected=_when(page, page.head.taken),
                    visit=page.visit_fact,
                )
            )
    return tuple(found)


def _measured(page: Page, line: Any) -> facts.Finding | None:
    """A result of a line, or that it was not obtained; None where nothing was said."""
    test, _, point_number = line.key.partition(".")
    value: Decimal | None = line.value
    unit: str | None = line.unit
    why = page.why_blank(f"{line.kind}/{line.key}/value")
    if value is None and why is None:
        return None
    asked = next((each for each in page.form.measurements if each.test == test), None)
    point = next((each for each in asked.points if str(each.number) == point_number), None) if asked else None
    standard, standard_unit = (None, None) if value is None else bedside_units.standard(value, unit)
    return facts.Finding(
        reference=page.line_reference(line),
        test_code=test,
        test=test,
        result=None if value is None else format(value, "f"),
        unit=unit,
        standard=standard,
        standard_unit=standard_unit,
        is_not_done=value is None,
        not_done_reason=why if value is None else None,
        collected=_when(page, page.head.taken),
        visit=page.visit_fact,
        position=point.position if point else None,
        location=asked.location if asked else None,
        time_point=_time_point(page, point),
    )


def _time_point(page: Page, point: Point | None) -> facts.TimePoint | None:
    if point is not None:
        return facts.TimePoint(name=point.name, number=point.number, elapsed=point.elapsed, anchor=point.reference)
    if page.record.time_point:
        return facts.TimePoint(name=page.record.time_point, number=Decimal(page.record.repeat))
    return None


def _when(page: Page, taken: PartialDate | None) -> str | None:
    """When it was taken; of what was not done, the day of the visit."""
    if taken is not None:
        return iso(taken)
    return iso(page.visit.took_place) if page.visit and page.is_not_done else None


def performance_status(reading: SubjectReading) -> tuple[facts.Finding, ...]:
    """ECOG at each visit that asked for it."""
    return tuple(
        facts.Finding(
            reference=page.reference,
            test_code="ECOG101",
            result=None if page.head.ecog is None else str(page.head.ecog),
            is_not_done=page.head.ecog is None,
            not_done_reason=page.why_blank("ecog") if page.head.ecog is None else None,
            collected=_when(page, page.head.assessed),
            visit=page.visit_fact,
        )
        for page in reading.pages("performance_status")
        if page.head.ecog is not None or page.why_blank("ecog")
    )


def lab_results(reading: SubjectReading) -> tuple[facts.LabResult, ...]:
    """One fact an analyte of a panel: as reported, in standard units, with range, flag and grade."""
    found = []
    for page in reading.pages("lab_panel"):
        panel = page.definition.panel(page.form.panel or "")
        analytes = {each.test: each for each in panel.analytes}
        for line in page.lines.get("results", ()):
            why = line.not_done_reason or page.why_blank(f"results/{line.key}/reported")
            is_missing = line.reported is None or line.reported == "NOT DONE"
            if is_missing and not (why or line.reported):
                continue
            analyte = analytes.get(line.key)
            standard = None if line.standard_value is None else format(line.standard_value, "f")
            found.append(
                facts.LabResult(
                    reference=page.line_reference(line),
                    test_code=line.key,
                    test=analyte.label if analyte else line.key,
                    category=(analyte.category if analyte else None) or panel.category,
                    result=None if is_missing else line.reported,
                    unit=None if line.unit == "1" else line.unit,
                    standard=line.standard_value if not line.operator else f"{line.operator}{standard}",
                    standard_unit=None if line.standard_unit == "1" else line.standard_unit,
                    is_not_done=is_missing,
                    not_done_reason=why if is_missing else None,
                    collected=_when(page, page.head.collected),
                    visit=page.visit_fact,
                    is_clinically_significant={"Y": True, "N": False}.get(line.clinically_significant or ""),
                    specimen=panel.specimen,
                    laboratory=reading.study.laboratories.get(page.head.laboratory_id),
                    range_low=None if line.low is None else format(line.low, "f"),
                    range_high=None if line.high is None else format(line.high, "f"),
                    standard_low=line.standard_low,
                    standard_high=line.standard_high,
                    indicator=line.flag,
                    fasting={"Y": True, "N": False}.get(page.head.fasting or ""),
                    toxicity_term=line.grade_term,
                    toxicity_grade=line.grade,
                    toxicity_reason=line.clause,
                )
            )
    return tuple(found)


def biomarkers(reading: SubjectReading) -> tuple[facts.Biomarker, ...]:
    """HLA type, PRAME expression: the result as reported, and the H-score as a result of its own."""
    found = []
    for page in reading.pages("biomarkers"):
        for line in page.lines.get("markers", ()):
            named = MARKERS.get(line.key, {"test_code": line.key[:8], "test": line.key})
            why = page.why_blank(f"markers/{line.key}/reported")
            common = {
                "specimen": named.get("specimen"),
                "symbol": named.get("symbol"),
                "method": line.method,
                "laboratory": line.laboratory,
                "collected": iso(line.collected),
                "visit": page.visit_fact,
            }
            if line.reported or line.interpretation or why:
                found.append(
                    facts.Biomarker(
                        reference=page.line_reference(line),
                        test_code=named["test_code"],
                        test=named.get("test"),
                        detail=named.get("detail"),
                        result=line.reported or line.interpretation,
                        interpretation=line.interpretation,
                        is_not_done=not (line.reported or line.interpretation),
                        not_done_reason=why,
                        **common,
                    )
                )
            if line.score is not None:
                found.append(
                    facts.Biomarker(
                        reference=f"{page.line_reference(line)}.score",
                        result=format(line.score, "f"),
                        **{**H_SCORE, **common},
                    )
                )
    return tuple(found)


def survival(reading: SubjectReading) -> tuple[facts.SurvivalStatus, ...]:
    """Each contact of the follow-up."""
    return tuple(
        facts.SurvivalStatus(
            reference=page.reference,
            status=page.head.status,
            asked=iso(page.head.contacted),
            visit=page.visit_fact,
        )
        for page in reading.pages("survival_follow_up")
        if page.head.status
    )
