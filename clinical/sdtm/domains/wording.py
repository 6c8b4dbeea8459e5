"""The few words that all domains write alike: yes and no, not done, a visit, a time point, a result not obtained."""

from clinical.sdtm import terminology
from clinical.sdtm.dataset import Value
from clinical.sdtm.facts import Finding, TimePoint, Visit


def yes_no(claim: bool | None) -> str | None:
    """Y, N, or nothing where it was not answered."""
    return None if claim is None else "Y" if claim else "N"


def visit_values(visit: Visit | None) -> dict[str, Value]:
    """VISITNUM, VISIT, VISITDY."""
    if visit is None:
        return {}
    return {"VISITNUM": visit.number, "VISIT": visit.name, "VISITDY": visit.planned_day}


def time_point_values(prefix: str, point: TimePoint | None) -> dict[str, Value]:
    """--TPT and what it is counted from."""
    if point is None:
        return {}
    return {
        f"{prefix}TPT": point.name,
        f"{prefix}TPTNUM": point.number,
        f"{prefix}ELTM": point.elapsed,
        f"{prefix}TPTREF": point.anchor,
        f"{prefix}RFTDTC": point.anchor_at,
    }


def not_done_values(prefix: str, is_not_done: bool, reason: str | None) -> dict[str, Value]:
    """--STAT and --REASND of something that was planned and not done."""
    return {f"{prefix}STAT": "NOT DONE", f"{prefix}REASND": reason} if is_not_done else {}


def ongoing_values(prefix: str, ongoing_at: str | None) -> dict[str, Value]:
    """--ENRTPT ONGOING at --ENTPT: it had not ended on the day of asking, which is all that is known."""
    return {f"{prefix}ENRTPT": "ONGOING", f"{prefix}ENTPT": ongoing_at} if ongoing_at else {}


def test_name(prefix: str, finding: Finding) -> str:
    """--TEST: the terminology's name for a known code, else the name that the form gives."""
    return terminology.name_of_test(f"{prefix}TESTCD", f"{prefix}TEST", finding.test_code) or finding.test or ""
