from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from apps.accounts.models import User
from apps.demo import cast, ima203, ima402
from apps.study.models import Study

DEMO_STUDIES = frozenset({ima402.CODE, ima203.CODE})


class Command(BaseCommand):
    help = "Empty a database that holds nothing but the demo: its tables are dropped and made anew."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="do it; without it the command says what it would do")

    def handle(self, *args: Any, **options: Any) -> None:
        name = settings.DATABASES["default"]["NAME"]
        reasons = _reasons_to_refuse()
        if reasons:
            raise CommandError("\n".join(reasons), returncode=1)
        if not options["yes"]:
            self.stdout.write(
                f"Everything in the database {name} would be dropped. To do it: manage.py demo_reset --yes"
            )
            return
        owner = connections["owner"]
        with owner.cursor() as cursor:
            cursor.execute("drop schema public cascade")
            cursor.execute("create schema public")
        owner.close()
        connections["default"].close()
        call_command("migrate", interactive=False, verbosity=0)
        self.stdout.write(f"The database {name} is empty. Load the demo: manage.py demo_load")


def _reasons_to_refuse() -> list[str]:
    """Why this database is not dropped; nothing when it holds the demo alone."""
    found = []
    if not settings.DEMO:
        found.append("TRIALSITE_DEMO is not set, so this is no demo: nothing was dropped.")
    others = sorted(set(Study.objects.values_list("code", flat=True)) - DEMO_STUDIES)
    if others:
        found.append(f"The database holds {', '.join(others)}, which the demo did not make: nothing was dropped.")
    if User.objects.exclude(email__endswith=f"@{cast.DOMAIN}").exists():
        found.append("The database holds accounts that the demo did not make: nothing was dropped.")
    if "owner" not in connections.databases:
        found.append(
            "DATABASE_OWNER_URL is not set. With `make demo`: stop it with Ctrl-C, move the folder .trialsite away, "
            "and start it again."
        )
    return found
