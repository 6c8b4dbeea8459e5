"""Django's `migrate`, as the owner: the application's role may not change the schema."""

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        if "owner" in connections.databases:
            parser.set_defaults(database="owner")
