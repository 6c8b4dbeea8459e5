"""From a signed-in person to the Actor of a request."""

from dataclasses import dataclass

from django.db import connection

from apps.access.roles import ROLE_ACTIONS, Role
from apps.accounts.models import User
from apps.core.actor import Actor, Grant


@dataclass(frozen=True)
class StudyPlace:
    """A study in which a person holds roles."""

    study_id: int
    code: str
    actor: Actor


def studies_of(user: User) -> list[StudyPlace]:
    """Every study the person works in, with the Actor they are there. One query, outside the site walls."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select study_id, study_code, site_id, role, study_sites from access_memberships_of(%s)", [user.pk]
        )
        rows = cursor.fetchall()
    places: dict[int, StudyPlace] = {}
    for study_id, code, _, _, study_sites in rows:
        if study_id in places:
            continue
        grants = tuple(
            Grant(role=Role(role).label, site_id=site_id, actions=ROLE_ACTIONS[Role(role)])
            for of_study, _, site_id, role, _ in rows
            if of_study == study_id
        )
        actor = Actor(
            name=user.full_name,
            user_id=user.pk,
            study_id=study_id,
            grants=grants,
            study_site_ids=frozenset(study_sites or ()),
        )
        places[study_id] = StudyPlace(study_id=study_id, code=code, actor=actor)
    return list(places.values())


def actor_in(*, user: User, study_code: str) -> Actor | None:
    """The Actor that the person is in the study; None when they hold no role there."""
    return next((place.actor for place in studies_of(user) if place.code == study_code), None)
