"""Questions about laboratories, ranges and results."""

from collections.abc import Iterable
from decimal import Decimal

from django.db.models import Q, QuerySet
from django.http import Http404

from apps.core.actor import Actor
from apps.labs.judging import Person
from apps.labs.models import Laboratory, LabPanel, LabResult, RangeState, ReferenceRange
from apps.subjects.models import Anchor, Subject
from apps.visits import facts
from apps.visits.models import EntryState
from clinical.eligibility import Fact, Operator
from clinical.partial_date import Order, PartialDate
from clinical.protocol.conduct import LAB_FACT
from clinical.protocol.definition import Definition

_CENSORED = {"<": Operator.BELOW, "<=": Operator.BELOW, ">": Operator.ABOVE, ">=": Operator.ABOVE}

_ALSO_KNOWN_AS = {"HCG": ("pregnancy_test",), "CREATCLR": ("creatinine_clearance",)}
"""Facts of eligibility that are laboratory results under a name of their own."""


def laboratories(*, actor: Actor) -> QuerySet[Laboratory]:
    """The laboratories of the actor's sites in this study."""
    found: QuerySet[Laboratory] = Laboratory.objects.visible_to(actor).filter(site__study_id=actor.study_id)
    return found.select_related("site").order_by("site__number", "name")


def ranges(*, actor: Actor) -> QuerySet[ReferenceRange]:
    """Every range of those laboratories, with its place in its history."""
    found: QuerySet[ReferenceRange] = ReferenceRange.objects.visible_to(actor).filter(
        laboratory__site__study_id=actor.study_id
    )
    return found.select_related("laboratory__site", "replaces").order_by(
        "laboratory__site__number", "laboratory__name", "analyte", "sex", "age_from", "effective_from", "pk"
    )


def range_or_404(*, actor: Actor, pk: int) -> ReferenceRange:
    found = ranges(actor=actor).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def laboratory_or_404(*, actor: Actor, pk: int) -> Laboratory:
    found = laboratories(actor=actor).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def approved_ranges(laboratory_ids: Iterable[int], tests: Iterable[str]) -> list[ReferenceRange]:
    """The approved ranges of some laboratories for some tests."""
    return list(
        ReferenceRange.objects.filter(
            laboratory_id__in=set(laboratory_ids), analyte__in=set(tests), state=RangeState.APPROVED
        )
    )


def results(subject: Subject, *, tests: Iterable[str] | None = None) -> list[LabResult]:
    """The results of a subject that stand, undated ones first, then as the samples were taken; with panel and visit."""
    found = LabResult.objects.filter(record__subject=subject, is_removed=False).exclude(
        record__state=EntryState.REMOVED
    )
    if tests is not None:
        found = found.filter(key__in=set(tests))
    found = found.select_related("record__labpanel", "record__visit")
    found = found.defer("record__extra", "record__blank_reasons", "record__confirmations")
    return sorted(found, key=_when)


def _when(result: LabResult) -> tuple[bool, str, int]:
    collected = panel_of(result).collected
    return (collected is not None, "" if collected is None else collected.earliest().isoformat(), result.pk)


def panel_of(result: LabResult) -> LabPanel:
    """The head of the page that a result stands on."""
    panel: LabPanel = result.record.labpanel
    return panel


def first_dose(subject: Subject) -> PartialDate | None:
    """The moment that divides baseline from treatment: the anchor from which events are treatment emergent."""
    name = subject.protocol_version.definition.safety.treatment_emergent_from
    anchor = Anchor.objects.filter(subject=subject, name=name).first()
    return None if anchor is None else anchor.moment


def is_before_dose(collected: PartialDate | None, dose: PartialDate | None) -> bool:
    """Whether a sample counts as taken before the first dose.

    A sample of the day of the dose whose time nobody wrote down counts as before: the protocol draws it then.
    """
    if collected is None or dose is None:
        return False
    order = collected.compare(dose)
    if order in (Order.BEFORE, Order.SAME):
        return True
    return (
        order is Order.INDETERMINATE
        and collected.full_date is not None
        and collected.compare_days(dose) in (Order.SAME, Order.BEFORE)
    )


def baselines(found: Iterable[LabResult], dose: PartialDate | None) -> dict[str, LabResult]:
    """The last numeric result of each test before the first dose; `found` is in the order of `results`."""
    last: dict[str, LabResult] = {}
    for result in found:
        if result.value is not None and is_before_dose(panel_of(result).collected, dose):
            last[result.key] = result
    return last


def person(subject: Subject) -> Person:
    """Sex and age as the rooms that collect them state them."""
    sex, age, age_on = None, None, None
    for fact in facts.known_facts(subject, of=("sex", "age")):
        if fact.name == "sex" and isinstance(fact.value, str):
            sex = fact.value
        elif fact.name == "age" and isinstance(fact.value, Decimal | int):
            age, age_on = int(fact.value), fact.on
    return Person(sex=sex, age=age, age_on=age_on)


def eligibility_facts(subject: Subject) -> Iterable[Fact]:
    """Every result as a fact of eligibility: value, unit, upper limit, operator, day."""
    definition = subject.protocol_version.definition
    for result in results(subject):
        if result.reported is None or result.is_not_done:
            continue
        analyte = definition.analyte(result.key)
        for name in (f"{LAB_FACT}{result.key}", *_ALSO_KNOWN_AS.get(result.key, ())):
            yield Fact(
                name=name,
                label=analyte.label if analyte is not None else result.key,
                value=result.value if result.value is not None else result.reported.upper(),
                unit=result.unit,
                on=panel_of(result).collected,
                upper_limit=result.high,
                operator=_CENSORED.get(result.operator or "", Operator.EXACTLY),
            )


def ctcae_version(definition: Definition) -> str | None:
    """The version of CTCAE that grades this trial's results; None where the trial does not grade."""
    return next((each.version for each in definition.dictionaries if each.name.upper() == "CTCAE"), None)


def results_under(laboratory: Laboratory, analyte: str) -> QuerySet[Subject]:
    """The subjects with a result of the analyte from the laboratory."""
    return Subject.objects.filter(
        Q(records__labpanel__laboratory=laboratory), records__labresult_lines__key=analyte
    ).distinct()
