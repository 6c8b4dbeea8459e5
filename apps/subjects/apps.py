from pathlib import Path

from django.apps import AppConfig


class SubjectsConfig(AppConfig):
    name = "apps.subjects"

    def ready(self) -> None:
        from apps.core import walls

        walls.SQL_FOLDERS.append(Path(__file__).parent / "sql")
