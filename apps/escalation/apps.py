from django.apps import AppConfig


class EscalationConfig(AppConfig):
    name = "apps.escalation"

    def ready(self) -> None:
        from apps.core import navigation
        from apps.core.action import Action
        from apps.escalation import reactions  # noqa: F401 - subscribes by being imported

        navigation.add(
            navigation.Place(order=30, title="Cohorts", url_name="cohort_board", actions=(Action.READ_STUDY,))
        )
