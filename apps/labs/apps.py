from pathlib import Path

from django.apps import AppConfig


class LabsConfig(AppConfig):
    name = "apps.labs"

    def ready(self) -> None:
        from apps.core import walls

        walls.SQL_FOLDERS.append(Path(__file__).parent / "sql")
