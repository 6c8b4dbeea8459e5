from django.apps import AppConfig


class SafetyConfig(AppConfig):
    name = "apps.safety"

    def ready(self) -> None:
        from apps.core import navigation
        from apps.core.action import Action
        from apps.review import verification
        from apps.safety import derivations, pages, panels, reactions, running  # noqa: F401 - reactions subscribe by import

        pages.register()
        panels.register()
        running.register()
        verification.verify_always(derivations.SERIOUS_OR_DOSE_LIMITING)
        navigation.add(
            navigation.Place(order=40, title="Safety", url_name="adverse_events", actions=(Action.READ_DATA,))
        )
