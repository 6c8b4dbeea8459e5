from pathlib import Path

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "apps.alerts"

    def ready(self) -> None:
        from apps.alerts import facts, ladder_facts, listeners  # noqa: F401 - builders, listeners register when imported
        from apps.core import navigation, walls
        from apps.core.action import Action

        walls.SQL_FOLDERS.append(Path(__file__).parent / "sql")
        navigation.add(
            navigation.Place(order=45, title="Safety alerts", url_name="alerts", actions=(Action.READ_ALERTS,))
        )
