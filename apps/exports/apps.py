from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "apps.exports"

    def ready(self) -> None:
        from apps.core import navigation
        from apps.core.action import Action
        from apps.exports import services  # noqa: F401  # its handler subscribes to the worker's facts

        navigation.add(navigation.Place(80, "Exports", "exports", (Action.EXPORT_DATASETS,)))
