"""Tumor responses from tables of lesions, CSV in and CSV out."""

import csv
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import CommandError

from apps.core.engine_command import EngineCommand, faults_of_places
from apps.core.whole_file import whole_file
from clinical.recist import lesion_tables, tabulation
from clinical.recist.by_subject import in_order, numbered
from clinical.recist.scan_date import ScanDate
from clinical.recist.settings import Settings

CRITERIA = {"recist-1.1": tabulation.Criteria.RECIST, "irecist": tabulation.Criteria.IRECIST}
USUAL = Settings()


class Command(EngineCommand):
    """`manage.py recist_derive --tu TU.csv --tr TR.csv --out RS.csv`."""

    help = "Derive tumor responses by RECIST 1.1 or iRECIST: lesions as in SDTM TU and TR in, responses as in RS out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The tables, the criteria, and the conventions that the trial chose."""
        parser.add_argument("--tu", metavar="TU.csv", type=Path, required=True, help="lesions identified")
        parser.add_argument("--tr", metavar="TR.csv", type=Path, required=True, help="lesions measured")
        parser.add_argument("--out", metavar="RS.csv", type=Path, required=True, help="where the responses go")
        parser.add_argument("--criteria", choices=CRITERIA, default="recist-1.1", help="default: %(default)s")
        parser.add_argument(
            "--sd-days",
            type=_count,
            default=USUAL.sd_days,
            help="days from the reference date after which stable disease counts (default: %(default)s)",
        )
        parser.add_argument(
            "--confirm-days",
            type=_count,
            default=USUAL.confirm_days,
            help="days between a response and its confirmation (default: %(default)s)",
        )
        parser.add_argument(
            "--max-ne",
            type=_count,
            default=USUAL.max_ne,
            help="not evaluable assessments tolerated before a confirmation (default: %(default)s)",
        )
        parser.add_argument("--pr-until-pd", action="store_true", help="a partial response continues until progression")
        parser.add_argument(
            "--reference-date",
            metavar="REF.csv",
            type=Path,
            help="reference dates (USUBJID, RFSTDTC); without it the clock starts at the baseline assessment",
        )
        parser.add_argument(
            "--visit-by-date",
            action="store_true",
            help="take contradicting scans under one visit number for several assessments, told apart by date",
        )
        parser.add_argument(
            "--order-by-date",
            action="store_true",
            help="take assessments in the order of their dates and not of their visit numbers",
        )
        parser.add_argument(
            "--findings",
            metavar="FINDINGS.txt",
            type=Path,
            help="where objections to baseline lesions and visit numbers go",
        )

    def handle(self, *args: Any, out: Path, findings: Path | None, **options: Any) -> None:
        """Derive every response, or write nothing and name every problem."""
        tables = (options["tu"], options["tr"], options["reference_date"])
        if faults := faults_of_places(read=filter(None, tables), write=filter(None, (out, findings))):
            raise CommandError("\n".join(faults))
        try:
            self.derive(out, findings, options)
        except OSError as fault:
            raise CommandError(f"{fault.filename or out}: {fault.strerror}.") from fault
        except UnicodeDecodeError as fault:
            raise CommandError("A table is not UTF-8 text. Save it as CSV in UTF-8.") from fault
        except csv.Error as fault:
            raise CommandError(f"A table is not CSV: {fault}.") from fault

    def derive(self, out: Path, findings: Path | None, options: Mapping[str, Any]) -> None:
        """Read, derive and write subject by subject."""
        with ExitStack() as opened:
            paths: dict[str, Path | None] = {name: options[name] for name in ("tu", "tr", "reference_date")}
            files: dict[str, TextIO] = {
                name: opened.enter_context(path.open(encoding="utf-8-sig", newline=""))
                for name, path in paths.items()
                if path is not None
            }
            tu, tr, references = _headers(files)
            derivation = tabulation.Derivation(
                criteria=CRITERIA[options["criteria"]],
                settings=Settings(
                    sd_days=options["sd_days"],
                    confirm_days=options["confirm_days"],
                    max_ne=options["max_ne"],
                    pr_until_pd=options["pr_until_pd"],
                    missing_as_ne=True,
                ),
                visit_by_date=options["visit_by_date"],
                order_by_date=options["order_by_date"],
                references=references,
            )
            target = opened.enter_context(whole_file(out))
            remarks = opened.enter_context(whole_file(findings)) if findings else None
            writer = csv.writer(target, lineterminator="\n")
            writer.writerow(tabulation.RS_COLUMNS)
            problems: list[str] = []
            subjects = remarked = 0
            with in_order(files["tu"], tu.subject) as lesions, in_order(files["tr"], tr.subject) as measurements:
                for subject in tabulation.derive_subjects(tu, lesions, tr, measurements, derivation):
                    problems += subject.problems
                    writer.writerows(subject.rows)
                    subjects += 1
                    remarked += len(subject.findings)
                    if remarks is not None:
                        remarks.writelines(f"{finding}\n" for finding in subject.findings)
            if problems:
                raise CommandError("\n".join(problems))
        self.stdout.write(f"Responses derived into {out}; subjects: {subjects}.")
        if remarked:
            where = f"in {findings}" if findings else "not kept; name a file with --findings"
            self.stdout.write(f"Objections to baseline lesions and visit numbers: {remarked}, {where}.")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ArgumentTypeError(f"'{text}' is not a whole number from 0 on")
    return int(text)


def _headers(
    files: Mapping[str, TextIO],
) -> tuple[lesion_tables.Table, lesion_tables.Table, dict[str, ScanDate] | None]:
    """Where the columns of the tables stand, and the reference dates; refused together where any is wrong."""
    tu = lesion_tables.tu_table(next(csv.reader(files["tu"]), []))
    tr = lesion_tables.tr_table(next(csv.reader(files["tr"]), []))
    references: dict[str, ScanDate] | list[str] | None = None
    if "reference_date" in files:
        lines = csv.reader(files["reference_date"])
        references = lesion_tables.read_references(next(lines, []), numbered(lines))
    problems = [problem for found in (tu, tr, references) if isinstance(found, list) for problem in found]
    if isinstance(tu, list) or isinstance(tr, list) or isinstance(references, list):
        raise CommandError("\n".join(problems))
    return tu, tr, references
