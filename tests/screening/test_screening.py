"""From consent to a screen failure and back: the stories of a coordinator at site 101."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core.refusal import NotAllowed
from apps.screening import criteria, selectors, services
from apps.screening.models import Consent, FailedCriterion, ScreeningEpisode
from apps.screening.services import ConsentGiven
from apps.subjects.models import Anchor, ConsentGate, Status, Subject
from apps.visits import checks
from apps.visits import services as entry
from apps.visits.models import EntryState, FormRecord, Visit
from clinical.partial_date import PartialDate
from tests import scenarios_screening as scenarios
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db
BACKEND = "apps.accounts.backends.EmailBackend"


def test_consent_gives_number_planned_visits_completed_form_and_anchor_in_one_act(ima402: Trial) -> None:
    subject = scenarios.consented(ima402)
    with ima402.acting_as("chidi"):
        assert subject.screening_number == "101-001"
        assert Visit.objects.filter(subject=subject, code="SCR").exists()
        record = FormRecord.objects.get(subject=subject, form="consent_main")
        assert record.state == EntryState.COMPLETE
        gate = ConsentGate.objects.get(subject=subject)
        assert (gate.purpose, gate.version, str(gate.given)) == ("main", "1.0", "02-Mar-2026 11:00")
        assert Anchor.objects.get(subject=subject, name="consent").moment == gate.given
        assert ScreeningEpisode.objects.get(subject=subject).number == 1


@pytest.mark.parametrize(
    ("given", "sentence"),
    [("2026-03-02", "with date and time"), ("2026-03-02T13:30", "has not come yet")],
)
def test_consent_without_its_time_or_from_the_future_is_refused_whole(ima402: Trial, given: str, sentence: str) -> None:
    consent = ConsentGiven(version="1.0", given=PartialDate.parse(given), explained_by="Dr Amara Okafor")
    with ima402.acting_as("chidi") as chidi:
        with pytest.raises(services.ConsentNotPossible) as refused:
            services.consent_new_subject(actor=chidi, site=ima402.sites["101"], consent=consent, at=NOON)
        assert sentence in refused.value.problems[0]
        assert not Subject.objects.exists()


@pytest.mark.parametrize("outsider", ["iris", "noor", "mora", "sven", "pia"])
def test_only_the_site_itself_takes_subjects_in(ima402: Trial, outsider: str) -> None:
    with ima402.acting_as(outsider) as actor, pytest.raises(NotAllowed):
        services.consent_new_subject(
            actor=actor, site=ima402.sites["101"], consent=scenarios.consent_of(NOON, ima402), at=NOON
        )


def test_a_corrected_version_and_a_withdrawal_reach_the_gates_at_once(ima402: Trial) -> None:
    subject = scenarios.consented(ima402)
    with ima402.acting_as("chidi") as chidi:
        record = FormRecord.objects.get(subject=subject, form="consent_main")
        entry.save_value(
            actor=chidi, record=record, path="version", text="1.1", seen=None, at=NOON, reason="Transcription error"
        )
        assert [row.version for row in ConsentGate.objects.filter(subject=subject)] == ["1.1"]
        entry.save_values(
            actor=chidi,
            record=record,
            texts={"withdrawn": "2026-03-09 09:00", "withdrawal_scope": "treatment"},
            at=NOON,
            reason="New information",
        )
        assert str(ConsentGate.objects.get(subject=subject).withdrawn) == "09-Mar-2026 09:00"
        standing = selectors.consent_standing(subject, "main")
        assert standing is not None
        assert not standing.stands
        assert "withdrawn" in standing.problem


def test_a_new_version_of_the_consent_is_a_further_form_and_the_calendar_keeps_the_first(ima402: Trial) -> None:
    subject = scenarios.consented(ima402)
    later = NOON + timedelta(days=20)
    with ima402.acting_as("chidi") as chidi:
        gate = ima402.version.definition.gate("main")
        consent = scenarios.consent_of(later, ima402, version="2.0")
        services.record_consent(actor=chidi, subject=subject, gate=gate, consent=consent, at=later)
        assert set(ConsentGate.objects.values_list("version", flat=True)) == {"1.0", "2.0"}
        assert Consent.objects.filter(record__subject=subject).count() == 2
        assert str(Anchor.objects.get(subject=subject, name="consent").moment) == "02-Mar-2026 11:00"


def test_the_datas_answer_stands_beside_the_sites_with_its_evidence_and_form(ima402: Trial) -> None:
    subject = scenarios.screened(ima402)
    with ima402.acting_as("chidi"):
        record = criteria.record_of_gate(subject, "main")
        assert record is not None
        views = {view.criterion.number: view for view in criteria.of_record(record)}
        hla = views["I4"]
        assert (hla.answer_words, hla.data_words, hla.disagrees) == ("Met", "Met", False)
        assert hla.evidence[0].sentence == "HLA type A*02:01, A*24:02, 20-Feb-2026, needs A*02:01"
        assert hla.evidence[0].record == FormRecord.objects.get(subject=subject, form="biomarkers").pk
        assert views["I1"].evidence[0].sentence.startswith("Age (64 or 65) 64, needs ≥ 18")
        assert views["I8"].data_words == "Cannot tell"
        assert views["I3"].data_words == "No machine check"


def test_a_later_correction_changes_the_datas_answer_and_shows_the_disagreement(ima402: Trial) -> None:
    subject = scenarios.screened(ima402)
    with ima402.acting_as("chidi") as chidi:
        markers = FormRecord.objects.get(subject=subject, form="biomarkers")
        entry.save_value(
            actor=chidi,
            record=markers,
            path="markers/HLA/reported",
            text="A*01:01, A*24:02",
            seen=None,
            at=NOON,
            reason="Source corrected",
        )
        record = criteria.record_of_gate(subject, "main")
        assert record is not None
        view = next(view for view in criteria.of_record(record) if view.criterion.number == "I4")
        assert (view.answer, view.data_words, view.disagrees, view.needs_comment) == ("MET", "Not met", True, False)


def test_a_subject_born_in_the_year_of_the_limit_has_an_age_nobody_knows(ima402: Trial) -> None:
    subject = scenarios.consented(ima402)
    scenarios.start(ima402, subject, "SCR")
    scenarios.demographics(ima402, subject, birth="2008")
    with ima402.acting_as("chidi"):
        record = criteria.record_of_gate(subject, "main")
        assert record is not None
        age = criteria.of_record(record)[0]
        assert age.data_words == "Cannot tell"
        assert age.evidence[0].sentence == "Age (17 or 18), with this date of birth: no value yet"


def test_a_laboratory_test_without_a_result_is_asked_for_by_its_name(ima402: Trial) -> None:
    subject = scenarios.consented(ima402)
    scenarios.start(ima402, subject, "SCR")
    with ima402.acting_as("chidi"):
        record = criteria.record_of_gate(subject, "main")
        assert record is not None
        said = [each.sentence for view in criteria.of_record(record) for each in view.evidence]
    awaited = {sentence.removesuffix(": no value yet") for sentence in said if sentence.endswith("no value yet")}
    analytes = [analyte for panel in ima402.version.definition.panels for analyte in panel.analytes]
    assert awaited & {analyte.label for analyte in analytes}
    assert not awaited & {analyte.test for analyte in analytes}


def test_an_exclusion_that_is_met_keeps_out(ima402: Trial) -> None:
    subject = scenarios.screened(ima402, failing=("E3",))
    with ima402.acting_as("chidi"):
        assert [view.criterion.number for view in selectors.keeping_out(subject)] == ["E3"]


def test_a_screen_failure_needs_the_criterion_and_keeps_its_words(ima402: Trial) -> None:
    subject = scenarios.screened(ima402, failing=("I4",))
    with ima402.acting_as("chidi") as chidi:
        with pytest.raises(services.CriterionNeeded):
            services.fail_screening(actor=chidi, subject=subject, criteria=[], at=NOON)
        services.fail_screening(actor=chidi, subject=subject, criteria=["I4"], comment="Typed twice", at=NOON)
        subject.refresh_from_db()
        assert subject.status == Status.SCREEN_FAILED
        failed = FailedCriterion.objects.get()
        assert (failed.number, failed.gate, failed.was_answered) == ("I4", "main", True)
        assert failed.text.startswith("HLA-A*02:01 positive")
        with pytest.raises(services.NotInScreening):
            services.fail_screening(actor=chidi, subject=subject, criteria=["I4"], at=NOON)


def test_screening_again_waits_keeps_number_and_old_record_and_happens_once(ima402: Trial) -> None:
    subject = scenarios.screen_failed(ima402)
    with ima402.acting_as("chidi") as chidi:
        early, later = NOON + timedelta(days=13), NOON + timedelta(days=14)
        consent = scenarios.consent_of(early, ima402)
        with pytest.raises(services.RescreeningRefused, match="16-Mar-2026"):
            services.rescreen(actor=chidi, subject=subject, consent=consent, at=early)
        with pytest.raises(services.RescreeningRefused, match="new consent"):
            services.rescreen(actor=chidi, subject=subject, consent=None, at=later)
        old = criteria.record_of_gate(subject, "main")
        consent = scenarios.consent_of(later, ima402)
        episode = services.rescreen(actor=chidi, subject=subject, consent=consent, at=later)
        subject.refresh_from_db()
        assert (episode.number, subject.status, subject.number) == (2, Status.SCREENING, "101-001")
        again = criteria.record_of_gate(subject, "main")
        assert old is not None
        assert again is not None
        assert (again.visit.code, again.state) == ("SCR-R2", EntryState.EXPECTED)
        assert FormRecord.objects.get(pk=old.pk).state == EntryState.COMPLETE
        assert Anchor.objects.get(subject=subject, name="consent").moment == consent.given
        standing = selectors.consent_standing(subject, "main")
        assert standing is not None
        assert standing.stands
    scenarios.answer_criteria(ima402, subject, "main", failing=("I4",), at=later)
    with ima402.acting_as("chidi") as chidi:
        services.fail_screening(actor=chidi, subject=subject, criteria=["I4"], at=later)
        subject.refresh_from_db()
        far = later + timedelta(days=60)
        with pytest.raises(services.RescreeningRefused, match="once"):
            services.rescreen(actor=chidi, subject=subject, consent=scenarios.consent_of(far, ima402), at=far)


def test_ima203_screens_again_from_the_gate_that_failed(ima203: Trial) -> None:
    subject = scenarios.screen_failed(ima203, criterion="I3")
    later = NOON + timedelta(days=30)
    with ima203.acting_as("chidi") as chidi:
        services.rescreen(actor=chidi, subject=subject, consent=scenarios.consent_of(later, ima203), at=later)
        assert Visit.objects.filter(subject=subject, code="SCR1-R2").exists()
        assert not Visit.objects.filter(subject=subject, code__startswith="SCR2-R").exists()
        assert ScreeningEpisode.objects.order_by("-number").first().from_gate == "hla"


def test_history_that_begins_after_consent_is_asked_about(ima402: Trial) -> None:
    subject = scenarios.consented(ima402)
    with ima402.acting_as("chidi") as chidi:
        record = entry.open_record(
            actor=chidi,
            subject=subject,
            form="medical_history",
            visit=None,
            protocol_version=ima402.version,
            at=NOON,
        )
        entry.save_values(actor=chidi, record=record, texts={"term": "Gout", "began": "2026-03-20"}, at=NOON)
        assert [finding.check for finding in checks.of_record(record)] == ["after consent"]
        entry.save_values(actor=chidi, record=record, texts={"began": "2019", "ended": "2018"}, at=NOON)
        with pytest.raises(entry.Incomplete, match="not complete"):
            entry.complete_record(actor=chidi, record=record, at=NOON)


# ------------------------------------------------------------------------------------------------------ in the browser


def sign_in(trial: Trial, client: Client, name: str) -> None:
    client.force_login(trial.people[name], backend=BACKEND)


def test_the_page_for_a_new_subject_takes_consent_and_shows_what_is_missing(ima402: Trial, client: Client) -> None:
    sign_in(ima402, client, "chidi")
    page = reverse("subject_new", kwargs={"study": "IMA402"})
    assert b"informed consent" in client.get(page).content
    typed = {"version": "1.0", "given": "15mar26", "explained_by": "Dr Amara Okafor", "copy_given": "Y"}
    refused = client.post(page, typed)
    assert refused.status_code == 422
    assert b"leaves out" in refused.content
    assert b'value="15mar26"' in refused.content
    done = client.post(page, typed | {"given": "15mar26 14:05"})
    assert done.status_code == 302
    assert done["Location"].endswith("/subjects/101-001/")


@pytest.mark.parametrize("page", ["screen_failure", "rescreen"])
def test_another_sites_subject_is_not_there(ima402: Trial, client: Client, page: str) -> None:
    subject = scenarios.consented(ima402)
    sign_in(ima402, client, "iris")
    assert client.get(reverse(page, kwargs={"study": "IMA402", "number": subject.number})).status_code == 404


def test_the_criteria_page_shows_both_answers_and_saves_both_ways(ima402: Trial, client: Client) -> None:
    subject = scenarios.screened(ima402, failing=("I4",))
    sign_in(ima402, client, "chidi")
    with ima402.acting_as("chidi"):
        record = criteria.record_of_gate(subject, "main")
    assert record is not None
    shown = client.get(reverse("record", kwargs={"study": "IMA402", "record": record.pk})).content.decode()
    assert "HLA type A*02:01, A*24:02" in shown
    assert "differs from the answer" in shown
    assert "Record screen failure" in shown
    saved = client.post(
        reverse("record_value", kwargs={"study": "IMA402", "record": record.pk}),
        {"path": "answers/I4/answer", "value": "MET", "reason": "Transcription error"},
    )
    assert saved.status_code == 200
    assert b"none keeps the subject out" in saved.content


def test_a_screen_failure_on_the_page_names_what_the_criteria_page_says(ima402: Trial, client: Client) -> None:
    subject = scenarios.screened(ima402, failing=("I4",))
    sign_in(ima402, client, "chidi")
    page = reverse("screen_failure", kwargs={"study": "IMA402", "number": subject.number})
    assert b'value="I4" checked' in client.get(page).content
    assert client.post(page, {}).status_code == 422
    assert client.post(page, {"criterion": ["I4"]}).status_code == 302
    assert client.get(reverse("rescreen", kwargs={"study": "IMA402", "number": subject.number})).status_code == 200


def test_the_log_shows_own_subjects_only_and_asks_the_same_number_of_questions(ima402: Trial, client: Client) -> None:
    page = reverse("screening_log", kwargs={"study": "IMA402"})
    scenarios.screen_failed(ima402)
    scenarios.consented(ima402, by="iris")
    sign_in(ima402, client, "chidi")
    with CaptureQueriesContext(
        connection,
    ) as few:
        shown = client.get(page).content.decode()
    assert "101-001" in shown
    assert "202-001" not in shown
    for _ in range(6):
        scenarios.consented(ima402)
    with CaptureQueriesContext(connection) as many:
        client.get(page)
    assert len(many) == len(few)
    file = client.get(reverse("screening_log_file", kwargs={"study": "IMA402"}) + "?status=screen_failed")
    assert file.content.decode().splitlines() == [
        "Subject,Site,Consent,Consent version,Screened,Status,Failed criteria",
        "101-001,101,2026-03-02T11:00,1.0,1,Screen failure,I4",
    ]
