"""The 3+3 design, in both variants that textbooks call by that name."""

from dataclasses import dataclass
from enum import StrEnum

from clinical.escalation.advice import Action, Advice
from clinical.escalation.trial import Trial

COHORT_SIZE = 3
EXPANDED_SIZE = 6
DLTS_TOO_MANY = 2


class Variant(StrEnum):
    """What happens below a level with two or more DLTs.

    With de-escalation (Korn 1994, Storer 1989) the level below is filled to six before it may be called the MTD.
    Without, the trial ends there and the level below is the MTD, even if only three subjects were treated at it.
    """

    WITH_DE_ESCALATION = "with de-escalation"
    WITHOUT_DE_ESCALATION = "without de-escalation"


@dataclass(frozen=True)
class ThreePlusThree:
    """Three subjects per cohort: none with a DLT escalates, one expands to six, two or more is too toxic.

    Of six, at most one DLT escalates. Two DLTs act at once, whoever is still in the window; escalation waits for all.
    Sources: Storer, Biometrics 1989;45:925; Korn et al., Stat Med 1994;13:1799.

    The case people get wrong: a third subject who leaves without a DLT inside the window is replaced, so two of two
    without a DLT is not yet a cohort.
    """

    variant: Variant = Variant.WITH_DE_ESCALATION

    def advise(self, trial: Trial) -> Advice:
        """The advice for the level now open."""
        here, level = trial.here, trial.current
        ceiling = _too_toxic_from(trial)
        if level >= ceiling:
            return self._descend(trial, ceiling)
        if here.dlts + here.undecided >= DLTS_TOO_MANY:
            return Advice(
                Action.SUSPEND,
                level,
                f"At level {level}, DLTs confirmed: {here.dlts}, under review: {here.undecided}. Two are too many.",
                is_for_safety=True,
            )
        if here.cohort_evaluable < COHORT_SIZE:
            short = max(0, COHORT_SIZE - here.cohort_evaluable - here.cohort_pending)
            return Advice(
                Action.WAIT,
                level,
                f"{here.cohort_evaluable} of {COHORT_SIZE} subjects at level {level} can be judged so far.",
                places=short,
            )
        is_below_toxic = level < trial.top and level + 1 == ceiling
        must_fill = here.dlts == 1 or (is_below_toxic and self.variant is Variant.WITH_DE_ESCALATION)
        if must_fill and here.evaluable < EXPANDED_SIZE:
            return Advice(
                Action.EXPAND,
                level,
                f"{here.dlts} of {here.evaluable} subjects at level {level} had a DLT; "
                f"{EXPANDED_SIZE} must be judged here.",
                places=max(0, EXPANDED_SIZE - here.evaluable - here.pending),
            )
        if here.cohort_pending:
            return Advice(Action.WAIT, level, f"Still in the DLT period at level {level}: {here.cohort_pending}.")
        found = f"{here.dlts} of {here.evaluable} subjects at level {level} had a DLT"
        if level == trial.top:
            return Advice(Action.STOP, level, f"{found}; there is no higher level.", mtd=level)
        if is_below_toxic:
            return Advice(Action.STOP, level, f"{found}, and level {level + 1} is too toxic.", mtd=level)
        return Advice(Action.ESCALATE, level + 1, f"{found}.", places=COHORT_SIZE)

    def _descend(self, trial: Trial, ceiling: int) -> Advice:
        """Leave a level that is too toxic, or that lies above one that has become so."""
        worst = trial[ceiling] if ceiling <= trial.top else trial.here
        found = (
            f"{worst.dlts} of {worst.evaluable} subjects at level {ceiling} had a DLT"
            if worst.dlts >= DLTS_TOO_MANY
            else f"Level {ceiling} is eliminated"
        )
        ruled_out = frozenset(range(ceiling, trial.top + 1)) - trial.eliminated
        below = ceiling - 1
        if below == 0:
            return Advice(
                Action.STOP,
                trial.current,
                f"{found}, and there is no lower level.",
                is_for_safety=True,
                eliminates=ruled_out,
            )
        if self.variant is Variant.WITHOUT_DE_ESCALATION or trial[below].evaluable >= EXPANDED_SIZE:
            return Advice(
                Action.STOP,
                trial.current,
                f"{found}; level {below} is the highest below it.",
                is_for_safety=True,
                eliminates=ruled_out,
                mtd=below,
            )
        return Advice(
            Action.DE_ESCALATE,
            below,
            f"{found}.",
            places=max(0, EXPANDED_SIZE - trial[below].evaluable - trial[below].pending),
            is_for_safety=True,
            eliminates=ruled_out,
        )


def _too_toxic_from(trial: Trial) -> int:
    """The lowest level with too many DLTs or eliminated (a late DLT may be below the level now open); else top + 1."""
    return min(
        (
            number
            for number, level in enumerate(trial.levels, start=1)
            if level.dlts >= DLTS_TOO_MANY or number in trial.eliminated
        ),
        default=trial.top + 1,
    )


def three_plus_three(trial: Trial, *, levels: int, variant: Variant = Variant.WITH_DE_ESCALATION) -> Advice:
    """The 3+3 advice for a trial with `levels` dose levels.

    >>> from clinical.escalation.trial import outcomes
    >>> str(three_plus_three(outcomes("1NNN 2NTT"), levels=5))
    'de-escalate to 1'
    >>> str(three_plus_three(outcomes("1NNN 2NTT"), levels=5, variant=Variant.WITHOUT_DE_ESCALATION))
    'stop'
    """
    return ThreePlusThree(variant).advise(trial.with_levels(levels))
