"""How long a subject is watched before the next one of the same dose level may be dosed.

First-in-human trials dose a sentinel subject alone and let time pass before exposing the next (EMA guideline on
first-in-human trials, EMEA/CHMP/SWP/28367/07 Rev. 1, section 8.2.5). The hours are the protocol's.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from clinical.protocol.design import Stagger


def earliest_first_dose(rule: Stagger, first_doses: Iterable[datetime]) -> datetime | None:
    """From when the next subject of a level may get the first dose; None when nobody has to be waited for.

    `first_doses` are the first doses at the level, given or firmly planned, in any order. Each of the first
    `sentinel_subjects` is watched `first_to_second_hours`, each later one `between_others_hours`, and the latest of
    these ends counts. So a second subject who was dosed too early does not shorten the watch over the sentinel, which
    is what people get wrong who look at the last dose only:

    >>> rule = Stagger(first_to_second_hours=168, between_others_hours=24)
    >>> days = (datetime(2026, 3, 2, 9), datetime(2026, 3, 4, 9))
    >>> earliest_first_dose(rule, days).isoformat()
    '2026-03-09T09:00:00'
    >>> earliest_first_dose(rule, ()) is None
    True
    """
    ends = []
    for place, dose in enumerate(sorted(first_doses)):
        hours = rule.first_to_second_hours if place < rule.sentinel_subjects else rule.between_others_hours
        if hours:
            ends.append(dose + timedelta(hours=hours))
    return max(ends, default=None)
