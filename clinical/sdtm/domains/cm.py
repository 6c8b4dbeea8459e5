"""CM, medicines other than study treatment: earlier, concomitant, and the premedication of a dose.

A premedication comes from the dosing page and keeps its category; a dose of it that was not given has no row, since
CM says what was taken. Still taken at the moment of asking: CMENRTPT "ONGOING". Begun before the trial on an unknown
date: CMSTRTPT "BEFORE" the subject's reference start.
"""

from clinical.sdtm.domains import wording
from clinical.sdtm.facts import Casebook, Conventions
from clinical.sdtm.records import Record

DOMAIN = "CM"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a medication, and one a premedication given."""
    taken = [
        Record(
            {
                "CMSPID": each.reference,
                "CMTRT": each.name,
                "CMDECOD": each.decoded,
                "CMCAT": each.category,
                "CMINDC": each.indication,
                "CMCLAS": each.drug_class,
                "CMCLASCD": each.drug_class_code,
                "CMDOSE": each.dose,
                "CMDOSTXT": None if each.dose is not None else each.dose_text,
                "CMDOSU": each.unit,
                "CMDOSFRM": each.form,
                "CMDOSFRQ": each.frequency,
                "CMROUTE": each.route,
                **wording.visit_values(each.visit),
                "CMDTC": each.collected,
                "CMSTDTC": each.began,
                "CMENDTC": each.ended,
                "CMSTRTPT": "BEFORE" if each.began_before_study else None,
                "CMSTTPT": "FIRST DOSE OF STUDY TREATMENT" if each.began_before_study else None,
                **wording.ongoing_values("CM", None if each.ended else each.ongoing_at),
            }
        )
        for each in book.medications
    ]
    premedication = [
        Record(
            {
                "CMSPID": each.reference,
                "CMTRT": each.product,
                "CMCAT": each.category or "PREMEDICATION",
                "CMDOSE": each.dose,
                "CMDOSU": each.unit,
                "CMDOSFRM": each.form,
                "CMDOSFRQ": each.frequency,
                "CMROUTE": each.route,
                **wording.visit_values(each.visit),
                "CMSTDTC": each.began,
                "CMENDTC": each.ended,
            }
        )
        for each in book.administrations
        if not each.is_study_treatment and each.was_given
    ]
    return taken + premedication
