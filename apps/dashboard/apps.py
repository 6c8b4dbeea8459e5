from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "apps.dashboard"

    def ready(self) -> None:
        from apps.core import navigation
        from apps.core.action import Action

        navigation.add(navigation.Place(10, "My work", "my_work", (Action.READ_STUDY,)))
        navigation.add(navigation.Place(20, "Subjects", "subjects", (Action.READ_DATA,)))
