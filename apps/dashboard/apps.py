from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "apps.dashboard"

    def ready(self) -> None:
        from apps.core import navigation
        from apps.core.action import Action

        navigation.add(navigation.Place(10, "My work", "my_work", (Action.READ_STUDY,)))
        navigation.add(navigation.Place(90, "Study", "study_set_up", (Action.READ_STUDY,)))
        navigation.add(navigation.Place(92, "Audit trail", "audit_trail", (Action.READ_AUDIT,)))
        navigation.add(navigation.Place(94, "System", "system", (Action.READ_SYSTEM,)))
        navigation.add(navigation.Place(20, "Subjects", "subjects", (Action.READ_DATA,)))
