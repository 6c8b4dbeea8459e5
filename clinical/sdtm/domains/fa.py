"""FA, findings about: the grades of an event over time, whether it is dose-limiting, and items a protocol adds.

FAOBJ is the event's coded term where it has one, else its reported term. A grade period is FATESTCD TOXGR from FADTC
to FAENDTC (findings have no --STDTC); the judgement of dose-limiting toxicity is DLT, one row a judge, with the
criterion that fired in SUPPFA. FALNKID and AELNKID join both to the event. HLA and PRAME are not findings about an
event: they are in GF.
"""

from clinical.sdtm.derivations import number_in
from clinical.sdtm.domains import wording
from clinical.sdtm.facts import AdverseEvent, Casebook, Conventions
from clinical.sdtm.records import Record, supplement

DOMAIN = "FA"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a grade period, one a judgement, one an added item."""
    rows = []
    for event in book.adverse_events:
        rows += _grades(event) + _judgements(event)
    return rows + _added_items(book)


def _about(event: AdverseEvent) -> str:
    return event.coding.preferred_term or event.term


def _grades(event: AdverseEvent) -> list[Record]:
    return [
        Record(
            {
                "FASPID": period.reference,
                "FALNKID": event.reference,
                "FATESTCD": "TOXGR",
                "FATEST": "Toxicity Grade",
                "FAOBJ": _about(event),
                "FACAT": "ADVERSE EVENT GRADE",
                "FAORRES": str(period.grade),
                "FASTRESC": str(period.grade),
                "FASTRESN": period.grade,
                "FADTC": period.began,
                "FAENDTC": period.ended,
            }
        )
        for period in event.grades
        if period.grade is not None
    ]


def _judgements(event: AdverseEvent) -> list[Record]:
    return [
        Record(
            {
                "FASPID": each.reference,
                "FALNKID": event.reference,
                "FATESTCD": "DLT",
                "FATEST": "Dose-Limiting Toxicity Indicator",
                "FAOBJ": _about(event),
                "FACAT": "DOSE-LIMITING TOXICITY",
                "FAORRES": each.answer,
                "FASTRESC": each.answer,
                "FAEVAL": each.evaluator,
                "FADTC": each.judged,
            },
            tuple(supplement("DLTCRIT", "Dose-Limiting Toxicity Criterion", each.criterion, evaluator=each.evaluator)),
        )
        for each in event.dose_limiting
        if each.answer
    ]


def _added_items(book: Casebook) -> list[Record]:
    return [
        Record(
            {
                "FASPID": each.reference,
                "FALNKID": each.parent,
                "FATESTCD": each.variable,
                "FATEST": each.label,
                "FAOBJ": each.object,
                "FACAT": each.category,
                "FAORRES": each.value,
                "FAORRESU": each.unit,
                "FASTRESC": each.value,
                "FASTRESN": number_in(each.value),
                "FASTRESU": each.unit,
                **wording.visit_values(each.visit),
                "FADTC": each.collected,
            }
        )
        for each in book.extra_items
        if each.dataset == DOMAIN
    ]
