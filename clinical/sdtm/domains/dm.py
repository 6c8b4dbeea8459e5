"""DM, demographics: one row a subject, with the reference dates that every study day hangs on.

RFSTDTC is the first dose of the reference product (any study treatment unless the conventions name products),
RFXSTDTC and RFXENDTC the first and last exposure to any study treatment, RFENDTC the last exposure,
RFICDTC the first consent to the trial, RFPENDTC the end of participation, DTHDTC the death. A subject who was never
dosed has no RFSTDTC, and its arm is empty with the reason in ARMNRS. Several races: RACE is MULTIPLE, each one stands
in SUPPDM as RACE1, RACE2. Cohort, dose level, screening number and the words for another race go to SUPPDM.
"""

from clinical.sdtm.derivations import SubjectTimeline
from clinical.sdtm.facts import Administration, Casebook, Conventions, Subject
from clinical.sdtm.records import Record, Supplement, supplement

DOMAIN = "DM"


def exposures(book: Casebook) -> list[Administration]:
    """Doses of study treatment that were really given; a dose of nothing is none, unless it is a placebo's."""
    return [
        each
        for each in book.administrations
        if each.is_study_treatment and each.was_given and (each.dose != 0 or each.is_placebo)
    ]


def timeline(book: Casebook, conventions: Conventions) -> SubjectTimeline:
    """What the subject's other datasets are timed against.

    The first dose of an infusion that lasted past midnight is the day on which it began.
    """
    given = exposures(book)
    named = conventions.reference_products
    starts = [each.began for each in given if each.began and (not named or each.product in named)]
    return SubjectTimeline(
        study=book.subject.study,
        subject=book.subject.unique_id,
        reference_start=min(starts, default=None),
        first_exposure=min((each.began for each in given if each.began), default=None),
        elements=book.subject.elements,
    )


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """The subject's row."""
    subject = book.subject
    times = timeline(book, conventions)
    last = max((each.ended or each.began or "" for each in exposures(book)), default="") or None
    consents = [each.given for each in book.consents if each.given and each.activity is None]
    first_consent = min(consents, default=None)
    age = subject.age if subject.age is not None else age_in_years(subject.birth, first_consent)
    return [
        Record(
            {
                "SUBJID": subject.subject_number,
                "RFSTDTC": times.reference_start,
                "RFENDTC": last if times.reference_start else None,
                "RFXSTDTC": times.first_exposure,
                "RFXENDTC": last,
                "RFICDTC": first_consent,
                "RFPENDTC": subject.participation_ended or subject.died,
                "DTHDTC": subject.died,
                "DTHFL": "Y" if subject.died else None,
                "SITEID": subject.site,
                "INVID": subject.investigator_id,
                "INVNAM": subject.investigator_name,
                "BRTHDTC": subject.birth,
                "AGE": age,
                "AGEU": "YEARS" if age is not None else None,
                "SEX": subject.sex,
                "RACE": "MULTIPLE" if len(subject.races) > 1 else "".join(subject.races),
                "ETHNIC": subject.ethnicity,
                "ARMCD": subject.arm_code,
                "ARM": subject.arm,
                "ACTARMCD": subject.actual_arm_code,
                "ACTARM": subject.actual_arm,
                "ARMNRS": subject.no_arm_reason,
                "ACTARMUD": subject.unplanned_arm,
                "COUNTRY": subject.country,
                "DMDTC": subject.demographics_collected,
            },
            tuple(_supplements(subject)),
        )
    ]


def _supplements(subject: Subject) -> list[Supplement]:
    several = list(enumerate(subject.races, start=1)) if len(subject.races) > 1 else []
    return [
        *(Supplement(f"RACE{number}", f"Race {number}", race) for number, race in several),
        *supplement("RACEOTH", "Race, Other", subject.race_other),
        *supplement("SCRNNUM", "Screening Number", subject.screening_number, origin="ASSIGNED"),
        *supplement("COHORT", "Cohort", subject.cohort, origin="ASSIGNED"),
        *supplement("DOSELVL", "Assigned Dose Level", subject.dose_level, origin="ASSIGNED"),
    ]


def age_in_years(birth: str | None, at: str | None) -> int | None:
    """Completed years from a full date of birth to a full date; unknown from anything less.

    >>> age_in_years("1960-03-16", "2026-03-15"), age_in_years("1960-03", "2026-03-15")
    (65, None)
    """
    if not birth or not at or len(birth) < 10 or len(at) < 10:
        return None
    before_birthday = at[5:10] < birth[5:10]
    return int(at[:4]) - int(birth[:4]) - before_birthday
