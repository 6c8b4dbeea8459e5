"""Serious events on their way to the authority: the clock, the sponsor's triage, what went out, who may do it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from apps.core.refusal import NotAllowed, Refusal
from apps.safety import services, triage
from apps.safety.models import AdverseEvent, AuthorityReport, ProductTriage, ReferenceInformation, Triage
from apps.subjects.models import Subject
from apps.visits import services as entry
from apps.visits.models import FormRecord, PathVersion
from clinical.clocks import Report
from clinical.triage import Determination
from tests import scenarios, scenarios_safety
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
BACKEND = "apps.accounts.backends.EmailBackend"


@pytest.fixture
def subject(ima402: Trial) -> Subject:
    return scenarios.subject(ima402)


@pytest.fixture
def sepsis(ima402: Trial, subject: Subject) -> FormRecord:
    """A serious sepsis, related for the investigator, entered on 02-Mar-2026: due at the authority on 17-Mar-2026."""
    return scenarios_safety.serious(ima402, subject)


@pytest.fixture
def brochure(ima402: Trial) -> ReferenceInformation:
    return scenarios_safety.reference(ima402)


@pytest.fixture
def mora(ima402: Trial) -> Client:
    return client_of(ima402, "mora")


def client_of(trial: Trial, name: str) -> Client:
    client = Client()
    client.force_login(trial.people[name], backend=BACKEND)
    return client


def due(trial: Trial, record: FormRecord, at: datetime = NOON) -> dict[Report, date]:
    return {each.clock.report: each.clock.due for each in scenarios_safety.case(trial, record, at).owed}


# -- day zero ---------------------------------------------------------------------------------------------------------


def test_the_clock_runs_from_the_entry_before_anybody_triaged_and_says_that_it_is_provisional(
    ima402: Trial, sepsis: FormRecord
) -> None:
    case = scenarios_safety.case(ima402, sepsis, NOON + 10 * DAY)
    assert case.day_zero == date(2026, 3, 2)
    assert case.clock_in_words == (
        "15-day report due at the authority on 17-Mar-2026, 5 days left (provisional: an answer is missing)"
    )
    assert case.state_in_words == "Not reported to the sponsor yet, not triaged"


def test_neither_the_report_nor_the_triage_nor_a_correction_moves_day_zero(
    ima402: Trial, sepsis: FormRecord, brochure: ReferenceInformation
) -> None:
    with ima402.acting_as("chidi") as chidi:
        services.report_serious_event(actor=chidi, record=sepsis, at=NOON + DAY)
    scenarios_safety.triaged(ima402, sepsis, expected=False, against=brochure, at=NOON + 3 * DAY)
    scenarios_safety.save(ima402, sepsis, term="Urosepsis", at=NOON + 4 * DAY)
    scenarios_safety.save(ima402, sepsis, is_serious="False", needs_hospital="False", at=NOON + 5 * DAY)
    scenarios_safety.save(ima402, sepsis, is_serious="True", needs_hospital="True", at=NOON + 6 * DAY)
    assert scenarios_safety.case(ima402, sepsis, NOON + 7 * DAY).day_zero == date(2026, 3, 2)


def test_an_event_that_becomes_serious_later_counts_from_then(ima402: Trial, subject: Subject) -> None:
    record = scenarios_safety.event(ima402, subject, term="Sepsis", grade=3)
    scenarios_safety.save(ima402, record, is_serious="True", needs_hospital="True", at=NOON + 4 * DAY)
    assert scenarios_safety.case(ima402, record, NOON + 5 * DAY).day_zero == date(2026, 3, 6)


def test_without_a_term_the_clock_waits_and_says_for_what(ima402: Trial, subject: Subject) -> None:
    with ima402.acting_as("chidi") as chidi:
        record = services.open_event(actor=chidi, subject=subject, known=services.Known(), at=NOON)
        entry.save_values(actor=chidi, record=record, texts={"is_serious": "True"}, at=NOON)
    case = scenarios_safety.case(ima402, record)
    assert case.clock_in_words == "The clock of the authority has not started: an event is missing"
    scenarios_safety.save(ima402, record, term="Sepsis", at=NOON + 2 * DAY)
    assert scenarios_safety.case(ima402, record, NOON + 3 * DAY).day_zero == date(2026, 3, 4)


@pytest.mark.parametrize(
    ("site_zone", "sponsor_zone", "entered", "day_zero", "due_on"),
    [
        ("Asia/Tokyo", "Europe/Berlin", "2026-03-10T23:50", date(2026, 3, 10), date(2026, 3, 25)),  # 15:50 in Berlin
        (
            "America/Chicago",
            "Europe/Berlin",
            "2026-03-10T23:50",
            date(2026, 3, 11),
            date(2026, 3, 26),
        ),  # 05:50 next day
        (
            "Asia/Tokyo",
            "America/Chicago",
            "2026-03-10T09:50",
            date(2026, 3, 9),
            date(2026, 3, 24),
        ),  # 19:50 the day before
        ("Europe/Berlin", "Europe/Berlin", "2026-03-10T23:50", date(2026, 3, 10), date(2026, 3, 25)),
    ],
)
def test_an_event_entered_at_ten_to_midnight_in_another_zone_gets_the_sponsors_day(
    ima402: Trial,
    subject: Subject,
    site_zone: str,
    sponsor_zone: str,
    entered: str,
    day_zero: date,
    due_on: date,
) -> None:
    with ima402.acting_as("chidi"):
        subject.site.zone, ima402.study.zone = site_zone, sponsor_zone
        subject.site.save(update_fields=["zone"])
        ima402.study.save(update_fields=["zone"])
    at = datetime.fromisoformat(entered).replace(tzinfo=ZoneInfo(site_zone))
    record = scenarios_safety.serious(ima402, subject, at=at, onset="2026-03-09", site_aware_at="2026-03-10T09:00")
    case = scenarios_safety.case(ima402, record, at)
    assert case.day_zero == day_zero
    assert due(ima402, record, at) == {Report.OTHER: due_on}


# -- the triage -------------------------------------------------------------------------------------------------------


def test_serious_related_and_unexpected_is_a_susar_and_the_provisional_clock_becomes_the_clock(
    ima402: Trial, sepsis: FormRecord, brochure: ReferenceInformation
) -> None:
    recorded = scenarios_safety.triaged(ima402, sepsis, expected=False, against=brochure)
    assert recorded.determination == Determination.SUSAR
    assert (recorded.triaged_by_name, recorded.triaged_by_role) == ("Dr Mora Lindqvist", "Medical monitor")
    case = scenarios_safety.case(ima402, sepsis, NOON + 17 * DAY)
    assert case.state_in_words == "Triaged, a SUSAR"
    assert case.clock_in_words == ("15-day report already late by 2 days, it was due at the authority on 17-Mar-2026")


def test_the_sponsor_does_not_take_the_investigators_relation_away_and_both_are_kept(
    ima402: Trial, sepsis: FormRecord, brochure: ReferenceInformation
) -> None:
    recorded = scenarios_safety.triaged(ima402, sepsis, related=False, expected=False, against=brochure)
    assert recorded.determination == Determination.SUSAR
    with ima402.acting_as("mora"):
        product = ProductTriage.objects.get(triage=recorded)
    assert (product.investigator_related, product.is_related) == (True, False)
    (view,) = scenarios_safety.case(ima402, sepsis).products
    assert "counts as related, and both opinions are transmitted" in view.sentence


def test_the_sponsor_may_add_a_relation(ima402: Trial, subject: Subject, brochure: ReferenceInformation) -> None:
    record = scenarios_safety.serious(ima402, subject, related=False)
    assert scenarios_safety.triaged(ima402, record, related=True, expected=False, against=brochure).determination == (
        Determination.SUSAR
    )


def test_an_expected_reaction_is_not_reportable_and_says_so(
    ima402: Trial, sepsis: FormRecord, brochure: ReferenceInformation
) -> None:
    scenarios_safety.triaged(ima402, sepsis, expected=True, against=brochure, reason="Listed in section 7.3")
    case = scenarios_safety.case(ima402, sepsis, NOON + 30 * DAY)
    assert case.state_in_words == "Triaged, not reportable"
    assert case.clock_in_words == "Nothing is due at the authority"
    assert case.owed == []
    with ima402.acting_as("mora") as mora, pytest.raises(triage.NotReportable, match="triage it first"):
        triage.record_submission(
            actor=mora, record=sepsis, sending=triage.Sending(frozenset(), "EMA", NOON), at=NOON + DAY
        )


def test_an_answer_of_the_site_that_changes_later_brings_the_clock_back_with_its_first_day(
    ima402: Trial, subject: Subject
) -> None:
    record = scenarios_safety.serious(ima402, subject, related=False)
    scenarios_safety.triaged(ima402, record, related=False, at=NOON + DAY)
    assert due(ima402, record, NOON + DAY) == {}
    scenarios_safety.save(ima402, record, attributions__IMA402__relation="RELATED", at=NOON + 8 * DAY)
    case = scenarios_safety.case(ima402, record, NOON + 9 * DAY)
    assert due(ima402, record, NOON + 9 * DAY) == {Report.OTHER: date(2026, 3, 17)}
    assert case.state_in_words == "Triaged, an answer is missing"
    assert case.needs_new_look


def test_a_site_that_takes_seriousness_back_leaves_the_question_open_until_the_sponsor_agrees(
    ima402: Trial, sepsis: FormRecord
) -> None:
    scenarios_safety.save(ima402, sepsis, is_serious="False", needs_hospital="False", at=NOON + DAY)
    assert due(ima402, sepsis, NOON + DAY) == {Report.OTHER: date(2026, 3, 17)}
    scenarios_safety.triaged(ima402, sepsis, is_serious=False, related=False, at=NOON + 2 * DAY)
    assert due(ima402, sepsis, NOON + 2 * DAY) == {}


def test_the_sponsor_may_see_an_event_as_serious_that_the_site_does_not(
    ima402: Trial, subject: Subject, brochure: ReferenceInformation
) -> None:
    record = scenarios_safety.event(ima402, subject, term="Fatigue")
    with pytest.raises(triage.NothingToTriage, match="Neither the site nor you"):
        scenarios_safety.triaged(ima402, record, is_serious=False)
    recorded = scenarios_safety.triaged(ima402, record, expected=False, against=brochure)
    assert recorded.determination == Determination.SUSAR
    assert scenarios_safety.case(ima402, record).day_zero == date(2026, 3, 2)


def test_everything_that_is_missing_is_said_at_once(ima402: Trial, sepsis: FormRecord) -> None:
    with pytest.raises(triage.NotComplete) as refused:
        scenarios_safety.triaged(ima402, sepsis, is_serious=None, is_fatal=None, related=None, reason=" ")
    assert {each.path for each in refused.value.findings} == {"is_serious", "is_fatal", "IMA402-related", "reason"}
    with pytest.raises(triage.NotComplete, match="not complete") as refused:
        scenarios_safety.triaged(ima402, sepsis, expected=None)
    assert refused.value.problems == ("Say whether the event is expected with IMA402.",)
    with pytest.raises(triage.NotComplete) as refused:
        scenarios_safety.triaged(ima402, sepsis, related=True, expected=None, reason="x" * 1001)
    assert refused.value.problems[1] == "This text has 1001 characters, and 1000 are kept. Shorten it."
    with ima402.acting_as("mora"):
        assert not Triage.objects.exists()


def test_a_changed_mind_is_a_further_record_and_the_earlier_one_stays(
    ima402: Trial, sepsis: FormRecord, brochure: ReferenceInformation
) -> None:
    first = scenarios_safety.triaged(ima402, sepsis, expected=False, against=brochure)
    second = scenarios_safety.triaged(ima402, sepsis, expected=True, against=brochure, at=NOON + DAY)
    assert second.replaces == first
    case = scenarios_safety.case(ima402, sepsis, NOON + DAY)
    assert [each.pk for each in case.triages] == [second.pk, first.pk]
    for row in (first, case.products[0].judged_against):
        assert row is not None
        with ima402.acting_as("mora"), transaction.atomic(), pytest.raises(DatabaseError):
            type(row).objects.filter(pk=row.pk).update(reason="x")


# -- the reference in force at the onset ------------------------------------------------------------------------------


def test_expected_is_judged_against_the_version_in_force_when_the_event_began(
    ima402: Trial, sepsis: FormRecord, brochure: ReferenceInformation
) -> None:
    newer = scenarios_safety.reference(ima402, version="Investigator's brochure 6", since=date(2026, 3, 2))
    (view,) = scenarios_safety.case(ima402, sepsis).products
    assert view.references == (brochure,)
    with pytest.raises(triage.NotComplete) as refused:
        scenarios_safety.triaged(ima402, sepsis, expected=True, against=newer)
    assert refused.value.problems == ("Choose the version of IMA402 that was in force when the event began.",)
    scenarios_safety.save(ima402, sepsis, onset="2026-03")
    (view,) = scenarios_safety.case(ima402, sepsis).products
    assert view.references == (brochure, newer)


def test_without_a_version_of_that_time_expectedness_cannot_be_judged(ima402: Trial, sepsis: FormRecord) -> None:
    late = scenarios_safety.reference(ima402, since=date(2026, 3, 2))
    with pytest.raises(triage.NotComplete) as refused:
        scenarios_safety.triaged(ima402, sepsis, expected=False, against=late)
    assert "No version of the reference safety information of IMA402 is known" in refused.value.problems[0]


def test_a_mistyped_version_is_corrected_by_a_further_row_and_the_triage_asks_to_be_looked_at(
    ima402: Trial, sepsis: FormRecord, brochure: ReferenceInformation
) -> None:
    scenarios_safety.triaged(ima402, sepsis, expected=False, against=brochure)
    with pytest.raises(triage.NotComplete, match="not entered"):
        scenarios_safety.reference(ima402, version="Brochure 5.1", corrects=brochure.pk)
    right = scenarios_safety.reference(ima402, version="Brochure 5.1", corrects=brochure.pk, reason="Misnamed")
    case = scenarios_safety.case(ima402, sepsis)
    assert case.products[0].references == (right,)
    assert case.products[0].judged_against == brochure
    assert case.needs_new_look
    with pytest.raises(triage.NothingToTriage):
        scenarios_safety.reference(ima402, version="Brochure 5.2", corrects=brochure.pk, reason="Again")


# -- fatal or life threatening ----------------------------------------------------------------------------------------


def test_a_case_that_turns_fatal_has_seven_days_from_the_entry_of_that(
    ima402: Trial, sepsis: FormRecord, brochure: ReferenceInformation
) -> None:
    scenarios_safety.triaged(ima402, sepsis, expected=False, against=brochure)
    scenarios_safety.save(
        ima402, sepsis, outcome="FATAL", is_ongoing="False", ended="2026-03-07", results_in_death="True",
        at=NOON + 6 * DAY,
    )  # fmt: skip
    assert due(ima402, sepsis, NOON + 7 * DAY) == {
        Report.FATAL: date(2026, 3, 15),
        Report.OTHER: date(2026, 3, 17),
        Report.FOLLOW_UP: date(2026, 3, 23),
    }
    scenarios_safety.triaged(
        ima402,
        sepsis,
        expected=False,
        against=brochure,
        is_fatal=True,
        fatal_known_at=NOON + 4 * DAY,
        at=NOON + 7 * DAY,
    )
    assert due(ima402, sepsis, NOON + 7 * DAY)[Report.FATAL] == date(2026, 3, 13)  # told by telephone before


def test_what_was_entered_as_fatal_by_mistake_counts_anew_when_it_comes_true(ima402: Trial, sepsis: FormRecord) -> None:
    scenarios_safety.save(ima402, sepsis, is_life_threatening="True", at=NOON)
    assert Report.FATAL in due(ima402, sepsis)
    scenarios_safety.save(ima402, sepsis, is_life_threatening="False", at=NOON + DAY)
    assert Report.FATAL not in due(ima402, sepsis, NOON + DAY)
    scenarios_safety.save(ima402, sepsis, is_life_threatening="True", at=NOON + 9 * DAY)
    assert due(ima402, sepsis, NOON + 9 * DAY)[Report.FATAL] == date(2026, 3, 18)


def test_a_life_threat_that_only_the_sponsor_knows_needs_its_moment(
    ima402: Trial, sepsis: FormRecord, brochure: ReferenceInformation
) -> None:
    for moment, words in ((None, "Enter when you learnt it"), (NOON + DAY, "lies in the future")):
        with pytest.raises(triage.NotComplete) as refused:
            scenarios_safety.triaged(
                ima402, sepsis, expected=False, against=brochure, is_fatal=True, fatal_known_at=moment
            )
        assert words in refused.value.problems[0]


# -- what went out ----------------------------------------------------------------------------------------------------


@pytest.fixture
def susar(ima402: Trial, sepsis: FormRecord, brochure: ReferenceInformation) -> FormRecord:
    scenarios_safety.triaged(ima402, sepsis, expected=False, against=brochure)
    return sepsis


def test_reports_are_numbered_and_the_initial_one_ends_the_clock(ima402: Trial, susar: FormRecord) -> None:
    with pytest.raises(triage.NotComplete) as refused:
        scenarios_safety.sent(ima402, susar, on=NOON + DAY)
    assert "Say which due report this is" in refused.value.problems[0]
    assert scenarios_safety.sent(ima402, susar, Report.OTHER, on=NOON + 5 * DAY).number == 0
    case = scenarios_safety.case(ima402, susar, NOON + 6 * DAY)
    assert (case.owed, case.state_in_words) == ([], "Initial report submitted")
    assert case.clock_in_words == "Everything that is due went to the authority"
    assert scenarios_safety.sent(ima402, susar, on=NOON + 8 * DAY).number == 1
    assert scenarios_safety.case(ima402, susar, NOON + 9 * DAY).state_in_words == "Follow-up 1 submitted"
    scenarios_safety.save(ima402, susar, is_ongoing="False", ended="2026-03-10", outcome="RECOVERED/RESOLVED")
    assert scenarios_safety.case(ima402, susar, NOON + 9 * DAY).state_in_words.startswith("Closed")


def test_a_late_report_says_by_how_much_for_ever(ima402: Trial, susar: FormRecord) -> None:
    scenarios_safety.sent(ima402, susar, Report.OTHER, on=NOON + 17 * DAY)
    (only,) = scenarios_safety.case(ima402, susar, NOON + 40 * DAY).due
    assert only.words == "submitted on 19-Mar-2026, 2 days late"


@pytest.mark.parametrize(
    ("on", "at", "words"),
    [(NOON + 2 * DAY, NOON + DAY, "lies in the future"), (NOON - DAY, NOON + DAY, "before the event was known here")],
)
def test_a_moment_that_cannot_be_is_asked_back(
    ima402: Trial, susar: FormRecord, on: datetime, at: datetime, words: str
) -> None:
    with pytest.raises(triage.NotComplete) as refused:
        scenarios_safety.sent(ima402, susar, Report.OTHER, on=on, at=at)
    assert words in refused.value.problems[0]


def test_a_report_that_was_never_sent_is_taken_back_with_a_reason_and_its_clock_runs_on(
    ima402: Trial, susar: FormRecord
) -> None:
    first = scenarios_safety.sent(ima402, susar, Report.OTHER, on=NOON + DAY)
    with pytest.raises(triage.NotComplete, match="not recorded"):
        scenarios_safety.corrected(ima402, susar, 0, was_sent=False, reason="", at=NOON + 2 * DAY)
    scenarios_safety.corrected(ima402, susar, 0, was_sent=False, reason="Rejected by the gateway", at=NOON + 2 * DAY)
    assert due(ima402, susar, NOON + 2 * DAY) == {Report.OTHER: date(2026, 3, 17)}
    again = scenarios_safety.sent(ima402, susar, Report.OTHER, on=NOON + 3 * DAY)
    assert again.number == 0
    moved = scenarios_safety.corrected(ima402, susar, 0, answers=[Report.OTHER], on=NOON + 4 * DAY, at=NOON + 5 * DAY)
    case = scenarios_safety.case(ima402, susar, NOON + 6 * DAY)
    assert case.sent == (moved,)
    assert case.submitted == {Report.OTHER: date(2026, 3, 6)}
    with ima402.acting_as("mora"):
        assert AuthorityReport.objects.filter(record=susar).count() == 4
        with transaction.atomic(), pytest.raises(DatabaseError):
            AuthorityReport.objects.filter(pk=first.pk).update(authority="x")


# -- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outsider", ["chidi", "amara", "noor", "dana", "sven", "stan"])
def test_only_the_medical_monitor_triages(ima402: Trial, sepsis: FormRecord, outsider: str) -> None:
    for act in (
        lambda: scenarios_safety.triaged(ima402, sepsis, related=False, by=outsider),
        lambda: scenarios_safety.sent(ima402, sepsis, Report.OTHER, on=NOON, by=outsider),
        lambda: scenarios_safety.reference(ima402, by=outsider),
    ):
        _refused(act)


def _refused(act: Callable[[], object]) -> None:
    with pytest.raises(NotAllowed):
        act()


def test_the_system_triages_nothing(ima402: Trial, sepsis: FormRecord) -> None:
    answers = triage.Answers(True, False, None, {}, "x")
    with pytest.raises(Refusal, match="by a person"):
        triage.triage_event(actor=ima402.system(), record=sepsis, answers=answers, at=NOON)


def test_a_triage_changes_no_value_of_the_site_and_is_in_the_trail(
    ima402: Trial, sepsis: FormRecord, brochure: ReferenceInformation
) -> None:
    from apps.audit.models import AuditEvent

    with ima402.acting_as("mora"):
        before = list(PathVersion.objects.filter(record=sepsis).order_by("path").values_list("path", "version"))
        page = AdverseEvent.objects.filter(record=sepsis).values().get()
    recorded = scenarios_safety.triaged(ima402, sepsis, related=False, expected=False, against=brochure)
    with ima402.acting_as("mora"):
        after = list(PathVersion.objects.filter(record=sepsis).order_by("path").values_list("path", "version"))
        assert after == before
        assert AdverseEvent.objects.filter(record=sepsis).values().get() == page
        row = AuditEvent.objects.get(table="safety_triage", row_key=str(recorded.pk))
        assert (row.user_name, row.record_id) == ("Dr Mora Lindqvist", sepsis.pk)
    with ima402.acting_as("iris"):
        assert not Triage.objects.exists()


# -- the pages --------------------------------------------------------------------------------------------------------


def address(name: str, record: FormRecord | None = None) -> str:
    return reverse(name, kwargs={"study": "IMA402"} | ({} if record is None else {"record": record.pk}))


def test_the_section_stands_on_the_events_page_with_the_form_for_the_medical_monitor_only(
    ima402: Trial, sepsis: FormRecord, mora: Client
) -> None:
    page = mora.get(address("record", sepsis)).content.decode()
    assert "Report to the authority" in page
    assert 'name="IMA402-related"' in page
    site = client_of(ima402, "chidi").get(address("record", sepsis)).content.decode()
    assert "The sponsor has not triaged it yet." in site
    assert 'name="IMA402-related"' not in site


def test_a_refused_triage_lists_its_problems_and_loses_nothing(
    ima402: Trial, sepsis: FormRecord, brochure: ReferenceInformation, mora: Client
) -> None:
    typed = {"is_serious": "yes", "is_fatal": "yes", "fatal_known_at": "3/4/26 10:00", "IMA402-expected": "no",
             "IMA402-reference": str(brochure.pk), "reason": "Seen with the site"}  # fmt: skip
    answer = mora.post(address("triage_event", sepsis), typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert '<a href="#triage-fatal_known_at">This can be' in page
    assert '<a href="#triage-IMA402-related">Say whether the event is related to IMA402.</a>' in page
    assert 'value="3/4/26 10:00"' in page
    assert "Seen with the site" in page
    typed |= {"is_fatal": "no", "IMA402-related": "yes"}
    assert mora.post(address("triage_event", sepsis), typed).status_code == 302
    with ima402.acting_as("mora"):
        assert Triage.objects.get().determination == Determination.SUSAR


def test_a_submission_is_typed_in_the_sponsors_zone_and_can_be_corrected(
    ima402: Trial, sepsis: FormRecord, mora: Client
) -> None:
    answer = mora.post(address("submission_record", sepsis), {"answers": "15-day", "submitted_at": "tomorrow"})
    assert answer.status_code == 422
    assert "Name the authority or its gateway." in answer.content.decode()
    typed = {"answers": "15-day", "authority": "EudraVigilance", "submitted_at": "02mar2026 23:30"}
    assert mora.post(address("submission_record", sepsis), typed).status_code == 302
    with ima402.acting_as("mora"):
        assert AuthorityReport.objects.get().submitted_at == datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    page = mora.get(address("serious_event", sepsis) + "?correct=0").content.decode()
    assert 'value="02-Mar-2026 23:30"' in page
    refused = mora.post(address("submission_correct", sepsis), {"number": "0", "was_sent": "no", "reason": ""})
    assert "Say why it is corrected" in refused.content.decode()
    assert (
        mora.post(
            address("submission_correct", sepsis), {"number": "0", "was_sent": "no", "reason": "Rejected"}
        ).status_code
        == 302
    )
    history = mora.get(address("serious_event", sepsis)).content.decode()
    assert "Initial report taken back" in history


def test_the_list_shows_what_is_due_first(ima402: Trial, sepsis: FormRecord, mora: Client) -> None:
    page = mora.get(address("serious_events")).content.decode()
    assert "1 serious event, the most urgent first" in page
    assert "already late by" in page  # it was entered in March, and nothing went out
    assert "No event is serious" in client_of(ima402, "iris").get(address("serious_events")).content.decode()


def test_versions_are_entered_and_corrected_on_their_page(ima402: Trial, mora: Client) -> None:
    refused = mora.post(address("reference_enter"), {"product": "IMA402", "version": "", "in_force_from": "jun 2025"})
    assert refused.status_code == 422
    assert "leaves out the day" in refused.content.decode()
    typed = {"product": "IMA402", "version": "Brochure 5", "in_force_from": "01jun2025"}
    assert mora.post(address("reference_enter"), typed).status_code == 302
    with ima402.acting_as("mora"):
        entered = ReferenceInformation.objects.get()
    again = mora.post(address("reference_enter"), typed | {"version": "Brochure 6"})
    assert "Another version of this product came into force on that day." in again.content.decode()
    typed |= {"corrects": str(entered.pk), "in_force_from": "02jun2025", "reason": "Misread"}
    assert mora.post(address("reference_enter"), typed).status_code == 302
    assert "Corrected: Misread" in mora.get(address("reference_versions")).content.decode()
