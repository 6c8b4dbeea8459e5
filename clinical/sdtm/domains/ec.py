"""EC, exposure as collected: the planned dose (ECMOOD "SCHEDULED") and what became of it ("PERFORMED").

A dose that was not given is a row with ECOCCUR "N" and its reason, without dose, on the day it was planned for. EX is
derived from the performed rows; ECLNKID and EXLNKID join the two.
"""

from clinical.sdtm.dataset import Value
from clinical.sdtm.domains import wording
from clinical.sdtm.facts import Administration, Casebook, Conventions
from clinical.sdtm.records import Record, supplement

DOMAIN = "EC"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a planned dose, and one a dose given or left out."""
    rows = []
    for each in book.administrations:
        if not each.is_study_treatment:
            continue
        if each.planned_dose is not None or each.planned_on:
            rows.append(
                Record(
                    {
                        **_common(each),
                        "ECMOOD": "SCHEDULED",
                        "ECDOSE": each.planned_dose,
                        "ECDOSU": each.unit if each.planned_dose is not None else None,
                        "ECSTDTC": each.planned_on,
                    },
                    tuple(supplement("ECSTEP", "Dosing Step", each.step, origin="PROTOCOL")),
                )
            )
        if each.was_given is not None:
            given = each.was_given
            rows.append(
                Record(
                    {
                        **_common(each),
                        "ECMOOD": "PERFORMED",
                        "ECPRESP": "Y",
                        "ECOCCUR": wording.yes_no(given),
                        "ECREASOC": None if given else each.not_given_reason,
                        "ECDOSE": each.dose if given else None,
                        "ECDOSU": each.unit if given and each.dose is not None else None,
                        "ECLOT": each.lot if given else None,
                        "ECLOC": each.location if given else None,
                        "ECADJ": each.adjustment_reason if given else None,
                        "ECSTDTC": each.began if given else each.planned_on,
                        "ECENDTC": (each.ended or each.began) if given else each.planned_on,
                    },
                    tuple(supplement("ECSTEP", "Dosing Step", each.step, origin="PROTOCOL")),
                )
            )
    return rows


def _common(each: Administration) -> dict[str, Value]:
    return {
        "ECSPID": each.reference,
        "ECLNKID": each.reference,
        "ECTRT": each.product,
        "ECCAT": each.category,
        "ECDOSFRM": each.form,
        "ECDOSFRQ": each.frequency,
        "ECROUTE": each.route,
        **wording.visit_values(each.visit),
    }
