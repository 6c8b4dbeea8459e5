"""Memberships, and the queryset and base class of everything that belongs to a site."""

from typing import Any, Self, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.access.roles import SITE_ROLES, Role
from apps.core.actor import Actor
from apps.study.models import Site, Study


class Membership(models.Model):
    """A role that a person holds in a study, at one site or (site empty) at all of them. Ended, never deleted."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="memberships")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="memberships", null=True)
    role = models.CharField(max_length=20, choices=Role.choices)
    given_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="membership_role_is_known", condition=Q(role__in=Role.values)),
            models.CheckConstraint(
                name="membership_site_role_names_a_site",
                condition=~Q(role__in=sorted(role.value for role in SITE_ROLES)) | Q(site__isnull=False),
            ),
            models.UniqueConstraint(
                name="membership_role_is_held_once",
                fields=["user", "study", "site", "role"],
                condition=Q(ended_at=None),
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        where = "all sites" if self.site is None else f"site {self.site.number}"
        return f"{self.user.full_name}, {self.get_role_display()} in {self.study}, {where}"


M = TypeVar("M", bound=models.Model)


class SiteScoped(models.QuerySet[M]):
    """The queryset of every table whose rows belong to a site."""

    def visible_to(self, actor: Actor) -> Self:
        """Only rows of the sites that the actor works for. The database's own wall stands behind this one."""
        return self.filter(site_id__in=actor.site_ids)


class SiteOwned(models.Model):
    """A row that belongs to a study-site; abstract."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", editable=False)

    objects: Any = SiteScoped.as_manager()

    class Meta:
        abstract = True
