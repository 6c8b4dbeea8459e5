"""What the DLT rules look at: adverse events with their grade periods, laboratory values, doses, interventions.

Dates are partial dates in the wall time of the site. What is not entered is `None`, and the rules treat it as unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from clinical.partial_date import PartialDate


@dataclass(frozen=True, slots=True)
class GradePeriod:
    """The grade of an event from one moment to the next.

    Without an end the period goes on until the next one begins, or is still going on. `end_unknown` says that it is
    over and nobody knows since when. `scale` names the grading; one event may carry grades of two scales.
    """

    grade: int | None
    began: PartialDate | None
    ended: PartialDate | None = None
    end_unknown: bool = False
    scale: str = "CTCAE"


@dataclass(frozen=True, slots=True)
class ToxicityEvent:
    """One adverse event as the investigator reports it.

    `relations` holds the investigator's answer per study product, `None` where it is not answered; `causes` the other
    causes that the site named (“lymphodepletion”, “disease”); `symptom_of` the id of the event that it is a part of;
    `answers` the yes/no questions that the protocol adds to the page.
    """

    id: str
    term: str | None
    periods: tuple[GradePeriod, ...]
    soc: str | None = None
    relations: Mapping[str, bool | None] = field(default_factory=dict)
    causes: frozenset[str] = frozenset()
    symptom_of: str | None = None
    answers: Mapping[str, bool | None] = field(default_factory=dict)
    fatal: bool = False
    died: PartialDate | None = None


@dataclass(frozen=True, slots=True)
class LabFact:
    """One laboratory value with the limits of its own laboratory on that day, and the subject's baseline."""

    test: str
    taken: PartialDate
    value: Decimal
    unit: str
    uln: Decimal | None = None
    lln: Decimal | None = None
    baseline: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Exposure:
    """One dose, planned and given, or planned and not given.

    `is_full` tells the intended dose from a priming step. `reason` says why the dose was not given or came late.
    """

    planned: PartialDate | None = None
    given: PartialDate | None = None
    is_full: bool = True
    was_missed: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Intervention:
    """A treatment that a criterion counts, such as a transfusion."""

    kind: str
    given: PartialDate


@dataclass(frozen=True, slots=True)
class SubjectFacts:
    """Everything about one subject that a DLT definition may ask for; `answers` are what is so at baseline."""

    events: tuple[ToxicityEvent, ...] = ()
    labs: tuple[LabFact, ...] = ()
    doses: tuple[Exposure, ...] = ()
    interventions: tuple[Intervention, ...] = ()
    answers: Mapping[str, bool | None] = field(default_factory=dict)
