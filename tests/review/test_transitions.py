"""The life of a query: every act, from every state, by every role, against the table of the trade."""

import pytest

from apps.access.roles import ROLE_ACTIONS, Role
from apps.core.actor import Actor, Grant
from apps.core.refusal import NotAllowed
from apps.review import transitions
from apps.review.models import Act, Group, QueryState

SITE = 1
S = QueryState

ALLOWED_FROM = {
    Act.RELEASE: {S.DRAFT},
    Act.ANSWER: {S.OPEN},
    Act.REQUERY: {S.ANSWERED},
    Act.CLOSE: {S.ANSWERED},
    Act.CANCEL: {S.DRAFT, S.OPEN},
    Act.REOPEN: {S.CLOSED},
}
TARGET = {
    Act.RELEASE: S.OPEN,
    Act.ANSWER: S.ANSWERED,
    Act.REQUERY: S.OPEN,
    Act.CLOSE: S.CLOSED,
    Act.CANCEL: S.CANCELLED,
    Act.REOPEN: S.OPEN,
}
SITE_MAY = {Role.COORDINATOR: {Act.ANSWER}, Role.INVESTIGATOR: {Act.ANSWER}}
REVIEW_ACTS = {Act.RELEASE, Act.REQUERY, Act.CLOSE, Act.CANCEL, Act.REOPEN}
OWN_GROUPS = {
    Role.MONITOR: {Group.MONITOR, Group.SYSTEM},
    Role.DATA_MANAGER: set(Group),
    Role.MEDICAL_MONITOR: {Group.MEDICAL_MONITOR},
}


def person(role: Role) -> Actor:
    grant = Grant(role=role.label, site_id=SITE, actions=ROLE_ACTIONS[role])
    return Actor(name="Somebody", user_id=1, study_id=1, grants=(grant,), study_site_ids=frozenset({SITE}))


def expected(act: Act, state: QueryState, group: Group, role: Role) -> bool:
    if state not in ALLOWED_FROM[act]:
        return False
    if role in SITE_MAY:
        return act in SITE_MAY[role]
    return act in REVIEW_ACTS and group in OWN_GROUPS.get(role, set())


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("act", list(ALLOWED_FROM))
def test_an_act_is_possible_exactly_where_the_table_says(act: Act, role: Role) -> None:
    found = {
        (state, group): transitions.may(act=act, state=state, group=group, actor=person(role), at=SITE)
        for state in QueryState
        for group in Group
    }
    assert found == {(state, group): expected(act, state, group, role) for state in QueryState for group in Group}


@pytest.mark.parametrize("act", list(ALLOWED_FROM))
def test_every_act_leads_to_one_state(act: Act) -> None:
    assert transitions.MOVES[act].target is TARGET[act]


@pytest.mark.parametrize(
    ("act", "role", "group", "sentence"),
    [
        (Act.ANSWER, Role.COORDINATOR, Group.MONITOR, "Write the answer"),
        (Act.REQUERY, Role.MONITOR, Group.MONITOR, "still to be answered"),
        (Act.REOPEN, Role.MONITOR, Group.MONITOR, "Say why"),
        (Act.CLOSE, Role.DATA_MANAGER, Group.MONITOR, "Say why you close"),
    ],
)
def test_some_acts_need_words(act: Act, role: Role, group: Group, sentence: str) -> None:
    (state,) = ALLOWED_FROM[act]
    with pytest.raises(transitions.WordsNeeded, match=sentence):
        transitions.check(act=act, state=state, group=group, actor=person(role), at=SITE, words="  ")


@pytest.mark.parametrize(
    ("role", "group"),
    [
        (Role.MONITOR, Group.MONITOR),
        (Role.MONITOR, Group.SYSTEM),
        (Role.DATA_MANAGER, Group.DATA_MANAGER),
        (Role.DATA_MANAGER, Group.SYSTEM),
        (Role.MEDICAL_MONITOR, Group.MEDICAL_MONITOR),
    ],
)
def test_ones_own_groups_answered_query_closes_without_words(role: Role, group: Group) -> None:
    transitions.check(act=Act.CLOSE, state=S.ANSWERED, group=group, actor=person(role), at=SITE, words="")


def test_a_draft_is_released_by_a_second_person_or_the_data_manager() -> None:
    draft = {"act": Act.RELEASE, "state": S.DRAFT, "group": Group.MONITOR, "at": SITE, "words": ""}
    with pytest.raises(NotAllowed, match="second person"):
        transitions.check(actor=person(Role.MONITOR), is_own_draft=True, **draft)
    transitions.check(actor=person(Role.MONITOR), is_own_draft=False, **draft)
    transitions.check(actor=person(Role.DATA_MANAGER), is_own_draft=True, **draft)
