"""The whole DLT question of one subject in one call: window, answers and what the subject counts as."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from clinical.dlt.criteria import Criterion
from clinical.dlt.evaluability import Adjudication, Departure, Evaluability, ExposureMinimum, evaluate_subject
from clinical.dlt.evaluation import Assessment, Conventions, assess_all
from clinical.dlt.facts import SubjectFacts
from clinical.dlt.window import DltWindow, WindowRule, dlt_window


@dataclass(frozen=True, slots=True)
class DltDefinition:
    """What a protocol says about dose-limiting toxicity."""

    criteria: tuple[Criterion, ...]
    window: WindowRule
    minimum: ExposureMinimum = field(default_factory=ExposureMinimum)
    conventions: Conventions = field(default_factory=Conventions)


@dataclass(frozen=True, slots=True)
class DltStatus:
    """The window, the answers for every event and last for the subject's other facts, and what they amount to."""

    window: DltWindow | None
    assessments: tuple[Assessment, ...]
    evaluability: Evaluability

    def of_event(self, event_id: str) -> Assessment:
        """The answer for one event."""
        return next(each for each in self.assessments if each.event_id == event_id)


def dlt_status(
    definition: DltDefinition,
    facts: SubjectFacts,
    *,
    adjudications: Sequence[Adjudication] = (),
    at: datetime,
    zone: ZoneInfo,
    departure: Departure | None = None,
    missing: Sequence[str] = (),
) -> DltStatus:
    """Where a subject stands at a moment; the same facts at the same moment always give the same answer.

    `facts.doses` are those of the product and dose level that the window belongs to.
    """
    window = dlt_window(definition.window, facts.doses, at=at, zone=zone)
    assessments = assess_all(
        criteria=definition.criteria, window=window, facts=facts, at=at, conventions=definition.conventions
    )
    evaluability = evaluate_subject(
        window=window,
        assessments=assessments,
        adjudications=adjudications,
        doses=facts.doses,
        at=at,
        minimum=definition.minimum,
        departure=departure,
        missing=missing,
    )
    return DltStatus(window, assessments, evaluability)
