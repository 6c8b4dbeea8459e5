"""Dose-limiting toxicity from the data as entered: what the system says, who answers, who decides, what it counts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from apps.core.actor import Actor
from apps.core.refusal import NotAllowed, Refusal
from apps.dosing.selectors import next_dose_hold
from apps.safety import selectors, services
from apps.safety.events import DltJudged, ToxicityChanged
from apps.safety.models import AdverseEvent, DltAdjudication, DltAnswer, DltStanding, Judgement
from apps.subjects.models import Subject
from apps.visits import services as entry
from apps.visits.models import FormRecord
from clinical.dlt.evaluability import Counts, State
from clinical.dlt.evaluation import Answer
from clinical.dlt.subject import DltStatus
from tests import scenarios_dosing, scenarios_safety
from tests.scenarios import Trial

pytestmark = pytest.mark.django_db

NEUTROPENIA = "Neutrophil count decreased"


def on(day: int, month: int = 3, hour: int = 12) -> datetime:
    """A moment of spring 2026."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.fixture
def subject(ima402: Trial) -> Subject:
    """A subject at dose level 1 of IMA402 with the first dose on 2-Mar-2026: the DLT period ends with 29-Mar-2026."""
    subject = scenarios_dosing.assigned(ima402, level=1)
    scenarios_dosing.dose(ima402, subject, "C1D1", "2026-03-02T10:00")
    return subject


@pytest.fixture
def fully_dosed(ima402: Trial, subject: Subject) -> Subject:
    """The same with enough doses to count."""
    scenarios_dosing.dose(ima402, subject, "C1D8", "2026-03-09T10:00")
    scenarios_dosing.dose(ima402, subject, "C1D15", "2026-03-16T10:00")
    return subject


def status(trial: Trial, subject: Subject, at: datetime) -> DltStatus:
    with trial.acting_as("chidi"):
        fresh = Subject.objects.select_related("site", "protocol_version").get(pk=subject.pk)
        found = selectors.dlt_status(fresh, at)
    assert found is not None
    return found


def standing(trial: Trial, record: FormRecord) -> str:
    with trial.acting_as("chidi"):
        return AdverseEvent.objects.get(record=record).dlt


def febrile(trial: Trial, subject: Subject, *, onset: str = "2026-03-12", at: datetime | None = None) -> FormRecord:
    return scenarios_safety.event(
        trial, subject, term="Febrile neutropenia", grade=3, onset=onset, at=at or on(12), is_serious="False"
    )


# -- what the system says ---------------------------------------------------------------------------------------------


def test_before_any_dose_the_question_is_not_asked(ima402: Trial) -> None:
    waiting = scenarios_dosing.assigned(ima402, level=1)
    event = febrile(ima402, waiting)
    assert status(ima402, waiting, on(12)).evaluability.state is State.NOT_DOSED
    assert standing(ima402, event) == DltStanding.NOT_ASKED
    with pytest.raises(services.NothingToJudge, match="not dosed"):
        scenarios_safety.answer(ima402, event, is_dlt=True)


def test_a_met_criterion_makes_a_candidate_at_once_and_names_the_clause(ima402: Trial, subject: Subject) -> None:
    event = febrile(ima402, subject)
    found = status(ima402, subject, on(12))
    assessment = found.of_event(str(event.pk))
    assert assessment.answer is Answer.MET
    assert [criterion.id for criterion in assessment.met] == ["febrile-neutropenia"]
    assert standing(ima402, event) == DltStanding.SUGGESTED
    assert (found.evaluability.for_escalation, found.evaluability.for_stopping) == (Counts.PENDING, Counts.DLT)


def test_a_running_duration_is_undecided_until_time_alone_settles_it(ima402: Trial, fully_dosed: Subject) -> None:
    event = scenarios_safety.event(ima402, fully_dosed, term=NEUTROPENIA, grade=4, onset="2026-03-27T14:00", at=on(28))
    assert standing(ima402, event) == DltStanding.UNDECIDED
    assert status(ima402, fully_dosed, on(28)).evaluability.state is State.IN_WINDOW
    closed = status(ima402, fully_dosed, on(30)).evaluability
    assert closed.state is State.WINDOW_CLOSED_UNDECIDED
    assert (closed.for_escalation, closed.for_stopping) == (Counts.PENDING, Counts.DLT)
    assert "Qualifies Friday 03-Apr-2026 14:00" in closed.reason
    later = status(ima402, fully_dosed, on(3, 4, 13)).of_event(str(event.pk))
    assert later.answer is Answer.MET


def test_the_listing_knows_when_an_undecided_event_becomes_a_candidate(ima402: Trial, fully_dosed: Subject) -> None:
    from apps.safety import listing

    event = scenarios_safety.event(ima402, fully_dosed, term=NEUTROPENIA, grade=4, onset="2026-03-27T14:00", at=on(28))
    with ima402.acting_as("mora") as mora:
        filters = listing.Filters(dlt="suggested")
        assert not listing.events(actor=mora, filters=filters, at=on(2, 4)).exists()
        assert listing.events(actor=mora, filters=filters, at=on(4, 4)).get().pk == event.pk


def test_a_window_complete_with_enough_doses_counts_as_free_of_dlt(ima402: Trial, fully_dosed: Subject) -> None:
    scenarios_safety.event(ima402, fully_dosed, grade=2, onset="2026-03-05", at=on(10))
    assert status(ima402, fully_dosed, on(29)).evaluability.state is State.IN_WINDOW
    assert status(ima402, fully_dosed, on(30)).evaluability.state is State.EVALUABLE_NO_DLT


def test_too_few_doses_make_a_subject_not_evaluable_and_replaceable(ima402: Trial, subject: Subject) -> None:
    for visit, day in (("C1D8", "2026-03-09"), ("C1D15", "2026-03-16"), ("C1D22", "2026-03-23")):
        scenarios_dosing.missed_dose(ima402, subject, visit, day, why="LOGISTICS")
    found = status(ima402, subject, on(30)).evaluability
    assert found.state is State.NOT_EVALUABLE
    assert found.may_be_replaced


def test_an_event_from_before_the_first_dose_is_asked_about_when_it_worsens(ima402: Trial, subject: Subject) -> None:
    event = scenarios_safety.event(ima402, subject, term=NEUTROPENIA, grade=2, onset="2026-02-20", at=on(3))
    assert standing(ima402, event) == DltStanding.NOT_ASKED
    scenarios_safety.next_grade(ima402, event, grade=4, began="2026-03-05", at=on(6))
    assert standing(ima402, event) == DltStanding.UNDECIDED


def test_an_onset_that_may_lie_in_the_period_is_asked_about(ima402: Trial, subject: Subject) -> None:
    event = scenarios_safety.event(ima402, subject, term=NEUTROPENIA, grade=4, onset="2026-03", at=on(20))
    assert standing(ima402, event) == DltStanding.UNDECIDED


def test_a_corrected_dose_moves_the_period_and_the_standing(ima402: Trial, subject: Subject) -> None:
    event = febrile(ima402, subject, onset="2026-04-02", at=on(2, 4))
    assert standing(ima402, event) == DltStanding.NOT_ASKED
    with ima402.acting_as("chidi") as chidi:
        dose = FormRecord.objects.get(subject=subject, form="ima402", visit__code="C1D1")
        texts = {"started": "2026-03-10T10:00", "ended": "2026-03-10T11:00"}
        entry.save_values(actor=chidi, record=dose, texts=texts, reason="Source corrected", at=on(2, 4))
    assert standing(ima402, event) == DltStanding.SUGGESTED


def test_a_removed_event_is_no_candidate(ima402: Trial, subject: Subject) -> None:
    event = febrile(ima402, subject)
    with ima402.acting_as("chidi") as chidi:
        entry.remove_record(actor=chidi, record=event, why="Entered for another subject", at=on(13))
    assert status(ima402, subject, on(13)).evaluability.candidates == ()


def test_the_next_dose_is_held_while_a_candidate_awaits_its_decision(ima402: Trial, subject: Subject) -> None:
    febrile(ima402, subject)
    with ima402.acting_as("pia"):
        fresh = Subject.objects.select_related("site", "protocol_version").get(pk=subject.pk)
        assert any("awaits its decision" in sentence for sentence in next_dose_hold(fresh, on(12)))


# -- the three answers ------------------------------------------------------------------------------------------------


def test_investigator_and_sponsor_answer_beside_the_system_and_the_count_follows(
    ima402: Trial, subject: Subject
) -> None:
    event = febrile(ima402, subject)
    scenarios_safety.answer(ima402, event, is_dlt=True, at=on(12))
    assert standing(ima402, event) == DltStanding.SITE_REPORTED
    signed = scenarios_safety.adjudicate(ima402, event, Judgement.CONFIRMED, at=on(13))
    found = status(ima402, subject, on(13)).evaluability
    assert (found.state, found.for_escalation) == (State.EVALUABLE_DLT, Counts.DLT)
    assert standing(ima402, event) == DltStanding.CONFIRMED
    assert (signed.signer_name, signed.signer_role) == ("Dr Mora Lindqvist", "Medical monitor")


def test_a_rejected_candidate_counts_no_more_and_the_disagreement_is_shown(ima402: Trial, fully_dosed: Subject) -> None:
    event = febrile(ima402, fully_dosed)
    scenarios_safety.answer(ima402, event, is_dlt=True, at=on(12))
    scenarios_safety.adjudicate(ima402, event, Judgement.REJECTED, reason="Line infection", at=on(13))
    assert status(ima402, fully_dosed, on(30)).evaluability.state is State.EVALUABLE_NO_DLT
    assert standing(ima402, event) == DltStanding.REJECTED
    with ima402.acting_as("mora"):
        question = selectors.dlt_question(event.subject, event, on(14))
    assert question is not None
    assert question.disagreement == "A DLT for the system and the investigator, not for the sponsor."


def test_a_rejection_covers_the_facts_it_was_given_and_no_others(ima402: Trial, subject: Subject) -> None:
    event = febrile(ima402, subject)
    scenarios_safety.adjudicate(ima402, event, Judgement.REJECTED, reason="Line infection", at=on(13))
    scenarios_safety.next_grade(ima402, event, grade=4, began="2026-03-14", at=on(14))
    assert standing(ima402, event) == DltStanding.SUGGESTED
    with ima402.acting_as("mora"):
        question = selectors.dlt_question(event.subject, event, on(14))
    assert question is not None
    assert question.needs_new_look


def test_an_answer_of_the_site_never_undoes_a_confirmed_dlt(ima402: Trial, subject: Subject) -> None:
    event = febrile(ima402, subject)
    scenarios_safety.adjudicate(ima402, event, Judgement.CONFIRMED, at=on(13))
    scenarios_safety.answer(ima402, event, is_dlt=False, reason="Line infection", at=on(14))
    scenarios_safety.answer(ima402, event, is_dlt=True, at=on(15))
    assert status(ima402, subject, on(16)).evaluability.state is State.EVALUABLE_DLT
    with ima402.acting_as("amara"):
        assert DltAnswer.objects.filter(record=event).count() == 2


def test_a_changed_mind_of_the_site_withdraws_what_only_the_site_reported(ima402: Trial, fully_dosed: Subject) -> None:
    event = scenarios_safety.event(ima402, fully_dosed, grade=2, onset="2026-03-05", at=on(6))
    scenarios_safety.answer(ima402, event, is_dlt=True, reason="Could not work", at=on(6))
    assert status(ima402, fully_dosed, on(30)).evaluability.state is State.WINDOW_CLOSED_UNDECIDED
    scenarios_safety.answer(ima402, event, is_dlt=False, at=on(7))
    assert status(ima402, fully_dosed, on(30)).evaluability.state is State.EVALUABLE_NO_DLT


def test_only_a_new_signed_decision_takes_one_back_and_the_old_one_stays(ima402: Trial, subject: Subject) -> None:
    event = febrile(ima402, subject)
    first = scenarios_safety.adjudicate(ima402, event, Judgement.CONFIRMED, at=on(13))
    with pytest.raises(services.JudgedAlready, match="Dr Mora Lindqvist already decided so"):
        scenarios_safety.adjudicate(ima402, event, Judgement.CONFIRMED, at=on(13))
    second = scenarios_safety.adjudicate(ima402, event, Judgement.REJECTED, reason="Virology came", at=on(14))
    assert second.replaces_id == first.pk
    with (
        ima402.acting_as("mora"),
        pytest.raises(DatabaseError, match=r"never changes|permission denied"),
        transaction.atomic(),
    ):
        DltAdjudication.objects.filter(pk=first.pk).update(reason="x")


def test_who_differs_from_the_system_says_why(ima402: Trial, subject: Subject) -> None:
    event = febrile(ima402, subject)
    with pytest.raises(services.ReasonMissing, match="Say why"):
        scenarios_safety.answer(ima402, event, is_dlt=False, reason=" ", at=on(12))
    with pytest.raises(services.ReasonMissing, match="part of what you sign"):
        scenarios_safety.adjudicate(ima402, event, Judgement.CONFIRMED, reason="", at=on(12))


def test_an_event_without_an_answer_keeps_a_complete_window_undecided(ima402: Trial, fully_dosed: Subject) -> None:
    event = scenarios_safety.event(
        ima402, fully_dosed, term="Fatigue", grade=3, onset="2026-03-05T08:00", related=True, at=on(6)
    )
    scenarios_safety.save(
        ima402, event, is_ongoing="False", ended="2026-03-06T08:00", outcome="RECOVERED/RESOLVED", at=on(7)
    )
    waiting = status(ima402, fully_dosed, on(30)).evaluability
    assert waiting.state is State.WINDOW_CLOSED_UNDECIDED
    assert "investigator's answer on Fatigue" in waiting.reason
    scenarios_safety.answer(ima402, event, is_dlt=False, at=on(8))
    assert status(ima402, fully_dosed, on(30)).evaluability.state is State.EVALUABLE_NO_DLT


Act = Callable[[Actor, FormRecord], object]


def _answers(actor: Actor, record: FormRecord) -> object:
    return services.answer_dlt(
        actor=actor, subject=record.subject, record=record, is_dlt=True, reason="Seen", at=on(13)
    )


def _adjudicates(actor: Actor, record: FormRecord) -> object:
    from tests.scenarios_enrollment import proof_of

    return services.adjudicate_dlt(
        actor=actor,
        proof=proof_of(actor),
        subject=record.subject,
        record=record,
        judgement=Judgement.CONFIRMED,
        reason="Seen",
        at=on(13),
    )


@pytest.mark.parametrize(
    ("act", "allowed"), [(_answers, {"amara"}), (_adjudicates, {"mora"})], ids=["answers", "adjudicates"]
)
def test_only_an_investigator_of_the_site_answers_and_only_the_medical_monitor_decides(
    ima402: Trial, subject: Subject, act: Act, allowed: set[str]
) -> None:
    event = febrile(ima402, subject)
    may = set()
    for name in ("amara", "chidi", "pia", "ines", "iris", "noor", "mora", "dana", "stan", "sven", "bea", "adam"):
        with ima402.acting_as(name) as actor, transaction.atomic():
            try:
                act(actor, event)
            except NotAllowed:
                continue
        may.add(name)
    assert may == allowed


def test_a_signature_is_the_signers_own(ima402: Trial, subject: Subject) -> None:
    from tests.scenarios_enrollment import proof_of

    event = febrile(ima402, subject)
    someone_else = proof_of(ima402.actor("dana"))
    with ima402.acting_as("mora") as mora, pytest.raises(NotAllowed, match="own password"):
        services.adjudicate_dlt(
            actor=mora,
            proof=someone_else,
            subject=subject,
            record=event,
            judgement=Judgement.CONFIRMED,
            reason="Seen",
            at=on(13),
        )


def test_a_criterion_that_the_protocol_lacks_is_refused(ima402: Trial, subject: Subject) -> None:
    event = febrile(ima402, subject)
    with ima402.acting_as("amara") as amara, pytest.raises(Refusal, match="no DLT criterion"):
        services.answer_dlt(actor=amara, subject=subject, record=event, is_dlt=True, criterion="tiredness", at=on(12))


@pytest.fixture
def heard() -> list[object]:
    """What was announced, in order."""
    from apps.core import events

    found: list[object] = []
    kinds = (ToxicityChanged, DltJudged)
    for kind in kinds:
        events.at_once(kind)(lambda fact, actor: found.append(fact))
    yield found
    for kind in kinds:
        events._immediate[kind].pop()


def test_every_change_that_toxicity_is_judged_by_is_announced(
    ima402: Trial, subject: Subject, heard: list[object]
) -> None:
    heard.clear()
    event = febrile(ima402, subject)
    assert {type(fact) for fact in heard} == {ToxicityChanged}
    heard.clear()
    scenarios_dosing.dose(ima402, subject, "C1D8", "2026-03-09T10:00")
    assert any(isinstance(fact, ToxicityChanged) for fact in heard)
    heard.clear()
    scenarios_safety.adjudicate(ima402, event, Judgement.CONFIRMED, at=on(13))
    scenarios_safety.adjudicate(ima402, event, Judgement.REJECTED, at=on(14))
    judged = [fact for fact in heard if isinstance(fact, DltJudged)]
    assert [(fact.judgement, fact.reverses) for fact in judged] == [("confirmed", False), ("rejected", True)]


# -- the cell therapy -------------------------------------------------------------------------------------------------


@pytest.fixture
def infused(ima203: Trial) -> Subject:
    """A subject of IMA203 infused on 2-Mar-2026 at 10:00 in Berlin."""
    subject = scenarios_dosing.assigned(ima203, level=1)
    scenarios_dosing.dose(ima203, subject, "INF", "2026-03-02T10:00", form="ima203", amount="0.05")
    return subject


@pytest.mark.parametrize(
    ("term", "grades", "asked_on", "answer"),
    [
        ("Cytokine release syndrome", [(4, "2026-03-04T10:00")], on(4), Answer.MET),
        ("Cytokine release syndrome", [(3, "2026-03-04T10:00")], on(5), Answer.UNDECIDED),
        ("Cytokine release syndrome", [(3, "2026-03-04T10:00")], on(7), Answer.MET),
        ("Cytokine release syndrome", [(3, "2026-03-04T10:00"), (2, "2026-03-07T10:00")], on(9), Answer.NOT_MET),
        ("Cytokine release syndrome", [(3, "2026-03-04T10:00"), (2, "2026-03-07T10:01")], on(9), Answer.MET),
        ("ICANS", [(2, "2026-03-04T10:00")], on(20), Answer.NOT_MET),
        ("ICANS", [(3, "2026-03-04T10:00"), (1, "2026-03-05T10:00")], on(9), Answer.NOT_MET),
        ("ICANS", [(3, "2026-03-04T10:00")], on(7), Answer.MET),
    ],
)
def test_crs_and_icans_are_judged_by_their_consensus_grade_and_the_hour(
    ima203: Trial,
    infused: Subject,
    term: str,
    grades: list[tuple[int, str]],
    asked_on: datetime,
    answer: Answer,
) -> None:
    (first, began), *others = grades
    event = scenarios_safety.event(ima203, infused, term=term, grade=first, onset=began, at=on(9))
    for grade, moment in others:
        scenarios_safety.next_grade(ima203, event, grade=grade, began=moment, at=on(9))
    assert status(ima203, infused, asked_on).of_event(str(event.pk)).answer is answer


def test_fever_as_part_of_a_mild_crs_is_no_dlt(ima203: Trial, infused: Subject) -> None:
    scenarios_safety.event(ima203, infused, term="Cytokine release syndrome", grade=2, onset="2026-03-04", at=on(12))
    fever = scenarios_safety.event(ima203, infused, term="Fever", grade=3, onset="2026-03-04", at=on(12))
    assert standing(ima203, fever) == DltStanding.SUGGESTED
    scenarios_safety.save(ima203, fever, part_of="1", at=on(12) + timedelta(hours=1))
    assert standing(ima203, fever) == DltStanding.NOT_MET


def test_the_page_of_an_event_says_once_what_is_met(ima402: Trial, subject: Subject, client: Client) -> None:
    event = febrile(ima402, subject)
    client.force_login(ima402.people["chidi"], backend="apps.accounts.backends.EmailBackend")
    page = client.get(reverse("record", kwargs={"study": "IMA402", "record": event.pk})).content.decode()
    derived = page.partition("<dt>Dose limiting</dt>")[2].partition("</dd>")[0]
    assert derived.casefold().count("meets") == 1
    table = page.partition('aria-label="The protocol\'s criteria"')[2].partition("</table>")[0]
    assert table, "the criteria with their facts"
    assert "meet" not in table.casefold(), "the column beside says so"
    assert page.index('id="dlt-title"') < page.index('id="review-title"'), "safety is read before review"


def test_where_no_criterion_is_met_the_line_does_not_list_them_all(
    ima402: Trial, subject: Subject, client: Client
) -> None:
    event = scenarios_safety.event(ima402, subject, term="Fatigue", grade=1, onset="2026-03-05T08:00", at=on(6))
    client.force_login(ima402.people["chidi"], backend="apps.accounts.backends.EmailBackend")
    page = client.get(reverse("record", kwargs={"study": "IMA402", "record": event.pk})).content.decode()
    assert "<dd>Meets no criterion.</dd>" in page
