"""Findings in general: vital signs and ECG leave through here unchanged, laboratory results add their own."""

from clinical.sdtm.dataset import Value
from clinical.sdtm.derivations import results
from clinical.sdtm.domains import wording
from clinical.sdtm.facts import Finding


def finding_values(prefix: str, finding: Finding) -> dict[str, Value]:
    """What every finding has: its line, test, result, status, method, visit and time.

    A result not obtained has a status and a reason, and neither result nor unit: the case people get wrong is the unit
    of a result that does not exist.
    """
    result: dict[str, Value] = {}
    if not finding.is_not_done and finding.result is not None:
        result = results(
            prefix,
            original=finding.result,
            unit=finding.unit,
            standard=finding.standard,
            standard_unit=finding.standard_unit,
        )
    return {
        f"{prefix}SPID": finding.reference,
        f"{prefix}TESTCD": finding.test_code,
        f"{prefix}TEST": wording.test_name(prefix, finding),
        f"{prefix}CAT": finding.category,
        f"{prefix}SCAT": finding.subcategory,
        **result,
        **wording.not_done_values(prefix, finding.is_not_done, finding.not_done_reason),
        f"{prefix}METHOD": finding.method,
        f"{prefix}POS": finding.position,
        f"{prefix}LOC": finding.location,
        f"{prefix}LAT": finding.laterality,
        f"{prefix}CLSIG": wording.yes_no(finding.is_clinically_significant),
        **wording.visit_values(finding.visit),
        f"{prefix}DTC": finding.collected,
        **wording.time_point_values(prefix, finding.time_point),
    }
