"""TR, tumor results: the diameters and states of the lesions identified in TU.

DIAMETER is a diameter taken as its own measure, LDIAM the longest diameter, LPERP the longest perpendicular: for a
lymph node the short axis. TUMSTATE is the state of a lesion that is judged, not measured. A lesion too small to measure
keeps the reader's words in TRORRES and the 5 mm of RECIST 1.1 in TRSTRESN; one that could not be evaluated is NOT DONE
with the reason. SUMDIAM is the computed sum of the targets of one assessment. Millimetres throughout.
"""

from decimal import Decimal

from clinical.sdtm.dataset import Value
from clinical.sdtm.derivations import results
from clinical.sdtm.domains import wording
from clinical.sdtm.domains.tu import reader_values
from clinical.sdtm.facts import Casebook, Conventions, DiameterSum, LesionMeasurement
from clinical.sdtm.records import Record

DOMAIN = "TR"
TOO_SMALL_MM = Decimal(5)
TOO_SMALL = "TOO SMALL TO MEASURE"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a lesion and measure."""
    return [record for each in book.measurements for record in _measures(each)] + [_sum(each) for each in book.sums]


def _measures(each: LesionMeasurement) -> list[Record]:
    if each.is_not_done or each.not_evaluable_reason:
        asked = ("TUMSTATE", "Tumor State") if each.kind == "NON-TARGET" else ("DIAMETER", "Diameter")
        status = wording.not_done_values(DOMAIN, True, each.not_evaluable_reason)
        return [Record({**_common(each), "TRTESTCD": asked[0], "TRTEST": asked[1], **status})]
    found = []
    for code, name, size in (
        ("DIAMETER", "Diameter", each.diameter_mm),
        ("LDIAM", "Longest Diameter", each.longest_mm),
        ("LPERP", "Longest Perpendicular", each.short_axis_mm),
    ):
        if size is not None:
            found.append((code, name, results(DOMAIN, original=format(size, "f"), unit="mm")))
    if not found and each.is_too_small:
        small = results(DOMAIN, original=TOO_SMALL, standard=TOO_SMALL_MM, standard_unit="mm")
        found.append(("DIAMETER", "Diameter", small))
    if each.state:
        found.append(("TUMSTATE", "Tumor State", results(DOMAIN, original=each.state)))
    return [Record({**_common(each), "TRTESTCD": code, "TRTEST": name, **result}) for code, name, result in found]


def _sum(each: DiameterSum) -> Record:
    return Record(
        {
            "TRSPID": each.reference,
            "TRGRPID": "TARGET",
            "TRLNKGRP": each.assessment,
            "TRTESTCD": "SUMDIAM",
            "TRTEST": "Sum of Diameter",
            **results(DOMAIN, original=format(each.sum_mm, "f"), unit="mm"),
            "TRDRVFL": "Y",
            **reader_values(DOMAIN, each.reader),
            **wording.visit_values(each.visit),
            "TRDTC": each.assessed,
        }
    )


def _common(each: LesionMeasurement) -> dict[str, Value]:
    return {
        "TRSPID": each.reference,
        "TRGRPID": each.kind,
        "TRLNKID": each.link,
        "TRLNKGRP": each.assessment,
        "TRMETHOD": each.method,
        **reader_values(DOMAIN, each.reader),
        **wording.visit_values(each.visit),
        "TRDTC": each.assessed,
    }
