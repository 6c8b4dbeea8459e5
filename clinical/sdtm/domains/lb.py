"""LB, laboratory results: as reported with the laboratory's range, in standard units, with flag and toxicity grade.

LBTOX is the CTCAE term and LBTOXGR its grade; the clause that decided goes to SUPPLB in words. A range belongs to a
number: a word as result ("POSITIVE") keeps LBSTNRC empty and has no numeric range.
"""

from clinical.sdtm.dataset import Value
from clinical.sdtm.derivations import number_in
from clinical.sdtm.domains import wording
from clinical.sdtm.domains.findings import finding_values
from clinical.sdtm.facts import Casebook, Conventions, LabResult
from clinical.sdtm.records import Record, supplement

DOMAIN = "LB"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a result."""
    return [
        Record(
            {
                **finding_values(DOMAIN, each),
                **_range(each),
                "LBNRIND": each.indicator,
                "LBNAM": each.laboratory,
                "LBLOINC": each.loinc,
                "LBSPEC": each.specimen,
                "LBFAST": wording.yes_no(each.fasting),
                "LBTOX": each.toxicity_term,
                "LBTOXGR": None if each.toxicity_grade is None else str(each.toxicity_grade),
            },
            tuple(supplement("LBTOXWHY", "Clause That Decided the Grade", each.toxicity_reason, origin="DERIVED")),
        )
        for each in book.lab_results
    ]


def _range(each: LabResult) -> dict[str, Value]:
    """The limits of normal, where there is a result to hold against them."""
    reported = (each.result or "").lstrip("<>=≤≥ ")
    if each.is_not_done or number_in(reported) is None:
        return {}
    return {
        "LBORNRLO": each.range_low,
        "LBORNRHI": each.range_high,
        "LBSTNRLO": each.standard_low,
        "LBSTNRHI": each.standard_high,
    }
