from pathlib import Path

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_migrate


class CoreConfig(AppConfig):
    name = "apps.core"

    def ready(self) -> None:
        pre_migrate.connect(_before, sender=self, dispatch_uid="sql functions")
        post_migrate.connect(_after, sender=self, dispatch_uid="walls")


def _before(using: str, plan: object = None, **_: object) -> None:
    from apps.core import walls

    walls.install_functions(using, [Path(__file__).parent / "sql"])


def _after(using: str, **_: object) -> None:
    from apps.core import walls

    walls.install_functions(using, walls.SQL_FOLDERS)
    walls.raise_walls(using)
