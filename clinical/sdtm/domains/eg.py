"""EG, electrocardiogram: one row an interval, rate or interpretation."""

from clinical.sdtm.domains.findings import finding_values
from clinical.sdtm.facts import Casebook, Conventions
from clinical.sdtm.records import Record

DOMAIN = "EG"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row a finding."""
    return [Record(finding_values(DOMAIN, each)) for each in book.ecgs]
