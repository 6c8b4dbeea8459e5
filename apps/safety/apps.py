from django.apps import AppConfig


class SafetyConfig(AppConfig):
    name = "apps.safety"

    def ready(self) -> None:
        from apps.core import navigation
        from apps.core.action import Action
        from apps.safety import pages, panels, reactions  # noqa: F401 - reactions subscribe by being imported

        pages.register()
        panels.register()
        navigation.add(
            navigation.Place(order=40, title="Safety", url_name="adverse_events", actions=(Action.READ_DATA,))
        )
