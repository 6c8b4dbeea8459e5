"""The tables of a trial report from its subject-level data, JSON in and CSV files out."""

import csv
import json
from argparse import ArgumentParser
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from apps.core.engine_command import EngineCommand
from apps.core.whole_file import whole_file
from clinical.summaries.response_by_sums import Conventions
from clinical.summaries.subject_data import UnreadableData, read
from clinical.summaries.tables import Table, all_tables


class Command(EngineCommand):
    """`manage.py trial_tables IPD.json --out DIR`."""

    help = (
        "Write the tables of a trial report (disposition, safety, response, time to event) as CSV files, "
        "from subjects, adverse events and tumor assessments in one JSON file."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the data are, where the tables go, and the two numbers that trials choose."""
        chosen = Conventions()
        parser.add_argument("data", metavar="IPD.json", type=Path, help="subject-level data, JSON in UTF-8")
        parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder for the tables")
        parser.add_argument(
            "--sd-days",
            type=int,
            default=chosen.minimum_stable_days,
            help="first day after the infusion on which stable disease counts (default: %(default)s)",
        )
        parser.add_argument(
            "--confirm-days",
            type=int,
            default=chosen.confirmation_days,
            help="days between a response and its confirmation, at least (default: %(default)s)",
        )

    def handle(self, *args: Any, data: Path, out: Path, sd_days: int, confirm_days: int, **options: Any) -> None:
        """Write every table, or nothing and name every problem."""
        try:
            document = json.loads(data.read_text(encoding="utf-8-sig"), parse_float=Decimal)
        except OSError as fault:
            raise CommandError(f"{data}: {fault.strerror}.") from fault
        except UnicodeDecodeError as fault:
            raise CommandError(f"{data} is not UTF-8 text.") from fault
        except json.JSONDecodeError as fault:
            raise CommandError(f"{data} is not JSON: {fault.msg} in line {fault.lineno}.") from fault
        except RecursionError as fault:
            raise CommandError(f"{data} is nested too deeply to be a list of records.") from fault
        try:
            tables = all_tables(read(document), Conventions(sd_days, confirm_days))
        except UnreadableData as refused:
            raise CommandError(str(refused)) from refused
        try:
            write(tables, out)
        except OSError as fault:
            raise CommandError(f"{fault.filename or out}: {fault.strerror}.") from fault
        self.stdout.write(f"{len(tables)} tables are in {out}.")


def write(tables: tuple[Table, ...], folder: Path) -> None:
    """Each table in a file of its name. None of the files takes its name before all of them are written."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as files:
        for table in tables:
            target = files.enter_context(whole_file(folder / f"{table.name}.csv"))
            writer = csv.writer(target, lineterminator="\n")
            writer.writerow(table.columns)
            writer.writerows(table.rows)
