"""TA, TE, TV, TI, TS: the plan of the trial, the same for all subjects.

TA is each arm's path through the elements, TE the elements with their rules, TV the planned visits, TI every
eligibility criterion in each version it had, TS the trial's characteristics. A characteristic without a value says why
in TSVALNF. A criterion's wording over 200 characters is refused, not cut: the guide asks for a short wording here.
"""

from collections import Counter

from clinical.sdtm import terminology
from clinical.sdtm.derivations import sort_key
from clinical.sdtm.facts import TrialDesign
from clinical.sdtm.records import Record

DOMAINS = ("TA", "TE", "TV", "TI", "TS")


def records(design: TrialDesign) -> dict[str, list[Record]]:
    """The rows of each trial design dataset, in their order."""
    rows = {
        "TA": _arms(design),
        "TE": _elements(design),
        "TV": _visits(design),
        "TI": _criteria(design),
        "TS": _summary(design),
    }
    return {
        domain: [
            record.with_values(STUDYID=design.study, DOMAIN=domain) for record in sorted(found, key=sort_key(domain))
        ]
        for domain, found in rows.items()
    }


def _arms(design: TrialDesign) -> list[Record]:
    names = {element.code: element.name for element in design.elements}
    return [
        Record(
            {
                "ARMCD": arm.code,
                "ARM": arm.name,
                "TAETORD": step.order,
                "ETCD": step.element,
                "ELEMENT": names.get(step.element),
                "TABRANCH": step.branch,
                "TATRANS": step.transition,
                "EPOCH": step.epoch,
            }
        )
        for arm in design.arms
        for step in arm.steps
    ]


def _elements(design: TrialDesign) -> list[Record]:
    return [
        Record(
            {
                "ETCD": each.code,
                "ELEMENT": each.name,
                "TESTRL": each.start_rule,
                "TEENRL": each.end_rule,
                "TEDUR": each.duration,
            }
        )
        for each in design.elements
    ]


def _visits(design: TrialDesign) -> list[Record]:
    names = {arm.code: arm.name for arm in design.arms}
    return [
        Record(
            {
                "VISITNUM": each.visit.number,
                "VISIT": each.visit.name,
                "VISITDY": each.visit.planned_day,
                "ARMCD": each.arm,
                "ARM": names.get(each.arm) if each.arm else None,
                "TVSTRL": each.start_rule,
                "TVENRL": each.end_rule,
            }
        )
        for each in design.visits
    ]


def _criteria(design: TrialDesign) -> list[Record]:
    return [
        Record(
            {
                "IETESTCD": each.code,
                "IETEST": each.text,
                "IECAT": each.category,
                "IESCAT": each.subcategory,
                "TIVERS": each.version,
            }
        )
        for each in design.criteria
    ]


def _summary(design: TrialDesign) -> list[Record]:
    """TSSEQ counts the values of one parameter: two secondary objectives are OBJSEC 1 and 2."""
    seen: Counter[str] = Counter()
    rows = []
    for each in design.summary:
        seen[each.code] += 1
        rows.append(
            Record(
                {
                    "TSSEQ": seen[each.code],
                    "TSGRPID": each.group,
                    "TSPARMCD": each.code,
                    "TSPARM": terminology.name_of_test("TSPARMCD", "TSPARM", each.code) or each.code,
                    "TSVAL": each.value,
                    "TSVALNF": each.null_flavor,
                    "TSVALCD": each.value_code,
                    "TSVCDREF": each.dictionary,
                    "TSVCDVER": each.dictionary_version,
                }
            )
        )
    return rows
