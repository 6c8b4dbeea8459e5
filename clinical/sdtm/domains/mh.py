"""MH, medical history: the tumor under study with its stage, and other diseases before the trial.

Something still there at the moment of asking has MHENRTPT "ONGOING" with that day in MHENTPT; MHENDTC stays empty.
MHOCCUR is filled only where the form asks for the disease by name (MHPRESP "Y").
"""

from clinical.sdtm.domains import wording
from clinical.sdtm.facts import Casebook, Conventions
from clinical.sdtm.records import Record

DOMAIN = "MH"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row an entry."""
    return [
        Record(
            {
                "MHSPID": each.reference,
                "MHTERM": each.term,
                "MHLLT": each.coding.lowest_term,
                "MHLLTCD": each.coding.lowest_code,
                "MHDECOD": each.coding.preferred_term,
                "MHPTCD": each.coding.preferred_code,
                "MHHLT": each.coding.high_term,
                "MHHLTCD": each.coding.high_code,
                "MHHLGT": each.coding.high_group,
                "MHHLGTCD": each.coding.high_group_code,
                "MHCAT": each.category,
                "MHSCAT": each.subcategory,
                "MHPRESP": "Y" if each.occurred is not None or each.not_asked_reason else None,
                "MHOCCUR": wording.yes_no(each.occurred),
                **wording.not_done_values("MH", bool(each.not_asked_reason), each.not_asked_reason),
                "MHBODSYS": each.coding.body_system,
                "MHBDSYCD": each.coding.body_system_code,
                "MHSEV": each.severity,
                "MHTOXGR": None if each.grade is None else str(each.grade),
                **wording.visit_values(each.visit),
                "MHDTC": each.collected,
                "MHSTDTC": each.began,
                "MHENDTC": each.ended,
                **wording.ongoing_values("MH", None if each.ended else each.ongoing_at),
            }
        )
        for each in book.history
    ]
