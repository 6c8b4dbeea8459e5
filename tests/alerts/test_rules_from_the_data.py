"""Rules over what a site enters: the sentence that is raised, once, and what a correction of the data does to it."""

from datetime import timedelta

import pytest

from apps.alerts import rounds, services
from apps.alerts.models import Alert, Hold, State
from apps.core import outbox
from apps.escalation.models import DecisionKind
from apps.safety.models import Judgement
from apps.subjects.models import Subject
from apps.visits import services as entry
from apps.visits.models import FormRecord, PathVersion
from clinical.clocks import Report
from tests import scenarios_dosing, scenarios_escalation, scenarios_labs, scenarios_safety
from tests.scenarios import NOON, Trial
from tests.scenarios_alerts import WorkerClock, alerts_of

DAY = timedelta(days=1)

CRS, ICANS = "Cytokine release syndrome", "Immune effector cell-associated neurotoxicity syndrome"
WITH_VASOPRESSOR = {
    "temperature": "39.1",
    "hypotension": "Y",
    "vasopressors": "1",
    "vasopressin": "Y",
    "oxygen": "NONE",
}
WITHOUT = {"temperature": "39.1", "hypotension": "Y", "vasopressors": "0", "vasopressin": "N", "oxygen": "NONE"}
ICE_0 = {"ice_orientation": "0", "ice_naming": "0", "ice_commands": "0", "ice_writing": "0", "ice_attention": "0"}
AWAKE = {"consciousness": "AWAKE", "seizure": "NONE", "motor": "NONE", "edema": "NONE"}


@pytest.fixture(autouse=True)
def later(worker_clock: WorkerClock) -> WorkerClock:
    """The worker judges a month on."""
    worker_clock.at = NOON + 40 * DAY
    return worker_clock


@pytest.fixture
def dosed(ima402: Trial) -> Subject:
    """A woman at the first dose level, dosed on 02-Mar-2026."""
    return woman_dosed(ima402)


def woman_dosed(trial: Trial) -> Subject:
    subject = scenarios_dosing.assigned(trial, level=1)
    is_cells = trial.study.code == "IMA203"
    screening = scenarios_dosing.started(trial, subject, "SCR1" if is_cells else "SCR", "2026-02-20")
    page = scenarios_dosing.record(trial, screening, "demographics")
    scenarios_dosing.enter(trial, page, birth="1962", sex="F")
    if is_cells:
        scenarios_dosing.dose(trial, subject, "INF", "2026-03-02T10:00", form="ima203", amount="0.05", lot="P001")
    else:
        scenarios_dosing.dose(trial, subject, "C1D1", "2026-03-02T10:00")
    return subject


def observed(trial: Trial, subject: Subject, visit: str, moment: str, **texts: str) -> FormRecord:
    """A bedside observation of a visit."""
    page = scenarios_dosing.record(trial, scenarios_dosing.started(trial, subject, visit, moment[:10]), "icans_crs")
    return scenarios_dosing.enter(trial, page, observed=moment, **texts)


def standing(trial: Trial, subject: Subject | None, rule: str) -> list[Alert]:
    """The alerts of the rule that stand once the worker has done its work."""
    while outbox.drain():
        pass
    return [alert for alert in alerts_of(trial, subject) if alert.rule == rule and alert.hold == Hold.STANDS]


def ever(trial: Trial, subject: Subject | None, rule: str) -> int:
    """How many alerts of the rule were ever raised."""
    return sum(alert.rule == rule for alert in alerts_of(trial, subject))


def facts_of(alert: Alert) -> dict[str, str]:
    return {fact["label"]: f"{fact['value']} {fact['when']}".strip() for fact in alert.facts}


# Liver


def test_a_raised_alt_and_bilirubin_after_it_are_one_hys_law_case_until_either_is_corrected(
    ima402: Trial, dosed: Subject
) -> None:
    scenarios_labs.panel(ima402, dosed, visit="C1D8", collected="2026-03-09T08:00", ALT="150", BILI="0.8")
    assert standing(ima402, dosed, "HYS_LAW") == []
    later = scenarios_labs.panel(ima402, dosed, visit="C1D15", collected="2026-03-16T08:00", BILI="3.0")
    (alert,) = standing(ima402, dosed, "HYS_LAW")
    assert alert.sentence.startswith(f"Subject {dosed.number}: ALT 4.29 × ULN with total bilirubin 2.5")
    assert alert.sentence.endswith("This is a potential Hy's law case.")
    assert alert.record_id == later.pk
    scenarios_labs.enter(ima402, later, BILI="2.2")  # of the same grade, below twice the limit
    assert standing(ima402, dosed, "HYS_LAW") == []
    scenarios_labs.enter(ima402, later, BILI="3.0")
    assert [each.pk for each in standing(ima402, dosed, "HYS_LAW")] == [alert.pk]
    assert ever(ima402, dosed, "HYS_LAW") == 1


def test_a_sample_found_to_be_of_a_later_day_takes_the_hys_law_case_back(ima203: Trial) -> None:
    """No grade changes with the day, and this trial's DLT definition reads no laboratory value."""
    subject = woman_dosed(ima203)
    scenarios_labs.panel(ima203, subject, visit="D7", collected="2026-03-09T08:00", ALT="150")
    later = scenarios_labs.panel(ima203, subject, visit="D14", collected="2026-03-16T08:00", BILI="3.0")
    assert standing(ima203, subject, "HYS_LAW")
    scenarios_labs.enter(ima203, later, collected="2026-04-16T08:00")
    assert standing(ima203, subject, "HYS_LAW") == []


def test_liver_tests_before_the_first_dose_are_no_case(ima402: Trial, dosed: Subject) -> None:
    scenarios_labs.panel(ima402, dosed, visit="SCR", collected="2026-02-20T08:00", ALT="150", BILI="3.0")
    assert standing(ima402, dosed, "HYS_LAW") == []


# Laboratory


def test_a_result_that_rose_two_grades_is_told_with_its_baseline_and_asks_for_the_event(ima402: Trial) -> None:
    subject = woman_dosed(ima402)
    scenarios_labs.panel(ima402, subject, visit="SCR", collected="2026-02-20T08:00", ALT="30")
    panel = scenarios_labs.panel(ima402, subject, visit="C1D8", collected="2026-03-09T08:00", ALT="412")
    (alert,) = standing(ima402, subject, "LAB_SHIFT")
    assert alert.record_id == panel.pk
    assert alert.sentence == (
        f"Alanine aminotransferase increased of subject {subject.number} is grade 3 (baseline: grade 0). "
        "No matching adverse event is entered."
    )
    scenarios_safety.event(ima402, subject, term="Alanine aminotransferase increased", onset="2026-03-09", grade=3)
    (same,) = standing(ima402, subject, "LAB_SHIFT")
    assert same.pk == alert.pk
    assert "No matching adverse event" not in same.sentence
    scenarios_labs.enter(ima402, panel, ALT="41.2")
    assert standing(ima402, subject, "LAB_SHIFT") == []
    assert ever(ima402, subject, "LAB_SHIFT") == 1


# Neurotoxicity and cytokine release syndrome


def test_icans_of_grade_3_at_the_bedside_is_an_alert_until_the_score_is_corrected(
    ima402: Trial, dosed: Subject
) -> None:
    page = observed(ima402, dosed, "C1D2", "2026-03-03T09:00", **ICE_0, **AWAKE)
    (alert,) = standing(ima402, dosed, "ICANS_GE3")
    assert alert.sentence == f"ICANS of subject {dosed.number} reached ASTCT grade 3."
    assert facts_of(alert)["Bedside observations"] == "grade 3 03-Mar-2026 09:00"
    scenarios_dosing.enter(ima402, page, ice_orientation="4", ice_naming="3")
    assert standing(ima402, dosed, "ICANS_GE3") == []


def test_the_event_and_the_observations_of_one_episode_are_one_alert_that_names_both(
    ima402: Trial, dosed: Subject
) -> None:
    observed(ima402, dosed, "C1D2", "2026-03-03T09:00", **WITH_VASOPRESSOR)
    (alert,) = standing(ima402, dosed, "CRS_GE3")
    with ima402.acting_as("mora") as mora:
        services.acknowledge_alert(actor=mora, alert=alert, note="Called the site", at=NOON + 3 * DAY)
    record = scenarios_safety.event(ima402, dosed, term=CRS, onset="2026-03-02", grade=3)
    (same,) = standing(ima402, dosed, "CRS_GE3")
    assert (same.pk, same.state, same.record_id) == (alert.pk, State.ACKNOWLEDGED, record.pk)
    told = facts_of(same)
    assert told["AE-1, by the investigator"] == "grade 3 02-Mar-2026"
    assert told["Bedside observations"] == "grade 3 03-Mar-2026 09:00"
    assert ever(ima402, dosed, "CRS_GE3") == 1


def test_the_worse_of_two_views_counts_and_the_alert_goes_when_both_are_mild(ima402: Trial, dosed: Subject) -> None:
    scenarios_safety.event(ima402, dosed, term=CRS, onset="2026-03-02", grade=2)
    assert standing(ima402, dosed, "CRS_GE3") == []
    page = observed(ima402, dosed, "C1D2", "2026-03-03T09:00", **WITH_VASOPRESSOR)
    (alert,) = standing(ima402, dosed, "CRS_GE3")
    assert "reached ASTCT grade 3" in alert.sentence
    assert facts_of(alert)["AE-1, by the investigator"] == "grade 2 02-Mar-2026"
    assert alert.record_id == page.pk
    scenarios_dosing.enter(ima402, page, **WITHOUT)
    assert standing(ima402, dosed, "CRS_GE3") == []


def test_a_vasopressor_without_a_temperature_is_not_silenced_by_a_mild_grade(ima402: Trial, dosed: Subject) -> None:
    scenarios_safety.event(ima402, dosed, term=CRS, onset="2026-03-02", grade=1)
    observed(ima402, dosed, "C1D2", "2026-03-03T09:00", hypotension="Y", vasopressors="1", oxygen="NONE")
    (alert,) = standing(ima402, dosed, "CRS_GE3")
    assert "cannot be graded, yet there was" in alert.sentence


def test_a_second_episode_weeks_later_is_an_alert_of_its_own(ima402: Trial, dosed: Subject) -> None:
    first = scenarios_safety.event(
        ima402, dosed, term=CRS, onset="2026-03-02", grade=3, is_ongoing="False", ended="2026-03-05",
        outcome="RECOVERED/RESOLVED",
    )  # fmt: skip
    observed(ima402, dosed, "C1D2", "2026-03-03T09:00", **WITH_VASOPRESSOR)
    second = observed(ima402, dosed, "C1D16", "2026-03-17T09:00", **WITH_VASOPRESSOR)
    assert [alert.record_id for alert in standing(ima402, dosed, "CRS_GE3")] == [first.pk, second.pk]


# Serious events


def test_an_open_serious_event_without_news_is_asked_about_until_its_outcome_is_known(ima402: Trial) -> None:
    subject = woman_dosed(ima402)
    record = scenarios_safety.event(
        ima402, subject, term="Sepsis", onset="2026-03-04", grade=3, is_serious="True", needs_hospital="True"
    )
    outbox.drain()
    with ima402.acting_as("chidi"):
        news = max(PathVersion.objects.filter(record=record).values_list("changed_at", flat=True))
    rounds.go_round(at=news + 7 * DAY)
    assert standing(ima402, subject, "SAE_FOLLOWUP_OVERDUE") == []
    rounds.go_round(at=news + 8 * DAY)
    (alert,) = standing(ima402, subject, "SAE_FOLLOWUP_OVERDUE")
    assert alert.sentence == (
        f"Sepsis of subject {subject.number}: no new information since {news:%d-%b-%Y}. Add what is known by now."
    )
    scenarios_safety.save(ima402, record, is_ongoing="False", ended="2026-03-20", outcome="RECOVERED/RESOLVED")
    rounds.go_round(at=news + 9 * DAY)
    assert standing(ima402, subject, "SAE_FOLLOWUP_OVERDUE") == []


def test_a_serious_event_that_ended_without_an_outcome_is_asked_for_it(ima402: Trial) -> None:
    subject = woman_dosed(ima402)
    scenarios_safety.event(
        ima402, subject, term="Sepsis", onset="2026-03-04", grade=3, is_serious="True", needs_hospital="True",
        is_ongoing="False", ended="2026-03-08", outcome="UNKNOWN",
    )  # fmt: skip
    rounds.go_round(at=NOON.replace(day=23))
    (alert,) = standing(ima402, subject, "SAE_FOLLOWUP_OVERDUE")
    assert (
        alert.sentence
        == f"Sepsis of subject {subject.number} ended on 08-Mar-2026 and has no outcome. Enter the outcome."
    )


def test_an_untriaged_event_warns_of_its_provisional_clock_and_the_triage_settles_or_confirms_it(
    ima402: Trial, dosed: Subject, later: WorkerClock
) -> None:
    record = scenarios_safety.serious(ima402, dosed)  # day zero is 02-Mar-2026
    brochure = scenarios_safety.reference(ima402)
    for days, crossing in ((7, []), (8, ["half time"]), (13, ["2 days left"])):
        later.at = NOON + days * DAY
        rounds.go_round(at=later.at)
        assert [alert.crossing for alert in standing(ima402, dosed, "SUSAR_CLOCK")] == crossing
    (alert,) = standing(ima402, dosed, "SUSAR_CLOCK")
    assert alert.record_id == record.pk
    assert alert.sentence == (
        f"The 15-day report (provisional, an answer is missing) on Sepsis of subject {dosed.number} "
        "is due at the authority on 17-Mar-2026."
    )
    scenarios_safety.triaged(ima402, record, expected=True, against=brochure, at=later.at)
    assert standing(ima402, dosed, "SUSAR_CLOCK") == []
    scenarios_safety.triaged(ima402, record, expected=False, against=brochure, at=later.at)
    (alert,) = standing(ima402, dosed, "SUSAR_CLOCK")
    assert alert.sentence == (
        f"The 15-day report on Sepsis of subject {dosed.number} is due at the authority on 17-Mar-2026."
    )


def test_a_submission_settles_the_clock_within_the_workers_round_and_taking_it_back_reopens_the_same_alert(
    ima402: Trial, dosed: Subject, later: WorkerClock
) -> None:
    record = scenarios_safety.serious(ima402, dosed)
    brochure = scenarios_safety.reference(ima402)
    later.at = NOON + 13 * DAY
    scenarios_safety.triaged(ima402, record, expected=False, against=brochure, at=later.at)
    (alert,) = standing(ima402, dosed, "SUSAR_CLOCK")
    rounds.go_round(at=later.at)
    scenarios_safety.triaged(ima402, record, expected=False, against=brochure, reason="Again", at=later.at)
    assert [each.pk for each in standing(ima402, dosed, "SUSAR_CLOCK")] == [alert.pk]
    scenarios_safety.sent(ima402, record, Report.OTHER, on=later.at)
    assert standing(ima402, dosed, "SUSAR_CLOCK") == []
    rounds.go_round(at=later.at + DAY)
    assert standing(ima402, dosed, "SUSAR_CLOCK") == []
    scenarios_safety.corrected(ima402, record, 0, was_sent=False, reason="Rejected by the gateway", at=later.at)
    assert [each.pk for each in standing(ima402, dosed, "SUSAR_CLOCK")] == [alert.pk]
    assert ever(ima402, dosed, "SUSAR_CLOCK") == 1


def test_a_case_that_turns_fatal_has_a_clock_of_its_own_beside_the_first(
    ima402: Trial, dosed: Subject, later: WorkerClock
) -> None:
    record = scenarios_safety.serious(ima402, dosed)
    brochure = scenarios_safety.reference(ima402)
    scenarios_safety.triaged(ima402, record, expected=False, against=brochure)
    scenarios_safety.sent(ima402, record, Report.OTHER, on=NOON + DAY)
    scenarios_safety.save(ima402, record, is_life_threatening="True", at=NOON + 3 * DAY)
    later.at = NOON + 11 * DAY  # the seven days from 05-Mar-2026 are over on 12-Mar-2026
    who = f"Sepsis of subject {dosed.number}"
    assert {alert.sentence: alert.crossing for alert in standing(ima402, dosed, "SUSAR_CLOCK")} == {
        f"The 7-day report on {who} was due at the authority on 12-Mar-2026. Submit it now.": "overdue",
        f"The follow-up report on {who} is due at the authority on 20-Mar-2026.": "half time",
    }
    scenarios_safety.sent(ima402, record, Report.FATAL, on=later.at)
    scenarios_safety.sent(ima402, record, Report.FOLLOW_UP, on=later.at)
    (late,) = standing(ima402, dosed, "SUSAR_CLOCK")
    assert late.sentence == (
        f"The 7-day report on Sepsis of subject {dosed.number} went to the authority on 13-Mar-2026; "
        "it was due on 12-Mar-2026."
    )


# Doses and decisions


def test_a_dose_above_the_released_level_is_told_until_its_amount_is_corrected(ima402: Trial) -> None:
    subject = scenarios_dosing.enrolled(ima402, planned="2026-03-09")
    page = scenarios_dosing.dose(ima402, subject, "C1D1", "2026-03-09T10:00", amount="0.06")
    (alert,) = standing(ima402, subject, "DOSE_ABOVE_APPROVED")
    assert alert.record_id == page.pk
    assert alert.sentence == (
        f"Subject {subject.number} was dosed at DL2, 0.06 mg, above DL1, 0.02 mg, the highest level released."
    )
    scenarios_dosing.enter(ima402, page, dose="0.02", because="Transcription error")
    assert standing(ima402, subject, "DOSE_ABOVE_APPROVED") == []
    assert ever(ima402, subject, "DOSE_ABOVE_APPROVED") == 1


def test_a_level_opened_later_does_not_make_good_a_dose_given_before(ima402: Trial) -> None:
    early = scenarios_escalation.treated(ima402)
    for _ in range(2):
        scenarios_escalation.treated(ima402)
    page = next(each for each in records(ima402, early) if each.visit is not None and each.visit.code == "C1D15")
    scenarios_dosing.enter(ima402, page, dose="0.06", because="Source corrected")
    assert standing(ima402, early, "DOSE_ABOVE_APPROVED")
    scenarios_escalation.decide(ima402, DecisionKind.ESCALATE, level=2)
    rounds.go_round(at=scenarios_escalation.AFTER + DAY)
    assert standing(ima402, early, "DOSE_ABOVE_APPROVED")


def records(trial: Trial, subject: Subject) -> list[FormRecord]:
    """The dose pages of IMA402."""
    with trial.acting_as("chidi"):
        found = FormRecord.objects.filter(subject=subject, form="ima402")
        return list(found.select_related("subject__site", "site", "visit", "protocol_version").order_by("pk"))


def test_a_dlt_confirmed_after_the_decision_shows_its_counts_then_and_now_until_it_is_rejected(
    ima402: Trial, later: WorkerClock
) -> None:
    first, *_ = [scenarios_escalation.treated(ima402) for _ in range(3)]
    scenarios_escalation.decide(ima402, DecisionKind.ESCALATE, level=2)
    later.at = scenarios_escalation.AFTER + DAY
    assert standing(ima402, None, "EVALUABILITY_CHANGED") == []
    event = scenarios_escalation.dlt(ima402, first)
    (alert,) = standing(ima402, None, "EVALUABILITY_CHANGED")
    assert alert.sentence == (
        "The decision signed on 20-May-2026 12:00 UTC for DL1, 0.02 mg rested on 0 DLTs in 3; now it is 1 in 3. "
        "The design would now say expand DL1, 0.02 mg."
    )
    assert facts_of(alert)["Advice when signed"] == "escalate to DL2, 0.06 mg"
    scenarios_safety.adjudicate(
        ima402, event, Judgement.REJECTED, reason="Due to the disease", at=scenarios_escalation.AFTER + DAY
    )
    assert standing(ima402, None, "EVALUABILITY_CHANGED") == []
    assert ever(ima402, None, "EVALUABILITY_CHANGED") == 1


def test_a_removed_event_leaves_the_observations_of_its_episode_as_the_same_alert(
    ima402: Trial, dosed: Subject
) -> None:
    record = scenarios_safety.event(ima402, dosed, term=ICANS, onset="2026-03-03", grade=4)
    page = observed(ima402, dosed, "C1D2", "2026-03-03T09:00", **ICE_0, **AWAKE)
    (alert,) = standing(ima402, dosed, "ICANS_GE3")
    assert "grade 4" in alert.sentence
    with ima402.acting_as("chidi") as chidi:
        entry.remove_record(actor=chidi, record=record, why="Entered twice", at=NOON)
    (same,) = standing(ima402, dosed, "ICANS_GE3")
    assert (same.pk, same.record_id) == (alert.pk, page.pk)
    assert "grade 3" in same.sentence
