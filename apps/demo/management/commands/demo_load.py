from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.core.refusal import Refusal
from apps.demo import cast, loading


class Command(BaseCommand):
    help = "Load the demo trials into an empty database, through the same services that people use."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--subjects", type=int, default=24, help="subjects of IMA402 with a dose level (24)")
        parser.add_argument("--sites", type=int, default=3, help="sites of IMA402 (3)")
        parser.add_argument("--seed", default="1", help="same seed and same day, same trial (1)")
        parser.add_argument(
            "--today", type=date.fromisoformat, help="the day on which the trial stands, YYYY-MM-DD; today without it"
        )
        parser.add_argument("--demo-password", help="everybody's password, where TRIALSITE_DEMO is not set")

    def handle(self, *args: Any, **options: Any) -> None:
        password = options["demo_password"] or (cast.PASSWORD if settings.DEMO else "")
        if not password:
            raise CommandError(
                "Nobody gets a default password outside a demo: set TRIALSITE_DEMO=1, or give --demo-password.",
                returncode=1,
            )
        today = timezone.now().date()
        if options["today"] and options["today"] > today:
            raise CommandError("The demo's day has not come yet: choose today or an earlier day.", returncode=1)
        try:
            loaded = loading.load(
                subjects=options["subjects"],
                sites=options["sites"],
                seed=options["seed"],
                today=options["today"] or today,
                password=password,
                tell=lambda sentence: self.stdout.write(f"Demo trial: {sentence}"),
            )
        except Refusal as refusal:
            raise CommandError("\n".join(refusal.problems), returncode=1) from refusal
        self.stdout.write(
            f"{loaded.subjects} subjects at {loaded.sites} sites in {loaded.seconds:.0f} s "
            f"({loaded.seconds / loaded.subjects:.2f} s a subject)."
        )
