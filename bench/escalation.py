"""How long the dose-escalation engine takes: `python bench/escalation.py`.

10,000 BOIN trials (aim 0.5 s), 2,000 BLRM trials (aim 5 s), and one live decision of each design (aim 20 ms). A live
decision is timed twice: the first of a process, which sets the model's grid up, and the median of the next twenty.
"""

import sys
from pathlib import Path
from statistics import median
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from clinical.escalation.blrm import Blrm, Prior
from clinical.escalation.boin import Boin
from clinical.escalation.catalogue import CATALOGUE, design_named, engine_for
from clinical.escalation.simulation import Scenario, simulate
from clinical.escalation.trial import DoseLevel, Trial

P_TRUE = (0.05, 0.15, 0.30, 0.45, 0.60)
BLRM_P_TRUE = (0.02, 0.04, 0.06, 0.10, 0.18, 0.25, 0.40)
DOSES = (0.5, 1.0, 1.5, 3.0, 4.0, 6.0, 8.0)
PRIOR = Prior(mean=(-2.197, 0.0), sd=(2.0, 1.0))
PARAMETERS: dict[str, dict[str, object]] = {
    "crm": {"target": 0.3, "skeleton": P_TRUE},
    "tite-crm": {"target": 0.3, "skeleton": P_TRUE},
    "blrm": {"doses": (1, 2, 4, 8, 16), "dref": 8, "prior_mean": (-1.0, 0.0), "prior_sd": (2.0, 1.0)},
}
LIVE = Trial(
    (
        DoseLevel(treated=3, evaluable=3),
        DoseLevel(treated=6, evaluable=6, dlts=1),
        DoseLevel(treated=6, evaluable=4, dlts=1, pending=2, follow_up=(0.4, 0.7)),
        DoseLevel(),
        DoseLevel(),
    ),
    current=3,
)


def main() -> None:
    """Print the figures."""
    boin = engine_for(Boin(target=0.30))
    began = perf_counter()
    simulate(boin, Scenario(P_TRUE, trials=10_000, seed=6))
    print(f"10,000 BOIN trials, 5 levels, 10 cohorts of 3: {perf_counter() - began:.3f} s (aim 0.5 s)")

    blrm = engine_for(Blrm(DOSES, 3.0, PRIOR))
    began = perf_counter()
    simulate(blrm, Scenario(BLRM_P_TRUE, trials=2_000, seed=6))
    print(f"2,000 BLRM trials, 7 doses, 10 cohorts of 3: {perf_counter() - began:.3f} s (aim 5 s)")

    print("one live decision, first and then median of twenty (aim 20 ms):")
    for name in CATALOGUE:
        design = design_named(name, PARAMETERS.get(name, {}))
        times = []
        for _ in range(21):
            began = perf_counter()
            design.advise(LIVE)
            times.append(1000 * (perf_counter() - began))
        print(f"  {name:<22} {times[0]:8.2f} ms {median(times[1:]):8.2f} ms")


if __name__ == "__main__":
    main()
