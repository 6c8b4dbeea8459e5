"""CTCAE grades for a table of laboratory results, CSV in and CSV out."""

import csv
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from apps.core.engine_command import EngineCommand, faults_of_places
from apps.core.whole_file import whole_file
from clinical.ctcae.criteria import VERSIONS, UnitSystem
from clinical.ctcae.table import LabTable


class Command(EngineCommand):
    """`manage.py grade_labs --criteria ctcae-5.0 --units si IN.csv --out OUT.csv`."""

    help = "Grade laboratory results by CTCAE: adds GRADE, ALSO (grades a symptom would make) and WHY to a CSV table."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What is graded, by which version and units where a row does not say, and where the result goes."""
        parser.add_argument("table", metavar="IN.csv", type=Path, help="results, one a row, UTF-8 with a header row")
        parser.add_argument(
            "--criteria",
            choices=[f"ctcae-{version}" for version in VERSIONS],
            default="ctcae-5.0",
            help="version of CTCAE for rows without a ctcae_version (default: %(default)s)",
        )
        parser.add_argument(
            "--units",
            choices=[system.lower() for system in UnitSystem],
            default="si",
            help="unit system for rows without a unit_system (default: %(default)s)",
        )
        parser.add_argument("--out", metavar="OUT.csv", type=Path, required=True, help="where the graded table goes")

    def handle(self, *args: Any, table: Path, criteria: str, units: str, out: Path, **options: Any) -> None:
        """Grade the whole table, or write nothing and name every problem."""
        if faults := faults_of_places(read=[table], write=[out]):
            raise CommandError("\n".join(faults))
        try:
            rows = self.grade(table, out, version=criteria.removeprefix("ctcae-"), system=UnitSystem(units.upper()))
        except OSError as fault:
            raise CommandError(f"{fault.filename or out}: {fault.strerror}.") from fault
        except UnicodeDecodeError as fault:
            raise CommandError(f"{table} is not UTF-8 text. Save it as CSV in UTF-8.") from fault
        except csv.Error as fault:
            raise CommandError(f"{table} is not a CSV table: {fault}.") from fault
        self.stdout.write(f"{rows} results graded into {out}.")

    def grade(self, table: Path, out: Path, *, version: str, system: UnitSystem) -> int:
        """How many rows were written."""
        with table.open(encoding="utf-8-sig", newline="") as source:
            reader = csv.reader(source, strict=True)
            header = [name.strip() for name in next(reader, [])]
            try:
                labs = LabTable(header, version=version, system=system)
            except ValueError as fault:
                raise CommandError(str(fault)) from fault
            with whole_file(out) as target:
                writer = csv.writer(target, lineterminator="\n")
                writer.writerow(labs.graded_header)
                rows = 0
                for graded in labs.graded(reader):
                    writer.writerow(graded)
                    rows += 1
                if labs.problems:
                    raise CommandError("\n".join(labs.problems))
        return rows
