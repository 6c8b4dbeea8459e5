"""The role × action matrix, and what it must never say."""

import pytest

from apps.access.roles import ROLE_ACTIONS, SITE_ROLES, Role
from apps.core.action import CLINICAL_WRITES, Action
from tests.scenarios import Trial

SPONSOR_SIDE = sorted(set(Role) - SITE_ROLES)


@pytest.mark.parametrize("role", SPONSOR_SIDE)
def test_no_sponsor_side_role_writes_clinical_values(role: Role) -> None:
    assert not ROLE_ACTIONS[role] & CLINICAL_WRITES


@pytest.mark.parametrize("role", sorted(SITE_ROLES))
def test_no_site_role_closes_queries_or_judges_for_the_sponsor(role: Role) -> None:
    sponsor_only = {
        Action.CLOSE_QUERY,
        Action.ADJUDICATE_DLT,
        Action.TRIAGE_SERIOUS_EVENT,
        Action.DECIDE_ESCALATION,
        Action.LOCK_DATA,
    }
    assert not ROLE_ACTIONS[role] & sponsor_only


def test_only_the_medical_monitor_triages_serious_events() -> None:
    assert [role for role in Role if Action.TRIAGE_SERIOUS_EVENT in ROLE_ACTIONS[role]] == [Role.MEDICAL_MONITOR]


def test_who_builds_a_protocol_does_not_approve_it() -> None:
    assert not any({Action.DRAFT_PROTOCOL, Action.APPROVE_PROTOCOL} <= held for held in ROLE_ACTIONS.values())


def test_the_administrator_reads_no_clinical_data() -> None:
    assert Action.READ_DATA not in ROLE_ACTIONS[Role.ADMINISTRATOR]


def test_every_role_and_every_action_is_in_the_table() -> None:
    assert set(ROLE_ACTIONS) == set(Role)
    assert frozenset().union(*ROLE_ACTIONS.values()) == set(Action)


@pytest.mark.django_db
def test_a_role_at_one_site_reaches_no_other(ima402: Trial) -> None:
    chidi, other = ima402.actor("chidi"), ima402.sites["202"].pk
    assert chidi.may(Action.ENTER_DATA)
    assert not chidi.may(Action.ENTER_DATA, at=other)
    assert ima402.actor("noor").may(Action.RAISE_QUERY, at=other)
