"""SV, subject visits: which visits happened and when; planned visits that did not happen stand with SVOCCUR "N".

An unscheduled visit has no SVPRESP and SVOCCUR (nobody planned it), and says in SVUPDES why it was made.
"""

from clinical.sdtm.domains import wording
from clinical.sdtm.facts import Casebook, Conventions
from clinical.sdtm.records import Record

DOMAIN = "SV"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a visit."""
    return [
        Record(
            {
                **wording.visit_values(each.visit),
                "SVPRESP": "Y" if each.is_planned else None,
                "SVOCCUR": wording.yes_no(each.occurred) if each.is_planned else None,
                "SVREASOC": None if each.occurred else each.not_occurred_reason,
                "SVCNTMOD": each.contact if each.occurred else None,
                "SVSTDTC": each.began,
                "SVENDTC": each.ended or each.began,
                "SVUPDES": None if each.is_planned else each.unplanned_reason,
            }
        )
        for each in book.visits
    ]
