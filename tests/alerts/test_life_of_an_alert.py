"""One signal, one alert: raised, updated, reopened, given way, taken back; acknowledged and closed by people."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from apps.alerts import cases, rounds, services
from apps.alerts.models import Alert, AlertEvent, EventKind, Hold, Outcome, State
from apps.core import outbox
from apps.core.models import OutboxMessage
from apps.core.refusal import NotAllowed, Refusal
from apps.core.transactions import acting
from apps.study.models import ProtocolVersion
from apps.subjects.models import Subject
from clinical.signals.toxicity import Verdict
from tests import scenarios
from tests.scenarios import NOON, Trial
from tests.scenarios_alerts import Told, alerts_of, dlt, evaluate, sae


def kinds(trial: Trial, alert: Alert) -> list[str]:
    with acting(trial.system(), place="test"):
        return list(AlertEvent.objects.filter(alert=alert).order_by("pk").values_list("kind", flat=True))


@pytest.fixture
def raised(ima402: Trial, subject: Subject, told: Told) -> Alert:
    told.toxicities[subject.pk] = [dlt(subject)]
    evaluate(ima402, subject)
    return next(alert for alert in alerts_of(ima402, subject) if alert.rule == "DLT_REPORTED")


def acknowledge(trial: Trial, alert: Alert, note: str = "Called the site.") -> Alert:
    with trial.acting_as("mora") as mora:
        return services.acknowledge_alert(actor=mora, alert=alert, note=note, at=NOON)


def test_the_same_facts_never_raise_a_second_alert(ima402: Trial, subject: Subject, raised: Alert) -> None:
    before = alerts_of(ima402, subject)
    for hours in (1, 5, 23):
        assert evaluate(ima402, subject, at=NOON + timedelta(hours=hours)).is_empty
    assert alerts_of(ima402, subject) == before
    assert kinds(ima402, raised) == ["raised"]


def test_an_alert_says_what_the_rule_says_with_facts_dates_and_rule_version(raised: Alert) -> None:
    assert "Colitis, grade 3" in raised.sentence
    assert {"label": "Event", "value": "Colitis, grade 3", "when": "02-Mar-2026"} in raised.facts
    assert raised.subject is not None
    assert (raised.rule_version, raised.state, raised.site_id) == ("1", State.NEW, raised.subject.site_id)


def test_changed_facts_update_the_card_and_worse_facts_open_it_again(
    ima402: Trial, subject: Subject, told: Told, raised: Alert
) -> None:
    acknowledge(ima402, raised)
    told.toxicities[subject.pk] = [replace(dlt(subject), term="Enterocolitis")]
    evaluate(ima402, subject)
    (updated,) = (alert for alert in alerts_of(ima402, subject) if alert.pk == raised.pk)
    assert (updated.state, "Enterocolitis" in updated.sentence) == (State.ACKNOWLEDGED, True)
    told.toxicities[subject.pk] = [dlt(subject, grade=4)]
    evaluate(ima402, subject)
    (worse,) = (alert for alert in alerts_of(ima402, subject) if alert.pk == raised.pk)
    assert (worse.state, worse.extent) == (State.NEW, 4)
    assert kinds(ima402, raised) == ["raised", "acknowledged", "updated", "reopened"]


def test_a_retraction_updates_the_card_and_its_return_is_the_same_card(
    ima402: Trial, subject: Subject, told: Told, raised: Alert
) -> None:
    told.toxicities[subject.pk] = [replace(dlt(subject), verdict=Verdict.REJECTED)]
    evaluate(ima402, subject)
    (taken_back,) = (alert for alert in alerts_of(ima402, subject) if alert.pk == raised.pk)
    assert (taken_back.hold, taken_back.retracted_at) == (Hold.RETRACTED, NOON)
    told.toxicities[subject.pk] = [dlt(subject)]
    evaluate(ima402, subject)
    (back,) = (alert for alert in alerts_of(ima402, subject) if alert.rule == "DLT_REPORTED")
    assert (back.pk, back.hold, back.state, back.retracted_at) == (raised.pk, Hold.STANDS, State.NEW, None)
    assert kinds(ima402, raised) == ["raised", "retracted", "reopened"]


def test_a_closed_alert_stays_closed_until_its_facts_get_worse(
    ima402: Trial, subject: Subject, told: Told, raised: Alert
) -> None:
    acknowledge(ima402, raised)
    with ima402.acting_as("mora") as mora:
        services.close_alert(actor=mora, alert=raised, outcome=Outcome.ACTION_TAKEN, note="Dose held.", at=NOON)
    evaluate(ima402, subject)
    told.toxicities[subject.pk] = [replace(dlt(subject), dose_level="DL3")]
    evaluate(ima402, subject)
    (closed,) = (alert for alert in alerts_of(ima402, subject) if alert.pk == raised.pk)
    assert (closed.state, closed.outcome) == (State.CLOSED, Outcome.ACTION_TAKEN)
    told.toxicities[subject.pk] = [replace(dlt(subject), dose_level="DL3", grade=5)]
    evaluate(ima402, subject)
    (opened,) = (alert for alert in alerts_of(ima402, subject) if alert.pk == raised.pk)
    assert (opened.state, opened.outcome) == (State.NEW, "")


def test_a_later_reminder_takes_the_place_of_the_earlier_one(ima402: Trial, subject: Subject, told: Told) -> None:
    seen = []
    for hours in (11, 12, 19, 20, 25):
        at = NOON + timedelta(hours=hours)
        told.serious[subject.pk] = [sae(subject, hours_ago=hours, at=at)]
        evaluate(ima402, subject, at=at)
        seen.append([alert.crossing for alert in alerts_of(ima402, subject) if alert.hold == Hold.STANDS])
    assert seen == [[], ["12 h"], ["12 h"], ["20 h"], ["late after 24 h"]]
    gone = [alert.hold for alert in alerts_of(ima402, subject) if alert.hold != Hold.STANDS]
    assert gone == [Hold.SUPERSEDED, Hold.SUPERSEDED]


def test_what_only_time_changes_is_found_by_the_round(ima402: Trial, subject: Subject, told: Told) -> None:
    at = NOON + timedelta(hours=30)
    told.serious[subject.pk] = [sae(subject, hours_ago=30, at=at)]
    rounds.go_round(at=at)
    rounds.go_round(at=at)
    (alert,) = alerts_of(ima402, subject)
    assert (alert.crossing, kinds(ima402, alert)) == ("late after 24 h", ["raised"])


@pytest.mark.parametrize("stage", ["reading the facts", "evaluating"])
def test_a_fault_in_one_subject_holds_up_nobody_else_and_waits_where_people_see_it(
    ima402: Trial, subject: Subject, told: Told, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    other = scenarios.subject(ima402)
    told.toxicities = {subject.pk: [dlt(subject)], other.pk: [dlt(other)]}
    evaluated, compared = services.evaluate_subject, told.of_toxicity

    def fails_to_evaluate(**given: object) -> object:
        if given["subject"] == subject:
            raise ZeroDivisionError("no dose level")
        return evaluated(**given)  # type: ignore[arg-type]  # passed on as it came

    def fails_to_read(subjects: Sequence[Subject], at: datetime) -> Mapping[int, list[cases.Case]]:
        if subject in subjects:
            raise ZeroDivisionError("no dose level")
        return compared(subjects, at)

    if stage == "evaluating":
        monkeypatch.setattr(services, "evaluate_subject", fails_to_evaluate)
    else:
        monkeypatch.setattr(cases, "_of_subjects", {"DLT_REPORTED": fails_to_read})
    rounds.go_round(at=NOON)
    rounds.go_round(at=NOON + timedelta(minutes=1))
    assert not alerts_of(ima402, subject)
    assert alerts_of(ima402, other)
    waiting = OutboxMessage.objects.filter(payload__fact="SubjectNotJudged", delivered_at=None)
    assert [message.payload["subject"] for message in waiting] == [subject.pk]
    outbox.drain()
    assert waiting.get().last_error == "ZeroDivisionError: no dose level"
    browser = Client()
    browser.force_login(ima402.people["adam"], backend="apps.accounts.backends.EmailBackend")
    page = browser.get("/IMA402/system/").content.decode()
    assert "ZeroDivisionError: no dose level" in page


def test_a_fault_in_the_study_as_a_whole_is_kept_once(
    ima402: Trial, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(version: ProtocolVersion, at: datetime) -> list[cases.Case]:
        raise ZeroDivisionError("nobody treated")

    monkeypatch.setattr(cases, "_of_studies", {"COHORT_STOP_BOUNDARY": fails})
    rounds.go_round(at=NOON)
    rounds.go_round(at=NOON)
    waiting = OutboxMessage.objects.filter(payload__fact="StudyNotJudged", delivered_at=None)
    outbox.drain()
    assert waiting.get().last_error == "ZeroDivisionError: nobody treated"


def test_a_rule_that_an_amendment_switches_off_takes_its_alerts_back(
    ima402: Trial, subject: Subject, told: Told, raised: Alert, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cases, "_switched_on", lambda definition, known: [])
    evaluate(ima402, subject)
    assert {alert.hold for alert in alerts_of(ima402, subject)} == {Hold.RETRACTED}


@pytest.mark.parametrize(
    ("who", "note", "refusal"),
    [("mora", "  ", "Write a short note"), ("amara", "Seen", "does not allow"), ("noor", "Seen", "does not allow")],
)
def test_only_who_may_acknowledges_and_only_with_a_note(
    ima402: Trial, raised: Alert, who: str, note: str, refusal: str
) -> None:
    with ima402.acting_as(who) as actor, pytest.raises((Refusal, NotAllowed), match=refusal):
        services.acknowledge_alert(actor=actor, alert=raised, note=note, at=NOON)


def test_an_alert_is_acknowledged_once_and_closed_with_an_outcome(ima402: Trial, raised: Alert) -> None:
    acknowledge(ima402, raised)
    with pytest.raises(services.NothingToAcknowledge):
        acknowledge(ima402, raised)
    with ima402.acting_as("mora") as mora:
        with pytest.raises(services.OutcomeNeeded):
            services.close_alert(actor=mora, alert=raised, outcome="", note="", at=NOON)
        services.close_alert(actor=mora, alert=raised, outcome=Outcome.NOT_A_CONCERN, note="", at=NOON)
        with pytest.raises(services.AlreadyClosed):
            services.acknowledge_alert(actor=mora, alert=raised, note="Again", at=NOON)


def test_the_history_never_changes_and_the_key_is_unique_in_the_database(ima402: Trial, raised: Alert) -> None:
    with ima402.acting_as("mora"):
        with pytest.raises(DatabaseError), transaction.atomic():
            AlertEvent.objects.filter(alert=raised).update(note="Never happened")
        raised.pk = None
        with pytest.raises(DatabaseError, match="alert_signal_exists_once"), transaction.atomic():
            raised.save(force_insert=True)


def test_history_keeps_what_the_alert_said_each_time(
    ima402: Trial, subject: Subject, told: Told, raised: Alert
) -> None:
    told.toxicities[subject.pk] = [dlt(subject, grade=4)]
    evaluate(ima402, subject)
    with ima402.acting_as("mora"):
        said = list(AlertEvent.objects.filter(alert=raised).order_by("pk").values_list("kind", "sentence"))
    assert [kind for kind, _ in said] == [EventKind.RAISED, EventKind.REOPENED]
    assert "grade 3" in said[0][1]
    assert "grade 4" in said[1][1]
