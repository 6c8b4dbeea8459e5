from django.apps import AppConfig


class AssessmentsConfig(AppConfig):
    name = "apps.assessments"

    def ready(self) -> None:
        from apps.assessments import eligibility_facts, endings, pages, running, subscriptions
        from apps.visits import facts, schedule

        pages.register()
        running.register()
        subscriptions.listen()
        facts.provide(eligibility_facts.facts, gives=lambda name: name not in {"sex", "age"})
        schedule.provide_end_of_treatment(endings.end_of_treatment)
        schedule.provide_end_of_participation(endings.end_of_participation)
