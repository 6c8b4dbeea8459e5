"""Every address with every role: a page that exists is a page that is tried here.

An address that takes something new (a new kind of object in its path) fails this test until `samples` names one.
"""

from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from django.test import Client

from apps.access.roles import ROLE_ACTIONS, SITE_ROLES, Role
from apps.core.transactions import acting
from apps.deviations import services as deviations
from apps.escalation import selectors
from apps.escalation import services as escalation
from apps.escalation.models import DecisionKind
from apps.exports import services as exports
from apps.review import locking, signatures
from apps.study.models import ProtocolDraft
from apps.visits.models import FormRecord, PathVersion
from clinical.partial_date import PartialDate
from tests import (
    scenarios,
    scenarios_alerts,
    scenarios_dosing,
    scenarios_enrollment,
    scenarios_review,
    scenarios_safety,
)
from tests.access.walk import Address, addresses
from tests.scenarios import CAST, NOON, Trial

pytestmark = pytest.mark.committed
BACKEND = "apps.accounts.backends.EmailBackend"

STUDY_PAGES = [address for address in addresses() if "study" in address.takes]
OF_THE_STUDY_AS_A_WHOLE = {"draft", "decision"}
"""Objects that belong to no site: everyone whose role opens the page may see them."""


@pytest.fixture
def ima402(committed: str) -> Trial:
    """On a database of its own: an export needs a sealed trail, and only what is committed is sealed."""
    return scenarios.trial("IMA402")


@pytest.fixture
def samples(ima402: Trial) -> dict[str, dict[str, Any]]:
    """For each thing an address can name, one of site 101; an address that means another thing by it has its own."""
    subject = scenarios_enrollment.confirmed(ima402, planned="2026-03-02").subject
    scenarios_dosing.dose(ima402, subject, "C1D1", "2026-03-02T09:00")
    with ima402.acting_as("chidi"):
        record = FormRecord.objects.filter(subject=subject, form="vital_signs").earliest("pk")
    event = scenarios_safety.event(ima402, subject, term="Febrile neutropenia", grade=3)
    finished = scenarios_review.completed(ima402)
    signature = scenarios_review.signed(ima402, finished)
    query = scenarios_review.query(ima402, record)
    scenarios_review.locked(ima402, locked := scenarios_review.completed(ima402))
    with ima402.acting_as("noor") as noor:
        unlock = locking.ask_unlock(actor=noor, record=locked, why="Wrong subject", at=NOON)
        deviation = deviations.record_deviation(
            actor=noor,
            subject=subject,
            category="WINDOW",
            term="Late",
            occurred=PartialDate.parse("2026-03-02"),
            at=NOON,
        )
    with connection.cursor() as cursor:
        cursor.execute("select audit_seal()")
    with ima402.acting_as("dana") as dana:
        job = exports.request_export(actor=dana, study=ima402.study, site_ids=dana.site_ids, formats=["csv"], at=NOON)
    with ima402.acting_as("bea"):
        draft = ProtocolDraft.objects.create(
            study=ima402.study, version="9.9", text="", loaded_by=ima402.people["bea"], loaded_at=NOON
        )
    scenarios_alerts.evaluate(ima402, subject)
    alert = scenarios_alerts.alerts_of(ima402, subject)[0]
    with ima402.acting_as("mora") as mora:
        seen = selectors.cohort_board(actor=mora, study=ima402.study, at=NOON)
        assert seen is not None
        decision = escalation.sign_decision(
            actor=mora,
            proof=signatures.reauthenticate(ima402.people["mora"], scenarios.PASSWORD),
            study=ima402.study,
            proposal=escalation.Proposal(
                kind=DecisionKind.STOP,
                next_level=None,
                rationale="Enough was seen.",
                attendees=(escalation.Attendee("Dr Mora Lindqvist", "medical monitor"),),
                advice_seen=seen.advice.short,
            ),
            data_cut_at=NOON,
            at=NOON,
        )
    common = {
        "study": "IMA402",
        "number": subject.number,
        "code": "SCR",
        "form": "adverse_event",
        "record": record.pk,
        "kind": "results",
        "key": "SYSBP",
        "gate": "main",
        "draft": draft.pk,
        "signature": signature.pk,
        "unlock": unlock.pk,
        "deviation": deviation.pk,
        "job": job.pk,
        "alert": alert.pk,
        "decision": decision.pk,
    }
    of_events = {"record": event.pk}
    return {
        "": common,
        "query": {"number": query.number},
        "adverse_event_end": of_events,
        "serious_event_report": of_events,
        "serious_event": of_events,
        "triage_event": of_events,
        "submission_record": of_events,
        "submission_correct": of_events,
        "adverse_event_query": of_events,
        "ctcae_terms": of_events,
    }


def url(address: Address, samples: dict[str, dict[str, Any]]) -> str:
    return address.url(samples[""] | samples.get(address.name, {}))


def client_of(trial: Trial, name: str) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(trial.people[name], backend=BACKEND)
    return client


def tried(client: Client, method: str, address: str) -> int:
    """Try the address and take back whatever it did."""
    with transaction.atomic():
        answer = getattr(client, method)(address)
        status = int(answer.status_code)
        transaction.set_rollback(True)
    return status


def methods(address: Address) -> list[str]:
    return [method for method in ("get", "post") if hasattr(address.view, method)]


def captured(trial: Trial) -> int:
    """How many times any value was ever changed: what nobody on the sponsor's side may move."""
    with acting(trial.system(), place="test"):
        return PathVersion.objects.aggregate(changes=Sum("version"))["changes"] or 0


def test_every_page_of_a_study_says_which_action_it_is() -> None:
    assert [address.name for address in STUDY_PAGES if not address.actions] == []


def test_a_role_opens_exactly_what_its_actions_open(ima402: Trial, samples: dict[str, dict[str, Any]]) -> None:
    wrong = []
    for name, (_, role, _) in CAST.items():
        client = client_of(ima402, name)
        for address in STUDY_PAGES:
            allowed = bool(set(address.actions or ()) & ROLE_ACTIONS[role])
            for method in methods(address):
                status = tried(client, method, url(address, samples))
                if status >= 500 or (not allowed and status != 403):
                    wrong.append(f"{role.label} {method} {address.name}: {status}")
                elif allowed and method == "get" and status == 403:
                    wrong.append(f"{role.label} {method} {address.name}: 403 although the role has the action")
    assert wrong == []


def test_another_site_finds_nothing_of_this_one(ima402: Trial, samples: dict[str, dict[str, Any]]) -> None:
    found = []
    for name in ("iris", "ines"):
        client = client_of(ima402, name)
        for address in STUDY_PAGES:
            if not (address.takes - {"study"}) - OF_THE_STUDY_AS_A_WHOLE:
                continue
            for method in methods(address):
                status = tried(client, method, url(address, samples))
                if status not in {403, 404}:
                    found.append(f"{name} {method} {address.name}: {status}")
    assert found == []


def test_another_study_finds_nothing_of_this_one(ima402: Trial, samples: dict[str, dict[str, Any]]) -> None:
    other = scenarios.trial("IMA203")
    stranger = scenarios._person("stranger", "Somebody else", NOON)
    from apps.access import services as access

    with acting(other.system(), place="test"):
        access.give_role(
            actor=other.system(), user=stranger, study=other.study, role=Role.DATA_MANAGER, site=None, at=NOON
        )
    client = Client(raise_request_exception=False)
    client.force_login(stranger, backend=BACKEND)
    assert {tried(client, "get", url(address, samples)) for address in STUDY_PAGES if "get" in methods(address)} == {
        404
    }
    foreign = [
        (address.name, status)
        for address in STUDY_PAGES
        if (address.takes - {"study"}) and "get" in methods(address)
        if (status := tried(client, "get", url(address, samples).replace("/IMA402/", "/IMA203/"))) not in {403, 404}
    ]
    assert foreign == []


def test_nobody_on_the_sponsors_side_changes_a_clinical_value(
    ima402: Trial, samples: dict[str, dict[str, Any]]
) -> None:
    before = captured(ima402)
    typed = {"value:results/SYSBP/value": "99", "path": "results/SYSBP/value", "value": "99", "act": "complete"}
    for name, (_, role, _) in CAST.items():
        if role in SITE_ROLES:
            continue
        client = client_of(ima402, name)
        for address in STUDY_PAGES:
            if "post" in methods(address):
                client.post(url(address, samples), typed)
    assert captured(ima402) == before
    with acting(ima402.system(), place="test"):
        assert not FormRecord.objects.filter(completed_by__in=[ima402.people["noor"], ima402.people["dana"]]).exists()


def test_without_signing_in_no_page_opens(ima402: Trial, samples: dict[str, dict[str, Any]]) -> None:
    client = Client()
    answers = {
        (method, tried(client, method, url(address, samples))) for address in STUDY_PAGES for method in methods(address)
    }
    assert {status for _, status in answers} == {302}
