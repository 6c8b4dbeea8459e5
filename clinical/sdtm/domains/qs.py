"""QS, questionnaires: here the ECOG performance status, unless the sponsor's convention puts it in RS.

The controlled terminology counts ECOG among the clinical classifications (codelist CCCAT), whose home since SDTMIG 3.4
is RS; most running trials and the reviewers' tools still look for it in QS. Both are one and the same rows under
another prefix, so it is a convention (`Conventions.performance_status_domain`) and not a decision of ours.
"""

from clinical.sdtm.dataset import Value
from clinical.sdtm.domains.findings import finding_values
from clinical.sdtm.facts import Casebook, Conventions, Finding
from clinical.sdtm.records import Record

DOMAIN = "QS"
ECOG = {"CAT": "ECOG", "TESTCD": "ECOG101", "TEST": "ECOG1-Performance Status"}


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row an assessment of performance status."""
    if conventions.performance_status_domain != DOMAIN:
        return []
    return [Record(performance_values(DOMAIN, each)) for each in book.performance_status]


def performance_values(prefix: str, each: Finding) -> dict[str, Value]:
    """One assessment of performance status in the domain that the convention names."""
    named = {f"{prefix}{name}": value for name, value in ECOG.items()}
    return {**finding_values(prefix, each), **named}
