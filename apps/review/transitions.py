"""The life of a query as one readable table: what moves it from where to where, and whose act that is.

The site answers and never closes; a group closes what it asked; the data manager may close for another group and says
why. What the system asked belongs to monitors and data managers alike. Drafts are the sponsor side's own.
"""

from dataclasses import dataclass

from apps.access.roles import Role
from apps.core.action import Action
from apps.core.actor import Actor
from apps.core.refusal import NotAllowed, Refusal
from apps.review.models import Act, Group, QueryState

S = QueryState


@dataclass(frozen=True)
class Move:
    """One row of the table. `own` asks for the group's own query, `words` for words with the act."""

    sources: tuple[QueryState, ...]
    target: QueryState
    action: Action
    own: bool = False
    words: str = ""


MOVES: dict[Act, Move] = {
    Act.RELEASE: Move((S.DRAFT,), S.OPEN, Action.RAISE_QUERY, own=True),
    Act.ANSWER: Move((S.OPEN,), S.ANSWERED, Action.ANSWER_QUERY, words="Write the answer first."),
    Act.REQUERY: Move((S.ANSWERED,), S.OPEN, Action.CLOSE_QUERY, own=True, words="Say what is still to be answered."),
    Act.CLOSE: Move((S.ANSWERED,), S.CLOSED, Action.CLOSE_QUERY, own=True),
    Act.CANCEL: Move((S.DRAFT, S.OPEN), S.CANCELLED, Action.RAISE_QUERY, own=True),
    Act.REOPEN: Move((S.CLOSED,), S.OPEN, Action.CLOSE_QUERY, own=True, words="Say why the query is opened again."),
}
"""What people do to a query that exists. Raising and drafting make one; the system's own acts are `SYSTEM_MOVES`."""

SYSTEM_MOVES: dict[Act, Move] = {
    Act.AUTO_CLOSE: Move((S.OPEN,), S.AUTO_CLOSED, Action.READ_DATA),
    Act.WITHDRAW: Move((S.DRAFT, S.OPEN, S.ANSWERED), S.AUTO_CLOSED, Action.READ_DATA),
    Act.ASK_ANEW: Move((S.OPEN,), S.OPEN, Action.READ_DATA),
}

_GROUP_OF_ROLE = {
    Role.MONITOR.label: Group.MONITOR,
    Role.DATA_MANAGER.label: Group.DATA_MANAGER,
    Role.MEDICAL_MONITOR.label: Group.MEDICAL_MONITOR,
}
_ALSO_OWN = {
    Group.MONITOR: frozenset({Group.SYSTEM}),
    Group.DATA_MANAGER: frozenset({Group.SYSTEM}),
}
"""Whose queries a group treats as its own beside those it raised."""

_WHAT_NOW = {
    S.DRAFT: "This query is a draft. Release it first.",
    S.OPEN: "This query is open and waits for the site's answer.",
    S.ANSWERED: "This query was answered and waits to be closed or asked again.",
    S.CLOSED: "This query is closed. Reopen it to go on.",
    S.CANCELLED: "This query was cancelled. Raise a new one to go on.",
    S.AUTO_CLOSED: "The system closed this query. Raise a new one to go on.",
}


class NotNow(Refusal):
    """The query does not stand where this act begins."""


class WordsNeeded(Refusal):
    """The act needs an answer, a question or a reason."""


def groups_of(actor: Actor, *, at: int) -> tuple[Group, ...]:
    """The review groups in which the person works at a site, in the order of their roles."""
    found = (_GROUP_OF_ROLE.get(grant.role) for grant in actor.grants if grant.covers(at))
    return tuple(dict.fromkeys(group for group in found if group is not None))


def may(*, act: Act, state: QueryState, group: Group, actor: Actor, at: int, is_own_draft: bool = False) -> bool:
    """Whether the person could do this now, given the words it needs: which buttons to show."""
    try:
        check(act=act, state=state, group=group, actor=actor, at=at, words="x", is_own_draft=is_own_draft)
    except Refusal:
        return False
    return True


def check(
    *, act: Act, state: QueryState, group: Group, actor: Actor, at: int, words: str, is_own_draft: bool = False
) -> Move:
    """The move, or the Refusal that says in words why not."""
    move = MOVES[act]
    actor.require(move.action, at=at)
    groups = groups_of(actor, at=at)
    is_data_manager = Group.DATA_MANAGER in groups
    if move.own and not is_data_manager and not _is_own(group, groups):
        raise NotAllowed(
            f"This is a query of the {Group(group).label.lower()}. They, or the data manager, can do this."
        )
    if state not in move.sources:
        raise NotNow(_WHAT_NOW[S(state)])
    if act is Act.RELEASE and is_own_draft and not is_data_manager:
        raise NotAllowed("A draft is released by a second person. Ask a colleague or the data manager.")
    if not words.strip():
        if move.words:
            raise WordsNeeded(move.words)
        if act is Act.CLOSE and not _is_own(group, groups):
            raise WordsNeeded(f"Say why you close a query of the {Group(group).label.lower()}.")
    return move


def _is_own(group: Group, groups: tuple[Group, ...]) -> bool:
    return any(group == mine or group in _ALSO_OWN.get(mine, frozenset()) for mine in groups)
