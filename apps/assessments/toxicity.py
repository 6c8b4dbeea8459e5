"""CRS and ICANS grades of the bedside observations of a subject, derived anew whenever one of them changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.assessments.models import ToxicityObservation, YesNo
from apps.visits.models import EntryState, FormRecord
from clinical import astct
from clinical.astct import CrsReading, Fever, Grading, Hypotension, Hypoxia, IcansObservation

EPISODE_GAP = timedelta(days=3)
"""Observations further apart belong to different episodes: a fever of last month masks nothing today."""

NO_SIGN = "no fever, no hypotension, no hypoxia"


@dataclass(frozen=True)
class Grades:
    """What one observation amounts to on both scales; None where nothing of that scale was observed."""

    crs: Grading | None
    icans: Grading | None
    ice_score: int | None


def grade_observations(subject_id: int) -> None:
    """Write the derived grades of all of a subject's observations. A correction of the first can change the others."""
    observations = _oldest_first(subject_id)
    for observation, grades in zip(observations, grades_of(observations), strict=True):
        new = {
            "ice_score": grades.ice_score,
            "crs_grade": grades.crs.grade if grades.crs else None,
            "crs_reason": _reason(grades.crs),
            "icans_grade": grades.icans.grade if grades.icans else None,
            "icans_reason": _reason(grades.icans),
        }
        if any(getattr(observation, name) != value for name, value in new.items()):
            ToxicityObservation.objects.filter(pk=observation.pk).update(**new)


def grades_of(observations: Sequence[ToxicityObservation]) -> list[Grades]:
    """The grades of observations in the order of time, episode by episode."""
    found: list[Grades] = []
    for episode in _episodes(observations):
        gradings = astct.crs_readings([_reading(each) for each in episode])
        for observation, grading in zip(episode, gradings, strict=True):
            score = _ice_score(observation)
            found.append(Grades(_crs(observation, grading), _icans(observation, score), score))
    return found


def _oldest_first(subject_id: int) -> list[ToxicityObservation]:
    rows = ToxicityObservation.objects.filter(record__subject_id=subject_id, observed__isnull=False).exclude(
        record__state__in=[EntryState.REMOVED, EntryState.NOT_DONE]
    )
    undated = ToxicityObservation.objects.filter(record__subject_id=subject_id, observed=None)
    dated = sorted(rows, key=lambda row: (row.observed.earliest(), row.pk))
    return [*dated, *undated]


def _episodes(observations: Sequence[ToxicityObservation]) -> list[list[ToxicityObservation]]:
    """Observations in stretches without a gap; one without a time stands for itself."""
    episodes: list[list[ToxicityObservation]] = []
    last: datetime | None = None
    for observation in observations:
        when = observation.observed.earliest() if observation.observed else None
        if last is None or when is None or when - last > EPISODE_GAP:
            episodes.append([])
        episodes[-1].append(observation)
        last = when
    return episodes


def _yes(answer: str | None) -> bool | None:
    return None if answer is None else answer == YesNo.YES


def _reading(row: ToxicityObservation) -> CrsReading:
    return CrsReading(
        temperature_c=row.temperature,
        treated=row.fever_treated == YesNo.YES,
        hypotensive=_yes(row.hypotension),
        vasopressors=row.vasopressors,
        vasopressin=_yes(row.vasopressin),
        oxygen=astct.Oxygen[row.oxygen] if row.oxygen else None,
        flow_l_min=row.oxygen_flow,
    )


def _crs(row: ToxicityObservation, grading: Grading) -> Grading | None:
    """No grade before anything is recorded; grade 0 where fever, hypotension and hypoxia are all ruled out."""
    if all(value is None for value in (row.temperature, row.hypotension, row.vasopressors, row.oxygen)):
        return None
    reading = _reading(row)
    pressure = astct.hypotension_of(
        reading.hypotensive, vasopressors=reading.vasopressors, vasopressin=reading.vasopressin
    )
    quiet = pressure is Hypotension.NONE and astct.hypoxia_of(reading.oxygen) is Hypoxia.NONE
    afebrile = astct.fever_of(row.temperature) is Fever.NEVER
    if quiet and afebrile and not grading.grade:
        return Grading("CRS", 0, 0, 0, (), NO_SIGN)
    return grading


def _ice_score(row: ToxicityObservation) -> int | None:
    return astct.ice_score(
        orientation=row.ice_orientation,
        naming=row.ice_naming,
        commands=row.ice_commands,
        writing=row.ice_writing,
        attention=row.ice_attention,
    )


def _icans(row: ToxicityObservation, score: int | None) -> Grading | None:
    observed = IcansObservation(
        ice_score=score,
        consciousness=astct.Consciousness[row.consciousness] if row.consciousness else None,
        seizure=astct.Seizure[row.seizure] if row.seizure else None,
        motor=astct.Motor[row.motor] if row.motor else None,
        edema=astct.Edema[row.edema] if row.edema else None,
    )
    return None if observed == IcansObservation() else astct.icans(observed)


def _reason(grading: Grading | None) -> str:
    return "" if grading is None else grading.in_words[:300]


def panel(record: FormRecord) -> dict[str, object]:
    """What the page shows of the derived grades."""
    row = ToxicityObservation.objects.get(record=record)
    return {"row": row, "fever": astct.FEVER_C}
