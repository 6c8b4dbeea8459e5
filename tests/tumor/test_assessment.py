"""Lesions and assessments on both trials: names, sums, responses, corrections, and who sees what."""

from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.core import events as core_events
from apps.core.actor import Actor
from apps.subjects.models import Subject
from apps.tumor import selectors, services
from apps.tumor.events import ResponsesChanged
from apps.tumor.models import Lesion, LesionMeasurement, ResponseChange, SystemResponse
from apps.visits import checks, facts
from apps.visits import services as visit_services
from apps.visits.models import FormRecord
from apps.visits.pages import Finding, Weight
from tests import scenarios
from tests import scenarios_tumor as tumor
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db


@pytest.fixture
def subject(ima402: Trial) -> Subject:
    return scenarios.subject(ima402)


def followed(trial: Trial, subject: Subject) -> FormRecord:
    """Two targets (50 mm in the liver, a node of 20 mm) and a non-target at baseline, then treated."""
    tumor.lesion(trial, subject, "TARGET", "LIVER")
    tumor.lesion(trial, subject, "TARGET", "MEDIASTINAL LYMPH NODE", node=True)
    tumor.lesion(trial, subject, "NON-TARGET", "BONE")
    cells = {"T1": "50", "T2": "20", "NT1": "present"}
    record = tumor.assessment(trial, subject, tumor.baseline_visit(trial), "2026-03-02", cells, complete=True)
    tumor.treated(trial, subject)
    return record


def follow_up(trial: Trial, subject: Subject, number: int, day: str, **cells: str) -> FormRecord:
    return tumor.assessment(trial, subject, tumor.scans(trial, subject)[number], day, cells)


def findings(trial: Trial, record: FormRecord, *, weight: Weight = Weight.CONFIRM) -> list[Finding]:
    with trial.acting_as("chidi"):
        record.refresh_from_db()
        return [each for each in checks.of_record(record) if each.weight is weight]


@pytest.mark.parametrize("code", ["IMA402", "IMA203"])
def test_a_subject_responds_and_progresses_by_the_nadir_on_both_trials(db: None, code: str) -> None:
    trial = scenarios.trial(code)
    subject = scenarios.subject(trial)
    baseline = followed(trial, subject)
    assert tumor.system(trial, baseline).sum_mm == Decimal(70)
    first = follow_up(trial, subject, 0, "2026-05-06", T1="30", T2="12", NT1="present")
    assert tumor.system(trial, first).overall == "PR"
    second = follow_up(trial, subject, 1, "2026-07-01", T1="40", T2="12", NT1="present")
    found = tumor.system(trial, second)
    assert (found.sum_mm, found.nadir_mm, found.change_nadir_mm) == (Decimal(52), Decimal(42), Decimal(10))
    assert (found.target, found.overall) == ("PD", "PD")
    assert found.rule.startswith("PD: +23.8 % and +10 mm from nadir 42 mm")
    with trial.acting_as("chidi"):
        best = selectors.best_response(subject)
        assert best is not None
        assert (best.best, best.confirmed_best, str(best.progressed_on)) == ("PR", "SD", "01-Jul-2026")
        assert best.best_change_pct == Decimal(-40)
        stored = selectors.responses(subject, "investigator")
        assert [each.overall for each in stored] == [None, "PR", "PD"]
        assert stored[2].immune_overall == "iUPD"


def test_lesions_are_named_in_turn_and_a_name_is_never_used_again(ima402: Trial, subject: Subject) -> None:
    records = [tumor.lesion(ima402, subject, kind) for kind in ("TARGET", "NON-TARGET", "TARGET", "NEW")]
    assert [tumor.name(ima402, record) for record in records] == ["T1", "NT1", "T2", "N1"]
    with ima402.acting_as("chidi") as chidi:
        visit_services.remove_record(actor=chidi, record=records[2], why="The same lesion as T1", at=NOON)
    assert tumor.name(ima402, tumor.lesion(ima402, subject)) == "T3"


def test_a_named_lesion_stays_what_it_was_chosen_as(ima402: Trial, subject: Subject) -> None:
    record = tumor.lesion(ima402, subject)
    with (
        pytest.raises(visit_services.CannotBeStored, match="T1 has its name"),
        ima402.acting_as("chidi") as chidi,
    ):
        visit_services.save_value(actor=chidi, record=record, path="kind", text="NON-TARGET", seen=None, at=NOON)
    with (
        ima402.acting_as("chidi"),
        pytest.raises(DatabaseError, match="never changed or used again"),
        transaction.atomic(),
    ):
        Lesion.objects.filter(record=record).update(lesion_id="T9")


def test_every_baseline_lesion_gets_its_line_at_every_scan(ima402: Trial, subject: Subject) -> None:
    followed(ima402, subject)
    record = follow_up(ima402, subject, 0, "2026-04-22")
    with ima402.acting_as("chidi"):
        keys = LesionMeasurement.objects.filter(record=record).order_by("pk").values_list("key", flat=True)
        assert list(keys) == ["T1", "T2", "NT1"]
    missing = [each.path for each in findings(ima402, record, weight=Weight.BLOCKS) if each.path.startswith("lesions/")]
    assert missing == ["lesions/T1/longest_mm", "lesions/T2/short_axis_mm", "lesions/NT1/state"]


def test_a_new_lesion_is_progression_from_the_visit_that_showed_it(ima402: Trial, subject: Subject) -> None:
    followed(ima402, subject)
    first = follow_up(ima402, subject, 0, "2026-04-22", T1="30", T2="9", NT1="present")
    visit = tumor.scans(ima402, subject)[1]
    second = follow_up(ima402, subject, 1, "2026-06-03", T1="20", T2="9", NT1="present")
    assert tumor.system(ima402, second).overall == "PR"
    tumor.lesion(ima402, subject, "NEW", "BRAIN", identified="2026-06-03", identified_at=visit)
    with ima402.acting_as("chidi"):
        assert not LesionMeasurement.objects.filter(record=first, key="N1").exists()
    tumor.fill(ima402, second, {"N1": "present"})
    found = tumor.system(ima402, second)
    assert (found.new_lesion, found.overall) == ("Y", "PD")
    assert "new lesion N1" in found.rule


def test_a_correction_turns_over_later_responses_and_says_which(ima402: Trial, subject: Subject) -> None:
    baseline = followed(ima402, subject)
    record = follow_up(ima402, subject, 0, "2026-04-22", T1="35", T2="12", NT1="present")
    assert tumor.system(ima402, record).overall == "PR"
    heard: list[ResponsesChanged] = []

    def listen(fact: ResponsesChanged, actor: Actor) -> None:
        heard.append(fact)

    core_events._immediate.setdefault(ResponsesChanged, []).append(listen)
    try:
        tumor.fill(ima402, baseline, {"T1": "40"})
    finally:
        core_events._immediate[ResponsesChanged].remove(listen)
    assert tumor.system(ima402, record).overall == "SD"
    assert heard[-1].flipped == (record.pk,)
    with ima402.acting_as("noor"):
        change = ResponseChange.objects.get()
        assert (change.record, change.caused_by, change.old, change.new) == (record, baseline, "PR", "SD")


def test_a_lesion_too_small_counts_five_and_one_not_evaluable_leaves_the_sum_open(
    ima402: Trial, subject: Subject
) -> None:
    followed(ima402, subject)
    first = follow_up(ima402, subject, 0, "2026-04-22", T1="too small", T2="12", NT1="absent")
    assert (tumor.system(ima402, first).sum_mm, tumor.system(ima402, first).overall) == (Decimal(17), "PR")
    second = follow_up(ima402, subject, 1, "2026-06-03", T1="NE", T2="12", NT1="absent")
    assert tumor.system(ima402, second).overall == "NE"
    assert [each.path for each in findings(ima402, second) if each.path.startswith("lesions/T1")] == [
        "lesions/T1/reason"
    ]


def test_nodes_that_became_normal_are_complete_response_with_a_sum(ima402: Trial, subject: Subject) -> None:
    followed(ima402, subject)
    record = follow_up(ima402, subject, 0, "2026-04-22", T1="absent", T2="8", NT1="absent")
    found = tumor.system(ima402, record)
    assert (found.overall, found.sum_mm) == ("CR", Decimal(8))


def test_a_sixth_target_and_a_third_in_one_organ_are_asked_about_and_never_refused(
    ima402: Trial, subject: Subject
) -> None:
    organs = ["LIVER", "LIVER", "LUNG", "LUNG", "LUNG", "SPLEEN"]
    records = [tumor.lesion(ima402, subject, location=organ) for organ in organs]
    asked = {each.check: each.sentence for record in records for each in findings(ima402, record)}
    assert "T6 is target lesion number 6; at most 5" in asked["number of targets"]
    assert "3 target lesions are in lung" in asked["targets in one organ"]
    with ima402.acting_as("chidi") as chidi:
        assert visit_services.complete_record(actor=chidi, record=records[5], at=NOON).state == "complete"


def test_a_target_below_the_measurable_size_is_confirmed_with_a_reason(ima402: Trial, subject: Subject) -> None:
    tumor.lesion(ima402, subject, location="LIVER")
    tumor.lesion(ima402, subject, location="AXILLARY LYMPH NODE", node=True)
    record = tumor.assessment(ima402, subject, tumor.baseline_visit(ima402), "2026-03-02", {"T1": "9", "T2": "12"})
    asked = [each for each in findings(ima402, record) if each.check == "not measurable"]
    assert [each.path for each in asked] == ["lesions/T1/longest_mm", "lesions/T2/short_axis_mm"]
    with ima402.acting_as("chidi") as chidi:
        visit_services.confirm_value(
            actor=chidi, record=record, path=asked[0].path, check=asked[0].check, why="Only lesion there is", at=NOON
        )
    assert len([each for each in findings(ima402, record) if each.check == "not measurable"]) == 1


def test_the_investigators_responses_are_required_and_a_difference_is_explained(
    ima402: Trial, subject: Subject
) -> None:
    followed(ima402, subject)
    record = follow_up(ima402, subject, 0, "2026-04-22", T1="30", T2="12", NT1="present")
    missing = {each.path for each in findings(ima402, record, weight=Weight.BLOCKS)}
    assert missing == {"overall_response", "target_response", "non_target_response"}
    stated = {"overall_response": "SD", "target_response": "SD", "non_target_response": "NON-CR/NON-PD"}
    tumor.fill(ima402, record, {}, stated=stated)
    asked = [each for each in findings(ima402, record) if each.check.startswith("differs")]
    assert "the system derives PR" in asked[0].sentence
    tumor.fill(ima402, record, {}, stated={"why_different": "The node is sarcoid, histology of 2019"})
    assert not [each for each in findings(ima402, record) if each.check.startswith("differs")]


def test_an_unexplained_difference_travels_with_completion_to_become_a_query(ima402: Trial, subject: Subject) -> None:
    from apps.visits.events import RecordCompleted

    followed(ima402, subject)
    record = follow_up(ima402, subject, 0, "2026-04-22", T1="30", T2="12", NT1="present")
    stated = {"overall_response": "SD", "target_response": "SD", "non_target_response": "NON-CR/NON-PD"}
    tumor.fill(ima402, record, {}, stated=stated)
    heard: list[RecordCompleted] = []

    def listen(fact: RecordCompleted, actor: Actor) -> None:
        heard.append(fact)

    core_events._immediate.setdefault(RecordCompleted, []).append(listen)
    try:
        with ima402.acting_as("chidi") as chidi:
            visit_services.complete_record(actor=chidi, record=record, at=NOON)
    finally:
        core_events._immediate[RecordCompleted].remove(listen)
    assert [path for path, _, _ in heard[0].unanswered] == ["overall_response"]


def test_absent_and_measured_cannot_both_be_right(ima402: Trial, subject: Subject) -> None:
    followed(ima402, subject)
    record = follow_up(ima402, subject, 0, "2026-04-22", T1="30", T2="12", NT1="present")
    tumor.fill(ima402, record, {"T1": "absent"})
    assert "T1 is absent and measures 30 mm" in {
        each.sentence.split(".")[0] for each in findings(ima402, record, weight=Weight.BLOCKS)
    }


def test_parts_of_a_lesion_are_named_after_it_and_count_for_it(ima402: Trial, subject: Subject) -> None:
    followed(ima402, subject)
    with ima402.acting_as("chidi") as chidi:
        parent = Lesion.objects.get(subject=subject, lesion_id="T1").record
    record = follow_up(ima402, subject, 0, "2026-04-22", T1="20", T2="12", NT1="present")
    with ima402.acting_as("chidi") as chidi:
        parts = [services.split_lesion(actor=chidi, record=parent, at=NOON) for _ in range(2)]
    assert [tumor.name(ima402, part) for part in parts] == ["T1.1", "T1.2"]
    tumor.fill(ima402, record, {"T1.1": "15", "T1.2": "10"})
    assert tumor.system(ima402, record).sum_mm == Decimal(57)


def test_a_removed_lesion_leaves_every_sum(ima402: Trial, subject: Subject) -> None:
    baseline = followed(ima402, subject)
    with ima402.acting_as("chidi") as chidi:
        node = Lesion.objects.get(subject=subject, lesion_id="T2").record
        visit_services.remove_record(actor=chidi, record=node, why="Not a lesion", at=NOON)
    assert tumor.system(ima402, baseline).sum_mm == Decimal(50)


def test_measurable_disease_is_a_fact_once_it_is_measured(ima402: Trial, subject: Subject) -> None:
    def known() -> list[object]:
        with ima402.acting_as("chidi"):
            return [each.value for each in facts.known_facts(subject) if each.name == "measurable_disease"]

    assert known() == []
    tumor.lesion(ima402, subject)
    record = tumor.assessment(ima402, subject, tumor.baseline_visit(ima402), "2026-03-02", {"T1": "9"})
    assert known() == [False]
    tumor.fill(ima402, record, {"T1": "11"})
    assert known() == [True]


def test_several_evaluators_stand_side_by_side(db: None) -> None:
    trial = scenarios.trial("PVONCO")
    subject = scenarios.subject(trial)
    tumor.lesion(trial, subject)
    tumor.lesion(trial, subject, location="LUNG", evaluator="reader_1")
    with trial.acting_as("chidi"):
        named = Lesion.objects.filter(subject=subject).values_list("evaluator", "lesion_id")
        assert set(named) == {("investigator", "T1"), ("reader_1", "T1")}
    record = tumor.assessment(trial, subject, tumor.baseline_visit(trial), "2026-03-02", {"T1": "40"})
    with trial.acting_as("chidi") as chidi:
        second = visit_services.open_record(
            actor=chidi,
            subject=subject,
            form=record.form,
            visit=record.visit,
            protocol_version=trial.version,
            repeat=2,
            at=NOON,
        )
    assert tumor.head(trial, second).evaluator == "reader_1"
    tumor.fill(trial, second, {"T1": "31"}, stated={"scanned": "2026-03-02"})
    assert (tumor.system(trial, record).sum_mm, tumor.system(trial, second).sum_mm) == (Decimal(40), Decimal(31))


def test_an_assessment_that_was_entered_for_the_wrong_reader_leaves_nothing_with_that_reader(db: None) -> None:
    trial = scenarios.trial("PVONCO")
    subject = scenarios.subject(trial)
    tumor.lesion(trial, subject)
    tumor.lesion(trial, subject, location="LUNG", evaluator="reader_1")
    record = tumor.assessment(trial, subject, tumor.baseline_visit(trial), "2026-03-02", {"T1": "40"})
    tumor.fill(trial, record, {}, stated={"evaluator": "reader_1"})
    tumor.fill(trial, record, {"T1": "31"})
    with trial.acting_as("chidi"):
        standing = SystemResponse.objects.filter(subject=subject, is_current=True)
        assert list(standing.values_list("evaluator", "sum_mm")) == [("reader_1", Decimal(31))]


def sign_in(client: Client, trial: Trial, name: str) -> None:
    client.force_login(trial.people[name], backend="apps.accounts.backends.EmailBackend")


def test_the_page_shows_earlier_scans_sums_and_the_system_beside_the_investigator(
    ima402: Trial, subject: Subject, client: Client
) -> None:
    followed(ima402, subject)
    record = follow_up(ima402, subject, 0, "2026-04-22", T1="30", T2="12", NT1="present")
    sign_in(client, ima402, "chidi")
    page = client.get(reverse("record", kwargs={"study": "IMA402", "record": record.pk})).content.decode()
    assert "50 mm" in page
    assert "target, liver" in page
    assert "\N{MINUS SIGN}40 %" in page
    assert "System (RECIST 1.1)" in page
    address = reverse("record_value", kwargs={"study": "IMA402", "record": record.pk})
    answer = client.post(address, {"path": "lesions/T1/longest_mm", "value": "70"}).content.decode()
    assert '<td data-cell="sum">82 mm</td>' in answer
    assert "PD: +17.1" not in answer


def test_only_at_baseline_is_there_nothing_to_state(ima402: Trial, subject: Subject, client: Client) -> None:
    baseline = followed(ima402, subject)
    sign_in(client, ima402, "chidi")
    record = follow_up(ima402, subject, 0, "2026-04-22")
    tumor.fill(ima402, record, {}, stated={"scanned": ""})
    for page, is_said in ((baseline, True), (record, False)):
        shown = client.get(reverse("record", kwargs={"study": "IMA402", "record": page.pk})).content.decode()
        assert ("Nothing to state at baseline" in shown) is is_said
    address = reverse("record_value", kwargs={"study": "IMA402", "record": record.pk})
    answer = client.post(address, {"path": "scanned", "value": "2026-04-22"}).content.decode()
    assert "Nothing to state at baseline" not in answer


def test_another_sites_lesions_and_assessments_do_not_exist(ima402: Trial, subject: Subject, client: Client) -> None:
    record = followed(ima402, subject)
    sign_in(client, ima402, "iris")
    assert client.get(reverse("record", kwargs={"study": "IMA402", "record": record.pk})).status_code == 404
    with ima402.acting_as("chidi"):
        lesion = Lesion.objects.filter(subject=subject).first()
        assert lesion is not None
    split = reverse("lesion_split", kwargs={"study": "IMA402", "record": lesion.record_id})
    assert client.post(split).status_code == 404
    assert subject.number not in client.get(reverse("tumor", kwargs={"study": "IMA402"})).content.decode()


def test_the_listing_shows_everybody_filters_and_asks_the_database_a_constant_number_of_times(
    ima402: Trial, client: Client
) -> None:
    sign_in(client, ima402, "noor")
    address = reverse("tumor", kwargs={"study": "IMA402"})
    assert "No subject with a tumor assessment" in client.get(address).content.decode()
    counts = []
    for _ in range(2):
        for _ in range(2):
            subject = scenarios.subject(ima402)
            followed(ima402, subject)
            follow_up(ima402, subject, 0, "2026-04-22", T1="30", T2="12", NT1="present")
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            page = client.get(address).content.decode()
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert page.count("101-00") >= 4
    assert "101-001" not in client.get(address + "?response=CR").content.decode()
    table = client.get(address + "?format=csv").content.decode().splitlines()
    assert table[1].startswith("101-001,101,,1,2026-04-22,42,-40.0,PR,")


def test_the_page_asks_as_often_for_many_lesions_as_for_few(ima402: Trial, client: Client) -> None:
    sign_in(client, ima402, "chidi")
    counts = []
    for many in (2, 8):
        subject = scenarios.subject(ima402)
        for _ in range(many):
            tumor.lesion(ima402, subject)
        cells = {f"T{number}": "20" for number in range(1, many + 1)}
        record = tumor.assessment(ima402, subject, tumor.baseline_visit(ima402), "2026-03-02", cells)
        address = reverse("record", kwargs={"study": "IMA402", "record": record.pk})
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_response_is_stated_beneath_the_lesions_it_follows_from(
    ima402: Trial, subject: Subject, client: Client
) -> None:
    followed(ima402, subject)
    record = follow_up(ima402, subject, 0, "2026-04-22", T1="30", T2="12", NT1="present")
    sign_in(client, ima402, "chidi")
    page = client.get(reverse("record", kwargs={"study": "IMA402", "record": record.pk})).content.decode()
    order = ["f-scanned", "f-lesions-T1-longest_mm", "f-overall_response"]
    assert order == sorted(order, key=lambda name: page.index(f'id="{name}"'))
    assert "Lesions as the investigator sees them" in page
    assert "System beside the investigator" in page
