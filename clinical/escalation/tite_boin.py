"""TITE-BOIN, BOIN that decides while subjects are still in their DLT period."""

from dataclasses import dataclass
from types import MappingProxyType

from clinical.escalation import interval
from clinical.escalation.advice import Action, Advice
from clinical.escalation.boin import Boin
from clinical.escalation.trial import DoseLevel, Trial


@dataclass(frozen=True)
class TiteBoin(Boin):
    """BOIN with pending subjects counted by the share of the window they have finished.

    The effective sample size is the subjects decided plus the pending ones' follow-up over the window; DLTs over it
    are compared with BOIN's boundaries. In this order: elimination, on all subjects; suspension, if more than
    `max_pending_fraction` of the level is pending; then the comparison. Source: Yuan et al., Clin Cancer Res
    2018;24:4921, in the closed form of Lin & Yuan, Biostatistics 2020;21:807.

    The case people get wrong: one of three pending is no reason to wait, two of three is.

    >>> here = DoseLevel(treated=3, evaluable=2, pending=1, follow_up=(0.5,))
    >>> str(TiteBoin(target=0.30).advise(Trial((here, DoseLevel()))))
    'escalate to 2'
    """

    max_pending_fraction: float = 0.5

    def _claims(self) -> list[tuple[bool, str]]:
        holds = 0 <= self.max_pending_fraction <= 1
        return [*super()._claims(), (holds, "max-pending-fraction must lie between 0 and 1.")]

    def effective_size(self, level: DoseLevel) -> float:
        """Subjects decided, plus the pending ones in proportion to their follow-up."""
        return level.evaluable + sum(level.follow_up)

    def advise(self, trial: Trial) -> Advice:
        """The advice for the level now open."""
        here, level = trial.here, trial.current
        if any(each.pending and not each.follow_up for each in trial.levels):
            raise ValueError("TITE-BOIN needs the follow-up of every pending subject, as a share of the DLT period.")
        n, size = here.evaluable + here.pending, self.effective_size(here)
        rate = here.dlts / size if size else 0.0
        numbers = MappingProxyType(
            {
                "n": float(n),
                "dlts": float(here.dlts),
                "pending": float(here.pending),
                "effective_n": size,
                "rate": rate,
                "lambda_e": self.lambda_e,
                "lambda_d": self.lambda_d,
            }
        )
        everyone = trial.if_all_complete()
        at_best = interval.decide(everyone, self, numbers)
        if at_best.eliminates or at_best.action is Action.STOP or level in trial.eliminated:
            return at_best
        found = f"DLTs at level {level}: {here.dlts} in an effective {size:.2f} subjects"
        if here.pending > self.max_pending_fraction * n:
            why = f"{here.pending} of {n} subjects at level {level} are pending, more than may be."
            return Advice(Action.SUSPEND, level, why, numbers=numbers)
        if n < self.cohort_size and here.dlts < self.lambda_d * self.cohort_size:
            why = f"{n} of {self.cohort_size} subjects of the cohort at level {level} were treated."
            return Advice(Action.WAIT, level, why, places=self.cohort_size - n, numbers=numbers)
        if rate >= self.lambda_d:
            if level > 1:
                return self._move(Action.DE_ESCALATE, trial, level - 1, f"{found}: too many.", numbers)
            if here.pending:
                why = f"{found}: too many, and there is no lower level."
                return Advice(Action.SUSPEND, level, why, is_for_safety=True, numbers=numbers)
            return self._move(
                Action.STAY, trial, level, f"{found}: too many, but there is no lower level.", numbers, safety=True
            )
        if rate > self.lambda_e:
            return self._move(Action.STAY, trial, level, f"{found}: close to the target.", numbers)
        if here.undecided and here.dlts + here.undecided > self.lambda_e * n:
            why = f"{found}. DLT candidates under review: {here.undecided}; if confirmed, none goes up."
            return Advice(Action.SUSPEND, level, why, numbers=numbers)
        if level == trial.top or level + 1 in trial.eliminated:
            why = "there is no higher level" if level == trial.top else f"level {level + 1} is eliminated"
            return self._move(Action.STAY, trial, level, f"{found}: {why}.", numbers)
        return self._move(Action.ESCALATE, trial, level + 1, f"{found}: few enough to go up.", numbers)

    def _move(
        self,
        action: Action,
        trial: Trial,
        to: int,
        why: str,
        numbers: MappingProxyType[str, float],
        *,
        safety: bool = False,
    ) -> Advice:
        return Advice(
            action,
            to,
            why,
            places=self.cohort_size,
            is_for_safety=safety or action is Action.DE_ESCALATE,
            numbers=numbers,
        )
