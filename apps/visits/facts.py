"""What rooms know of a subject for eligibility: a registry, so that a lower floor can ask what a higher one knows.

Each room provides the facts it holds (`age` from demographics, `lab.ALT` from the laboratory, `measurable_disease` from
the lesions) under the names of `clinical.protocol.conduct.FACTS`.
"""

from collections.abc import Callable, Iterable

from apps.subjects.models import Subject
from clinical.eligibility import Fact

Provider = Callable[[Subject], Iterable[Fact]]
Gives = Callable[[str], bool]

_providers: list[tuple[Provider, Gives]] = []


def provide(provider: Provider, *, gives: Gives = lambda name: True) -> Provider:
    """Register a room's facts; call it from the app's `ready()`. `gives` says which names can come from it at all."""
    _providers.append((provider, gives))
    return provider


def known_facts(subject: Subject, *, of: Iterable[str] = ()) -> list[Fact]:
    """What the rooms know of the subject now: everything, or only the facts of some names.

    Facts of one name are several results, each with its day. A room that cannot know of the names asked is not asked.
    """
    names = frozenset(of)
    return [
        fact
        for provider, gives in _providers
        if not names or any(map(gives, names))
        for fact in provider(subject)
        if not names or fact.name in names
    ]
