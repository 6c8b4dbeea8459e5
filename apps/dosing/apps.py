from django.apps import AppConfig


class DosingConfig(AppConfig):
    name = "apps.dosing"

    def ready(self) -> None:
        from apps.dosing import pages, subscriptions

        pages.register()
        subscriptions.listen()
