"""Safety moves early, escalation waits: when a design's decision may act while subjects are still in the window."""

from collections.abc import Callable
from dataclasses import replace

from clinical.escalation.advice import Action, Advice
from clinical.escalation.trial import Trial


def paced(trial: Trial, decide: Callable[[Trial], Advice], *, cohort_size: int) -> Advice:
    """What may be acted on today, given the design's decision on outcomes that are known.

    - A level that the outcomes so far rule out is ruled out at once.
    - A move toward less dose acts at once when it would follow even if every pending subject finished without a DLT,
      and the cohort were filled up with such subjects: no outcome of theirs can change it. Slots close.
    - A DLT candidate under review that would bring such a move about suspends enrolment until it is decided.
    - Everything else waits until the cohort is complete and nobody in it is pending.

    The case people get wrong: two DLTs in three where the third is still in the window need no waiting, while two
    of three without a DLT and the third in the window need all of it.
    """
    now = decide(trial)
    if now.eliminates and now.is_for_safety:
        return now
    advice = _waiting(trial, now, decide, cohort_size)
    # A level above that the outcomes rule out is ruled out today, whatever the level now open waits for.
    return replace(advice, eliminates=advice.eliminates | now.eliminates)


def _waiting(trial: Trial, now: Advice, decide: Callable[[Trial], Advice], cohort_size: int) -> Advice:
    pending = trial.here.pending
    at_best = decide(trial.if_all_complete(at_least=cohort_size))
    if at_best.is_for_safety and not trial.here.pending:
        return now
    if at_best.is_for_safety:
        closed = 0 if at_best.action is Action.STAY else at_best.places
        return replace(at_best, places=closed, reason=f"{at_best.reason} No outcome still to come can change this.")
    if trial.here.undecided:
        presumed = decide(trial.if_all_complete(undecided_are_dlts=True, at_least=cohort_size))
        if presumed.is_for_safety:
            return Advice(
                Action.SUSPEND,
                trial.current,
                f"DLT candidates under review at level {trial.current}: {trial.here.undecided}. "
                f"If they are confirmed: {presumed.reason}",
                is_for_safety=True,
                numbers=now.numbers,
            )
    short = cohort_size - trial.here.cohort_evaluable
    if short > 0 or trial.here.cohort_pending:
        return Advice(
            Action.WAIT,
            trial.current,
            f"Of the cohort at level {trial.current}, {trial.here.cohort_evaluable} can be judged; pending: {pending}. "
            f"A decision needs {cohort_size} judged and nobody pending.",
            places=max(0, short - trial.here.cohort_pending),
            numbers=now.numbers,
        )
    return now
