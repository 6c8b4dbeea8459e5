from pathlib import Path

from django.apps import AppConfig


class EnrollmentConfig(AppConfig):
    name = "apps.enrollment"

    def ready(self) -> None:
        from apps.core import navigation, walls
        from apps.core.action import Action
        from apps.enrollment import listeners, presentation  # noqa: F401  # listeners subscribe by being imported
        from apps.visits import overlays

        walls.SQL_FOLDERS.append(Path(__file__).parent / "sql")
        navigation.add(navigation.Place(25, "Enrolment", "enrolment", (Action.READ_STUDY,)))
        navigation.add(navigation.Place(26, "Slots to release", "slots", (Action.RELEASE_SLOT,)))
        overlays.add_panel("enrollment/gate_panel.html", presentation.gate_panel)
