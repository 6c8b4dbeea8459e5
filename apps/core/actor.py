"""Who acts: a person in one study, with what each of their roles allows at which site."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from apps.core.action import Action
from apps.core.refusal import NotAllowed


@dataclass(frozen=True)
class Grant:
    """One role held at one site, or at every site of the study (`site_id` None)."""

    role: str
    site_id: int | None
    actions: frozenset[Action]

    def covers(self, site_id: int | None) -> bool:
        return self.site_id is None or site_id is None or self.site_id == site_id


@dataclass(frozen=True)
class Actor:
    """The acting person (or a named part of the system) in one study. Built per request, never stored."""

    name: str
    user_id: int | None
    study_id: int
    grants: tuple[Grant, ...] = ()
    study_site_ids: frozenset[int] = field(default_factory=frozenset)
    is_system: bool = False

    @property
    def site_ids(self) -> frozenset[int]:
        """The study-sites whose rows this actor may see at all."""
        if self.is_system or any(grant.site_id is None for grant in self.grants):
            return self.study_site_ids
        return frozenset(grant.site_id for grant in self.grants if grant.site_id is not None)

    @property
    def role_words(self) -> str:
        """The roles as the audit trail prints them."""
        return "system" if self.is_system else ", ".join(dict.fromkeys(grant.role for grant in self.grants))

    def may(self, action: Action, *, at: int | None = None) -> bool:
        """Whether a role held at the site `at` (or anywhere, when None) includes the action."""
        if at is not None and at not in self.site_ids:
            return False
        return self.is_system or any(action in grant.actions and grant.covers(at) for grant in self.grants)

    def may_any(self, actions: Iterable[Action]) -> bool:
        return any(self.may(action) for action in actions)

    def require(self, action: Action, *, at: int | None = None) -> None:
        """Refuse unless the actor may. Every service begins with this."""
        if not self.may(action, at=at):
            raise NotAllowed(f"Your role here ({self.role_words or 'none'}) does not allow you to {action.value}.")

    def sites_where(self, action: Action) -> frozenset[int]:
        """The sites at which the actor may do this."""
        return frozenset(site for site in self.site_ids if self.may(action, at=site))


def system_actor(name: str, *, study_id: int, site_ids: Iterable[int]) -> Actor:
    """A part of the system acting for itself, by name: "Safety rules", "Import of study PVONCO"."""
    return Actor(name=name, user_id=None, study_id=study_id, study_site_ids=frozenset(site_ids), is_system=True)
