"""Giving and ending roles."""

from datetime import datetime

from django.db import transaction

from apps.access.models import Membership
from apps.access.roles import SITE_ROLES, Role
from apps.accounts.models import User
from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.refusal import Refusal
from apps.study.models import Site, Study


class RoleNeedsSite(Refusal): ...


@transaction.atomic
def give_role(*, actor: Actor, user: User, study: Study, role: Role, site: Site | None, at: datetime) -> Membership:
    """Give a person a role, at a site or study-wide."""
    actor.require(Action.MANAGE_PEOPLE)
    if role in SITE_ROLES and site is None:
        raise RoleNeedsSite(f"{role.label} is a role at a site. Choose the site.")
    return Membership.objects.create(user=user, study=study, site=site, role=role, given_at=at)


@transaction.atomic
def end_role(*, actor: Actor, membership: Membership, at: datetime) -> None:
    """End a role from now on. What the person did under it stays theirs."""
    actor.require(Action.MANAGE_PEOPLE)
    membership.ended_at = at
    membership.save(update_fields=["ended_at"])
