"""Lesions, their measurements, sums and responses: what each reader said, and what the rules make of it."""

from typing import Any

from apps.exports.casebooks.reading import Page, SubjectReading, iso
from apps.tumor.models import Lesion, LesionState, SubjectResponse, SystemResponse
from clinical.protocol.definition import Definition
from clinical.sdtm import facts

STATED = (
    ("TRGRESP", "target_response"),
    ("NTRGRESP", "non_target_response"),
    ("NEWLPROG", "new_lesions"),
    ("OVRLRESP", "overall_response"),
)
DERIVED = (("TRGRESP", "target"), ("NTRGRESP", "non_target"), ("NEWLPROG", "new_lesion"), ("OVRLRESP", "overall"))


def reader(definition: Definition, code: str | None) -> facts.Reader:
    """Who assessed, in the datasets' terms."""
    found = next((each for each in definition.evaluators if each.code == code), None)
    return facts.Reader(evaluator=found.eval, evaluator_id=found.eval_id) if found else facts.Reader()


def lesions(reading: SubjectReading) -> tuple[facts.Lesion, ...]:
    """Each lesion once per reader."""
    found = []
    for page in reading.pages("lesion"):
        head = page.head
        if head.lesion_id is None or head.kind is None:
            continue
        found.append(
            facts.Lesion(
                reference=page.reference,
                link=head.lesion_id,
                kind=head.kind,
                reader=reader(page.definition, head.evaluator),
                location=head.location,
                location_text=head.location_detail,
                laterality=head.laterality,
                method=head.method,
                identified=iso(head.identified),
                visit=reading.visit_fact(reading.visit_named(head.identified_at)),
            )
        )
    return tuple(found)


def measurements(reading: SubjectReading) -> tuple[facts.LesionMeasurement, ...]:
    """Each lesion at each assessment, as measured or as judged."""
    known = {lesion.pk: lesion for lesion in reading.rows(Lesion)}
    return tuple(
        _measurement(page, line, known.get(line.lesion_id))
        for page in reading.pages("tumor_assessment")
        for line in page.lines.get("lesions", ())
        if line.state or any(size is not None for size in (line.longest_mm, line.short_axis_mm, line.diameter_mm))
    )


def _measurement(page: Page, line: Any, lesion: Lesion | None) -> facts.LesionMeasurement:
    state = line.state
    measured = any(getattr(line, size) is not None for size in ("longest_mm", "short_axis_mm", "diameter_mm"))
    is_not_done = state == LesionState.NOT_DONE and not measured
    not_evaluable = state == LesionState.NOT_EVALUABLE and not measured
    says_why_no_size = state in (LesionState.TOO_SMALL, LesionState.NOT_DONE, LesionState.NOT_EVALUABLE)
    told = state is not None and (measured or not says_why_no_size)
    why = line.reason
    return facts.LesionMeasurement(
        reference=page.line_reference(line),
        link=line.key,
        kind=(lesion.kind if lesion else None) or "TARGET",
        reader=reader(page.definition, page.head.evaluator),
        assessment=page.reference,
        diameter_mm=line.diameter_mm,
        longest_mm=line.longest_mm,
        short_axis_mm=line.short_axis_mm,
        is_too_small=state == LesionState.TOO_SMALL,
        state=state if told else None,
        not_evaluable_reason=(why or "NOT EVALUABLE") if not_evaluable else why if is_not_done else None,
        is_not_done=is_not_done,
        method=page.head.method,
        assessed=iso(page.head.scanned),
        visit=page.visit_fact,
    )


def sums(reading: SubjectReading) -> tuple[facts.DiameterSum, ...]:
    """The computed sum of the targets at each assessment that counts."""
    pages = {page.record.pk: page for page in reading.pages("tumor_assessment")}
    return tuple(
        facts.DiameterSum(
            reference=f"{page.reference}.sum",
            sum_mm=each.sum_mm,
            reader=reader(page.definition, each.evaluator),
            assessment=page.reference,
            assessed=iso(each.scanned),
            visit=page.visit_fact,
        )
        for each in reading.rows(SystemResponse)
        if each.is_current and each.sum_mm is not None and (page := pages.get(each.record_id)) is not None
    )


def responses(reading: SubjectReading) -> tuple[facts.TumorResponse, ...]:
    """What a reader stated and, beside it, what the rules derive; best responses are derived over all assessments."""
    found = []
    pages = {page.record.pk: page for page in reading.pages("tumor_assessment")}
    for page in pages.values():
        stated = reader(page.definition, page.head.evaluator)
        for test, column in STATED:
            answer = getattr(page.head, column)
            if answer:
                found.append(
                    facts.TumorResponse(
                        reference=f"{page.reference}.{test}",
                        test_code=test,
                        response=answer,
                        reader=stated,
                        assessment=page.reference,
                        reason=page.head.why_different if test == "OVRLRESP" else None,
                        assessed=iso(page.head.scanned),
                        visit=page.visit_fact,
                    )
                )
    for each in reading.rows(SystemResponse):
        held = pages.get(each.record_id)
        if each.is_current and held is not None:
            found += _derived(each, held)
    for best in reading.rows(SubjectResponse):
        found += _best(best, reading.definition)
    return tuple(found)


def _derived(each: SystemResponse, page: Page) -> list[facts.TumorResponse]:
    answers = [(test, getattr(each, column), "RECIST 1.1", each.rule) for test, column in DERIVED]
    answers.append(("OVRLRESP", each.immune_overall, "iRECIST", each.immune_rule))
    return [
        facts.TumorResponse(
            reference=f"{page.reference}.derived.{criteria}.{test}",
            test_code=test,
            response=answer,
            criteria=criteria,
            reader=reader(page.definition, each.evaluator),
            assessment=page.reference,
            is_derived=True,
            reason=(why or None) if test == "OVRLRESP" else None,
            assessed=iso(each.scanned),
            visit=page.visit_fact,
        )
        for test, answer, criteria, why in answers
        if answer
    ]


def _best(each: SubjectResponse, definition: Definition) -> list[facts.TumorResponse]:
    answers = (
        ("best", each.best, "RECIST 1.1", each.best_reason),
        ("confirmed", each.confirmed_best, "RECIST 1.1 CONFIRMED", each.confirmed_reason),
        ("immune", each.immune_best, "iRECIST", ""),
    )
    return [
        facts.TumorResponse(
            reference=f"{each.evaluator}.{name}",
            test_code="BESTRESP",
            response=answer,
            criteria=criteria,
            reader=reader(definition, each.evaluator),
            is_derived=True,
            reason=why or None,
        )
        for name, answer, criteria, why in answers
        if answer
    ]
