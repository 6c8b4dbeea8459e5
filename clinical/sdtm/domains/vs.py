"""VS, vital signs: one row a measurement, with position and time point relative to a dose."""

from clinical.sdtm.domains.findings import finding_values
from clinical.sdtm.facts import Casebook, Conventions
from clinical.sdtm.records import Record

DOMAIN = "VS"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a measurement."""
    return [Record(finding_values(DOMAIN, each)) for each in book.vital_signs]
