"""The ends of a subject's trial: what disposition, death and survival pages mean for status and moments."""

import pytest

from apps.assessments.models import Disposition
from apps.subjects.models import StatusChange, Subject
from apps.visits import checks, services
from apps.visits.models import FormRecord
from tests import scenarios_dosing as dosing
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db


@pytest.fixture
def subject(ima402: Trial) -> Subject:
    return dosing.assigned(ima402, level=1)


def status(trial: Trial, subject: Subject) -> str:
    with trial.acting_as("chidi"):
        subject.refresh_from_db()
        return subject.status


def ended(trial: Trial, subject: Subject, visit: str, form: str, **texts: str) -> FormRecord:
    page = dosing.record(trial, dosing.started(trial, subject, visit, "2026-03-02"), form)
    dosing.enter(trial, page, **texts)
    return dosing.complete(trial, page)


def test_the_end_of_treatment_brings_the_subject_into_follow_up(ima402: Trial, subject: Subject) -> None:
    page = ended(ima402, subject, "EOT", "end_of_treatment", happened="2026-03-01", reason="PROGRESSIVE DISEASE")
    assert status(ima402, subject) == "follow_up"
    with ima402.acting_as("chidi"):
        assert Disposition.objects.get(record=page).ending == "STUDY TREATMENT"
        why = StatusChange.objects.filter(subject=subject).latest("pk").why
    assert why == "End of treatment 01-Mar-2026: progressive disease"


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("COMPLETED", "completed"), ("WITHDRAWAL BY SUBJECT", "withdrawn"), ("LOST TO FOLLOW-UP", "withdrawn")],
)
def test_the_end_of_study_closes_taking_part(ima402: Trial, subject: Subject, reason: str, expected: str) -> None:
    ended(ima402, subject, "EOS", "end_of_study", happened="2026-03-01", reason=reason)
    assert status(ima402, subject) == expected


def test_an_ending_entered_by_mistake_is_taken_back_with_its_correction(ima402: Trial, subject: Subject) -> None:
    page = ended(ima402, subject, "EOT", "end_of_treatment", happened="2026-03-01", reason="ADVERSE EVENT")
    with ima402.acting_as("chidi") as chidi:
        services.save_values(
            actor=chidi, record=page, texts={"happened": "", "reason": ""}, reason="Transcription error", at=NOON
        )
        services.mark_not_done(actor=chidi, record=page, why="Wrong subject", at=NOON)
    assert status(ima402, subject) == "enrolled"


def test_death_outweighs_every_other_end(ima402: Trial, subject: Subject) -> None:
    ended(ima402, subject, "EOT", "end_of_treatment", happened="2026-02-20", reason="PROGRESSIVE DISEASE")
    visit = dosing.started(ima402, subject, "EOS", "2026-03-02")
    page = dosing.record(ima402, visit, "death")
    dosing.enter(ima402, page, died="2026-03", cause="Progression", cause_kind="DISEASE UNDER STUDY", is_related="N")
    assert status(ima402, subject) == "follow_up"
    dosing.complete(ima402, page)
    assert status(ima402, subject) == "died"
    dosing.enter(ima402, page, died="", because="Source corrected")
    assert status(ima402, subject) == "follow_up"


def test_a_reason_that_is_none_of_the_list_is_told_in_words(ima402: Trial, subject: Subject) -> None:
    page = dosing.record(ima402, dosing.started(ima402, subject, "EOS", "2026-03-02"), "end_of_study")
    with pytest.raises(services.Incomplete):
        dosing.enter(ima402, page, reason="BORED")
    dosing.enter(ima402, page, happened="2026-03-01", reason="OTHER")
    with ima402.acting_as("chidi") as chidi, pytest.raises(services.Incomplete) as missing:
        services.complete_record(actor=chidi, record=page, at=NOON)
    assert [finding.path for finding in missing.value.findings] == ["detail"]


def test_a_subject_recorded_alive_after_the_death_is_asked_about(ima402: Trial, subject: Subject) -> None:
    follow_up = dosing.record(ima402, dosing.started(ima402, subject, "SFU90", "2026-03-01"), "survival")
    dosing.enter(ima402, follow_up, contacted="2026-03-01", status="ALIVE")
    dosing.complete(ima402, follow_up)
    page = dosing.record(ima402, dosing.started(ima402, subject, "EOS", "2026-03-02"), "death")
    dosing.enter(ima402, page, died="2026-02-27", cause="Sepsis", cause_kind="OTHER", is_related="N")
    with ima402.acting_as("chidi"):
        assert [finding.check for finding in checks.of_record(page)] == ["alive later"]
