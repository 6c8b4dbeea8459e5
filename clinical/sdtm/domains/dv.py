"""DV, protocol deviations: what departed from the protocol, when, and in SUPPDV what it means.

Whether it is important, its cause, what was done and its effect on evaluability have no variable in the guide.
"""

from clinical.sdtm.domains import wording
from clinical.sdtm.facts import Casebook, Conventions
from clinical.sdtm.records import Record, supplement

DOMAIN = "DV"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a deviation."""
    return [
        Record(
            {
                "DVSPID": each.reference,
                "DVTERM": each.term,
                "DVDECOD": each.decoded,
                "DVCAT": each.category,
                "DVSTDTC": each.began,
                "DVENDTC": each.ended,
            },
            (
                *supplement("DVIMPORT", "Important Protocol Deviation", wording.yes_no(each.is_important)),
                *supplement("DVCAUSE", "Cause of Deviation", each.cause),
                *supplement("DVACTION", "Action Taken for Deviation", each.action),
                *supplement("DVEVALEF", "Effect on Evaluability", each.effect_on_evaluability),
            ),
        )
        for each in book.deviations
    ]
