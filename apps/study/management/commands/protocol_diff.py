"""What an amendment changes, in words."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.study.management.commands.protocol_check import load_file
from clinical.protocol.difference import differences


class Command(BaseCommand):
    """`manage.py protocol_diff A B`: one change a line."""

    help = "Say in words what the protocol file B changes in A."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The version before and the version after."""
        parser.add_argument("before", metavar="A", type=Path, help="the protocol file before the amendment")
        parser.add_argument("after", metavar="B", type=Path, help="the protocol file of the amendment")

    def handle(self, *args: Any, before: Path, after: Path, **options: Any) -> None:
        """Compare two files that are both without fault."""
        old, new = load_file(before), load_file(after)
        if old.definition is None or new.definition is None:
            raise CommandError(
                "\n".join([*old.sentences(), *new.sentences(), "Only files without faults are compared."])
            )
        changes = differences(old.definition, new.definition)
        self.stdout.write("\n".join(changes) if changes else "Nothing changes but the version.")
