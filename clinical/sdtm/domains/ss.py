"""SS, subject status: alive or dead at each contact of the survival follow-up.

The date is that of the contact, not of the death: the date of death is in DM.
"""

from clinical.sdtm.derivations import results
from clinical.sdtm.domains import wording
from clinical.sdtm.facts import Casebook, Conventions
from clinical.sdtm.records import Record

DOMAIN = "SS"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a contact with an answer."""
    return [
        Record(
            {
                "SSSPID": each.reference,
                "SSTESTCD": "SURVSTAT",
                "SSTEST": "Survival Status",
                **results(DOMAIN, original=each.status),
                **wording.visit_values(each.visit),
                "SSDTC": each.asked,
            }
        )
        for each in book.survival
        if each.status
    ]
