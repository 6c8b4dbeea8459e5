"""When treatment ends its visits are asked for no longer; follow-up, scans and what was held stay as they were."""

from datetime import datetime, timedelta

import pytest

from apps.dashboard import work
from apps.subjects.models import Subject
from apps.visits import schedule
from apps.visits.models import FormRecord, Visit, VisitStatus
from tests import scenarios_dosing as dosing
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db


@pytest.fixture
def treated(ima402: Trial) -> Subject:
    """A subject dosed on 02-Mar-2026 and at cycle 2 on 30-Mar-2026."""
    subject = dosing.assigned(ima402, level=1)
    dosing.dose(ima402, subject, "C1D1", "2026-03-02T10:00")
    dosing.dose(ima402, subject, "C2D1", "2026-03-30T10:00")
    return subject


def ended(trial: Trial, subject: Subject, day: str, *, reason: str = "PROGRESSIVE DISEASE") -> FormRecord:
    """The end of treatment, entered at its visit and completed."""
    page = dosing.record(trial, dosing.started(trial, subject, "EOT", "2026-04-20"), "end_of_treatment")
    dosing.enter(trial, page, happened=day, reason=reason)
    return dosing.complete(trial, page)


def asked(trial: Trial, subject: Subject) -> set[str]:
    """The codes of the visits with a day that are still to be held."""
    with trial.acting_as("chidi"):
        ahead = Visit.objects.filter(subject=subject, status=VisitStatus.PLANNED, planned_date__isnull=False)
        return set(ahead.values_list("code", flat=True))


def overdue(trial: Trial, *, now: datetime) -> set[str]:
    """The visits that Chidi's start page calls overdue."""
    with trial.acting_as("chidi") as chidi:
        blocks = work.blocks(study=trial.study, actor=chidi, now=now, whole="visits")
    block = next(each for each in blocks if each.title == "Visits due")
    return {row.what for row in block.rows if row.when.startswith("overdue")}


def test_cycles_after_the_end_of_treatment_never_turn_overdue_but_scans_and_follow_up_do(
    ima402: Trial, treated: Subject
) -> None:
    later = NOON + timedelta(days=200)
    assert "Cycle 3 Day 1" in overdue(ima402, now=later)
    ended(ima402, treated, "2026-04-13")
    now = asked(ima402, treated)
    assert {"SFU30", "SFU90", "TA1", "TA2"} <= now
    assert not {code for code in now if code.startswith("C") and code[1] in "3456789"}
    assert "C2D15" in now  # planned for the last day of treatment: the site says what became of it
    named = overdue(ima402, now=later)
    assert {"Cycle 2 Day 15", "Safety follow-up day 30", "Tumor assessment week 8"} <= named
    assert not {name for name in named if name.startswith(("Cycle 3", "Cycle 4", "Cycle 5"))}


def test_single_visits_of_the_first_cycle_stay_for_the_safety_of_who_stopped_early(
    ima402: Trial, treated: Subject
) -> None:
    ended(ima402, treated, "2026-03-05", reason="ADVERSE EVENT")
    assert {"C1D8", "C1D15", "C1D16", "C1D22"} <= asked(ima402, treated)


def test_a_corrected_end_asks_again_for_what_lies_before_it(ima402: Trial, treated: Subject) -> None:
    page = ended(ima402, treated, "2026-04-13")
    assert "C3D1" not in asked(ima402, treated)
    dosing.enter(ima402, page, happened="2026-05-01", because="Transcription error")
    assert {"C3D1"} == {code for code in asked(ima402, treated) if code.startswith(("C3", "C4"))}
    dosing.enter(ima402, page, happened="", because="Source corrected")
    assert {"C3D1", "C3D15", "C4D1"} <= asked(ima402, treated)


def test_an_end_that_is_typed_but_not_completed_ends_nothing(ima402: Trial, treated: Subject) -> None:
    page = dosing.record(ima402, dosing.started(ima402, treated, "EOT", "2026-04-20"), "end_of_treatment")
    dosing.enter(ima402, page, happened="2026-04-13", reason="PROGRESSIVE DISEASE")
    assert "C3D1" in asked(ima402, treated)


def test_of_a_partial_date_the_latest_day_counts(ima402: Trial, treated: Subject) -> None:
    ended(ima402, treated, "2026-04")
    now = asked(ima402, treated)
    assert "C3D1" in now  # 27-Apr-2026
    assert "C3D15" not in now


@pytest.mark.parametrize(
    ("form", "texts"),
    [
        ("end_of_study", {"happened": "2026-04-10", "reason": "WITHDRAWAL BY SUBJECT"}),
        ("death", {"died": "2026-04-10", "cause": "Progression", "cause_kind": "OTHER", "is_related": "N"}),
    ],
)
def test_withdrawal_and_death_end_treatment_too(
    ima402: Trial, treated: Subject, form: str, texts: dict[str, str]
) -> None:
    page = dosing.record(ima402, dosing.started(ima402, treated, "EOS", "2026-04-12"), form)
    dosing.enter(ima402, page, **texts)
    dosing.complete(ima402, page)
    assert not {code for code in asked(ima402, treated) if code.startswith(("C2", "C3"))}


def test_a_visit_held_after_the_end_of_treatment_stays_held(ima402: Trial, treated: Subject) -> None:
    dosing.started(ima402, treated, "C2D15", "2026-04-13")
    ended(ima402, treated, "2026-04-01")
    with ima402.acting_as("chidi"):
        assert Visit.objects.get(subject=treated, code="C2D15").status == VisitStatus.STARTED


def test_a_visit_that_is_asked_for_no_longer_says_why_and_can_still_be_held(ima402: Trial, treated: Subject) -> None:
    ended(ima402, treated, "2026-04-13")
    with ima402.acting_as("chidi"):
        visit = Visit.objects.get(subject=treated, code="C3D1")
        assert visit.get_status_display() == "No longer planned: treatment or taking part ended"
    assert dosing.started(ima402, treated, "C3D1", "2026-04-27").status == VisitStatus.STARTED


def test_one_infusion_has_no_cycles_so_its_end_of_treatment_takes_no_visit_away(ima203: Trial) -> None:
    subject = dosing.assigned(ima203, level=1)
    before = asked(ima203, subject)
    assert {"INF", "IL2-2", "D28", "W6", "W12", "TA3"} <= before
    page = dosing.record(ima203, dosing.started(ima203, subject, "EOS", "2026-03-01"), "end_of_treatment")
    dosing.enter(ima203, page, happened="2026-03-01", reason="ADVERSE EVENT")
    dosing.complete(ima203, page)
    assert asked(ima203, subject) == before


def test_planning_again_changes_nothing(ima402: Trial, treated: Subject) -> None:
    ended(ima402, treated, "2026-04-13")
    before = asked(ima402, treated)
    with ima402.acting_as("chidi"):
        schedule.plan_visits(subject=treated)
    assert asked(ima402, treated) == before


def test_after_death_only_the_visits_that_record_an_ending_are_asked_for(ima402: Trial, treated: Subject) -> None:
    end_of_study = dosing.started(ima402, treated, "EOS", "2026-04-20")
    page = dosing.record(ima402, end_of_study, "death")
    dosing.enter(
        ima402, page, died="2026-04-18", cause="Melanoma", cause_kind="DISEASE UNDER STUDY", is_related="N", autopsy="N"
    )
    assert {"SFU30", "TA1"} <= asked(ima402, treated)
    dosing.complete(ima402, page)
    assert not {code for code in asked(ima402, treated) if code.startswith(("SFU", "TA", "SURV", "C3", "C4"))}
    with ima402.acting_as("chidi"):
        assert Visit.objects.get(subject=treated, code="EOT").status == VisitStatus.PLANNED
    dosing.enter(ima402, page, died="", because="Source corrected")
    assert {"SFU30", "TA1"} <= asked(ima402, treated)
