from pathlib import Path

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    name = "apps.review"

    def ready(self) -> None:
        from apps.core import walls

        walls.SQL_FOLDERS.append(Path(__file__).parent / "sql")
