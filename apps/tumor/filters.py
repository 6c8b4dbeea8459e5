"""What the address of the Tumor page asks for; every figure and file of the page reads the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.core.actor import Actor
from apps.core.in_print import inside_a_sentence
from apps.study.models import ProtocolVersion, Site
from apps.tumor import selectors
from apps.tumor.drawings import TimeUnit
from apps.tumor.models import Response

ORDERS = ("subject", "change")


@dataclass(frozen=True, slots=True)
class Filters:
    """One evaluator's responses, narrowed; what the page does not offer is as if it were not asked."""

    evaluator: str
    evaluator_title: str
    evaluators: tuple[tuple[str, str], ...]
    sites: tuple[str, ...]
    """The sites that the actor sees."""
    response: str = ""
    site: str = ""
    order: str = ORDERS[0]
    time: TimeUnit = TimeUnit.DAYS

    @property
    def are_in_use(self) -> bool:
        return bool(self.response or self.site)

    @property
    def in_words(self) -> str:
        """For the line beneath a figure."""
        said = [inside_a_sentence(self.evaluator_title)] if self.evaluator_title else []
        said += [f"confirmed best response {self.response}"] if self.response else []
        sites = [self.site] if self.site else self.sites
        said += [f"site{'' if len(sites) == 1 else 's'} {', '.join(sites)}"] if sites else []
        return ", ".join(said)


def read(query: Mapping[str, str], *, actor: Actor, version: ProtocolVersion) -> Filters:
    evaluators = tuple((each.code, each.title) for each in version.definition.evaluators)
    named = query.get("evaluator", "")
    evaluator = named if named in dict(evaluators) else selectors.site_evaluator(version)
    sites = tuple(Site.objects.filter(pk__in=actor.site_ids).order_by("number").values_list("number", flat=True))
    return Filters(
        evaluator=evaluator,
        evaluator_title=dict(evaluators).get(evaluator, ""),
        evaluators=evaluators,
        sites=sites,
        response=_offered(query.get("response", ""), Response.values),
        site=_offered(query.get("site", ""), sites),
        order=_offered(query.get("order", ""), ORDERS) or ORDERS[0],
        time=TimeUnit(_offered(query.get("time", ""), list(TimeUnit)) or TimeUnit.DAYS),
    )


def _offered(asked: str, offered: Sequence[str]) -> str:
    return asked if asked in offered else ""
