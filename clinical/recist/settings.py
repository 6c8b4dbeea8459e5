"""The conventions a trial may choose. The defaults are the guideline's where it names one."""

from dataclasses import dataclass
from decimal import Decimal

from clinical.recist.responses import Response


@dataclass(frozen=True, slots=True)
class Settings:
    """How one trial applies RECIST 1.1 and iRECIST; a protocol file sets these.

    The guideline leaves them open or gives a usual value (RECIST 1.1, sections 3, 4.6 and 4.7; iRECIST, Seymour
    2017). A trial whose first scan is at week 6 and that asks 6 weeks for stable disease says 42 days, and a scan
    made one day early then no longer proves it; many protocols therefore subtract the visit window.
    """

    # Baseline (RECIST 1.1, 3.1 and 3.2)
    max_targets: int = 5
    max_targets_per_organ: int = 2
    nodes_are_one_organ: bool = True
    measurable_mm: Decimal = Decimal(10)
    measurable_on_x_ray_mm: Decimal = Decimal(20)
    measurable_node_mm: Decimal = Decimal(15)
    slices_within_measurable: int = 2
    """A lesion is measurable only from this many slices on: with 8 mm slices from 16 mm."""

    # One assessment (RECIST 1.1, 4.3)
    pathological_node_mm: Decimal = Decimal(10)
    too_small_mm: Decimal = Decimal(5)
    pr_until_pd: bool = False
    """A partial response continues until progression, although the sum is no longer 30 % below baseline."""
    reappearance_after_cr_is_pd: bool = True
    """Any lesion seen again after an overall complete response is progression, however small."""
    date_new_lesion_from_first_sight: bool = True
    """A lesion first equivocal and later unequivocal dates the progression from the first scan (RECIST 1.1, 4.3.5)."""

    # Best overall response (RECIST 1.1, 4.6)
    sd_days: int = 28
    confirm_days: int = 28
    max_ne: int = 1
    """Not evaluable assessments tolerated between a response and its confirmation."""
    accept_one_sd: bool = False
    """One stable disease is tolerated between a partial response and its confirmation."""
    missing_as_ne: bool = False
    """An assessment not done, or no assessment at all, counts as not evaluable."""
    benefit: frozenset[Response] = frozenset({Response.CR, Response.PR, Response.SD, Response.NON_CR_NON_PD})
    """The responses that are clinical benefit once the minimum duration of stable disease has passed."""

    # Time to event
    count_first_day: bool = True
    """The day of the start counts as day 1, so a subject who progresses on it has lasted 1 day."""
    not_evaluable_counts_as_assessed: bool = False
    """Whether a not evaluable scan may be the last assessment at which a subject is censored."""
    censor_at_new_therapy: bool = True
    censor_after_missed_scans: int | None = None
    """Scans missed in a row before an event that make it unknown when it happened; none: never."""
    scan_interval_days: int | None = None
    scan_window_days: int = 0

    # iRECIST (Seymour 2017)
    icpd_from_days: int = 28
    icpd_to_days: int | None = None
    """Days after iUPD within which a scan may confirm it: 4 to 8 weeks in the paper, and no end by default."""
    icpd_growth_mm: Decimal = Decimal(5)
    repeated_progression_of_non_target_confirms: bool = False
    """Whether "unequivocal progression" recorded again at the next scan stands for further increase."""
    unconfirmed_progression_is_event: bool = True
    """An iUPD that no later assessment confirmed or refuted is the progression of that subject."""
