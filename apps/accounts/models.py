"""The user account."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from apps.core.walls import concealed, unscoped


class Users(BaseUserManager["User"]):
    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username or "")


@unscoped(because="a person can work in several studies; pages list people through memberships")
@concealed("password", "last_login")
class User(AbstractBaseUser):
    """One person. Accounts are never re-used or deleted, only deactivated: signatures keep their name."""

    email = models.EmailField(unique=True)
    full_name = models.CharField(max_length=200)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField()
    uses_letter_keys = models.BooleanField("keys of a single letter or sign work", default=True)

    objects = Users()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["full_name"]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_is_unique_whatever_its_case")]

    def __str__(self) -> str:
        return f"{self.full_name} <{self.email}>"
