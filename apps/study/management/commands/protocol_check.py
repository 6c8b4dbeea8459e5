"""Every fault of a protocol file, with its place."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from clinical.protocol import loading, reference

LARGEST_FILE_BYTES = 5_000_000


class Command(BaseCommand):
    """`manage.py protocol_check FILE`: exit 0 when the file can be approved, 1 with every fault otherwise."""

    help = "Check a protocol file: names every fault with its line and place, and what to do about it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One file, or the list of keys."""
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("file", metavar="FILE", type=Path, nargs="?", help="a protocol file in TOML")
        what.add_argument("--keys", action="store_true", help="print every table and key a protocol file can hold")

    def handle(self, *args: Any, file: Path | None, keys: bool, **options: Any) -> None:
        """Say what is wrong, or what the file holds."""
        if keys or file is None:
            self.stdout.write(reference.tables(), ending="")
            return
        loaded = load_file(file)
        if loaded.definition is None:
            count = len(loaded.problems)
            faults = "1 fault" if count == 1 else f"{count} faults"
            raise CommandError("\n".join([*loaded.sentences(), f"{file} has {faults}."]))
        definition = loaded.definition
        self.stdout.write(
            f"{file} can be approved: {definition.study.code} version {definition.study.version}, "
            f"{len(definition.dose_levels)} dose levels, {len(definition.visits_for())} visits in the first year, "
            f"{len(definition.forms)} forms, {len(definition.criteria)} criteria."
        )


def load_file(path: Path) -> loading.Loaded:
    """Read a protocol file from disk; a file that cannot be read at all is one sentence."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise CommandError(f"{path} is too large to be a protocol file. Give a TOML file of a trial.")
        content = path.read_bytes()
    except FileNotFoundError as fault:
        raise CommandError(f"There is no file {path}. Check the path.") from fault
    except IsADirectoryError as fault:
        raise CommandError(f"{path} is a folder. Name the protocol file in it.") from fault
    except OSError as fault:
        raise CommandError(f"{path} cannot be read: {fault.strerror}.") from fault
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise CommandError(f"{path} is not a UTF-8 text file. Save the protocol as TOML in UTF-8.") from fault
    return loading.load(text, str(path))
