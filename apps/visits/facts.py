"""What rooms know of a subject for eligibility: a registry, so that a lower floor can ask what a higher one knows.

Each room provides the facts it holds (`age` from demographics, `lab.ALT` from the laboratory, `measurable_disease` from
the lesions) under the names of `clinical.protocol.conduct.FACTS`.
"""

from collections.abc import Callable, Iterable

from apps.subjects.models import Subject
from clinical.eligibility import Fact

Provider = Callable[[Subject], Iterable[Fact]]

_providers: list[Provider] = []


def provide(provider: Provider) -> Provider:
    """Register a room's facts; call it from the app's `ready()`."""
    _providers.append(provider)
    return provider


def known_facts(subject: Subject) -> list[Fact]:
    """Everything the rooms know of the subject now. Facts of one name are several results, each with its day."""
    return [fact for provider in _providers for fact in provider(subject)]
