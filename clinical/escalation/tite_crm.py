"""TITE-CRM, the CRM that weighs subjects by how much of their DLT period is over."""

from dataclasses import dataclass

import numpy as np

from clinical.escalation.advice import Action, Advice
from clinical.escalation.crm import Crm, Floats
from clinical.escalation.trial import Trial


@dataclass(frozen=True)
class TiteCrm(Crm):
    """A pending subject without a DLT counts as a part of one: the share of the window already observed.

    A subject with a DLT counts whole from that day on. Escalation does not wait for anybody, unless more than
    `max_pending_fraction` of the level is pending. Source: Cheung & Chappell, Biometrics 2000;56:1177.

    The case people get wrong: the weight of a subject with a DLT is 1, however early in the window it came.
    """

    max_pending_fraction: float | None = None

    def _claims(self) -> list[tuple[bool, str]]:
        share = self.max_pending_fraction
        return [
            *super()._claims(),
            (share is None or 0 <= share <= 1, "max-pending-fraction must lie between 0 and 1."),
        ]

    def _pending_likelihood(self, trial: Trial, rates: Floats) -> Floats | float:
        total: Floats | float = 0.0
        for rate, level in zip(rates, trial.levels, strict=True):
            for share in level.follow_up:
                # a share of 1 with a rate of 1 would be log 0; such a curve is impossible, not undefined
                total = total + np.log(np.maximum(1 - share * rate, 1e-300))
        return total

    def advise(self, trial: Trial) -> Advice:
        """The advice for the level now open."""
        self._check_levels(trial)
        if any(level.pending and not level.follow_up for level in trial.levels):
            raise ValueError("TITE-CRM needs the follow-up of every pending subject, as a share of the DLT period.")
        here, level = trial.here, trial.current
        advice = self._decide(trial)
        if advice.is_for_safety:
            return advice
        enrolled = here.evaluable + here.pending
        if self.max_pending_fraction is not None and here.pending > self.max_pending_fraction * enrolled:
            why = f"{here.pending} of {enrolled} subjects at level {level} are pending, more than may be."
            return Advice(Action.SUSPEND, level, why, numbers=advice.numbers)
        if enrolled < self.cohort_size:
            why = f"{enrolled} of {self.cohort_size} subjects of the cohort at level {level} were treated."
            return Advice(Action.WAIT, level, why, places=self.cohort_size - enrolled, numbers=advice.numbers)
        if advice.action is Action.ESCALATE and here.undecided:
            presumed = self._decide(trial.if_all_complete(undecided_are_dlts=True))
            if presumed.action is not Action.ESCALATE:
                why = f"DLT candidates under review at level {level}: {here.undecided}; if confirmed, none goes up."
                return Advice(Action.SUSPEND, level, why, numbers=advice.numbers)
        return advice
