from django.apps import AppConfig


class TumorConfig(AppConfig):
    name = "apps.tumor"
