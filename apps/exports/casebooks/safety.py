"""Adverse events with their grades and judgements, and protocol deviations."""

from apps.deviations.models import Deviation, State
from apps.exports.casebooks.reading import Page, SubjectReading, iso, local_iso
from apps.exports.casebooks.treatment import coding
from apps.safety.models import DltAdjudication, DltAnswer, Judgement
from clinical.sdtm import facts


def adverse_events(reading: SubjectReading) -> tuple[facts.AdverseEvent, ...]:
    """One fact an event, with the latest judgement of each judge."""
    return tuple(_event(page, reading) for page in reading.pages("adverse_event") if page.head.term)


def _event(page: Page, reading: SubjectReading) -> facts.AdverseEvent:
    head = page.head
    return facts.AdverseEvent(
        reference=page.reference,
        term=head.term,
        coding=coding(page, reading),
        toxicity_term=head.ctcae_term,
        category=head.interest,
        severity=head.severity,
        began=iso(head.onset),
        ended=iso(head.ended),
        ongoing_at=page.asked if head.is_ongoing else None,
        outcome=head.outcome,
        is_serious=head.is_serious,
        is_fatal=head.results_in_death,
        is_life_threatening=head.is_life_threatening,
        needs_hospital=head.needs_hospital,
        disables=head.disables,
        is_congenital=head.is_congenital,
        is_other_important=head.is_other_important,
        was_treated=head.was_treated,
        other_action=head.treatment,
        relation=head.relation,
        relation_to_other=head.other_cause,
        attributions=tuple(
            facts.Attribution(product=line.key, relation=line.relation, action=line.action)
            for line in page.lines.get("attributions", ())
            if line.relation or line.action
        ),
        grades=tuple(
            facts.GradePeriod(
                reference=page.line_reference(line), grade=line.grade, began=iso(line.began), ended=iso(line.ended)
            )
            for line in page.lines.get("grade_periods", ())
        ),
        dose_limiting=judgements(reading, page.record.pk, page.reference),
        aware=iso(head.site_aware_at),
    )


def judgements(reading: SubjectReading, record: int | None, reference: str) -> tuple[facts.DoseLimitingJudgement, ...]:
    """The investigator's latest answer and the sponsor's latest decision on one event (None: on other facts)."""
    answers = [each for each in reading.rows(DltAnswer) if each.record_id == record]
    decisions = [each for each in reading.rows(DltAdjudication) if each.record_id == record]
    return (
        *(
            facts.DoseLimitingJudgement(
                reference=f"{reference}.dlt-investigator",
                evaluator="INVESTIGATOR",
                answer="Y" if answer.is_dlt else "N",
                criterion=answer.criterion or None,
                judged=local_iso(answer.answered_at, reading.site),
            )
            for answer in answers[-1:]
        ),
        *(
            facts.DoseLimitingJudgement(
                reference=f"{reference}.dlt-sponsor",
                evaluator="CLINICAL STUDY SPONSOR",
                answer="Y" if decision.judgement == Judgement.CONFIRMED else "N",
                criterion=decision.criterion or None,
                judged=local_iso(decision.adjudicated_at, reading.site),
            )
            for decision in decisions[-1:]
        ),
    )


def judgements_without_event(reading: SubjectReading) -> tuple[facts.ExtraItem, ...]:
    """Dose-limiting toxicity judged on other facts than an event (doses missed): findings about treatment."""
    return tuple(
        facts.ExtraItem(
            reference=each.reference,
            dataset="FA",
            variable="DLT",
            label="Dose-Limiting Toxicity Indicator",
            value=each.answer or "",
            object="STUDY TREATMENT",
            category="DOSE-LIMITING TOXICITY",
            collected=each.judged,
        )
        for each in judgements(reading, None, "treatment")
    )


def deviations(reading: SubjectReading) -> tuple[facts.Deviation, ...]:
    """Deviations that stand; one withdrawn because the fact was corrected is none."""
    titles = {each.code: each.title for each in reading.definition.deviations}
    return tuple(
        facts.Deviation(
            reference=f"deviation-{number}",
            term=each.term,
            decoded=titles.get(each.category, each.category),
            category=each.category,
            began=iso(each.occurred),
            is_important=each.is_important,
            cause=each.cause or None,
            action=each.action_taken or None,
        )
        for number, each in enumerate(reading.rows(Deviation), start=1)
        if each.state != State.CORRECTED
    )
