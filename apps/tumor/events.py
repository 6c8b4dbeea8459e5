"""What the floors above hear about responses."""

from dataclasses import dataclass

from apps.core.events import Fact


@dataclass(frozen=True, kw_only=True)
class ResponsesChanged(Fact):
    """Responses that the system derives are new or other ones; `flipped` names assessments that had another before."""

    subject: int
    evaluator: str
    records: tuple[int, ...]
    flipped: tuple[int, ...]
