"""The approved protocol versions as the plan that TA, TE, TV, TI and TS tell, and the conventions of their datasets."""

from collections.abc import Sequence

from apps.exports.casebooks.reading import planned_day
from apps.study.models import ProtocolVersion
from clinical.protocol.definition import Definition
from clinical.protocol.schedule import AnchorSource, PlannedVisit
from clinical.sdtm import facts

DOSES = (AnchorSource.FIRST_DOSE, AnchorSource.FIRST_FULL_DOSE)


def trial_design(code: str, versions: Sequence[ProtocolVersion]) -> facts.TrialDesign:
    """The plan of the newest version, with the criteria of every version as each words them."""
    newest = versions[-1].definition
    return facts.TrialDesign(
        study=code,
        elements=tuple(
            facts.Element(each.code, each.title, each.starts, each.ends, each.duration) for each in newest.elements
        ),
        arms=tuple(
            facts.Arm(
                arm.code,
                arm.title,
                tuple(
                    facts.ArmStep(order, step.element, step.epoch, step.branch, step.transition)
                    for order, step in enumerate(arm.path, start=1)
                ),
            )
            for arm in newest.arms
        ),
        visits=tuple(
            facts.PlannedVisit(facts.Visit(each.number, each.name, planned_day(each)), _start_rule(each, newest))
            for each in newest.visits_for()
        ),
        criteria=tuple(
            facts.Criterion(each.number, each.name, each.kind.value.upper(), version.version)
            for version in versions
            for each in version.definition.criteria
        ),
        summary=tuple(
            facts.SummaryParameter(
                each.parameter,
                each.value,
                each.null_flavor,
                each.term_code,
                each.code_system,
                each.code_system_version,
            )
            for each in newest.summary
        ),
    )


def _start_rule(visit: PlannedVisit, definition: Definition) -> str:
    """When the visit begins, in words."""
    if visit.offset is None or visit.anchor is None:
        return "When it becomes necessary"
    title, days = definition.anchor(visit.anchor).title, visit.offset.days
    if days == 0:
        return f"Day of {title}"
    return f"{abs(days)} day{'' if abs(days) == 1 else 's'} {'after' if days > 0 else 'before'} {title}"


def conventions(definition: Definition) -> facts.Conventions:
    """Study day 1 is the first dose of the product that the protocol counts its days from, where it names one."""
    anchor = definition.anchor(definition.day_labels.anchor)
    reference = (anchor.product,) if anchor.source in DOSES and anchor.product else ()
    return facts.Conventions(
        reference_products=reference,
        products=tuple(product.code for product in definition.products if product.for_attribution),
    )
