from pathlib import Path

from django.apps import AppConfig


class ReviewConfig(AppConfig):
    name = "apps.review"

    def ready(self) -> None:
        from apps.core import navigation, walls
        from apps.core.action import Action
        from apps.review import checklist, listeners, overlays  # noqa: F401  # listeners subscribe by being imported

        walls.SQL_FOLDERS.append(Path(__file__).parent / "sql")
        overlays.register()
        checklist.add_own_items()
        navigation.add(navigation.Place(60, "Queries", "queries", (Action.READ_DATA,)))
        navigation.add(navigation.Place(62, "Verification", "verification", (Action.VERIFY_SOURCE,)))
        navigation.add(navigation.Place(64, "Signatures", "signature_queue", (Action.SIGN_RECORDS,)))
        navigation.add(
            navigation.Place(
                66, "Freeze and lock", "freeze_lock", (Action.FREEZE_DATA, Action.LOCK_DATA, Action.UNLOCK_DATA)
            )
        )
