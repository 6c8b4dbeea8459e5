"""CO, comments: free text about a record (tied by the line's --SPID) or about the subject.

CODTC is filled only for a comment about the subject: beside a record the record's own dates hold (SDTMIG 5.1).
"""

from clinical.sdtm.facts import Casebook, Conventions
from clinical.sdtm.records import Record

DOMAIN = "CO"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a comment."""
    return [
        Record(
            {
                "RDOMAIN": each.dataset,
                "IDVAR": f"{each.dataset}SPID" if each.dataset and each.parent else None,
                "IDVARVAL": each.parent if each.dataset else None,
                "COVAL": each.text,
                "COEVAL": each.evaluator,
                "CODTC": None if each.dataset and each.parent else each.written,
            }
        )
        for each in book.comments
    ]
