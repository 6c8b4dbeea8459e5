"""The response categories of RECIST 1.1 and the guideline's tables that combine them.

Source: Eisenhauer EA et al., New response evaluation criteria in solid tumours: revised RECIST guideline
(version 1.1), Eur J Cancer 2009;45:228-247, section 4 and tables 1 to 3.
"""

from decimal import Decimal
from enum import StrEnum

PARTIAL_RESPONSE_SHRINKAGE = Decimal("0.30")
PROGRESSION_GROWTH, PROGRESSION_MINIMUM_MM = Decimal("0.20"), Decimal("5")


class Response(StrEnum):
    """A response as it is written in a dataset (CDISC codelist ONCRSR)."""

    CR = "CR"
    PR = "PR"
    SD = "SD"
    NON_CR_NON_PD = "NON-CR/NON-PD"
    PD = "PD"
    NE = "NE"
    ND = "ND"
    """Not done: the assessment was due and did not take place."""
    NA = "NA"
    """Not applicable."""
    NONE = "NONE"
    """There is no lesion of this kind, so there is nothing to answer."""
    MISSING = "MISSING"
    """No assessment at all."""


class NewLesion(StrEnum):
    """Whether a lesion that was not there at baseline is seen."""

    NO = "N"
    EQUIVOCAL = "EQUIVOCAL"
    YES = "Y"


def has_progressed(*, nadir: Decimal, current: Decimal) -> bool:
    """Whether a sum of diameters has grown enough for progression: 20 % and 5 mm over the nadir, both.

    The 5 mm keep a small tumor from progressing by measurement error. From 10 mm to 14 mm is +40 %, and not enough:

    >>> has_progressed(nadir=Decimal(10), current=Decimal(14))
    False
    >>> has_progressed(nadir=Decimal(10), current=Decimal(15))
    True
    """
    growth = current - nadir
    return growth >= PROGRESSION_MINIMUM_MM and growth >= PROGRESSION_GROWTH * nadir


def target_response(*, baseline: Decimal, nadir: Decimal, current: Decimal, resolved: bool) -> Response:
    """The response of the target lesions at one assessment, from complete sums of diameters in mm.

    Shrinkage is judged against baseline, growth against the nadir (RECIST 1.1, 4.3.1). So a tumor can be 28 %
    smaller than at the start and still progress:

    >>> target_response(baseline=Decimal(100), nadir=Decimal(60), current=Decimal(72), resolved=False).value
    'PD'

    `resolved` says that every target is gone and every target node is below 10 mm. The sum need not be 0 for that:

    >>> target_response(baseline=Decimal(96), nadir=Decimal(96), current=Decimal(7), resolved=True).value
    'CR'
    """
    if resolved:
        return Response.CR
    if has_progressed(nadir=nadir, current=current):
        return Response.PD
    if baseline - current >= PARTIAL_RESPONSE_SHRINKAGE * baseline:
        return Response.PR
    return Response.SD


_CR, _PR, _SD, _PD, _NE = Response.CR, Response.PR, Response.SD, Response.PD, Response.NE
_NON, _NONE = Response.NON_CR_NON_PD, Response.NONE

OVERALL_WITHOUT_NEW_LESION: dict[tuple[Response, Response], Response] = {
    # Table 1: target disease, with or without non-target disease.
    (_CR, _CR): _CR,
    (_CR, _NONE): _CR,
    (_CR, _NON): _PR,
    (_CR, _NE): _PR,
    (_PR, _CR): _PR,
    (_PR, _NON): _PR,
    (_PR, _NE): _PR,
    (_PR, _NONE): _PR,
    (_SD, _CR): _SD,
    (_SD, _NON): _SD,
    (_SD, _NE): _SD,
    (_SD, _NONE): _SD,
    (_NE, _CR): _NE,
    (_NE, _NON): _NE,
    (_NE, _NE): _NE,
    (_NE, _NONE): _NE,
    # Table 2: non-target disease only.
    (_NONE, _CR): _CR,
    (_NONE, _NON): _NON,
    (_NONE, _NE): _NE,
    # No disease at baseline: there is nothing that could respond.
    (_NONE, _NONE): _NE,
}
"""Overall response where nothing progresses and no unequivocal new lesion is seen (RECIST 1.1, tables 1 and 2)."""


def overall_response(*, target: Response, non_target: Response, new_lesion: NewLesion) -> Response:
    """The overall response at one assessment (RECIST 1.1, tables 1 and 2).

    Progression anywhere is progression, even where the other lesions cannot be evaluated. An equivocal new lesion
    is not progression until it is unequivocal. Targets that are gone while non-target disease persists, or was not
    looked at, are a partial and not a complete response:

    >>> overall_response(target=Response.CR, non_target=Response.NE, new_lesion=NewLesion.EQUIVOCAL).value
    'PR'
    """
    if new_lesion is NewLesion.YES or target is Response.PD or non_target is Response.PD:
        return Response.PD
    return OVERALL_WITHOUT_NEW_LESION[target, non_target]


def confirmed_by_pair(
    first: Response, subsequent: Response, *, minimum_sd_met: bool, first_corrected_to_pr: bool = False
) -> Response:
    """The best overall response that two assessments make where response must be confirmed (RECIST 1.1, table 3).

    After a true complete response any disease seen is progression, even disease that is 30 % below baseline: the
    subject had stable disease if that lasted long enough, and progression if not. Only where a reviewer corrects
    the first reading to PR is it a partial response:

    >>> confirmed_by_pair(Response.CR, Response.PR, minimum_sd_met=False).value
    'PD'
    """
    if first is _CR and first_corrected_to_pr:
        first = _PR
    failed, unknown = (_SD, _SD) if minimum_sd_met else (_PD, _NE)
    pairs = {
        (_CR, _CR): _CR,
        (_CR, _PR): failed,
        (_CR, _SD): failed,
        (_CR, _PD): failed,
        (_CR, _NE): unknown,
        (_PR, _CR): _PR,
        (_PR, _PR): _PR,
        (_PR, _SD): _SD,
        (_PR, _PD): failed,
        (_PR, _NE): unknown,
        (_NE, _NE): _NE,
    }
    if (first, subsequent) not in pairs:
        raise ValueError(f"RECIST 1.1 table 3 has no row for {first} followed by {subsequent}.")
    return pairs[first, subsequent]
