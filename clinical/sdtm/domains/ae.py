"""AE, adverse events: one row an event, with its worst grade; the grades over time stand in FA.

AETOXGR is the maximum grade and AETOX the CTCAE term. With several products, AEREL is the strongest relation to any of
them and AEACN their common action or MULTIPLE (SDTMIG 4.2.8.3); each product's own answers go to SUPPAE as AEREL1 and
AEACN1, numbered by the product's place in the protocol (`Conventions.products`) so that AEREL2 means the same product
in every event. Ongoing at the moment of asking: AEENRTPT. Dictionary terms are empty until the event is coded.
"""

from clinical.sdtm.dataset import Value
from clinical.sdtm.domains import wording
from clinical.sdtm.facts import AdverseEvent, Casebook, Conventions
from clinical.sdtm.records import Record, Supplement, supplement

DOMAIN = "AE"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row an event."""
    return [_event(each, conventions) for each in book.adverse_events]


def _event(event: AdverseEvent, conventions: Conventions) -> Record:
    grade = event.maximum_grade
    return Record(
        {
            "AESPID": event.reference,
            "AELNKID": event.reference,
            "AETERM": event.term,
            **_dictionary(event),
            "AECAT": event.category,
            "AESEV": event.severity,
            "AESER": wording.yes_no(event.is_serious),
            "AEACN": _common_action(event),
            "AEACNOTH": event.other_action,
            "AEREL": _strongest_relation(event, conventions),
            "AERELNST": event.relation_to_other,
            "AEOUT": event.outcome,
            "AESCAN": wording.yes_no(event.is_cancer),
            "AESCONG": wording.yes_no(event.is_congenital),
            "AESDISAB": wording.yes_no(event.disables),
            "AESDTH": wording.yes_no(event.is_fatal),
            "AESHOSP": wording.yes_no(event.needs_hospital),
            "AESLIFE": wording.yes_no(event.is_life_threatening),
            "AESOD": wording.yes_no(event.is_overdose),
            "AESMIE": wording.yes_no(event.is_other_important),
            "AECONTRT": wording.yes_no(event.was_treated),
            "AETOX": event.toxicity_term,
            "AETOXGR": None if grade is None else str(grade),
            "AEDTC": event.collected,
            "AESTDTC": event.began,
            "AEENDTC": event.ended,
            **wording.ongoing_values("AE", None if event.ended else event.ongoing_at),
        },
        tuple(_supplements(event, conventions)),
    )


def _dictionary(event: AdverseEvent) -> dict[str, Value]:
    coding = event.coding
    return {
        "AELLT": coding.lowest_term,
        "AELLTCD": coding.lowest_code,
        "AEDECOD": coding.preferred_term,
        "AEPTCD": coding.preferred_code,
        "AEHLT": coding.high_term,
        "AEHLTCD": coding.high_code,
        "AEHLGT": coding.high_group,
        "AEHLGTCD": coding.high_group_code,
        "AEBODSYS": coding.body_system,
        "AEBDSYCD": coding.body_system_code,
        "AESOC": coding.body_system,
        "AESOCCD": coding.body_system_code,
    }


def _common_action(event: AdverseEvent) -> str | None:
    actions = {each.action for each in event.attributions if each.action}
    if len(actions) > 1:
        return "MULTIPLE"
    return next(iter(actions), event.action)


def _strongest_relation(event: AdverseEvent, conventions: Conventions) -> str | None:
    order = {word: place for place, word in enumerate(conventions.relations_strongest_first)}
    relations = [each.relation for each in event.attributions if each.relation]
    # A word outside the scale is taken as strongest: it must be seen, not hidden behind a known one.
    return min(relations, key=lambda word: order.get(word, -1), default=event.relation)


def _supplements(event: AdverseEvent, conventions: Conventions) -> list[Supplement]:
    found = supplement("AEAWARE", "Date Site Became Aware", event.aware)
    asked = [each.product for each in event.attributions]
    numbered = [*conventions.products, *(product for product in asked if product not in conventions.products)]
    for each in event.attributions:
        number = numbered.index(each.product) + 1
        relation, action = f"Causality, {each.product}"[:40], f"Action Taken With {each.product}"[:40]
        found += supplement(f"AEREL{number}", relation, each.relation, evaluator="INVESTIGATOR")
        found += supplement(f"AEACN{number}", action, each.action)
    return found
