"""What screening knows of a subject for the machine checks of eligibility."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

from apps.screening.forms import HLA
from apps.screening.models import (
    BiomarkerResult,
    Consent,
    Demographics,
    DiseaseHistory,
    Interpretation,
    YesNoUnknown,
)
from apps.subjects.models import Subject
from apps.visits.models import EntryState
from clinical.age import age_range
from clinical.eligibility import Fact, Value
from clinical.partial_date import PartialDate
from clinical.protocol.conduct import FACTS, MachineCheck
from clinical.protocol.definition import Definition

ALLELE = re.compile(r"\b(?:HLA-)?([A-Z]{1,4}\d?\*\d{2,3}(?::\d{2,3}){0,3}[NLSCAQ]?)\b", re.IGNORECASE)
PRAME = "PRAME"


def alleles(reported: str) -> tuple[str, ...]:
    """The HLA alleles in a result as a laboratory writes it.

    >>> alleles("HLA-A*02:01:01, A*24:02")
    ('A*02:01:01', 'A*24:02')
    """
    return tuple(found.upper() for found in ALLELE.findall(reported))


OF_THE_PERSON = frozenset({"consent", "age", "sex"})


def of_person(subject: Subject) -> Iterable[Fact]:
    """Consent, age and sex of the subject, as entered now; age is counted at consent."""
    consents = list(
        Consent.objects.filter(record__subject=subject, record__state=EntryState.COMPLETE).order_by(
            "given_earliest", "pk"
        )
    )
    given = consents[-1].given if consents else None
    yield _consent(consents)
    yield from _person(subject, on=given)


def of_disease(subject: Subject) -> Iterable[Fact]:
    """Disease and biomarkers of the subject, as entered now."""
    yield from _disease(subject)
    yield from _markers(subject)


def _consent(consents: list[Consent]) -> Fact:
    if not consents:
        return _fact("consent", None)
    newest = consents[-1]
    return _fact("consent", newest.given is not None and newest.withdrawn is None, on=newest.withdrawn or newest.given)


def _person(subject: Subject, *, on: PartialDate | None) -> Iterator[Fact]:
    row = Demographics.objects.filter(record__subject=subject).exclude(record__state=EntryState.REMOVED).last()
    if row is None:
        return
    yield age_fact(row.birth, row.age, on=on or row.collected, definition=subject.protocol_version.definition)
    yield _fact("sex", row.sex)


def age_fact(birth: PartialDate | None, age: int | None, *, on: PartialDate | None, definition: Definition) -> Fact:
    """The age at consent. Where the date of birth allows two ages and the protocol's limit lies between: not known."""
    if birth is None or on is None:
        return _fact("age", None if age is None else Decimal(age))
    youngest, oldest = age_range(birth, on)
    if youngest == oldest:
        return _fact("age", Decimal(oldest))
    checks = [check for criterion in definition.criteria for check in criterion.checks if check.fact == "age"]
    label = f"{FACTS['age']} ({youngest} or {oldest})"
    if any(_within(check, youngest) != _within(check, oldest) for check in checks):
        return Fact(name="age", label=f"{label}, with this date of birth", value=None)
    return Fact(name="age", label=label, value=Decimal(youngest))


def _within(check: MachineCheck, age: int) -> bool:
    return (check.at_least is None or age >= check.at_least) and (check.at_most is None or age <= check.at_most)


def _disease(subject: Subject) -> Iterator[Fact]:
    """The newest answer to each question; a form that leaves a question out says nothing about it."""
    rows = list(
        DiseaseHistory.objects.filter(record__subject=subject)
        .exclude(record__state=EntryState.REMOVED)
        .order_by("pk")
        .values("liver_metastases", "brain_metastases", "prior_lines")
    )
    for name in ("liver_metastases", "brain_metastases"):
        answers = [row[name] for row in rows if row[name] is not None]
        if answers:
            newest = answers[-1]
            yield _fact(name, None if newest == YesNoUnknown.UNKNOWN else newest == YesNoUnknown.YES)
    lines = [row["prior_lines"] for row in rows if row["prior_lines"] is not None]
    if lines:
        yield _fact("prior_lines", Decimal(lines[-1]))


def _markers(subject: Subject) -> Iterator[Fact]:
    results = (
        BiomarkerResult.objects.filter(record__subject=subject, is_removed=False)
        .exclude(record__state=EntryState.REMOVED)
        .order_by("pk")
    )
    for result in results:
        if result.key == HLA and result.reported:
            types = alleles(result.reported)
            if types:
                yield _fact("hla", types, on=result.collected)
            else:
                label = f"{FACTS['hla']}: “{result.reported}” names no allele such as A*02:01"
                yield Fact(name="hla", label=label, value=None)
        elif result.key == PRAME and result.interpretation:
            evaluable = result.interpretation != Interpretation.NOT_EVALUABLE
            yield Fact(
                name="prame",
                label=FACTS["prame"] if evaluable else f"{FACTS['prame']} not evaluable",
                value=result.interpretation if evaluable else None,
                on=result.collected,
            )


def _fact(name: str, value: Value | None, *, on: PartialDate | None = None) -> Fact:
    return Fact(name=name, label=FACTS[name], value=value, on=on)
