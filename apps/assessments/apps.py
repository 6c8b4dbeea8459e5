from django.apps import AppConfig


class AssessmentsConfig(AppConfig):
    name = "apps.assessments"

    def ready(self) -> None:
        from apps.assessments import eligibility_facts, pages, subscriptions
        from apps.visits import facts

        pages.register()
        subscriptions.listen()
        facts.provide(eligibility_facts.facts, gives=lambda name: name not in {"sex", "age"})
