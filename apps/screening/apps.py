from django.apps import AppConfig


class ScreeningConfig(AppConfig):
    name = "apps.screening"

    def ready(self) -> None:
        from apps.core import navigation
        from apps.core.action import Action
        from apps.screening import facts, listeners, pages  # noqa: F401  # listeners subscribe by being imported
        from apps.visits import facts as eligibility_facts

        pages.register()
        eligibility_facts.provide(facts.of_person, gives=lambda name: name in facts.OF_THE_PERSON)
        eligibility_facts.provide(facts.of_disease, gives=lambda name: name not in facts.OF_THE_PERSON)
        navigation.add(navigation.Place(22, "Screening", "screening_log", (Action.READ_DATA,)))
