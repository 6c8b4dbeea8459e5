from pathlib import Path

from django.apps import AppConfig


class TumorConfig(AppConfig):
    name = "apps.tumor"

    def ready(self) -> None:
        from apps.core import navigation, walls
        from apps.core.action import Action
        from apps.tumor import pages, reactions, selectors  # noqa: F401  # importing the reactions subscribes them
        from apps.visits import facts

        walls.SQL_FOLDERS.append(Path(__file__).parent / "sql")
        pages.register()
        facts.provide(selectors.eligibility_facts, gives=lambda name: name == "measurable_disease")
        navigation.add(navigation.Place(50, "Tumor", "tumor", (Action.READ_DATA,)))
