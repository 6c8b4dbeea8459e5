"""TU, tumor identification: each lesion once per reader, with its place and how it was seen.

TULNKID is the lesion's lasting name and stands on every measurement in TR. Where in the organ it lies, in the reader's
words, goes to SUPPTU.
"""

from clinical.sdtm.dataset import Value
from clinical.sdtm.domains import wording
from clinical.sdtm.facts import Casebook, Conventions, Reader
from clinical.sdtm.records import Record, supplement

DOMAIN = "TU"


def reader_values(prefix: str, reader: Reader) -> dict[str, Value]:
    """--EVAL, --EVALID and --ACPTFL: whose assessment it is, and whether it is the one that counts."""
    return {
        f"{prefix}EVAL": reader.evaluator,
        f"{prefix}EVALID": reader.evaluator_id,
        f"{prefix}ACPTFL": "Y" if reader.is_accepted else None,
    }


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a lesion and reader."""
    return [
        Record(
            {
                "TUSPID": each.reference,
                "TULNKID": each.link,
                "TUTESTCD": "TUMIDENT",
                "TUTEST": "Tumor Identification",
                "TUORRES": each.kind,
                "TUSTRESC": each.kind,
                "TULOC": each.location,
                "TULAT": each.laterality,
                "TUDIR": each.direction,
                "TUMETHOD": each.method,
                **reader_values(DOMAIN, each.reader),
                **wording.visit_values(each.visit),
                "TUDTC": each.identified,
            },
            tuple(supplement("TULOCDTL", "Location of Lesion in Reader's Words", each.location_text)),
        )
        for each in book.lesions
    ]
