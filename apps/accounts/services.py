"""Acts on accounts."""

from datetime import datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction

from apps.accounts.models import User
from apps.core.refusal import Refusal


class WeakPassword(Refusal): ...


class EmailTaken(Refusal): ...


@transaction.atomic
def open_account(*, email: str, full_name: str, password: str | None, at: datetime) -> User:
    """Open an account; without a password it cannot sign in until one is set."""
    if User.objects.filter(email__iexact=email).exists():
        raise EmailTaken(f"There is already an account for {email}. Give that one the role instead.")
    user = User(email=email, full_name=full_name, joined_at=at)
    if password is None:
        user.set_unusable_password()
    else:
        set_password(user=user, password=password)
    user.save()
    return user


def set_password(*, user: User, password: str) -> None:
    """Set a password that satisfies every rule; all broken rules are named at once."""
    try:
        validate_password(password, user)
    except ValidationError as problem:
        raise WeakPassword(
            "This password cannot be used: " + " ".join(problem.messages), problems=problem.messages
        ) from problem
    user.set_password(password)


@transaction.atomic
def use_letter_keys(*, user: User, use: bool) -> None:
    """Let keys of a single letter or sign work for this person, or not: speech input presses them by accident.

    WCAG 2.2, success criterion 2.1.4, asks for the switch. The person acts, so the trail names them.
    """
    user.uses_letter_keys = use
    user.save(update_fields=["uses_letter_keys"])
