"""The adverse-event page: terms and grades, edit checks, what is derived, the clock of a serious event."""

from datetime import timedelta

import pytest

from apps.core.refusal import NotAllowed
from apps.safety import selectors, services
from apps.safety.models import AdverseEvent, Attribution, GradePeriod, ReportState, SeriousEventReport
from apps.subjects.models import Subject
from apps.visits import services as entry
from apps.visits.models import FormRecord
from tests import scenarios, scenarios_safety
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db

GRADE = "grade_periods/1/grade"


@pytest.fixture
def subject(ima402: Trial) -> Subject:
    return scenarios.subject(ima402)


@pytest.fixture
def event(ima402: Trial, subject: Subject) -> FormRecord:
    """Fatigue of grade 2, ongoing, related."""
    return scenarios_safety.event(ima402, subject)


def head(trial: Trial, record: FormRecord) -> AdverseEvent:
    with trial.acting_as("chidi"):
        return AdverseEvent.objects.get(record=record)


def problems(trial: Trial, record: FormRecord, **texts: str) -> dict[str, str]:
    """What stands between the event, changed so, and completion: a sentence per place."""
    scenarios_safety.save(trial, record, **texts)
    with pytest.raises(entry.Incomplete) as found:
        scenarios_safety.complete(trial, record)
    return {finding.path: finding.sentence for finding in found.value.findings}


def unanswered(trial: Trial, record: FormRecord) -> set[str]:
    """The paths of the questions that completion leaves open."""
    from apps.visits import checks

    with trial.acting_as("chidi"):
        return {finding.path for finding in checks.of_record(record)}


def test_a_new_event_has_a_first_grade_and_a_line_for_each_product_that_is_asked(
    ima402: Trial, event: FormRecord
) -> None:
    with ima402.acting_as("chidi"):
        assert [line.key for line in GradePeriod.objects.filter(record=event)] == ["1"]
        products = set(Attribution.objects.filter(record=event).values_list("key", flat=True))
    assert products == {"IMA402", "DEXAMETHASONE", "PARACETAMOL", "DIPHENHYDRAMINE"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("fatigue", "Fatigue"),
        ("10016256", "Fatigue"),
        ("icans", "Immune effector cell-associated neurotoxicity syndrome"),
        ("  cytokine   release syndrome ", "Cytokine release syndrome"),
    ],
)
def test_a_term_is_kept_by_its_name_in_the_protocols_dictionary(
    ima402: Trial, event: FormRecord, typed: str, kept: str
) -> None:
    scenarios_safety.save(ima402, event, ctcae_term=typed)
    assert head(ima402, event).ctcae_term == kept


def test_a_term_that_the_dictionary_lacks_is_refused_with_the_nearest_ones(ima402: Trial, event: FormRecord) -> None:
    with pytest.raises(entry.Incomplete, match="not complete") as refused:
        scenarios_safety.save(ima402, event, ctcae_term="Neutrofil count decreased")
    assert "Neutrophil count decreased" in refused.value.problems[0]


def test_a_grade_that_the_term_lacks_is_refused_at_once(ima402: Trial, event: FormRecord) -> None:
    scenarios_safety.save(ima402, event, ctcae_term="Alopecia")
    with ima402.acting_as("chidi") as chidi, pytest.raises(entry.CannotBeStored) as refused:
        entry.save_value(actor=chidi, record=event, path=GRADE, text="4", seen=None, at=NOON)
    assert refused.value.sentence == "CTCAE 5.0 has no grade 4 for Alopecia: 1 or 2."


def test_a_grade_that_the_changed_term_lacks_blocks_completion(ima402: Trial, event: FormRecord) -> None:
    scenarios_safety.save(ima402, event, grade_periods__1__grade="3")
    found = problems(ima402, event, ctcae_term="Alopecia")
    assert found[GRADE] == "CTCAE 5.0 has no grade 3 for Alopecia: 1 or 2."


def test_crs_is_graded_by_the_consensus_unless_the_line_says_otherwise(ima402: Trial, subject: Subject) -> None:
    crs = scenarios_safety.event(ima402, subject, term="Cytokine release syndrome", grade=2)
    scenarios_safety.next_grade(ima402, crs, grade=3, began="3mar26")
    scenarios_safety.save(ima402, crs, grade_periods__2__scale="CTCAE")
    with ima402.acting_as("chidi"):
        scales = list(GradePeriod.objects.filter(record=crs).order_by("pk").values_list("graded_by", flat=True))
    assert scales == ["ASTCT 2019", "CTCAE 5.0"]


def test_highest_grade_and_grade_now_follow_the_periods(ima402: Trial, event: FormRecord) -> None:
    scenarios_safety.next_grade(ima402, event, grade=3, began="3mar26")
    scenarios_safety.next_grade(ima402, event, grade=1, began="5mar26")
    assert (head(ima402, event).maximum_grade, head(ima402, event).current_grade) == (3, 1)
    scenarios_safety.save(ima402, event, is_ongoing="False", ended="2mar26", outcome="RECOVERED/RESOLVED")
    assert (head(ima402, event).maximum_grade, head(ima402, event).current_grade) == (3, None)


def test_derived_columns_ask_for_no_reason_on_a_completed_page_and_raise_no_version(
    ima402: Trial, event: FormRecord
) -> None:
    scenarios_safety.complete(ima402, event)
    scenarios_safety.save(ima402, event, grade_periods__1__grade="3", reason="Source corrected")
    assert head(ima402, event).maximum_grade == 3
    with ima402.acting_as("chidi"):
        assert entry.version_of(event, "maximum_grade") == 0


@pytest.mark.parametrize(
    ("relations", "related"),
    [
        ({"IMA402": "RELATED"}, True),
        ({"IMA402": "NOT RELATED"}, False),
        ({"IMA402": ""}, None),
        ({"IMA402": "NOT RELATED", "DEXAMETHASONE": "RELATED"}, False),
    ],
)
def test_an_event_is_related_by_its_relation_to_a_study_product(
    ima402: Trial, event: FormRecord, relations: dict[str, str], related: bool | None
) -> None:
    texts = {f"attributions__{product}__relation": word for product, word in relations.items()}
    scenarios_safety.save(ima402, event, **texts)
    assert head(ima402, event).is_related is related


def test_a_complete_event_needs_a_dozen_answers_at_most(ima402: Trial, event: FormRecord) -> None:
    assert scenarios_safety.complete(ima402, event).state == "complete"


@pytest.mark.parametrize(
    ("texts", "place", "words"),
    [
        ({"is_ongoing": "False"}, "ended", "enter a value"),
        ({"is_ongoing": "True", "ended": "1mar26"}, "ended", "before it began"),
        ({"ended": "2mar26"}, "is_ongoing", "Only one of the two"),
        ({"outcome": "RECOVERED/RESOLVED"}, "outcome", "not recovered or resolved yet"),
        ({"is_serious": "True"}, "site_aware_at", "became aware"),
        ({"is_serious": "True", "site_aware_at": "2mar26 10:00"}, "is_serious", "no criterion"),
        ({"needs_hospital": "True"}, "is_serious", "hospital admission"),
        (
            {"outcome": "FATAL", "is_ongoing": "False", "ended": "2mar26", "is_serious": "True"},
            "outcome",
            "A fatal event has grade 5",
        ),
        ({"outcome": "FATAL", "is_ongoing": "False", "ended": "2mar26"}, "is_serious", "fatal event is serious"),
        ({"outcome": "FATAL"}, "is_ongoing", "ends with the death"),
        ({"results_in_death": "True", "is_serious": "True"}, "outcome", "the outcome is fatal"),
        ({"grade_periods__1__grade": ""}, "grade_periods/1/grade", "Enter the grade"),
        ({"grade_periods__1__began": "1mar26"}, "grade_periods/1/began", "before the event began"),
        ({"grade_periods__1__ended": "1mar26"}, "grade_periods/1/ended", "before it began"),
        ({"part_of": "7"}, "part_of", "no other adverse event no. 7"),
        ({"part_of": "1"}, "part_of", "no other adverse event no. 1"),
        ({"attributions__IMA402__relation": ""}, "attributions/IMA402/relation", "enter a value"),
    ],
)
def test_what_cannot_be_right_blocks_completion(
    ima402: Trial, event: FormRecord, texts: dict[str, str], place: str, words: str
) -> None:
    if "grade_periods__1__ended" in texts:
        texts = {**texts, "grade_periods__1__began": "2mar26"}
    assert words in problems(ima402, event, **texts)[place]


def test_grade_5_is_death(ima402: Trial, subject: Subject) -> None:
    sepsis = scenarios_safety.event(ima402, subject, term="Sepsis", grade=5)
    assert "the outcome is fatal" in problems(ima402, sepsis)["outcome"]


def test_grades_follow_each_other_without_overlap(ima402: Trial, event: FormRecord) -> None:
    scenarios_safety.save(
        ima402, event, onset="1mar26", grade_periods__1__began="1mar26", grade_periods__1__ended="2mar26 12:00"
    )
    scenarios_safety.next_grade(ima402, event, grade=3, began="2mar26 08:00")
    assert "one grade at a time" in problems(ima402, event)["grade_periods/1/ended"]
    scenarios_safety.save(ima402, event, grade_periods__1__ended="2mar26 08:00")
    scenarios_safety.complete(ima402, event)


def test_a_grade_does_not_begin_before_the_one_above_it(ima402: Trial, event: FormRecord) -> None:
    scenarios_safety.save(ima402, event, onset="feb 2026", grade_periods__1__began="1mar26")
    scenarios_safety.next_grade(ima402, event, grade=3, began="20feb26")
    assert "before the one above it" in problems(ima402, event)["grade_periods/2/began"]


def test_a_month_that_can_hold_the_day_is_no_contradiction(ima402: Trial, event: FormRecord) -> None:
    scenarios_safety.save(ima402, event, onset="mar 2026", grade_periods__1__began="1mar26")
    assert scenarios_safety.complete(ima402, event).state == "complete"


def test_what_is_unusual_is_asked_and_does_not_block(ima402: Trial, event: FormRecord) -> None:
    scenarios_safety.save(ima402, event, is_serious="True", site_aware_at="1mar26 10:00", is_life_threatening="True")
    assert unanswered(ima402, event) == {"site_aware_at", "is_life_threatening", "attributions/IMA402/action"}
    scenarios_safety.complete(ima402, event)


# -- serious events ---------------------------------------------------------------------------------------------------


@pytest.fixture
def serious(ima402: Trial, event: FormRecord) -> FormRecord:
    """An event that the site knew to be serious at 10:00 in Berlin, which is 09:00 UTC."""
    scenarios_safety.save(
        ima402,
        event,
        is_serious="True",
        site_aware_at="2mar26 10:00",
        needs_hospital="True",
        grade_periods__1__grade="3",
    )
    return event


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (1.5, "Report due in 22 h 30 min"),
        (24, "Report due in less than a minute"),
        (33, "Report already late by 9 h"),
    ],
)
def test_the_clock_runs_from_the_sites_awareness(ima402: Trial, serious: FormRecord, hours: float, words: str) -> None:
    aware = NOON - timedelta(hours=3)  # 10:00 in Berlin
    with ima402.acting_as("chidi"):
        clock = selectors.report_clock(head(ima402, serious), serious, aware + timedelta(hours=hours))
    assert clock is not None
    assert clock.words == words


def test_a_serious_event_without_awareness_asks_for_it(ima402: Trial, event: FormRecord) -> None:
    scenarios_safety.save(ima402, event, is_serious="True")
    with ima402.acting_as("chidi") as chidi:
        clock = selectors.report_clock(head(ima402, event), event, NOON)
        with pytest.raises(services.ReportIncomplete, match="became aware"):
            services.report_serious_event(actor=chidi, record=event, at=NOON)
    assert clock is not None
    assert "became aware" in clock.words


def test_a_report_is_begun_once_and_sent_once_with_minimal_facts(ima402: Trial, serious: FormRecord) -> None:
    later = NOON + timedelta(hours=2)
    with ima402.acting_as("chidi") as chidi:
        report = SeriousEventReport.objects.get(record=serious)
        assert (report.state, report.drafted_at) == (ReportState.DRAFT, NOON)
        services.report_serious_event(actor=chidi, record=serious, at=later)
        again = services.report_serious_event(actor=chidi, record=serious, at=later + timedelta(days=2))
        assert (again.reported_at, again.reported_by) == (later, "Chidi Eze")
        clock = selectors.report_clock(head(ima402, serious), serious, later + timedelta(days=2))
    assert clock is not None
    assert clock.words == "Reported in time"


def test_a_downgraded_event_keeps_the_report_that_was_sent(ima402: Trial, serious: FormRecord) -> None:
    with ima402.acting_as("chidi") as chidi:
        services.report_serious_event(actor=chidi, record=serious, at=NOON)
    scenarios_safety.save(ima402, serious, is_serious="False", needs_hospital="False")
    with ima402.acting_as("chidi"):
        assert SeriousEventReport.objects.get(record=serious).state == ReportState.REPORTED
        clock = selectors.report_clock(head(ima402, serious), serious, NOON)
    assert clock is not None
    assert clock.is_reported


@pytest.mark.parametrize("outsider", ["noor", "mora", "dana", "sven", "pia"])
def test_only_the_site_reports(ima402: Trial, serious: FormRecord, outsider: str) -> None:
    with ima402.acting_as(outsider) as actor, pytest.raises(NotAllowed):
        services.report_serious_event(actor=actor, record=serious, at=NOON)


# -- the subject's list, and other trials -----------------------------------------------------------------------------


def test_end_and_outcome_are_entered_on_the_line(ima402: Trial, event: FormRecord) -> None:
    scenarios_safety.complete(ima402, event)
    with ima402.acting_as("chidi") as chidi:
        services.end_event(
            actor=chidi,
            record=event,
            ended="2mar26",
            outcome="RECOVERED/RESOLVED",
            reason="New information",
            at=NOON,
        )
    found = head(ima402, event)
    assert (str(found.ended), found.is_ongoing, found.outcome) == ("02-Mar-2026", False, "RECOVERED/RESOLVED")


def test_an_event_from_a_lab_result_brings_term_grade_and_onset(ima402: Trial, subject: Subject) -> None:
    with ima402.acting_as("chidi") as chidi:
        known = services.Known(term="Neutrophil count decreased", grade="4", onset="2026-03-01T08:15")
        record = services.open_event(actor=chidi, subject=subject, known=known, at=NOON)
    found = head(ima402, record)
    assert (found.term, found.ctcae_term, str(found.onset), found.maximum_grade) == (
        "Neutrophil count decreased",
        "Neutrophil count decreased",
        "01-Mar-2026 08:15",
        4,
    )
    assert found.soc == "Investigations"


def test_a_trial_with_three_words_asks_for_the_word_and_one_relation(db: None) -> None:
    trial = scenarios.trial("PVONCO")
    subject = scenarios.subject(trial)
    with trial.acting_as("chidi") as chidi:
        record = services.open_event(actor=chidi, subject=subject, known=services.Known(term="Rash"), at=NOON)
        texts = {
            "onset": "mar 2026",
            "severity": "MILD",
            "relation": "PROBABLE",
            "outcome": "NOT RECOVERED/NOT RESOLVED",
            "is_ongoing": "True",
            "is_serious": "False",
        }
        entry.save_values(actor=chidi, record=record, texts=texts, at=NOON)
        entry.complete_record(actor=chidi, record=record, at=NOON)
        found = AdverseEvent.objects.get(record=record)
        assert not Attribution.objects.filter(record=record).exists()
    assert (found.severity, found.is_related, found.maximum_grade) == ("MILD", True, None)
