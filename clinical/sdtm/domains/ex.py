"""EX, exposure to study treatment: doses that were really given, as the analysis counts them.

The bispecific in mg, the cell product in 10^9 therapeutic cells, each day of lymphodepletion and of interleukin-2 a row
of its own. A dose left out has no row here (EC has it); a dose of which only a part went in has the part.
"""

from clinical.sdtm.domains import dm, wording
from clinical.sdtm.facts import Casebook, Conventions
from clinical.sdtm.records import Record, supplement

DOMAIN = "EX"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a dose given."""
    return [
        Record(
            {
                "EXSPID": each.reference,
                "EXLNKID": each.reference,
                "EXTRT": each.product,
                "EXCAT": each.category,
                "EXDOSE": each.dose,
                "EXDOSU": each.unit,
                "EXDOSFRM": each.form,
                "EXDOSFRQ": each.frequency,
                "EXROUTE": each.route,
                "EXLOT": each.lot,
                "EXLOC": each.location,
                "EXADJ": each.adjustment_reason,
                **wording.visit_values(each.visit),
                "EXSTDTC": each.began,
                "EXENDTC": each.ended or each.began,
            },
            tuple(supplement("EXSTEP", "Dosing Step", each.step, origin="PROTOCOL")),
        )
        for each in dm.exposures(book)
    ]
