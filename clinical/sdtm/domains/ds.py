"""DS, disposition: consents and other protocol milestones, and how treatment and participation ended.

A consent to the trial is INFORMED CONSENT OBTAINED; a consent to a part of it (a biopsy, genetic testing) is INFORMED
CONSENT OBTAINED FOR PROTOCOL-SPECIFIED ACTIVITY. A re-consent to a newer version is a row of its own; the version of
the document goes to SUPPDS.
"""

from clinical.sdtm.domains import wording
from clinical.sdtm.facts import Casebook, Conventions
from clinical.sdtm.records import Record, supplement

DOMAIN = "DS"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a consent, milestone or disposition event."""
    consents = [
        Record(
            {
                "DSSPID": each.reference,
                "DSTERM": f"INFORMED CONSENT OBTAINED: {each.activity}"
                if each.activity
                else "INFORMED CONSENT OBTAINED",
                "DSDECOD": (
                    "INFORMED CONSENT OBTAINED FOR PROTOCOL-SPECIFIED ACTIVITY"
                    if each.activity
                    else "INFORMED CONSENT OBTAINED"
                ),
                "DSCAT": "PROTOCOL MILESTONE",
                "DSSTDTC": each.given,
            },
            tuple(supplement("DSCNSVER", "Consent Document Version", each.document_version)),
        )
        for each in book.consents
    ]
    milestones = [
        Record(
            {
                "DSSPID": each.reference,
                "DSTERM": each.term,
                "DSDECOD": each.decoded,
                "DSCAT": each.category,
                "DSSCAT": each.subcategory,
                **wording.visit_values(each.visit),
                "DSDTC": each.recorded,
                "DSSTDTC": each.when,
            }
        )
        for each in book.milestones
    ]
    return consents + milestones
