from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.access.models import Membership
from apps.access.roles import Role
from apps.accounts.models import User
from apps.core.transactions import acting_everywhere
from apps.demo import cast


class Command(BaseCommand):
    help = "Print a sign-in for each role of the demo."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="everybody at every site, not one person a role")

    def handle(self, *args: Any, **options: Any) -> None:
        people = _people()
        if not people:
            raise CommandError(
                "There is no demo here. Load it into an empty database: manage.py demo_load.", returncode=1
            )
        if not options["all"]:
            people = list({person[0]: person for person in reversed(people)}.values())[::-1]
        rows = [
            (Role(role).label, f"{user.full_name}{f', site {site}' if site else ''}", user.email)
            for role, user, site in people
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row in rows:
            self.stdout.write("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
        is_shipped = people[0][1].check_password(cast.PASSWORD)
        password = cast.PASSWORD if is_shipped else "the one given with --demo-password"
        self.stdout.write(f"\nEverybody's password: {password}")


def _people() -> list[tuple[str, User, str]]:
    """Everybody of the cast who has a role, in the order of the roles, each person once."""
    with acting_everywhere("demo_signins"):
        held = list(
            Membership.objects.filter(ended_at=None, user__email__endswith=f"@{cast.DOMAIN}")
            .select_related("user", "site")
            .order_by("study_id", "pk")
        )
    order = list(Role.values)
    seen: dict[int, tuple[str, User, str]] = {}
    for each in held:
        seen.setdefault(each.user_id, (each.role, each.user, each.site.number if each.site else ""))
    return sorted(seen.values(), key=lambda row: (order.index(row[0]), row[2]))
