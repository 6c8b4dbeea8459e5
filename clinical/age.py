"""A person's age on a day, where the date of birth is known as far as the country's law lets a site record it."""

from datetime import date

from clinical.partial_date import PartialDate


def age_range(birth: PartialDate, on: PartialDate) -> tuple[int, int]:
    """The youngest and the oldest that a person can be on a day, in completed years.

    SDTM derives AGE in completed years from the date of birth and the reference date. Where only the year of birth may
    be recorded the answer is two ages, and the case people get wrong is to take one of them as known: born in 2008,
    the person is 17 or 18 in March 2026, and whether the trial takes them is not known.

    >>> age_range(PartialDate.parse("2008"), PartialDate.parse("2026-03-02"))
    (17, 18)
    >>> age_range(PartialDate.parse("2008-02-29"), PartialDate.parse("2026-02-28"))
    (17, 17)
    """
    youngest = completed_years(birth.latest().date(), on.earliest().date())
    return youngest, completed_years(birth.earliest().date(), on.latest().date())


def completed_years(birth: date, on: date) -> int:
    """Completed years between two days; a birthday on 29 February is reached on 1 March of other years."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))
