"""The rolling six design."""

from dataclasses import dataclass

from clinical.escalation.advice import Action, Advice
from clinical.escalation.trial import Trial

FULL = 6
DLTS_TOO_MANY = 2
ENOUGH_CLEAN = 3


@dataclass(frozen=True)
class RollingSix:
    """Two to six subjects enrol at a level without a pause; the counts of the day decide where the next one goes.

    Two DLTs de-escalate. Up to five subjects: escalate when at least three are judged, all without a DLT and nobody
    pending, else enrol here. Six subjects: escalate when at most one can have a DLT, however the pending ones end; else
    suspend until that is known. Source: Skolnik et al., J Clin Oncol 2008;26:190, table 1.

    The case people get wrong: five of six without a DLT and the sixth pending need no waiting.
    """

    def advise(self, trial: Trial) -> Advice:
        """The advice for the level now open."""
        level, here = trial.current, trial.here
        enrolled = here.evaluable + here.pending
        ceiling = min(
            (
                number
                for number, each in enumerate(trial.levels, start=1)
                if each.dlts >= DLTS_TOO_MANY or number in trial.eliminated
            ),
            default=trial.top + 1,
        )
        found = f"{here.dlts} of {enrolled} subjects at level {level} had a DLT (pending: {here.pending})"
        if level >= ceiling:
            return self._descend(trial, ceiling, found)
        if here.dlts + here.undecided >= DLTS_TOO_MANY:
            why = f"{found}; candidates under review: {here.undecided}. Two DLTs would be too many."
            return Advice(Action.SUSPEND, level, why, is_for_safety=True)
        if enrolled >= FULL:
            may_go_up = here.dlts + here.pending < DLTS_TOO_MANY
            if not may_go_up:
                return Advice(Action.SUSPEND, level, f"{found}; {FULL} is a full level.")
        else:
            may_go_up = here.dlts == 0 and here.pending == 0 and here.cohort_evaluable >= ENOUGH_CLEAN
            if not may_go_up:
                return Advice(Action.STAY, level, f"{found}; the next subject enrols here.", places=FULL - enrolled)
        if level == trial.top or level + 1 == ceiling:
            above = "there is no higher level" if level == trial.top else f"level {level + 1} is too toxic"
            if enrolled < FULL and level < trial.top:
                why = f"{found}; {above}, so {FULL} are treated here."
                return Advice(Action.EXPAND, level, why, places=FULL - enrolled)
            if here.pending:
                return Advice(Action.WAIT, level, f"{found}; {above}.")
            return Advice(Action.STOP, level, f"{found}; {above}.", mtd=level)
        return Advice(Action.ESCALATE, level + 1, f"{found}.", places=FULL)

    def _descend(self, trial: Trial, ceiling: int, found: str) -> Advice:
        """Leave a level that is too toxic; the level below is filled to six before it may be called the MTD."""
        ruled_out = frozenset(range(ceiling, trial.top + 1)) - trial.eliminated
        below = ceiling - 1
        if below == 0:
            why = f"{found}, and there is no lower level."
            return Advice(Action.STOP, trial.current, why, is_for_safety=True, eliminates=ruled_out)
        if trial[below].evaluable >= FULL:
            why = f"{found}; level {below} was judged in {trial[below].evaluable} subjects."
            return Advice(Action.STOP, trial.current, why, is_for_safety=True, eliminates=ruled_out, mtd=below)
        return Advice(
            Action.DE_ESCALATE,
            below,
            f"{found}.",
            places=max(0, FULL - trial[below].evaluable - trial[below].pending),
            is_for_safety=True,
            eliminates=ruled_out,
        )
