from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.core.refusal import Refusal
from apps.exports import from_command_line
from clinical.sdtm.shaping import UnfitForTransport


class Command(BaseCommand):
    help = "Write the SDTM datasets of a study, with a manifest of their rows and checksums, into a folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", help="the study's code")
        parser.add_argument("--format", default="xpt,csv", help="xpt, csv or both, with a comma between")
        parser.add_argument("--out", required=True, type=Path, help="the folder; it appears whole or not at all")
        parser.add_argument("--as-of", help="a past moment such as 2026-03-15T14:00, UTC unless it says otherwise")
        parser.add_argument("--site", action="append", default=[], help="the number of a site; all sites without it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = from_command_line.export(
                code=options["code"],
                formats=[kind.strip() for kind in options["format"].split(",") if kind.strip()],
                out=options["out"],
                as_of=_moment(options["as_of"]),
                site_numbers=options["site"],
            )
        except UnfitForTransport as unfit:
            raise CommandError("\n".join(str(problem) for problem in unfit.problems), returncode=1) from unfit
        except Refusal as refusal:
            raise CommandError("\n".join(refusal.problems), returncode=1) from refusal
        for finding in made.findings:
            self.stdout.write(f"{'error' if finding.is_error else 'note'}: {finding}")
        datasets = made.manifest["datasets"]
        self.stdout.write(
            f"{len(datasets)} datasets with {made.rows:,} rows of {made.manifest['subjects']:,} subjects,"
            f" as of {made.manifest['cut']['at']}, are in {options['out']}."
        )


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as problem:
        raise CommandError(
            f"{text!r} is not a date and time. Write it like 2026-03-15T14:00.", returncode=1
        ) from problem
    return moment if moment.tzinfo else timezone.make_aware(moment)
