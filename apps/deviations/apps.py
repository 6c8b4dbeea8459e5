from django.apps import AppConfig


class DeviationsConfig(AppConfig):
    name = "apps.deviations"

    def ready(self) -> None:
        from apps.core import navigation
        from apps.core.action import Action
        from apps.deviations import listeners  # noqa: F401  # subscribes by being imported

        navigation.add(navigation.Place(68, "Deviations", "deviations", (Action.READ_DATA,)))
