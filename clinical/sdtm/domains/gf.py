"""GF, genomics findings: HLA type and PRAME expression.

Why here: an HLA type is a genotype of the germline and PRAME by RT-qPCR a transcription level in tumor tissue; SDTMIG
3.4 made GF for both. LB would hide the gene and the specimen's kind, FA needs an event to be about, and MI is for what
a microscope shows (PRAME by immunohistochemistry would go there). The trial's threshold is a reading of that
result, not a result of its own: it goes to SUPPGF.
"""

from clinical.sdtm import terminology
from clinical.sdtm.derivations import results
from clinical.sdtm.domains import wording
from clinical.sdtm.facts import Biomarker, Casebook, Conventions
from clinical.sdtm.records import Record, supplement

DOMAIN = "GF"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a marker determined, with the trial's reading of it beside it in SUPPGF."""
    return [_marker(each) for each in book.biomarkers]


def _marker(each: Biomarker) -> Record:
    known = terminology.name_of_test("GFTESTCD", "GFTEST", each.test_code)
    return Record(
        {
            "GFSPID": each.reference,
            "GFREFID": each.specimen_reference,
            "GFTESTCD": each.test_code,
            "GFTEST": known or each.test,
            "GFTSTDTL": each.detail,
            "GFSYM": each.symbol,
            "GFSYMTYP": "GENE WITH PROTEIN PRODUCT" if each.symbol else None,
            **(results("GF", original=each.result, unit=each.unit) if each.result and not each.is_not_done else {}),
            **wording.not_done_values("GF", each.is_not_done, each.not_done_reason),
            "GFNAM": each.laboratory,
            "GFSPEC": each.specimen,
            "GFMETHOD": each.method,
            **wording.visit_values(each.visit),
            "GFDTC": each.collected,
        },
        tuple(supplement("GFINTP", "Interpretation by the Trial's Threshold", each.interpretation)),
    )
