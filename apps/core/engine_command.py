"""What the commands over `clinical/` share: neither database nor Redis, and a refusal is sentences and exit code 1."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from django.core.management.base import BaseCommand


class EngineCommand(BaseCommand):
    """A command that computes from files to files."""

    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """As any command, but an option or a value that is not known, too, ends with exit code 1."""
        try:
            super().run_from_argv(argv)
        except SystemExit as end:
            sys.exit(1 if end.code else 0)


def faults_of_places(*, read: Iterable[Path] = (), write: Iterable[Path] = ()) -> list[str]:
    """Why these files cannot be read, or written to, before anything is done with them: a sentence each."""
    faults = []
    for place in read:
        if place.is_dir():
            faults.append(f"{place} is a folder. Name a file.")
        elif not place.exists():
            faults.append(f"{place}: No such file or directory.")
        elif not os.access(place, os.R_OK):
            faults.append(f"{place} may not be read. Ask for the right to, or name a copy.")
    for place in write:
        if place.is_dir():
            faults.append(f"{place} is a folder. Name a file.")
        elif not place.parent.is_dir():
            faults.append(f"The folder {place.parent} does not exist. Create it or name another one.")
        elif not os.access(place.parent, os.W_OK):
            faults.append(f"Nothing may be written into the folder {place.parent}. Name another one.")
    return faults
