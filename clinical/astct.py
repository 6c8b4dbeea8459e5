"""ASTCT consensus grades of cytokine release syndrome (CRS) and neurotoxicity (ICANS) from what was observed.

Source: Lee et al., Biol Blood Marrow Transplant 2019;25:625 (tables for CRS, ICE score, ICANS in adults and children).
Only findings that have no other cause go in: that judgement is the investigator's. Organ toxicities (liver, heart) are
graded by CTCAE and change neither grade; CTCAE's own CRS grade is another scale, so a grade is stored with its scale.

A finding that nobody recorded is unknown, not absent. Where it could change the grade, the answer is the range that is
possible and what to look up; where it could not, the grade stands.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

FEVER_C = Decimal("38.0")
LOW_FLOW_MAXIMUM_L_MIN = Decimal(6)
DEATH = 5
CAPD_SEVERE = 9
"""Cornell Assessment of Pediatric Delirium: this score and above is grade 3."""


@dataclass(frozen=True, slots=True)
class Grading:
    """A grade with its reason. `grade` None: not gradable; `lowest` to `highest` is what it can be.

    A `highest` above `grade` means at least this grade. `needs_review`: a physician looks at it at once.
    """

    scale: str
    grade: int | None
    lowest: int | None
    highest: int | None
    missing: tuple[str, ...]
    reason: str
    needs_review: bool = False

    @property
    def in_words(self) -> str:
        """'CRS grade 2: hypotension without vasopressor.'"""
        if self.grade is None:
            return f"{self.scale} not gradable: {self.reason}."
        at_least = "at least " if self.highest is not None and self.highest > self.grade else ""
        return f"{self.scale} {at_least}grade {self.grade}: {self.reason}."


def _either(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _range(lowest: int, highest: int) -> str:
    return f"grade {lowest} to {highest} is possible"


# CRS


class Fever(StrEnum):
    """38.0 °C or more without other cause, and what treatment does to it."""

    PRESENT = "fever"
    MASKED = "no fever since antipyretic or anticytokine treatment of a fever"
    NEVER = "no fever"
    UNKNOWN = "temperature not recorded"


class Hypotension(StrEnum):
    """Blood pressure support; vasopressin is not counted among several vasopressors."""

    NONE = "no hypotension"
    NO_VASOPRESSOR = "hypotension without vasopressor"
    ONE_VASOPRESSOR = "one vasopressor with or without vasopressin"
    SEVERAL_VASOPRESSORS = "several vasopressors besides vasopressin"
    UNKNOWN = "blood pressure support not recorded"


class Hypoxia(StrEnum):
    """Oxygen need, by the device that meets it."""

    NONE = "no hypoxia"
    LOW_FLOW = "low-flow nasal cannula or blow-by"
    HIGH_FLOW = "high-flow nasal cannula or mask"
    POSITIVE_PRESSURE = "positive pressure"
    UNKNOWN = "oxygen need not recorded"


HYPOTENSION_GRADE: Mapping[Hypotension, tuple[int, int]] = {
    Hypotension.NONE: (1, 1),
    Hypotension.NO_VASOPRESSOR: (2, 2),
    Hypotension.ONE_VASOPRESSOR: (3, 3),
    Hypotension.SEVERAL_VASOPRESSORS: (4, 4),
    Hypotension.UNKNOWN: (1, 4),
}
HYPOXIA_GRADE: Mapping[Hypoxia, tuple[int, int]] = {
    Hypoxia.NONE: (1, 1),
    Hypoxia.LOW_FLOW: (2, 2),
    Hypoxia.HIGH_FLOW: (3, 3),
    Hypoxia.POSITIVE_PRESSURE: (4, 4),
    Hypoxia.UNKNOWN: (1, 4),
}


class Oxygen(StrEnum):
    """How oxygen is given."""

    NONE = "none"
    NASAL_CANNULA = "nasal cannula"
    BLOW_BY = "blow-by"
    HIGH_FLOW_CANNULA = "high-flow nasal cannula"
    FACEMASK = "facemask"
    NON_REBREATHER = "non-rebreather mask"
    VENTURI = "Venturi mask"
    CPAP = "CPAP"
    BIPAP = "BiPAP"
    VENTILATION = "intubation and mechanical ventilation"
    AIRWAY_PROTECTION = "intubation to protect the airway, without hypoxia"


@dataclass(frozen=True, slots=True)
class CrsObservation:
    """One moment of a possible CRS, as graded."""

    fever: Fever
    hypotension: Hypotension
    hypoxia: Hypoxia
    fatal: bool = False


def fever_of(temperature_c: Decimal | None, *, treated_after_fever: bool = False) -> Fever:
    """Fever by the thermometer. Treatment of an earlier fever stands for it from then on.

    Paracetamol given before there was any fever masks nothing that was documented: that stays "no fever".
    """
    if temperature_c is not None and temperature_c >= FEVER_C:
        return Fever.PRESENT
    if treated_after_fever:
        return Fever.MASKED
    return Fever.UNKNOWN if temperature_c is None else Fever.NEVER


def hypotension_of(hypotensive: bool | None, *, vasopressors: int | None, vasopressin: bool | None) -> Hypotension:
    """Blood pressure support from what was given; `vasopressors` counts without vasopressin.

    Noradrenaline with vasopressin is one vasopressor, and so is vasopressin by itself:

    >>> hypotension_of(True, vasopressors=1, vasopressin=True).name
    'ONE_VASOPRESSOR'
    """
    if vasopressors is not None and vasopressors > 1:
        return Hypotension.SEVERAL_VASOPRESSORS
    if vasopressors is None:
        return Hypotension.NONE if hypotensive is False else Hypotension.UNKNOWN
    if vasopressors == 1 or vasopressin:
        return Hypotension.ONE_VASOPRESSOR
    if vasopressin is None and hypotensive is not False:
        return Hypotension.UNKNOWN
    if hypotensive is None:
        return Hypotension.UNKNOWN
    return Hypotension.NO_VASOPRESSOR if hypotensive else Hypotension.NONE


def hypoxia_of(oxygen: Oxygen | None, *, flow_l_min: Decimal | None = None) -> Hypoxia:
    """Oxygen need from device and flow: a plain nasal cannula above 6 L/min counts as high flow.

    Intubation only to protect the airway (a seizure, say) is no hypoxia and must not make CRS grade 4.
    """
    match oxygen:
        case None:
            return Hypoxia.UNKNOWN
        case Oxygen.NONE | Oxygen.AIRWAY_PROTECTION:
            return Hypoxia.NONE
        case Oxygen.NASAL_CANNULA if flow_l_min is not None and flow_l_min > LOW_FLOW_MAXIMUM_L_MIN:
            return Hypoxia.HIGH_FLOW
        case Oxygen.NASAL_CANNULA | Oxygen.BLOW_BY:
            return Hypoxia.LOW_FLOW
        case Oxygen.CPAP | Oxygen.BIPAP | Oxygen.VENTILATION:
            return Hypoxia.POSITIVE_PRESSURE
        case _:
            return Hypoxia.HIGH_FLOW


def crs(observed: CrsObservation) -> Grading:
    """The CRS grade of one moment: the worse of blood pressure and oxygen, given fever.

    One vasopressor together with a low-flow cannula is grade 3, not the sum and not the mean. Without any fever the
    criteria give no grade, which is not "no CRS": premedication can mask it, so a physician looks at it at once.

    >>> crs(CrsObservation(Fever.PRESENT, Hypotension.ONE_VASOPRESSOR, Hypoxia.LOW_FLOW)).in_words
    'CRS grade 3: one vasopressor with or without vasopressin.'
    >>> crs(CrsObservation(Fever.PRESENT, Hypotension.NO_VASOPRESSOR, Hypoxia.UNKNOWN)).in_words
    'CRS not gradable: oxygen need not recorded, grade 2 to 4 is possible.'
    """
    if observed.fatal:
        return Grading("CRS", DEATH, DEATH, DEATH, (), "death due to CRS")
    pressure, oxygen = HYPOTENSION_GRADE[observed.hypotension], HYPOXIA_GRADE[observed.hypoxia]
    lowest, highest = max(pressure[0], oxygen[0]), max(pressure[1], oxygen[1])
    if observed.fever is Fever.NEVER:
        reason = f"no fever of {FEVER_C} °C or more is documented; treatment can mask it, so it needs review at once"
        return Grading("CRS", None, None, highest, (), reason, needs_review=True)
    unknown: list[str] = []
    if observed.fever is Fever.UNKNOWN:
        unknown.append(observed.fever.value)
    if lowest != highest:
        unknown += [
            finding.value
            for finding in (observed.hypotension, observed.hypoxia)
            if finding in (Hypotension.UNKNOWN, Hypoxia.UNKNOWN)
        ]
    if unknown:
        possible = _range(lowest, highest) if lowest != highest else f"grade {lowest} with fever"
        reason = f"{_either(unknown)}, {possible}"
        return Grading("CRS", None, lowest, highest, tuple(unknown), reason, needs_review=True)
    deciding = [
        finding.value
        for finding, (grade, _) in ((observed.hypotension, pressure), (observed.hypoxia, oxygen))
        if grade == lowest
    ]
    return Grading("CRS", lowest, lowest, lowest, (), _either(deciding) if lowest > 1 else "fever alone")


@dataclass(frozen=True, slots=True)
class CrsReading:
    """One entry of the bedside chart, oldest first in an episode; None is "not recorded".

    `treated`: an antipyretic or anticytokine drug (tocilizumab, steroid) was given at or before this entry.
    """

    temperature_c: Decimal | None
    treated: bool
    hypotensive: bool | None
    vasopressors: int | None
    vasopressin: bool | None
    oxygen: Oxygen | None
    flow_l_min: Decimal | None = None
    fatal: bool = False


def crs_readings(readings: Iterable[CrsReading]) -> tuple[Grading, ...]:
    """The grade at each entry of an episode, oldest first; a fever once treated needs no fever afterwards."""
    gradings = []
    had_fever = False
    for reading in readings:
        fever = fever_of(reading.temperature_c, treated_after_fever=had_fever and reading.treated)
        had_fever = had_fever or fever is Fever.PRESENT
        support = hypotension_of(
            reading.hypotensive, vasopressors=reading.vasopressors, vasopressin=reading.vasopressin
        )
        oxygen = hypoxia_of(reading.oxygen, flow_l_min=reading.flow_l_min)
        gradings.append(crs(CrsObservation(fever, support, oxygen, reading.fatal)))
    return tuple(gradings)


# ICANS


class Consciousness(StrEnum):
    """What it takes to wake the subject."""

    AWAKE = "awake"
    AWAKENS_SPONTANEOUSLY = "awakens spontaneously"
    AWAKENS_TO_VOICE = "awakens to voice"
    AWAKENS_TO_TOUCH = "awakens only to tactile stimulus"
    UNAROUSABLE = "unarousable, or needs vigorous or repetitive touch; stupor or coma"


class Seizure(StrEnum):
    """Seizures, clinical or on the EEG."""

    NONE = "no seizure"
    RESOLVED = "seizure that resolved rapidly or with intervention"
    PROLONGED = "seizure over 5 minutes, or repeated without return to baseline"


class Motor(StrEnum):
    """Motor findings; tremor and myoclonus are graded by CTCAE and stay out."""

    NONE = "no weakness"
    DEEP_FOCAL_WEAKNESS = "deep focal weakness such as hemiparesis or paraparesis"


class Edema(StrEnum):
    """Raised pressure or edema of the brain; no imaging because no sign asked for it counts as none."""

    NONE = "no edema"
    FOCAL = "focal edema on imaging"
    DIFFUSE = "diffuse edema, posturing, sixth nerve palsy, papilledema or Cushing triad"


CONSCIOUSNESS_GRADE: Mapping[Consciousness, int] = {
    Consciousness.AWAKE: 0,
    Consciousness.AWAKENS_SPONTANEOUSLY: 1,
    Consciousness.AWAKENS_TO_VOICE: 2,
    Consciousness.AWAKENS_TO_TOUCH: 3,
    Consciousness.UNAROUSABLE: 4,
}
SEIZURE_GRADE: Mapping[Seizure, int] = {Seizure.NONE: 0, Seizure.RESOLVED: 3, Seizure.PROLONGED: 4}
MOTOR_GRADE: Mapping[Motor, int] = {Motor.NONE: 0, Motor.DEEP_FOCAL_WEAKNESS: 4}
EDEMA_GRADE: Mapping[Edema, int] = {Edema.NONE: 0, Edema.FOCAL: 3, Edema.DIFFUSE: 4}

ICE_MAXIMUM = {"orientation": 4, "naming": 3, "commands": 1, "writing": 1, "attention": 1}
"""Points of the ICE score: year, month, city, hospital; three objects; a command; a sentence; 100 backwards by ten."""


class WithoutScore(StrEnum):
    """What an ICE (or CAPD) score that was not taken means for the grade."""

    BY_OTHER_DOMAINS = "by the other domains"
    NOT_GRADABLE = "not gradable"


@dataclass(frozen=True, slots=True)
class IcansObservation:
    """One neurological assessment; None is "not recorded". Children under 12 have a CAPD score instead of ICE."""

    ice_score: int | None = None
    consciousness: Consciousness | None = None
    seizure: Seizure | None = None
    motor: Motor | None = None
    edema: Edema | None = None
    arousable: bool | None = None
    under_12: bool = False
    capd_score: int | None = None
    fatal: bool = False


def ice_score(**points: int | None) -> int | None:
    """The ICE score, 0 to 10, from its five parts; None as long as a part was not tested.

    >>> ice_score(orientation=3, naming=3, commands=1, writing=0, attention=1)
    8
    """
    for part, best in ICE_MAXIMUM.items():
        given = points.get(part)
        if given is not None and not 0 <= given <= best:
            raise ValueError(f"ICE {part} has 0 to {best} points, not {given}.")
    if any(points.get(part) is None for part in ICE_MAXIMUM):
        return None
    return sum(points[part] or 0 for part in ICE_MAXIMUM)


def _can_be_woken(observed: IcansObservation) -> bool | None:
    if observed.arousable is not None or observed.consciousness is None:
        return observed.arousable
    return observed.consciousness is not Consciousness.UNAROUSABLE


def _cognition(observed: IcansObservation) -> tuple[int, int, str]:
    """Lowest and highest grade by ICE (under 12 years: CAPD), and the finding in words."""
    woken = _can_be_woken(observed)
    name, score = ("CAPD", observed.capd_score) if observed.under_12 else ("ICE", observed.ice_score)
    if score is None:
        if woken is False:
            return 4, 4, f"unarousable, {name} cannot be tested"
        return 0, 3 if woken else 4, f"{name} score not recorded"
    finding = f"{name} {score}"
    if observed.under_12:
        if score < 0 or score > 32:
            raise ValueError(f"A CAPD score is 0 to 32, not {score}.")
        grade = 3 if score >= CAPD_SEVERE else min(score, 1)  # 1 to 8: grade 1, or 2 by consciousness
        return grade, grade, finding
    if not 0 <= score <= 10:
        raise ValueError(f"An ICE score is 0 to 10, not {score}.")
    if score == 0:
        # awake with global aphasia scores 0 as well
        return (3 if woken is not False else 4), (4 if woken is not True else 3), finding
    grade = 3 if score <= 2 else 2 if score <= 6 else 1 if score <= 9 else 0
    return grade, grade, finding


def _domains(observed: IcansObservation) -> list[tuple[int, int, str]]:
    def known(grade: int | None, words: str | None, name: str) -> tuple[int, int, str]:
        return (0, 4, f"{name} not recorded") if grade is None else (grade, grade, words or "")

    consciousness, seizure, motor, edema = observed.consciousness, observed.seizure, observed.motor, observed.edema
    awareness = known(
        None if consciousness is None else CONSCIOUSNESS_GRADE[consciousness], consciousness, "consciousness"
    )
    if consciousness is None and observed.arousable is not None:
        # Who can be woken, however that is done, is not grade 4.
        awareness = (0, 3, awareness[2]) if observed.arousable else (4, 4, "cannot be woken")
    return [
        awareness,
        known(None if seizure is None else SEIZURE_GRADE[seizure], seizure, "seizure"),
        known(None if motor is None else MOTOR_GRADE[motor], motor, "motor findings"),
        known(None if edema is None else EDEMA_GRADE[edema], edema, "edema"),
    ]


def icans(observed: IcansObservation, *, without_score: WithoutScore = WithoutScore.BY_OTHER_DOMAINS) -> Grading:
    """The ICANS grade of one assessment: the worst of five domains; 0 is no ICANS.

    ICE 0 is grade 3 in a subject who is awake (global aphasia) and grade 4 only in one who cannot be woken. A missing
    ICE score does not hide what the other domains show: by convention (`without_score`) they make the grade, marked
    as a lower bound; but with nothing else found there is no grade, for the score alone would have shown it.

    >>> icans(IcansObservation(ice_score=0, consciousness=Consciousness.AWAKE, seizure=Seizure.NONE,
    ...     motor=Motor.NONE, edema=Edema.NONE)).grade
    3
    """
    if observed.fatal:
        return Grading("ICANS", DEATH, DEATH, DEATH, (), "death due to ICANS")
    cognition, others = _cognition(observed), _domains(observed)
    domains = [cognition, *others]
    lowest, highest = max(low for low, _, _ in domains), max(high for _, high, _ in domains)
    deciding = [words for low, high, words in domains if low == high == lowest]
    reason = _either(deciding) if lowest and deciding else "no finding"
    if lowest == highest:
        return Grading("ICANS", lowest, lowest, lowest, (), reason)
    missing = [words for low, high, words in domains if high > lowest and low != high]
    score_missing = missing == [cognition[2]] and cognition[0] == 0
    if score_missing and lowest and without_score is WithoutScore.BY_OTHER_DOMAINS:
        reason = f"{reason}; {missing[0]}"
        return Grading("ICANS", lowest, lowest, highest, tuple(missing), reason, needs_review=True)
    reason = f"{_either(missing)}, {_range(lowest, highest)}"
    return Grading("ICANS", None, lowest, highest, tuple(missing), reason, needs_review=True)


# Episodes


def worst(gradings: Iterable[Grading]) -> Grading | None:
    """The grade of an episode: the highest of its moments, as a lower bound where a moment that may be worse is open.

    None for an episode without any observation.

    >>> mild = crs(CrsObservation(Fever.PRESENT, Hypotension.NONE, Hypoxia.NONE))
    >>> blank = crs(CrsObservation(Fever.PRESENT, Hypotension.NONE, Hypoxia.UNKNOWN))
    >>> worst([mild, blank]).in_words
    'CRS at least grade 1: fever alone; at another time oxygen need not recorded, grade 1 to 4 is possible.'
    """
    moments = list(gradings)
    graded = [moment for moment in moments if moment.grade is not None]
    if not graded:
        return max(moments, key=lambda moment: moment.highest or 0, default=None)
    top = max(graded, key=lambda moment: moment.grade or 0)
    open_moments = [moment for moment in moments if (moment.highest or 0) > (top.grade or 0) and moment is not top]
    if not open_moments:
        return top
    highest = max(moment.highest or 0 for moment in open_moments)
    missing = tuple(dict.fromkeys(finding for moment in (top, *open_moments) for finding in moment.missing))
    others = "; ".join(dict.fromkeys(moment.reason for moment in open_moments))
    reason = f"{top.reason}; at another time {others}"
    return Grading(top.scale, top.grade, top.grade, highest, missing, reason, needs_review=True)
