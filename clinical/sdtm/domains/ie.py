"""IE, inclusion and exclusion criteria not met: only the exceptions.

A row is written for an inclusion criterion answered N and an exclusion criterion answered Y. The case people get wrong
is the fulfilled criterion: it has no row here, however carefully it was answered; all criteria stand in TI.
"""

from clinical.sdtm.domains import wording
from clinical.sdtm.facts import Casebook, Conventions
from clinical.sdtm.records import Record

DOMAIN = "IE"
EXCEPTIONS = {"INCLUSION": "N", "EXCLUSION": "Y"}


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a criterion that speaks against the subject."""
    return [
        Record(
            {
                "IESPID": each.reference,
                "IETESTCD": each.code,
                "IETEST": each.text,
                "IECAT": each.category,
                "IEORRES": each.answer,
                "IESTRESC": each.answer,
                **wording.visit_values(each.visit),
                "IEDTC": each.assessed,
            }
        )
        for each in book.criteria
        if each.answer and each.answer == EXCEPTIONS.get(each.category)
    ]
