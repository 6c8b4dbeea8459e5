from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.core.refusal import Refusal
from apps.exports.importing import bringing, source
from apps.study.models import Study


class Command(BaseCommand):
    help = "Bring a running study over from SDTM transport files into casebooks. A dry run, unless --commit."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", help="the study's code")
        parser.add_argument("folder", type=Path, help="the folder with the transport files (.xpt)")
        parser.add_argument(
            "--commit", action="store_true", help="write; without it everything is tried and taken back"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        code = options["code"]
        study = Study.objects.filter(code=code).first()
        if study is None:
            raise CommandError(
                f"There is no study {code}. Open it first: manage.py study_open {code} --approver EMAIL --site ...",
                returncode=1,
            )
        try:
            transfer = source.read_transfer(options["folder"], known_as=bringing.known_as(study))
            report = bringing.bring_over(study=study, transfer=transfer, at=timezone.now(), commit=options["commit"])
        except Refusal as refusal:
            raise CommandError("\n".join(refusal.problems), returncode=1) from refusal
        for sentence in report.sentences():
            self.stdout.write(sentence)
        total = sum(report.written.values())
        if options["commit"]:
            self.stdout.write(f"{total:,} rows were brought over into study {code}.")
        else:
            self.stdout.write(
                f"Dry run: {total:,} rows would be brought over. Nothing was written; add --commit to write."
            )
