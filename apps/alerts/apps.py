from pathlib import Path

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "apps.alerts"

    def ready(self) -> None:
        from apps.core import walls

        walls.SQL_FOLDERS.append(Path(__file__).parent / "sql")
