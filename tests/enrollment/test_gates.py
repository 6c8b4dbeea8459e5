"""Eligibility is signed gate by gate, by the site's investigator, on what is entered and answered."""

import uuid

import pytest
from django.db import DatabaseError, connection, transaction

from apps.core.refusal import NotAllowed
from apps.enrollment import services
from apps.enrollment.models import EligibilitySignature
from apps.review.signatures import Proof
from apps.screening import services as screening
from apps.subjects.models import Status, Subject
from apps.visits import services as entry
from apps.visits.models import FormRecord
from tests import scenarios_enrollment as scenarios
from tests import scenarios_screening
from tests.scenarios import NOON, Trial, days

pytestmark = pytest.mark.django_db


def problems(trial: Trial, subject: Subject, gate: str = "main") -> list[str]:
    with trial.acting_as("amara") as amara, pytest.raises(services.GateNotReady) as refused:
        services.sign_gate(actor=amara, subject=subject, gate=gate, proof=scenarios.proof_of(amara), at=NOON)
    return list(refused.value.problems)


def status_of(trial: Trial, subject: Subject) -> str:
    with trial.acting_as("chidi"):
        return scenarios.fresh(trial, subject).status


def test_the_investigators_signature_makes_the_subject_eligible(ima402: Trial) -> None:
    subject = scenarios_screening.screened(ima402)
    scenarios.sign(ima402, subject, "main")
    with ima402.acting_as("chidi"):
        subject.refresh_from_db()
        assert subject.status == Status.ELIGIBLE
        signature = EligibilitySignature.objects.get()
        assert signature.signer_name == "Dr Amara Okafor"
        assert signature.answers["I4"]["data"] == "Met"
        assert signature.answers["I4"]["evidence"] == ["HLA type A*02:01, A*24:02, 20-Feb-2026, needs A*02:01"]


@pytest.mark.parametrize("other", ["chidi", "ines", "mora", "noor", "dana", "sven", "pia"])
def test_nobody_but_an_investigator_at_that_site_signs(ima402: Trial, other: str) -> None:
    subject = scenarios_screening.screened(ima402)
    with ima402.acting_as(other) as actor, pytest.raises(NotAllowed):
        services.sign_gate(actor=actor, subject=subject, gate="main", proof=scenarios.proof_of(actor), at=NOON)


def test_a_signature_needs_the_signers_own_fresh_password(ima402: Trial) -> None:
    one, other = scenarios_screening.screened(ima402), scenarios_screening.screened(ima402)
    with ima402.acting_as("amara") as amara:
        borrowed = Proof(user_id=ima402.people["ines"].pk, batch=uuid.uuid4())
        with pytest.raises(NotAllowed):
            services.sign_gate(actor=amara, subject=one, gate="main", proof=borrowed, at=NOON)
        proof = scenarios.proof_of(amara)
        services.sign_gate(actor=amara, subject=one, gate="main", proof=proof, at=NOON)
        with pytest.raises(NotAllowed, match="already"):
            services.sign_gate(actor=amara, subject=other, gate="main", proof=proof, at=NOON)


def test_what_is_missing_is_named_before_the_signature(ima402: Trial) -> None:
    subject = scenarios_screening.consented(ima402)
    assert problems(ima402, subject) == [
        "“Inclusion and exclusion criteria” is not open yet. Start the visit that holds it."
    ]
    scenarios_screening.start(ima402, subject, "SCR")
    found = problems(ima402, subject)
    assert "“Inclusion and exclusion criteria” is not complete yet." in found
    assert any(sentence.startswith("Not assessed: I1, I2,") for sentence in found)


def test_the_sites_own_no_is_not_signed_away(ima402: Trial) -> None:
    subject = scenarios_screening.screened(ima402, failing=("E3",))
    assert problems(ima402, subject) == ["By the site's own answers these keep the subject out: E3."]


def test_a_yes_against_the_data_needs_a_comment(ima402: Trial) -> None:
    subject = scenarios_screening.consented(ima402)
    scenarios_screening.start(ima402, subject, "SCR")
    scenarios_screening.demographics(ima402, subject, birth="2015-05-01")
    scenarios_screening.answer_criteria(ima402, subject, "main", comment="")
    (sentence,) = problems(ima402, subject)
    assert sentence.startswith("I1 is answered “Met”, the data say “Not met” (Age 10, needs ≥ 18)")
    with ima402.acting_as("chidi") as chidi:
        record = FormRecord.objects.get(subject=subject, form="eligibility_main")
        entry.save_value(
            actor=chidi,
            record=record,
            path="answers/I1/comment",
            text="Year of birth mistyped, query raised",
            seen=None,
            at=NOON,
            reason="New information",
        )
    scenarios.sign(ima402, subject, "main")


def test_a_changed_answer_ends_the_signature_and_the_gate_is_signed_again(ima402: Trial) -> None:
    subject = scenarios.eligible(ima402)
    with ima402.acting_as("chidi") as chidi:
        record = FormRecord.objects.get(subject=subject, form="eligibility_main")
        entry.save_value(
            actor=chidi,
            record=record,
            path="answers/E1/comment",
            text="Basal cell carcinoma, removed 2019",
            seen=None,
            at=NOON,
            reason="New information",
        )
    changed = scenarios.standing(ima402, subject, "main")
    assert not changed.is_passed
    assert changed.broken is not None
    scenarios.sign(ima402, subject, "main", at=NOON + days(1))
    assert scenarios.standing(ima402, subject, "main").is_passed


def test_new_results_do_not_end_a_signature_but_show_beside_it(ima402: Trial) -> None:
    subject = scenarios.eligible(ima402)
    with ima402.acting_as("chidi") as chidi:
        entry.save_value(
            actor=chidi,
            record=FormRecord.objects.get(subject=subject, form="biomarkers"),
            path="markers/PRAME/interpretation",
            text="NEGATIVE",
            seen=None,
            at=NOON,
            reason="Source corrected",
        )
    standing = scenarios.standing(ima402, subject, "main")
    assert standing.is_passed
    assert [view.criterion.number for view in standing.disagreements] == ["I5"]


def test_a_withdrawn_consent_shuts_the_gate_even_when_signed(ima402: Trial) -> None:
    subject = scenarios.eligible(ima402)
    with ima402.acting_as("chidi") as chidi:
        entry.save_values(
            actor=chidi,
            record=FormRecord.objects.get(subject=subject, form="consent_main"),
            texts={"withdrawn": "2026-03-03 09:00", "withdrawal_scope": "everything"},
            at=NOON,
            reason="New information",
        )
    assert not scenarios.standing(ima402, subject, "main").is_passed
    cohort = scenarios.cohort(ima402)
    with ima402.acting_as("chidi") as chidi, pytest.raises(services.NotEligible):
        services.reserve_slot(actor=chidi, subject=subject, cohort=cohort, at=NOON)


def test_ima203_signs_its_gates_strictly_in_order(ima203: Trial) -> None:
    subject = scenarios_screening.screened(ima203)
    gates = {gate.code: gate for gate in ima203.version.definition.gates}
    scenarios.gate_answered(ima203, subject, gates["prame"])
    assert problems(ima203, subject, "prame") == ["HLA typing comes first and is not signed yet."]
    scenarios.sign(ima203, subject, "hla")
    scenarios.sign(ima203, subject, "prame")
    assert status_of(ima203, subject) == Status.SCREENING  # a place can be asked for only after the apheresis gate
    scenarios.gate_answered(ima203, subject, gates["apheresis"])
    scenarios.sign(ima203, subject, "apheresis")
    assert status_of(ima203, subject) == Status.ELIGIBLE
    assert "not open yet" in problems(ima203, subject, "lymphodepletion")[0]


def test_screened_again_the_old_signature_does_not_count(ima402: Trial) -> None:
    subject = scenarios.eligible(ima402)
    later = NOON + days(20)
    with ima402.acting_as("chidi") as chidi:
        screening.fail_screening(actor=chidi, subject=subject, criteria=["I8"], at=NOON)
        consent = scenarios_screening.consent_of(later, ima402)
        screening.rescreen(actor=chidi, subject=scenarios.fresh(ima402, subject), consent=consent, at=later)
    assert not scenarios.standing(ima402, subject, "main").is_passed
    scenarios_screening.answer_criteria(ima402, subject, "main", at=later)
    scenarios.sign(ima402, subject, "main", at=later)
    assert scenarios.standing(ima402, subject, "main").is_passed


def test_a_signature_is_never_altered(ima402: Trial) -> None:
    scenarios.eligible(ima402)
    with (
        ima402.acting_as("amara"),
        pytest.raises(DatabaseError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("update enrollment_eligibilitysignature set signer_name = 'Somebody else'")
