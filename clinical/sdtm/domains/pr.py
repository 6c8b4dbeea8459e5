"""PR, procedures: leukapheresis, biopsies, surgery and radiotherapy before or during the trial.

PROCCUR is filled only where the form asks for the procedure by name (PRPRESP "Y").
"""

from clinical.sdtm.domains import wording
from clinical.sdtm.facts import Casebook, Conventions
from clinical.sdtm.records import Record

DOMAIN = "PR"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a procedure."""
    return [
        Record(
            {
                "PRSPID": each.reference,
                "PRTRT": each.name,
                "PRDECOD": each.decoded,
                "PRCAT": each.category,
                "PRPRESP": None if each.occurred is None else "Y",
                "PROCCUR": wording.yes_no(each.occurred),
                "PRINDC": each.indication,
                "PRLOC": each.location,
                **wording.visit_values(each.visit),
                "PRSTDTC": each.began,
                "PRENDTC": each.ended,
            }
        )
        for each in book.procedures
    ]
