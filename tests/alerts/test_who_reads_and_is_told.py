"""Who sees which alert, and who gets a mail about it."""

import pytest
from django.core import mail

from apps.alerts import listeners, recipients, selectors, services
from apps.alerts.cases import Fired
from apps.alerts.models import Alert, Hold, Notice
from apps.core.models import OutboxMessage
from apps.core.transactions import acting
from apps.subjects.models import Subject
from clinical.signals.dose_level import COHORT_STOP_BOUNDARY, DoseLevelFacts
from clinical.signals.signal import Recipient
from tests import scenarios
from tests.scenarios import NOON, Trial
from tests.scenarios_alerts import Told, alerts_of, dlt, evaluate, sae


def whole_study_alert(trial: Trial) -> Alert:
    """An alert that a dose level must stop, naming subjects of both sites."""
    (signal,) = COHORT_STOP_BOUNDARY(
        DoseLevelFacts("DL2", "3+3", evaluable=3, dlts=2, design_stops=True, not_yet_dosed=("101-001", "202-001"))
    )
    fired = [Fired(signal)]
    with acting(trial.system(), place="test"):
        services._bring_in_step(actor=trial.system(), study_id=trial.study.pk, subject=None, fired=fired, at=NOON)
    (alert,) = alerts_of(trial, None)
    return alert


def test_a_site_sees_its_own_alerts_and_none_on_the_whole_study(ima402: Trial, subject: Subject, told: Told) -> None:
    told.toxicities[subject.pk] = [dlt(subject)]
    evaluate(ima402, subject)
    whole = whole_study_alert(ima402)
    for who, sees in (("mora", 3), ("agnes", 3), ("amara", 2), ("ines", 0)):
        with ima402.acting_as(who) as actor:
            assert selectors.listing(actor=actor).count() == sees, who
            assert Alert.objects.count() == sees, f"{who}, by row-level security alone"
    with ima402.acting_as("amara"):
        assert not Notice.objects.filter(event__alert_id=whole.pk).exists()


def test_a_site_does_not_find_whole_study_alerts_in_the_trail_either(ima402: Trial) -> None:
    from apps.audit.models import AuditEvent

    whole_study_alert(ima402)
    with ima402.acting_as("amara"):
        assert not AuditEvent.objects.filter(table="alerts_alert").exists()
    with ima402.acting_as("agnes"):
        assert AuditEvent.objects.filter(table="alerts_alert").exists()


def test_open_alerts_are_those_that_stand_and_nobody_has_acknowledged(
    ima402: Trial, subject: Subject, told: Told
) -> None:
    told.toxicities[subject.pk] = [dlt(subject)]
    evaluate(ima402, subject)
    with ima402.acting_as("mora") as mora:
        first = selectors.open_alerts(mora).first()
        assert first is not None
        assert selectors.open_alerts(mora).count() == 2
        services.acknowledge_alert(actor=mora, alert=first, note="Seen", at=NOON)
        assert selectors.open_alerts(mora).count() == 1
    with ima402.acting_as("chidi") as chidi:
        assert not selectors.open_alerts(chidi).exists()


def test_mail_is_owed_to_the_roles_that_the_rule_addresses_at_that_site(
    ima402: Trial, subject: Subject, told: Told
) -> None:
    told.serious[subject.pk] = [sae(subject, hours_ago=13, at=NOON)]
    evaluate(ima402, subject)
    with acting(ima402.system(), place="test"):
        names = set(Notice.objects.values_list("person_name", flat=True))
    assert names == {"Chidi Eze", "Dr Amara Okafor", "Dr Mora Lindqvist"}


def test_every_recipient_of_the_catalogue_is_somebody() -> None:
    assert set(recipients.ROLES_OF) == set(Recipient)


def test_a_notice_is_mailed_once_with_a_fixed_id_and_without_medical_values(
    ima402: Trial, subject: Subject, told: Told
) -> None:
    told.toxicities[subject.pk] = [dlt(subject)]
    evaluate(ima402, subject)
    with acting(ima402.system(), place="test") as system:
        for notice in Notice.objects.filter(person_name="Dr Mora Lindqvist"):
            listeners.send_notice({"notice": notice.pk}, system)
            listeners.send_notice({"notice": notice.pk}, system)
            notice.refresh_from_db()
            assert notice.sent_at is not None
    assert len(mail.outbox) == 2
    dlt_mail = next(each for each in mail.outbox if "Dose-limiting toxicity" in each.subject)
    assert dlt_mail.to == ["mora@example.org"]
    assert subject.number in dlt_mail.subject
    assert "Colitis" not in dlt_mail.subject + str(dlt_mail.body)
    assert dlt_mail.extra_headers["Message-ID"].startswith("<alert-")


def test_a_mail_that_cannot_be_sent_stays_owed(
    ima402: Trial, subject: Subject, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.core import outbox

    told.toxicities[subject.pk] = [dlt(subject)]
    evaluate(ima402, subject)

    def refused(self: object) -> int:
        raise OSError("no mail server")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refused)
    outbox.drain()
    with acting(ima402.system(), place="test"):
        assert not Notice.objects.exclude(sent_at=None).exists()
        owed = OutboxMessage.objects.filter(handler__endswith="send_notice", delivered_at=None)
        assert owed.count() == Notice.objects.count() > 0
        assert "no mail server" in str(owed.values_list("last_error", flat=True)[0])


def test_links_lead_people_without_alerts_to_the_data(ima402: Trial, subject: Subject, told: Told) -> None:
    told.serious[subject.pk] = [sae(subject, hours_ago=13, at=NOON)]
    evaluate(ima402, subject)
    with acting(ima402.system(), place="test"):
        bodies = {
            notice.person_name: str(recipients.mail(notice).body)
            for notice in Notice.objects.select_related("event__alert__study", "event__alert__subject", "person")
        }
    assert "/IMA402/alerts/" in bodies["Dr Amara Okafor"]
    assert "/IMA402/alerts/" not in bodies["Chidi Eze"]


def test_a_retracted_alert_leaves_the_list_of_open_ones(ima402: Trial, subject: Subject, told: Told) -> None:
    told.toxicities[subject.pk] = [dlt(subject)]
    evaluate(ima402, subject)
    told.toxicities.clear()
    evaluate(ima402, subject)
    with ima402.acting_as("mora") as mora:
        assert not selectors.open_alerts(mora).exists()
        gone = selectors.listing(actor=mora, chosen=selectors.AlertFilter.read({"shown": "gone"}))
        assert {alert.hold for alert in gone} == {Hold.RETRACTED}


def test_an_investigator_of_the_other_site_gets_no_mail(ima402: Trial, subject: Subject, told: Told) -> None:
    other = scenarios.subject(ima402, by="iris")
    told.toxicities = {subject.pk: [dlt(subject)], other.pk: [dlt(other)]}
    evaluate(ima402, subject)
    evaluate(ima402, other)
    with acting(ima402.system(), place="test"):
        told_people = set(Notice.objects.filter(event__alert__subject=other).values_list("person_name", flat=True))
    assert "Dr Ines Prado" in told_people
    assert "Dr Amara Okafor" not in told_people
