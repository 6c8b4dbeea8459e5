"""What the worker hears about exports."""

from dataclasses import dataclass

from apps.core.events import Fact


@dataclass(frozen=True, kw_only=True)
class ExportRequested(Fact):
    """Somebody asked for datasets."""

    job: int
