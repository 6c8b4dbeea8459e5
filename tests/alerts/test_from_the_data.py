"""From what a site enters to the alert: the rooms' own data before the rules."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.alerts import cases, rounds
from apps.alerts.models import Alert, Hold
from apps.core import outbox
from apps.core.transactions import acting, because
from apps.safety.models import AdverseEvent, Judgement
from apps.safety.services import report_serious_event
from apps.subjects.models import Subject
from apps.visits.models import FormRecord
from tests import scenarios_dosing, scenarios_safety
from tests.scenarios import NOON, Trial
from tests.scenarios_alerts import alerts_of

pytestmark = pytest.mark.usefixtures("worker_clock")
DAY = timedelta(days=1)


@pytest.fixture
def dosed(ima402: Trial) -> Subject:
    """A subject at the first dose level, dosed on 02-Mar-2026."""
    subject = scenarios_dosing.assigned(ima402, level=1)
    scenarios_dosing.started(ima402, subject, "C1D1", "2026-03-02")
    scenarios_dosing.dose(ima402, subject, "C1D1", "2026-03-02T10:00")
    return subject


def febrile_neutropenia(trial: Trial, subject: Subject) -> FormRecord:
    return scenarios_safety.event(trial, subject, term="Febrile neutropenia", onset="2026-03-04", grade=3)


def standing(trial: Trial, subject: Subject) -> dict[str, Alert]:
    return {alert.rule: alert for alert in alerts_of(trial, subject) if alert.hold == Hold.STANDS}


def test_an_event_that_meets_the_definition_is_an_alert_with_clause_and_link(ima402: Trial, dosed: Subject) -> None:
    record = febrile_neutropenia(ima402, dosed)
    outbox.drain()
    alert = standing(ima402, dosed)["DLT_REPORTED"]
    assert alert.key == f"DLT_REPORTED|subject={dosed.number}/event=AE-1|DLT"
    assert alert.record_id == record.pk
    assert {"label": "Clause met", "value": "Febrile neutropenia", "when": ""} in alert.facts
    assert "DLT_CANDIDATE_UNJUDGED" in standing(ima402, dosed)


def test_the_answer_settles_the_question_and_the_rejection_takes_the_alert_back(ima402: Trial, dosed: Subject) -> None:
    record = febrile_neutropenia(ima402, dosed)
    scenarios_safety.answer(ima402, record, is_dlt=True)
    outbox.drain()
    now = standing(ima402, dosed)
    assert "was reported as a DLT" in now["DLT_REPORTED"].sentence
    assert "DLT_CANDIDATE_UNJUDGED" not in now
    scenarios_safety.adjudicate(ima402, record, Judgement.REJECTED, at=NOON + 3 * DAY)
    outbox.drain()
    assert "DLT_REPORTED" not in standing(ima402, dosed)
    scenarios_safety.adjudicate(ima402, record, Judgement.CONFIRMED, reason="Seen again", at=NOON + 4 * DAY)
    outbox.drain()
    assert "is a confirmed DLT" in standing(ima402, dosed)["DLT_REPORTED"].sentence
    assert len([alert for alert in alerts_of(ima402, dosed) if alert.rule == "DLT_REPORTED"]) == 1


def test_an_event_after_the_dlt_period_is_no_dlt_alert(ima402: Trial, dosed: Subject) -> None:
    scenarios_safety.event(ima402, dosed, term="Febrile neutropenia", onset="2026-04-20", grade=3)
    outbox.drain()
    assert not {"DLT_REPORTED", "DLT_CANDIDATE_UNJUDGED"} & set(standing(ima402, dosed))


def test_a_removed_event_takes_its_alerts_back(ima402: Trial, dosed: Subject) -> None:
    from apps.visits import services as entry

    record = febrile_neutropenia(ima402, dosed)
    outbox.drain()
    with ima402.acting_as("chidi") as chidi:
        entry.remove_record(actor=chidi, record=record, why="Entered twice", at=NOON)
    outbox.drain()
    assert "DLT_REPORTED" not in standing(ima402, dosed)


def test_the_clock_of_a_serious_event_runs_from_awareness_and_stops_with_the_report(
    ima402: Trial, dosed: Subject
) -> None:
    record = scenarios_safety.event(
        ima402, dosed, term="Sepsis", onset="2026-03-04", grade=3, is_serious="True", site_aware_at="2026-03-04T09:00"
    )
    aware = NOON.replace(day=4, hour=8)  # 09:00 in Berlin
    for hours, crossing in ((11, None), (13, "12 h"), (21, "20 h"), (25, "late after 24 h")):
        rounds.go_round(at=aware + timedelta(hours=hours))
        alert = standing(ima402, dosed).get("SAE_CLOCK")
        assert (alert.crossing if alert else None) == crossing
    with ima402.acting_as("chidi") as chidi:
        report_serious_event(actor=chidi, record=record, at=aware + timedelta(hours=30))
    rounds.go_round(at=aware + timedelta(hours=31))
    assert "6 h late" in standing(ima402, dosed)["SAE_CLOCK"].sentence


def test_severe_crs_is_an_alert_by_its_astct_grade(ima402: Trial, dosed: Subject) -> None:
    scenarios_safety.event(ima402, dosed, term="Cytokine release syndrome", onset="2026-03-03", grade=3)
    outbox.drain()
    assert "reached ASTCT grade 3" in standing(ima402, dosed)["CRS_GE3"].sentence


def test_a_fatal_event_soon_after_the_dose_is_an_alert_on_the_death(ima402: Trial, dosed: Subject) -> None:
    scenarios_safety.event(
        ima402,
        dosed,
        term="Sepsis",
        onset="2026-03-20",
        grade=5,
        outcome="FATAL",
        ended="2026-03-22",
        is_ongoing="False",
    )
    outbox.drain()
    assert "died 20 days after the last dose" in standing(ima402, dosed)["DEATH_30D"].sentence


def test_the_round_finds_what_raw_sql_changed(ima402: Trial, dosed: Subject) -> None:
    record = scenarios_safety.event(ima402, dosed, term="Fatigue", onset="2026-03-04", grade=2)
    outbox.drain()
    assert "DLT_REPORTED" not in standing(ima402, dosed)
    with ima402.acting_as("chidi"), because("Source corrected"):
        AdverseEvent.objects.filter(record=record).update(ctcae_term="Febrile neutropenia")
        record.gradeperiod_lines.update(grade=3)
    rounds.go_round(at=NOON + 3 * DAY)
    assert "DLT_REPORTED" in standing(ima402, dosed)


def test_a_closed_window_with_an_open_candidate_is_told(ima402: Trial, dosed: Subject) -> None:
    febrile_neutropenia(ima402, dosed)
    rounds.go_round(at=NOON + 10 * DAY)
    assert "DLT_WINDOW_INCOMPLETE" not in standing(ima402, dosed)
    rounds.go_round(at=NOON + 40 * DAY)
    assert "closed on 29-Mar-2026 undecided" in standing(ima402, dosed)["DLT_WINDOW_INCOMPLETE"].sentence


def test_run_alerts_says_what_it_would_do_and_writes_nothing(ima402: Trial, dosed: Subject) -> None:
    febrile_neutropenia(ima402, dosed)
    said = StringIO()
    call_command("run_alerts", "IMA402", "--dry-run", stdout=said, stderr=StringIO())
    assert "raise: Febrile neutropenia, grade 3" in said.getvalue()
    assert alerts_of(ima402, dosed) == []
    said = StringIO()
    call_command("run_alerts", "IMA402", stdout=said, stderr=StringIO())
    assert "DLT_REPORTED" in standing(ima402, dosed)
    again = StringIO()
    call_command("run_alerts", "IMA402", stdout=again, stderr=StringIO())
    assert again.getvalue() == "IMA402: 0 alerts changed.\n"
    with pytest.raises(CommandError, match="There is no study NOPE"):
        call_command("run_alerts", "NOPE")


def test_every_rule_that_a_shipped_protocol_switches_on_is_fed(ima402: Trial, ima203: Trial) -> None:
    for trial in (ima402, ima203):
        with acting(trial.system(), place="test"):
            assert cases.switched_on_without_facts(trial.study) == []


def test_run_alerts_names_the_rules_that_nothing_feeds(ima402: Trial, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(cases._of_subjects, "SUSAR_CLOCK")
    complained = StringIO()
    call_command("run_alerts", "IMA402", stdout=StringIO(), stderr=complained)
    assert "SUSAR_CLOCK" in complained.getvalue()


def test_alerts_of_a_subject_are_judged_with_the_same_queries_for_any_number(
    ima402: Trial, dosed: Subject, django_assert_max_num_queries: object
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def queries(subjects: list[Subject]) -> int:
        with (
            acting(ima402.system(), place="test"),
            CaptureQueriesContext(
                connection,
            ) as counted,
        ):
            cases.fired_for_subjects(subjects, at=NOON)
        return len(counted)

    febrile_neutropenia(ima402, dosed)
    others = [scenarios_dosing.assigned(ima402, level=1) for _ in range(3)]
    with acting(ima402.system(), place="test"):
        loaded = list(Subject.objects.select_related("site", "protocol_version").order_by("pk"))
    assert len(loaded) == 1 + len(others)
    few = queries(loaded[:2])
    assert queries(loaded) <= few
