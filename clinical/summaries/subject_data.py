"""Subject-level data of a trial with one infusion: subjects, adverse events, tumor assessments as sums.

The reader takes what a JSON file holds (three lists of records) and answers with data or with every problem at once.
Names it does not know are left alone, so a file may carry more than the tables need. A name it needs must be there, if
only to say null: a misspelt `infusion_date` must not turn everybody into a subject never infused. Of each record:

* `subjects`: subject, part, dose_level, lymphodepletion_start, infusion_date, death_date, last_known_alive, data_cutoff
  (dates may be null: not treated, not infused, not dead, not known; the last two may be left out);
* `adverse_events`: subject, term, ctcae_or_astct_grade, serious, dlt; if known related_to, grading_system, onset_date;
* `tumor_assessments`: subject, assessment_date, target_sum_mm, non_target, new_lesion.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any

from clinical.recist.responses import Response

NON_TARGET_WORDS: Mapping[str, Response] = {
    "cr": Response.CR,
    "non-cr/non-pd": Response.NON_CR_NON_PD,
    "present": Response.NON_CR_NON_PD,
    "pd": Response.PD,
    "unequivocal progression": Response.PD,
    "ne": Response.NE,
    "not evaluable": Response.NE,
    "none": Response.NONE,
    "absent": Response.NONE,
    "na": Response.NONE,
    "not applicable": Response.NONE,
}
"""What is said of the non-target lesions at a visit; `none` says there never were any, `CR` that they are gone."""

ASTCT = "ASTCT"


@dataclass(frozen=True, slots=True)
class SubjectRecord:
    """One subject from lymphodepletion to last contact. A date is None when it did not happen or is not known."""

    name: str
    part: str
    dose_level: str
    lymphodepleted_on: date | None
    infused_on: date | None
    died_on: date | None
    last_known_alive: date | None
    cutoff: date | None

    @property
    def was_treated(self) -> bool:
        """Treatment begins with lymphodepletion: a subject whose cells were never infused was exposed to it."""
        return self.lymphodepleted_on is not None or self.infused_on is not None

    @property
    def died_before_cutoff(self) -> date | None:
        """The death as the data cutoff knows it: one after the cutoff has not happened yet."""
        if self.died_on is None or (self.cutoff is not None and self.died_on > self.cutoff):
            return None
        return self.died_on


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One adverse event with its worst grade on one scale; the grade is None where it is missing."""

    subject: str
    term: str
    grade: int | None
    scale: str
    related_to: str
    is_serious: bool
    is_dlt: bool
    onset: date | None

    @property
    def is_by_astct(self) -> bool:
        return self.scale.upper().startswith(ASTCT)


@dataclass(frozen=True, slots=True)
class AssessmentRecord:
    """One tumor assessment: the sum of the targets, the non-target lesions, and whether a new lesion is seen."""

    subject: str
    assessed_on: date
    sum_mm: Decimal | None
    non_target: Response
    new_lesion: bool


@dataclass(frozen=True, slots=True)
class TrialData:
    """The three lists, subjects in the order of the file, assessments by date."""

    subjects: tuple[SubjectRecord, ...]
    events: tuple[EventRecord, ...]
    assessments: tuple[AssessmentRecord, ...]

    @property
    def treated(self) -> tuple[SubjectRecord, ...]:
        """Everybody who began lymphodepletion: the denominator of the safety tables."""
        return tuple(subject for subject in self.subjects if subject.was_treated)

    @property
    def infused(self) -> tuple[SubjectRecord, ...]:
        """Everybody who received cells: the denominator of the response tables."""
        return tuple(subject for subject in self.subjects if subject.infused_on is not None)


class UnreadableData(ValueError):
    """The data cannot be summarised; `problems` names everything that is wrong, in words."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def read(document: object) -> TrialData:
    """The data of a parsed JSON document, or `UnreadableData` with every problem at once.

    >>> read({"subjects": [], "adverse_events": []})
    Traceback (most recent call last):
        ...
    clinical.summaries.subject_data.UnreadableData: There is no list of tumor_assessments.
    """
    if not isinstance(document, Mapping):
        raise UnreadableData(["The file must hold one object with subjects, adverse_events and tumor_assessments."])
    reader = _Reader()
    subjects = [reader.subject(record) for record in reader.records(document, "subjects")]
    events = [reader.event(record) for record in reader.records(document, "adverse_events")]
    assessments = [reader.assessment(record) for record in reader.records(document, "tumor_assessments")]
    reader.compare(subjects, events, assessments)
    if reader.problems:
        raise UnreadableData(reader.problems)
    return TrialData(
        subjects=tuple(subjects),
        events=tuple(events),
        assessments=tuple(sorted(dict.fromkeys(assessments), key=lambda each: (each.assessed_on, each.subject))),
    )


@dataclass(frozen=True, slots=True)
class _Record:
    """One record of the file with the place that names it in a problem."""

    place: str
    values: Mapping[str, Any]


class _Reader:
    """Turns records into values and collects what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def records(self, document: Mapping[str, Any], name: str) -> list[_Record]:
        rows = document.get(name)
        if not isinstance(rows, list):
            self.problems.append(f"There is no list of {name}.")
            return []
        found = []
        for number, row in enumerate(rows, start=1):
            if isinstance(row, Mapping):
                who = row.get("subject")
                place = f"{name} {number}" + (f" ({who})" if isinstance(who, str) and who else "")
                found.append(_Record(place, row))
            else:
                self.problems.append(f"{name} {number} is not a record.")
        return found

    def subject(self, record: _Record) -> SubjectRecord:
        subject = SubjectRecord(
            name=self._text(record, "subject"),
            part=self._text(record, "part"),
            dose_level=self._text(record, "dose_level"),
            lymphodepleted_on=self._day(self._having(record, "lymphodepletion_start"), "lymphodepletion_start"),
            infused_on=self._day(self._having(record, "infusion_date"), "infusion_date"),
            died_on=self._day(self._having(record, "death_date"), "death_date"),
            last_known_alive=self._day(record, "last_known_alive"),
            cutoff=self._day(record, "data_cutoff"),
        )
        order = (
            ("lymphodepletion_start", subject.lymphodepleted_on),
            ("infusion_date", subject.infused_on),
            ("death_date", subject.died_on),
        )
        known = [(name, day) for name, day in order if day is not None]
        for (earlier, before), (later, after) in pairwise(known):
            if after < before:
                self.problems.append(f"{record.place}: {later} {after} lies before {earlier} {before}.")
        return subject

    def event(self, record: _Record) -> EventRecord:
        grade = self._having(record, "ctcae_or_astct_grade").values.get("ctcae_or_astct_grade")
        if grade is not None and (isinstance(grade, bool) or grade not in range(6)):
            self.problems.append(f"{record.place}: grade must be 0 to 5 or null, not {grade!r}.")
            grade = None
        return EventRecord(
            subject=self._text(record, "subject"),
            term=self._text(record, "term"),
            grade=None if grade is None else int(grade),
            scale=self._optional_text(record, "grading_system"),
            related_to=self._optional_text(record, "related_to"),
            is_serious=self._claim(record, "serious"),
            is_dlt=self._claim(record, "dlt"),
            onset=self._day(record, "onset_date"),
        )

    def assessment(self, record: _Record) -> AssessmentRecord:
        return AssessmentRecord(
            subject=self._text(record, "subject"),
            assessed_on=self._day(record, "assessment_date", required=True) or date.min,
            sum_mm=self._millimetres(self._having(record, "target_sum_mm"), "target_sum_mm"),
            non_target=self._non_target(self._having(record, "non_target")),
            new_lesion=self._claim(record, "new_lesion"),
        )

    def compare(
        self, subjects: list[SubjectRecord], events: list[EventRecord], assessments: list[AssessmentRecord]
    ) -> None:
        """What no single record shows: names twice, records of nobody, two readings of one scan."""
        known: dict[str, SubjectRecord] = {}
        for subject in subjects:
            if subject.name and subject.name in known:
                self.problems.append(f"Subject {subject.name} is listed twice.")
            known.setdefault(subject.name, subject)
        named = [(event.subject, "an adverse event") for event in events]
        named += [(each.subject, "a tumor assessment") for each in assessments]
        for name, what in dict.fromkeys(named):
            if name and name not in known:
                self.problems.append(f"Subject {name} has {what} and is not among the subjects.")
        readings: dict[tuple[str, date], AssessmentRecord] = {}
        for each in assessments:
            other = readings.setdefault((each.subject, each.assessed_on), each)
            if other != each and each.assessed_on != date.min:
                self.problems.append(f"Subject {each.subject} has two different assessments on {each.assessed_on}.")
            died = known[each.subject].died_on if each.subject in known else None
            if died is not None and each.assessed_on > died:
                self.problems.append(f"Subject {each.subject} died on {died} and was assessed on {each.assessed_on}.")

    def _having(self, record: _Record, name: str) -> _Record:
        if name not in record.values:
            self.problems.append(f"{record.place}: there is no {name}; write null where nothing is known.")
        return record

    def _text(self, record: _Record, name: str) -> str:
        value = record.values.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        fault = "is missing" if value is None or value == "" else f"must be text, not {value!r}"
        self.problems.append(f"{record.place}: {name} {fault}.")
        return ""

    def _optional_text(self, record: _Record, name: str) -> str:
        value = record.values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self.problems.append(f"{record.place}: {name} must be text, not {value!r}.")
            return ""
        return value.strip()

    def _day(self, record: _Record, name: str, *, required: bool = False) -> date | None:
        value = record.values.get(name)
        if value is None or value == "":
            if required:
                self.problems.append(f"{record.place}: {name} is missing.")
            return None
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            self.problems.append(f"{record.place}: {name} must be a full date like 2026-03-15, not {value!r}.")
            return None

    def _claim(self, record: _Record, name: str) -> bool:
        value = record.values.get(name)
        if not isinstance(value, bool):
            self.problems.append(f"{record.place}: {name} must be true or false, not {value!r}.")
            return False
        return value

    def _millimetres(self, record: _Record, name: str) -> Decimal | None:
        value = record.values.get(name)
        if value is None:
            return None
        try:
            number = None if isinstance(value, bool | str) else Decimal(str(value))
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite() or number < 0:
            self.problems.append(f"{record.place}: {name} must be a number of millimetres or null, not {value!r}.")
            return None
        return number

    def _non_target(self, record: _Record) -> Response:
        value = record.values.get("non_target")
        if value is None:
            return Response.NE
        known = NON_TARGET_WORDS.get(value.strip().lower()) if isinstance(value, str) else None
        if known is None:
            self.problems.append(
                f"{record.place}: non_target must be one of {', '.join(NON_TARGET_WORDS)} or null, not {value!r}."
            )
            return Response.NE
        return known
