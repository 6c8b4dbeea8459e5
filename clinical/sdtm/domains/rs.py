"""RS, disease response: target, non-target, new lesions and overall response per reader and assessment.

What a reader said and what the rules make of the same lesions stand side by side: a computed response has RSDRVFL "Y"
and its reason in SUPPRS. A best response has no visit. By the sponsor's convention the ECOG performance status is here
too.
"""

from clinical.sdtm import terminology
from clinical.sdtm.domains import wording
from clinical.sdtm.domains.qs import performance_values
from clinical.sdtm.domains.tu import reader_values
from clinical.sdtm.facts import Casebook, Conventions, TumorResponse
from clinical.sdtm.records import Record, supplement

DOMAIN = "RS"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a response, and a performance status where the convention puts it here."""
    responses = [_response(each) for each in book.responses]
    if conventions.performance_status_domain != DOMAIN:
        return responses
    return responses + [Record(performance_values(DOMAIN, each)) for each in book.performance_status]


def _response(each: TumorResponse) -> Record:
    answer = None if each.is_not_done else each.response
    return Record(
        {
            "RSSPID": each.reference,
            "RSLNKGRP": each.assessment,
            "RSTESTCD": each.test_code,
            "RSTEST": terminology.name_of_test("ONCRTSCD", "ONCRTS", each.test_code) or "",
            "RSCAT": each.criteria,
            "RSORRES": answer,
            "RSSTRESC": answer,
            **wording.not_done_values(DOMAIN, each.is_not_done, each.not_done_reason),
            "RSDRVFL": "Y" if each.is_derived else None,
            **reader_values(DOMAIN, each.reader),
            **wording.visit_values(each.visit),
            "RSDTC": each.assessed,
        },
        tuple(
            supplement(
                "RSREASON", "Reason for Response", each.reason, origin="DERIVED" if each.is_derived else "CRF",
                evaluator=each.reader.evaluator,
            )
        ),
    )  # fmt: skip
