from pathlib import Path

from django.apps import AppConfig


class LabsConfig(AppConfig):
    name = "apps.labs"

    def ready(self) -> None:
        from apps.core import navigation, walls
        from apps.core.action import Action
        from apps.labs import pages, reactions, selectors  # noqa: F401  # importing the reactions subscribes them
        from apps.visits import facts

        walls.SQL_FOLDERS.append(Path(__file__).parent / "sql")
        pages.register()
        facts.provide(selectors.eligibility_facts, gives=lambda name: name not in {"sex", "age"})
        navigation.add(navigation.Place(85, "Laboratories", "laboratories", (Action.ENTER_DATA, Action.APPROVE_RANGES)))
