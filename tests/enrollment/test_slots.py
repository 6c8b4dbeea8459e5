"""Places in cohorts: reserved, released, confirmed, dosed; full, held, closed cohorts; the watch between subjects."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core.refusal import NotAllowed
from apps.enrollment import selectors, services
from apps.enrollment.models import Cohort, CohortChange, CohortState, Slot, SlotState
from apps.screening import services as screening
from apps.subjects.models import Anchor, Status
from apps.visits.models import Visit
from clinical.partial_date import PartialDate
from tests import scenarios_enrollment as scenarios
from tests import scenarios_screening
from tests.scenarios import NOON, Trial, days

pytestmark = pytest.mark.django_db
FIRST_DOSE = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def state(trial: Trial, cohort: Cohort) -> tuple[str, int]:
    with trial.acting_as("noor"):
        cohort.refresh_from_db()
    return cohort.state, cohort.taken


def test_the_protocols_cohorts_come_into_being_once_and_the_first_is_open(ima402: Trial) -> None:
    first = scenarios.cohort(ima402)
    assert (first.code, first.state, first.capacity, first.largest_capacity) == ("IA-DL1", "open", 3, 6)
    with ima402.acting_as("iris"):
        services.ensure_cohorts(study=ima402.study, at=NOON)
        assert Cohort.objects.count() == 10
        assert CohortChange.objects.filter(cohort=first).count() == 1


def test_a_subject_gets_dose_level_number_and_planned_visits_with_the_confirmed_place(ima402: Trial) -> None:
    slot = scenarios.confirmed(ima402, planned="2026-03-09T09:00")
    with ima402.acting_as("chidi"):
        subject = scenarios.fresh(ima402, slot.subject)
        assert (subject.status, subject.part, subject.cohort, subject.dose_level) == (
            Status.ENROLLED,
            "IA",
            "IA-DL1",
            1,
        )
        assert subject.enrolment_number == "E001"
        assert str(Anchor.objects.get(subject=subject, name="planned_first_dose").moment) == "09-Mar-2026 09:00"
        assert str(Visit.objects.get(subject=subject, code="C1D8").planned_date) == "2026-03-16"


def test_a_place_needs_eligibility_then_release_then_a_date(ima402: Trial) -> None:
    cohort = scenarios.cohort(ima402)
    screened = scenarios_screening.screened(ima402)
    with ima402.acting_as("chidi") as chidi, pytest.raises(services.NotEligible, match="not eligible yet"):
        services.reserve_slot(actor=chidi, subject=screened, cohort=cohort, at=NOON)
    eligible = scenarios.eligible(ima402)
    with ima402.acting_as("chidi") as chidi:
        slot = services.reserve_slot(actor=chidi, subject=eligible, cohort=cohort, at=NOON)
        with pytest.raises(services.SlotNotPossible, match="already"):
            services.reserve_slot(actor=chidi, subject=eligible, cohort=cohort, at=NOON)
        with pytest.raises(services.SlotNotPossible, match="not released"):
            services.confirm_slot(actor=chidi, slot=slot, at=NOON)
    with ima402.acting_as("mora") as mora, pytest.raises(services.SlotNotPossible, match="when the first dose"):
        services.release_for_dosing(actor=mora, slot=slot, at=NOON)


@pytest.mark.parametrize("other", ["amara", "chidi", "noor", "dana", "sven"])
def test_only_the_medical_monitor_releases(ima402: Trial, other: str) -> None:
    slot = scenarios.reserved(ima402)
    with ima402.acting_as(other) as actor, pytest.raises(NotAllowed):
        services.release_for_dosing(actor=actor, slot=slot, at=NOON)


def test_the_medical_monitors_no_is_kept_with_its_reason_and_stops_the_enrolment(ima402: Trial) -> None:
    slot = scenarios.reserved(ima402)
    with ima402.acting_as("mora") as mora:
        services.release_for_dosing(actor=mora, slot=slot, at=NOON)
        with pytest.raises(services.SlotNotPossible, match="Say why"):
            services.refuse_release(actor=mora, slot=slot, comment=" ", at=NOON)
        services.refuse_release(actor=mora, slot=slot, comment="Cardiac history under review", at=NOON)
    with ima402.acting_as("chidi") as chidi, pytest.raises(services.SlotNotPossible, match="not released"):
        services.confirm_slot(actor=chidi, slot=slot, at=NOON)


def test_a_full_cohort_refuses_with_the_reason_and_offers_the_waiting_list(ima402: Trial) -> None:
    cohort = scenarios.cohort(ima402)
    for _ in range(3):
        scenarios.reserved(ima402)
    assert state(ima402, cohort) == (CohortState.FULL, 3)
    fourth = scenarios.eligible(ima402)
    with ima402.acting_as("chidi") as chidi:
        with pytest.raises(services.SlotTaken, match=r"all 3 places are taken.*waiting list"):
            services.reserve_slot(actor=chidi, subject=fourth, cohort=cohort, at=NOON)
        assert (
            services.reserve_slot(actor=chidi, subject=fourth, cohort=cohort, wait=True, at=NOON).state == "requested"
        )


def test_a_planned_and_a_closed_cohort_refuse_with_the_reason(ima402: Trial) -> None:
    subject = scenarios.eligible(ima402)
    first, second = scenarios.cohort(ima402), scenarios.cohort(ima402, 2)
    with ima402.acting_as("mora") as mora:
        services.close_cohort(actor=mora, cohort=first, for_toxicity=True, why="2 DLTs in 3", at=NOON)
    with ima402.acting_as("chidi") as chidi:
        with pytest.raises(services.CohortClosed, match="closed for toxicity: 2 DLTs in 3"):
            services.reserve_slot(actor=chidi, subject=subject, cohort=first, at=NOON, wait=True)
        with pytest.raises(services.CohortClosed, match="not open yet"):
            services.reserve_slot(actor=chidi, subject=subject, cohort=second, at=NOON)


def test_held_places_are_not_given_and_go_to_the_queue_first_when_the_hold_is_lifted(ima402: Trial) -> None:
    cohort = scenarios.cohort(ima402)
    subject = scenarios.eligible(ima402)
    with ima402.acting_as("mora") as mora:
        services.hold_slots(actor=mora, cohort=cohort, why="DLT candidate under review.", at=NOON)
    with ima402.acting_as("chidi") as chidi:
        with pytest.raises(services.CohortClosed, match="DLT candidate under review"):
            services.reserve_slot(actor=chidi, subject=subject, cohort=cohort, at=NOON)
        waiting = services.reserve_slot(actor=chidi, subject=subject, cohort=cohort, wait=True, at=NOON)
    with ima402.acting_as("mora") as mora:
        services.lift_hold(actor=mora, cohort=cohort, why="Rejected", at=NOON)
    with ima402.acting_as("chidi"):
        waiting.refresh_from_db()
        assert waiting.state == SlotState.RESERVED


@pytest.mark.parametrize("name", ["chidi", "amara", "noor", "dana"])
def test_only_who_decides_on_doses_moves_cohorts(ima402: Trial, name: str) -> None:
    cohort = scenarios.cohort(ima402, 2)
    with ima402.acting_as(name) as actor, pytest.raises(NotAllowed):
        services.open_cohort(actor=actor, cohort=cohort, why="I want to", at=NOON)


def test_a_cohort_expands_as_far_as_the_protocol_goes(ima402: Trial) -> None:
    cohort = scenarios.cohort(ima402)
    for _ in range(3):
        scenarios.reserved(ima402)
    with ima402.acting_as("mora") as mora:
        with pytest.raises(services.CohortNotPossible, match="hold 6 subjects, not 7"):
            services.expand_cohort(actor=mora, cohort=cohort, why="1 DLT in 3", at=NOON, capacity=7)
        services.expand_cohort(actor=mora, cohort=cohort, why="1 DLT in 3", at=NOON)
    assert state(ima402, cohort) == (CohortState.EXPANDED, 3)
    scenarios.reserved(ima402)
    assert state(ima402, cohort) == (CohortState.EXPANDED, 4)


def test_the_waiting_list_is_first_come_first_served_across_sites(ima402: Trial) -> None:
    cohort = scenarios.cohort(ima402)
    slots = [scenarios.reserved(ima402) for _ in range(3)]
    iris_subject = scenarios.eligible(ima402, by="iris", signer="ines")
    chidi_subject = scenarios.eligible(ima402)
    with ima402.acting_as("iris") as iris:
        first = services.reserve_slot(actor=iris, subject=iris_subject, cohort=cohort, wait=True, at=NOON)
    with ima402.acting_as("chidi") as chidi:
        second = services.reserve_slot(
            actor=chidi, subject=chidi_subject, cohort=cohort, wait=True, at=NOON + timedelta(hours=1)
        )
        services.give_back_slot(actor=chidi, slot=slots[0], why="Subject moved away", at=NOON + days(1))
        second.refresh_from_db()
        assert second.state == SlotState.REQUESTED
        with pytest.raises(Slot.DoesNotExist):
            first.refresh_from_db()  # another site's row
    with ima402.acting_as("iris"):
        first.refresh_from_db()
        assert first.state == SlotState.RESERVED
    assert state(ima402, cohort) == (CohortState.FULL, 3)


def test_a_reservation_that_runs_out_falls_back_to_whoever_waits(ima402: Trial) -> None:
    cohort = scenarios.cohort(ima402)
    slots = [scenarios.reserved(ima402) for _ in range(3)]
    fourth = scenarios.eligible(ima402)
    with ima402.acting_as("chidi") as chidi:
        waiting = services.reserve_slot(actor=chidi, subject=fourth, cohort=cohort, wait=True, at=NOON)
        assert services.expire_reservations(study=ima402.study, at=NOON + days(13)) == 0
        with pytest.raises(services.SlotNotPossible, match="ran out"):
            services.confirm_slot(actor=chidi, slot=slots[0], at=NOON + days(14))
        assert services.expire_reservations(study=ima402.study, at=NOON + days(14)) == 3
        for slot in slots:
            slot.refresh_from_db()
            assert slot.state == SlotState.EXPIRED
        waiting.refresh_from_db()
        assert waiting.state == SlotState.RESERVED
        assert waiting.expires_at == NOON + days(28)
    assert state(ima402, cohort) == (CohortState.OPEN, 1)


def test_the_clock_lets_reservations_fall_back_in_every_study(ima402: Trial) -> None:
    slot = scenarios.reserved(ima402)
    assert services.expire_in_every_study(at=NOON + days(15)) == 1
    with ima402.acting_as("chidi"):
        slot.refresh_from_db()
        assert (slot.state, slot.ended_at) == (SlotState.EXPIRED, NOON + days(14))


def test_the_second_subject_waits_for_the_watch_over_the_sentinel(ima402: Trial) -> None:
    scenarios.dosed(ima402, FIRST_DOSE)
    slot = scenarios.reserved(ima402, by="iris", signer="ines", planned="2026-03-10")
    with ima402.acting_as("mora") as mora:
        with pytest.raises(services.TooEarly) as refused:
            services.release_for_dosing(actor=mora, slot=slot, at=NOON)
        assert "11-Mar-2026 04:00 (America/Chicago, UTC-05:00)" in refused.value.sentence
        decision = services.release_for_dosing(
            actor=mora, slot=slot, override_reason="Sentinel well, committee of 9-Mar-2026 agrees", at=NOON
        )
        assert decision.earliest_permitted == FIRST_DOSE + timedelta(hours=168)
    with ima402.acting_as("iris") as iris:
        assert services.confirm_slot(actor=iris, slot=slot, at=NOON).state == SlotState.CONFIRMED


def test_a_day_on_which_the_dose_can_still_be_late_enough_is_not_too_early(ima402: Trial) -> None:
    scenarios.dosed(ima402, FIRST_DOSE)
    slot = scenarios.reserved(ima402, planned="2026-03-11")
    with ima402.acting_as("mora") as mora:
        assert (
            services.release_for_dosing(actor=mora, slot=slot, override_reason="not needed", at=NOON).override_reason
            == ""
        )


def test_the_planned_date_of_an_enrolled_subject_moves_its_visits_but_not_before_the_watch_ends(ima402: Trial) -> None:
    scenarios.dosed(ima402, FIRST_DOSE)
    slot = scenarios.confirmed(ima402, planned="2026-03-16")
    with ima402.acting_as("chidi") as chidi:
        with pytest.raises(services.TooEarly):
            services.plan_first_dose(actor=chidi, slot=slot, planned=PartialDate.parse("2026-03-06"), at=NOON)
        services.plan_first_dose(actor=chidi, slot=slot, planned=PartialDate.parse("2026-03-18"), at=NOON)
        assert str(Visit.objects.get(subject=slot.subject, code="C1D1").planned_date) == "2026-03-18"


def test_all_dosed_the_cohort_is_observed_and_a_dose_taken_back_undoes_it(ima402: Trial) -> None:
    cohort = scenarios.cohort(ima402)
    for hours in (0, 168, 200):
        last = scenarios.dosed(ima402, FIRST_DOSE + timedelta(hours=hours))
    assert state(ima402, cohort) == (CohortState.OBSERVING, 3)
    with ima402.acting_as("chidi") as chidi:
        back = services.mark_dosed(actor=chidi, subject=last.subject, at=None)
        assert back is not None
        assert back.state == SlotState.CONFIRMED
    assert state(ima402, cohort) == (CohortState.FULL, 3)


def test_a_dose_without_a_place_is_a_fact_all_the_same(ima402: Trial) -> None:
    subject = scenarios.eligible(ima402)
    with ima402.acting_as("chidi") as chidi:
        assert services.mark_dosed(actor=chidi, subject=subject, at=FIRST_DOSE) is None


def test_a_screen_failure_frees_the_place_and_the_projections(ima402: Trial) -> None:
    cohort = scenarios.cohort(ima402)
    slot = scenarios.confirmed(ima402)
    with ima402.acting_as("chidi") as chidi:
        screening.fail_screening(actor=chidi, subject=slot.subject, criteria=["I8"], at=NOON)
        slot.refresh_from_db()
        subject = scenarios.fresh(ima402, slot.subject)
        assert slot.state == SlotState.SCREEN_FAILED
        assert (subject.status, subject.cohort, subject.dose_level) == (Status.SCREEN_FAILED, None, None)
        assert subject.enrolment_number == "E001"  # never used again
    assert state(ima402, cohort) == (CohortState.OPEN, 0)


def test_backfill_places_are_apart_and_only_at_cleared_levels(ima402: Trial) -> None:
    second = scenarios.cohort(ima402, 2)
    subject = scenarios.eligible(ima402)
    with ima402.acting_as("mora") as mora:
        services.open_cohort(actor=mora, cohort=second, why="Decision", at=NOON)
    with ima402.acting_as("chidi") as chidi, pytest.raises(services.CohortClosed, match="not cleared"):
        services.reserve_slot(actor=chidi, subject=subject, cohort=second, backfill=True, at=NOON)
    with ima402.acting_as("mora") as mora:
        services.set_cohort_state(actor=mora, cohort=second, state=CohortState.CLEARED, why="Decision", at=NOON)
    with ima402.acting_as("chidi") as chidi:
        services.reserve_slot(actor=chidi, subject=subject, cohort=second, backfill=True, at=NOON)
    state(ima402, second)
    assert (second.taken, second.backfill_taken, second.backfill_free) == (0, 1, 2)


def test_the_database_counts_the_places_and_keeps_the_capacity_itself(ima402: Trial) -> None:
    cohort = scenarios.cohort(ima402)
    slots = [scenarios.reserved(ima402) for _ in range(3)]
    other = scenarios.eligible(ima402)
    with ima402.acting_as("chidi"), connection.cursor() as cursor:
        cursor.execute("update enrollment_cohort set taken = 0 where id = %s", [cohort.pk])
        cohort.refresh_from_db()
        assert cohort.taken == 3
        with pytest.raises(DatabaseError, match="capacity"), transaction.atomic():
            Slot.objects.create(subject=other, cohort=cohort, state=SlotState.RESERVED, requested_at=NOON)
        Slot.objects.filter(pk=slots[0].pk).update(state=SlotState.RELEASED)
        cohort.refresh_from_db()
        assert cohort.taken == 2


def test_another_site_sees_counts_and_no_subject(ima402: Trial) -> None:
    scenarios.confirmed(ima402)
    with ima402.acting_as("iris") as iris:
        first = selectors.cohort_places(ima402.study, at=NOON)[0]
        assert (first.confirmed, first.cohort.taken, first.accepts) == (1, 1, True)
        assert not selectors.own_slots(actor=iris).exists()
        assert not Slot.objects.exists()


def test_ima203_enrols_after_apheresis_and_plans_lymphodepletion_from_the_infusion(ima203: Trial) -> None:
    slot = scenarios.confirmed(ima203, planned="2026-04-20")
    with ima203.acting_as("chidi"):
        subject = scenarios.fresh(ima203, slot.subject)
        assert (subject.status, subject.cohort, subject.dose_level) == (Status.ENROLLED, "1A-DL1", 1)
        assert str(Visit.objects.get(subject=subject, code="LD-6").planned_date) == "2026-04-14"
    later = NOON + days(30)
    gates = {gate.code: gate for gate in ima203.version.definition.gates}
    scenarios.gate_answered(ima203, subject, gates["lymphodepletion"], at=later)
    scenarios.sign(ima203, subject, "lymphodepletion", at=later)
    assert scenarios.standing(ima203, subject, "lymphodepletion").is_passed
    assert not scenarios.standing(ima203, subject, "infusion").is_passed
