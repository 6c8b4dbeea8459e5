"""The cohort board and the committee: what counts, what the design says, what a signature opens or closes."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core import events as core_events
from apps.core.refusal import NotAllowed
from apps.core.transactions import acting
from apps.enrollment.models import Cohort, CohortState
from apps.escalation import plot, services
from apps.escalation.events import CohortHeld, CohortReleased, DoseDecisionQuestioned, DoseDecisionSigned
from apps.escalation.models import CommitteeDecision, DecisionKind
from apps.safety.models import Judgement
from tests import scenarios, scenarios_dosing, scenarios_enrollment, scenarios_safety
from tests.scenarios import Trial
from tests.scenarios_escalation import AFTER, FIRST, board, decide, dlt, treated

pytestmark = pytest.mark.django_db


def cohort(trial: Trial, level: int) -> Cohort:
    with trial.acting_as("mora"):
        return Cohort.objects.get(study=trial.study, part="IA", dose_level=level)


@pytest.fixture
def three(ima402: Trial) -> Trial:
    """Three subjects at level 1 with their doses: two of Berlin, one of Houston."""
    treated(ima402)
    treated(ima402, day=FIRST + timedelta(days=7))
    treated(ima402, day=FIRST + timedelta(days=14), by="iris")
    return ima402


@pytest.fixture
def heard() -> list[object]:
    """What escalation announces, in order."""
    found: list[object] = []
    kinds = (DoseDecisionSigned, DoseDecisionQuestioned, CohortHeld, CohortReleased)
    for kind in kinds:
        core_events.at_once(kind)(lambda fact, actor: found.append(fact))
    yield found
    for kind in kinds:
        core_events._immediate[kind].pop()


def subjects_of(trial: Trial) -> list[object]:
    from apps.subjects.models import Subject

    with trial.acting_as("mora"):
        return list(Subject.objects.select_related("site", "protocol_version").order_by("pk"))


def row(trial: Trial, level: int = 1, **more: object) -> object:
    return next(each for each in board(trial, **more).rows if each.number == level)  # type: ignore[arg-type]


def test_before_any_dose_the_board_says_where_the_trial_begins(ima402: Trial) -> None:
    scenarios_enrollment.cohort(ima402)
    found = board(ima402)
    assert found.finding == "No subject has been dosed. First cohort: DL1, 0.02 mg, 0 of 3 places used."
    assert found.advice.short == "wait"


def test_a_trial_without_escalation_has_no_board(db: None) -> None:
    trial = scenarios.trial("PVONCO")
    client = Client()
    client.force_login(trial.people["mora"], backend="apps.accounts.backends.EmailBackend")
    page = client.get(reverse("cohort_board", kwargs={"study": "PVONCO"}))
    assert "escalates no dose" in page.content.decode()


def test_a_place_that_enrolment_gave_counts_from_the_first_dose(ima402: Trial) -> None:
    subject = scenarios_dosing.enrolled(ima402, planned="2026-03-09")
    assert row(ima402).summary == "Nobody treated"  # type: ignore[attr-defined]
    scenarios_dosing.dose(ima402, subject, "C1D1", "2026-03-09T10:00")
    assert row(ima402, at=FIRST + timedelta(days=1)).summary == "0 DLTs / 0 evaluable, 1 pending"  # type: ignore[attr-defined]


def test_three_without_a_dlt_lead_up_and_the_signed_decision_opens_the_next_level(
    three: Trial, heard: list[object]
) -> None:
    assert board(three, at=FIRST + timedelta(days=30)).advice.short == "wait"
    found = board(three)
    assert row(three).summary == "0 DLTs / 3 evaluable"  # type: ignore[attr-defined]
    assert found.advice.short == "escalate to DL2, 0.06 mg"
    decision = decide(three, DecisionKind.ESCALATE, level=2)
    assert (decision.follows_advice, decision.advice) == (True, "escalate to DL2, 0.06 mg")
    assert decision.shown[0] == {
        "level": 1,
        "label": "DL1, 0.02 mg",
        "treated": 3,
        "evaluable": 3,
        "dlts": 0,
        "pending": 0,
        "undecided": 0,
    }
    assert (cohort(three, 1).state, cohort(three, 2).state) == (CohortState.CLEARED, CohortState.OPEN)
    assert board(three, at=AFTER + timedelta(hours=1)).ladder.current == 2
    assert [type(fact) for fact in heard] == [DoseDecisionSigned]


def test_one_confirmed_dlt_expands_the_cohort(three: Trial) -> None:
    event = dlt(three, subjects_of(three)[0], judged=None)
    undecided = row(three)
    assert (undecided.counts.undecided, undecided.counts.pending) == (1, 1)  # type: ignore[attr-defined]
    assert board(three).advice.short == "wait"
    scenarios_safety.adjudicate(three, event, Judgement.CONFIRMED, at=AFTER - timedelta(days=1))
    assert row(three).summary == "1 DLT / 3 evaluable"  # type: ignore[attr-defined]
    assert board(three).advice.short == "expand DL1, 0.02 mg"
    decide(three, DecisionKind.EXPAND)
    expanded = cohort(three, 1)
    assert (expanded.state, expanded.capacity) == (CohortState.EXPANDED, 6)


def test_a_rejected_candidate_counts_for_nothing(three: Trial) -> None:
    dlt(three, subjects_of(three)[0], judged=Judgement.REJECTED)
    assert row(three).summary == "0 DLTs / 3 evaluable"  # type: ignore[attr-defined]


def test_safety_moves_early_and_a_rejection_lifts_the_hold_again(three: Trial, heard: list[object]) -> None:
    first, second, _ = subjects_of(three)
    dlt(three, first)
    event = dlt(three, second, day=12, judged=None)
    at = FIRST + timedelta(days=13)
    system = three.system()

    def hold() -> str:
        with acting(system, place="test"):
            return services.hold_where_safety_asks(actor=system, study=three.study, at=at)

    assert hold().startswith("Held for safety")
    assert cohort(three, 1).hold_reason.startswith("Held for safety")
    hold()
    assert [type(fact) for fact in heard] == [CohortHeld]  # the same state holds once
    scenarios_safety.adjudicate(three, event, Judgement.REJECTED, reason="Line infection", at=at)
    hold()
    assert cohort(three, 1).hold_reason == ""
    assert [type(fact) for fact in heard] == [CohortHeld, CohortReleased]


def test_the_clocks_round_closes_places_by_itself(three: Trial) -> None:
    first, second, _ = subjects_of(three)
    dlt(three, first)
    dlt(three, second, day=12, judged=None)
    services.hold_in_every_study(at=FIRST + timedelta(days=13))
    assert cohort(three, 1).hold_reason.startswith("Held for safety")


def test_two_dlts_stop_the_first_level_without_waiting_for_the_third(three: Trial) -> None:
    first, second, _ = subjects_of(three)
    dlt(three, first)
    dlt(three, second, day=12)
    early = FIRST + timedelta(days=14)
    found = board(three, at=early)
    assert (found.advice.action, found.advice.is_for_safety) == ("stop", True)
    decide(three, DecisionKind.STOP, at=early)
    assert cohort(three, 1).state == CohortState.CLOSED_TOXICITY
    with pytest.raises(services.TrialHasEnded):
        decide(three, DecisionKind.STAY, at=early + timedelta(days=1))
    ended = board(three, at=early + timedelta(hours=1))
    assert ended.finding == "2 subjects treated; the escalation was stopped by a signed decision."


LEADS_NOWHERE = (
    (DecisionKind.ESCALATE, 3, "skips no level"),
    (DecisionKind.ESCALATE, 1, "does not lead"),
    (DecisionKind.ESCALATE, 99, "no dose level 99"),
    (DecisionKind.DE_ESCALATE, 2, "does not lead"),
    (DecisionKind.STAY, 2, "does not lead"),
)


def test_a_decision_that_leads_nowhere_is_refused(three: Trial) -> None:
    for kind, level, words in LEADS_NOWHERE:
        with pytest.raises(services.LevelNotPossible, match=words):
            decide(three, kind, level=level)
    assert cohort(three, 1).state != CohortState.CLEARED


def test_escalation_waits_for_everybody_and_for_enough_subjects(ima402: Trial) -> None:
    treated(ima402)
    with pytest.raises(services.OutcomesPending, match="needs 3 evaluable subjects for this decision; there are 1"):
        decide(ima402, DecisionKind.ESCALATE, level=2)
    with pytest.raises(services.OutcomesPending, match="Escalation waits"):
        decide(ima402, DecisionKind.ESCALATE, level=2, at=FIRST + timedelta(days=5))


def test_a_level_that_was_ruled_out_is_not_reopened(three: Trial) -> None:
    first, second, _ = subjects_of(three)
    decide(three, DecisionKind.ESCALATE, level=2)
    decide(three, DecisionKind.DE_ESCALATE, level=1, at=AFTER + timedelta(days=1))
    dlt(three, first)
    dlt(three, second, day=12)
    with pytest.raises(services.LevelNotPossible, match="ruled out"):
        decide(three, DecisionKind.STAY, at=AFTER + timedelta(days=2))


def test_counts_that_changed_since_the_page_was_opened_are_not_signed(ima402: Trial) -> None:
    scenarios_enrollment.cohort(ima402)
    with pytest.raises(services.CountsChanged, match="the advice is now"):
        decide(ima402, DecisionKind.ESCALATE, level=2, advice_seen="expand DL1, 0.02 mg")


def test_everything_that_is_missing_is_named_at_once(ima402: Trial) -> None:
    with ima402.acting_as("mora") as mora, pytest.raises(services.Incomplete) as refused:
        services.sign_decision(
            actor=mora,
            proof=scenarios_enrollment.proof_of(mora),
            study=ima402.study,
            proposal=services.Proposal(DecisionKind.ESCALATE, None, " ", (), ""),
            data_cut_at=AFTER + timedelta(days=1),
            at=AFTER,
        )
    assert len(refused.value.problems) == 4


@pytest.mark.parametrize("outsider", ["amara", "chidi", "pia", "noor", "dana", "stan", "sven", "bea", "adam", "agnes"])
def test_only_who_decides_escalation_signs(ima402: Trial, outsider: str) -> None:
    scenarios_enrollment.cohort(ima402)
    with pytest.raises(NotAllowed):
        decide(ima402, DecisionKind.STOP, by=outsider)


def test_a_judgement_taken_back_after_a_decision_is_put_to_who_signed_it(three: Trial, heard: list[object]) -> None:
    event = dlt(three, subjects_of(three)[0])
    decision = decide(three, DecisionKind.EXPAND)
    assert board(three).questioned == ()
    later = AFTER + timedelta(days=3)
    scenarios_safety.adjudicate(three, event, Judgement.REJECTED, reason="Virology came", at=later)
    questioned = [fact for fact in heard if isinstance(fact, DoseDecisionQuestioned)]
    assert [fact.decision for fact in questioned] == [decision.pk]
    assert board(three, at=later).questioned == (decision,)


def test_a_signed_decision_never_changes(ima402: Trial) -> None:
    scenarios_enrollment.cohort(ima402)
    decision = decide(ima402, DecisionKind.STOP)
    with (
        ima402.acting_as("mora"),
        pytest.raises(DatabaseError, match=r"never changes|permission denied"),
        transaction.atomic(),
    ):
        CommitteeDecision.objects.filter(pk=decision.pk).update(rationale="x")


def test_everybody_sees_the_counts_and_a_site_only_its_own_subjects(three: Trial) -> None:
    for who, own, elsewhere in (("chidi", 2, 1), ("iris", 1, 2), ("mora", 3, 0), ("bea", 0, 3)):
        found = row(three, by=who)
        assert found.counts.treated == 3  # type: ignore[attr-defined]
        assert (len(found.tiles), found.elsewhere) == (own, elsewhere)  # type: ignore[attr-defined]
    picture = plot.cohort_board(board(three), link=lambda number: f"/s/{number}")
    assert "<script" not in picture
    assert "style=" not in picture
    assert picture.count("<a href=") == 3


def test_the_pages_open_and_name_no_subject_of_another_site(three: Trial) -> None:
    houston = subjects_of(three)[2].number  # type: ignore[attr-defined]
    for who, sees in (("chidi", False), ("bea", False), ("mora", True)):
        client = Client()
        client.force_login(three.people[who], backend="apps.accounts.backends.EmailBackend")
        for address in ("cohort_board", "cohort_board_picture"):
            page = client.get(reverse(address, kwargs={"study": "IMA402"}))
            assert page.status_code == 200
            assert (houston in page.content.decode()) is sees
        assert client.get(reverse("committee_decision_new", kwargs={"study": "IMA402"})).status_code == (
            200 if who == "mora" else 403
        )


def test_a_decision_is_signed_on_its_page_with_the_password(ima402: Trial) -> None:
    scenarios_enrollment.cohort(ima402)
    client = Client()
    client.force_login(ima402.people["mora"], backend="apps.accounts.backends.EmailBackend")
    address = reverse("committee_decision_new", kwargs={"study": "IMA402"})
    page = client.get(address)
    form = {
        "kind": "stop",
        "rationale": "The sponsor ends the trial.",
        "attendee": ["Dr Mora Lindqvist", ""],
        "attendee_role": ["medical monitor", ""],
        "cut": page.context["cut"],
        "advice_seen": page.context["board"].advice.short,
    }
    wrong = client.post(address, {**form, "password": "guessed"})
    assert wrong.status_code == 422
    assert "password is not right" in wrong.content.decode()
    assert "The sponsor ends the trial." in wrong.content.decode()
    signed = client.post(address, {**form, "password": scenarios.PASSWORD})
    assert signed.status_code == 302
    assert "The sponsor ends the trial." in client.get(signed["Location"]).content.decode()


def test_the_board_costs_the_same_however_many_subjects_it_has(ima402: Trial) -> None:
    counts = []
    for number in (1, 2):
        treated(ima402, day=FIRST + timedelta(days=7 * number), doses=1)
        with ima402.acting_as("mora"), CaptureQueriesContext(connection) as queries:
            board(ima402)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_tile_says_how_a_subject_stands_and_the_table_why(ima402: Trial) -> None:
    dlt(ima402, treated(ima402), judged=None)
    (tile,) = row(ima402).tiles  # type: ignore[attr-defined]
    assert tile.words == "Window closed, undecided"
    assert tile.reason.startswith("Window closed, undecided: a possible DLT awaits its decision")


def test_a_tile_holds_every_word_of_a_long_term(three: Trial) -> None:
    whole = board(three)
    here = next(each for each in whole.rows if each.tiles)
    wordy = replace(here.tiles[0], event="Aspartate aminotransferase increased grade 4", is_dlt=True)
    rows = tuple(replace(each, tiles=(wordy, *each.tiles[1:])) if each is here else each for each in whole.rows)
    picture = plot.cohort_board(replace(whole, rows=rows), link=lambda number: f"/s/{number}")
    shown = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", picture))
    assert wordy.event in shown
    assert "…" not in shown
