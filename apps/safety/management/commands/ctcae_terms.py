"""The terms of a CTCAE version, made anew from the sheet that the NCI publishes."""

import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from apps.core.engine_command import EngineCommand, faults_of_places
from apps.core.whole_file import whole_file
from clinical.ctcae import terms
from clinical.ctcae.criteria import VERSIONS


class Command(EngineCommand):
    """`manage.py ctcae_terms 5.0 SHEET.csv --out clinical/ctcae/data/terms-5.0.txt`."""

    help = "Make the terms file of a CTCAE version from the NCI's sheet, saved as CSV in UTF-8."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which version, from which sheet, into which file."""
        parser.add_argument("version", choices=VERSIONS, help="version of CTCAE that the sheet holds")
        parser.add_argument("sheet", metavar="SHEET.csv", type=Path, help="the NCI's sheet, saved as CSV in UTF-8")
        parser.add_argument("--out", metavar="TERMS.txt", type=Path, required=True, help="where the terms file goes")

    def handle(self, *args: Any, version: str, sheet: Path, out: Path, **options: Any) -> None:
        """Write the terms file whole, or nothing and every fault of the sheet."""
        if faults := faults_of_places(read=[sheet], write=[out]):
            raise CommandError("\n".join(faults))
        try:
            with sheet.open(encoding="utf-8-sig", newline="") as source:
                dictionary = terms.from_sheet(csv.DictReader(source), version=version)
            with whole_file(out) as target:
                target.write(terms.written(dictionary))
        except terms.SheetProblems as fault:
            raise CommandError(str(fault)) from fault
        except OSError as fault:
            raise CommandError(f"{fault.filename or out}: {fault.strerror}.") from fault
        except csv.Error as fault:
            raise CommandError(f"{sheet} is not a CSV table: {fault}.") from fault
        except UnicodeDecodeError as fault:
            raise CommandError(f"{sheet} is not UTF-8 text. Save it as CSV in UTF-8.") from fault
        self.stdout.write(f"CTCAE {version}: {len(dictionary.terms)} terms written to {out}.")
