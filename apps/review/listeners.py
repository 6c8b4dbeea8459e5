"""What review does, in the same transaction, when the form records tell it something."""

from apps.core import events as facts
from apps.core.actor import Actor
from apps.review import services, signatures
from apps.visits import events, presentation


@facts.at_once(events.RecordCompleted)
def ask_what_nobody_answered(fact: events.RecordCompleted, actor: Actor) -> None:
    """Each confirm check that was left without an answer becomes one query of the system."""
    record = fact.loaded_record
    for path, check, sentence in fact.unanswered:
        services.open_system_query(
            actor=actor,
            record=record,
            path=path,
            check=check,
            sentence=sentence,
            fingerprint=services.fingerprint(record=record, path=path, check=check, sentence=sentence),
            at=fact.at,
        )


@facts.at_once(events.ValuesChanged)
def follow_changed_values(fact: events.ValuesChanged, actor: Actor) -> None:
    """Break signatures, withdraw what asks about a removed line, close the system's queries that are settled."""
    record = fact.loaded_record
    removed = tuple(path.removesuffix("is_removed") for path in fact.paths if path.endswith("/is_removed"))
    if signatures.is_signed(record):
        values_left = [path for path in fact.paths if not path.endswith("/is_removed")]
        names = [*(["a removed line"] * len(removed)), *presentation.labels(record, values_left)]
        signatures.break_signatures(
            actor=actor,
            record=record,
            paths=fact.paths,
            why=f"Signature broken by change to {_list(names)} ({actor.name}).",
            at=fact.at,
        )
    if removed:
        services.withdraw_queries(
            actor=actor,
            record=record,
            why="Withdrawn: the line it asked about was removed.",
            at=fact.at,
            under=removed,
        )
    services.recheck_system_queries(actor=actor, record=record, at=fact.at)


@facts.at_once(events.ValueConfirmed)
def take_confirmation_as_answer(fact: events.ValueConfirmed, actor: Actor) -> None:
    """Saying beside the field why the value is right answers the system's query on it."""
    services.answer_by_confirmation(
        actor=actor, record=fact.loaded_record, path=fact.path, check=fact.check, why=fact.why, at=fact.at
    )


@facts.at_once(events.RecordNotDone)
def follow_not_done(fact: events.RecordNotDone, actor: Actor) -> None:
    """A form that was not done has nothing missing; a signature on it covered something else."""
    record = fact.loaded_record
    signatures.break_signatures(
        actor=actor, record=record, paths=(), why=f"The form was marked not done ({actor.name}).", at=fact.at
    )
    services.recheck_system_queries(actor=actor, record=record, at=fact.at)


@facts.at_once(events.RecordRemoved)
def follow_removal(fact: events.RecordRemoved, actor: Actor) -> None:
    """Nothing is asked about, and nobody stands by, an entry that was removed."""
    record = fact.loaded_record
    signatures.break_signatures(
        actor=actor, record=record, paths=(), why=f"The entry was removed ({actor.name}).", at=fact.at
    )
    services.withdraw_queries(
        actor=actor, record=record, why=f"Withdrawn: the entry was removed ({record.removed_reason}).", at=fact.at
    )


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:5])}{' and others' if len(names) > 5 else ''}"
