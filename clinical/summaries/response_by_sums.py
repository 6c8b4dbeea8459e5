"""Response, progression and survival of a subject whose tumors are recorded as sums only.

The thresholds and the table of overall responses are those of RECIST 1.1 in `clinical.recist`. Data that carry no
single lesions allow one simplification only: complete response of the targets is a sum of 0 mm (RECIST 1.1 itself lets
normal lymph nodes keep their diameters).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from clinical.recist.responses import NewLesion, Response, has_progressed, overall_response, target_response
from clinical.summaries.subject_data import AssessmentRecord, SubjectRecord, TrialData
from clinical.survival import Observation

RESPONDED = (Response.CR, Response.PR)
NOT_PROGRESSED = (*RESPONDED, Response.SD, Response.NON_CR_NON_PD)
BEST_FIRST = (*NOT_PROGRESSED, Response.PD, Response.NE)


@dataclass(frozen=True, slots=True)
class Conventions:
    """What trials choose: how long disease must be stable, and when a response counts as confirmed."""

    minimum_stable_days: int = 35
    confirmation_days: int = 28


@dataclass(frozen=True, slots=True)
class Judged:
    """One assessment after the infusion with its overall response and its change from baseline in percent."""

    assessed_on: date
    day: int
    sum_mm: Decimal | None
    change_percent: Decimal | None
    response: Response


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one infused subject did.

    `judged` ends with the first progression: nothing after it can be a response. `is_pending` marks a responder without
    any scan after the first response, whose response nobody could have confirmed yet.
    """

    subject: SubjectRecord
    infused_on: date
    baseline_mm: Decimal | None
    judged: tuple[Judged, ...]
    best: Response
    confirmed_best: Response
    first_response_on: date | None
    confirmed_on: date | None
    is_pending: bool
    progressed_on: date | None
    last_assessed_on: date | None
    last_contact_on: date

    @property
    def responded(self) -> bool:
        return self.best in RESPONDED

    @property
    def is_confirmed(self) -> bool:
        return self.confirmed_best in RESPONDED

    @property
    def best_change_percent(self) -> Decimal | None:
        """The deepest change of the sum from baseline, growth included, up to the first progression."""
        known = [each.change_percent for each in self.judged if each.change_percent is not None]
        return min(known, default=None)

    @property
    def progression_or_death(self) -> date | None:
        """The earlier of the two, as duration of response and progression-free survival count it."""
        return min((day for day in (self.progressed_on, self.subject.died_before_cutoff) if day), default=None)

    @property
    def duration_of_response(self) -> Observation | None:
        """From the first response to progression or death; cut off at the last assessment."""
        start = self.first_response_on
        return None if start is None else self._until(start, self.progression_or_death)

    @property
    def progression_free(self) -> Observation:
        """From the infusion to progression or death; cut off at the last assessment, or at once without any."""
        return self._until(self.infused_on, self.progression_or_death)

    @property
    def overall_survival(self) -> Observation:
        """From the infusion to death; cut off when last known to be alive."""
        died = self.subject.died_before_cutoff
        end = died or self.last_contact_on
        return Observation(max((end - self.infused_on).days, 0), died is not None)

    def _until(self, start: date, event: date | None) -> Observation:
        end = event or self.last_assessed_on or start
        return Observation(max((end - start).days, 0), event is not None)


def outcomes(data: TrialData, conventions: Conventions | None = None) -> tuple[Outcome, ...]:
    """The outcome of every infused subject, in the order of the data."""
    by_subject: dict[str, list[AssessmentRecord]] = {}
    for each in data.assessments:
        by_subject.setdefault(each.subject, []).append(each)
    chosen = conventions or Conventions()
    return tuple(outcome(subject, by_subject.get(subject.name, ()), chosen) for subject in data.infused)


def outcome(subject: SubjectRecord, assessments: Iterable[AssessmentRecord], conventions: Conventions) -> Outcome:
    """The outcome of one infused subject.

    Baseline is the last assessment up to the day of the infusion; the nadir starts there. Assessments after the data
    cutoff have not happened yet, and those after the first progression no longer count.
    """
    infused = subject.infused_on
    if infused is None:
        raise ValueError(f"Subject {subject.name} was not infused and has no response.")
    known = sorted(
        (each for each in assessments if subject.cutoff is None or each.assessed_on <= subject.cutoff),
        key=lambda each: each.assessed_on,
    )
    baselines = [each for each in known if each.assessed_on <= infused and each.sum_mm is not None]
    baseline = baselines[-1].sum_mm if baselines else None
    judged = _judge(baseline, infused, [each for each in known if each.assessed_on > infused])
    first = next((each for each in judged if each.response in RESPONDED), None)
    confirmed = _confirmation(judged, RESPONDED, conventions)
    after = [each.assessed_on for each in known if each.assessed_on > infused]
    # Who died after the cutoff was alive at the cutoff; without any date of contact the last scan shows life.
    contact = subject.died_on or subject.last_known_alive or (after[-1] if after else infused)
    return Outcome(
        subject=subject,
        infused_on=infused,
        baseline_mm=baseline,
        judged=judged,
        best=_best(judged, conventions),
        confirmed_best=_confirmed_best(judged, conventions),
        first_response_on=first.assessed_on if first else None,
        confirmed_on=confirmed.assessed_on if confirmed else None,
        is_pending=first is not None and judged[-1] is first,
        progressed_on=judged[-1].assessed_on if judged and judged[-1].response is Response.PD else None,
        last_assessed_on=after[-1] if after else None,
        last_contact_on=contact if subject.cutoff is None else min(contact, subject.cutoff),
    )


def _judge(baseline: Decimal | None, infused: date, assessments: list[AssessmentRecord]) -> tuple[Judged, ...]:
    nadir = baseline
    judged: list[Judged] = []
    for each in assessments:
        response = overall_response(
            target=_target(baseline, nadir, each.sum_mm),
            non_target=each.non_target,
            new_lesion=NewLesion.YES if each.new_lesion else NewLesion.NO,
        )
        change = None
        if each.sum_mm is not None and baseline:
            change = (each.sum_mm - baseline) * 100 / baseline
        judged.append(Judged(each.assessed_on, (each.assessed_on - infused).days, each.sum_mm, change, response))
        if response is Response.PD:
            break
        if each.sum_mm is not None and nadir is not None:
            nadir = min(nadir, each.sum_mm)
    return tuple(judged)


def _target(baseline: Decimal | None, nadir: Decimal | None, current: Decimal | None) -> Response:
    """The response of the targets. Without a baseline sum, or with none now, nothing can be said.

    A baseline sum of 0 mm means that there was no target lesion, not that it is gone.
    """
    if baseline is None or nadir is None or current is None:
        return Response.NE
    if baseline == 0:
        return Response.PD if has_progressed(nadir=nadir, current=current) else Response.NONE
    return target_response(baseline=baseline, nadir=nadir, current=current, resolved=current == 0)


def _best(judged: Iterable[Judged], conventions: Conventions) -> Response:
    """The best response, unconfirmed. Disease stable on one early scan only is not stable disease."""
    return _best_of(each.response for each in judged if _counts(each, conventions))


def _counts(judged: Judged, conventions: Conventions) -> bool:
    stable = judged.response in (Response.SD, Response.NON_CR_NON_PD)
    return not stable or judged.day >= conventions.minimum_stable_days


def _best_of(responses: Iterable[Response]) -> Response:
    return min(responses, key=BEST_FIRST.index, default=Response.NE)


def _confirmation(judged: tuple[Judged, ...], wanted: tuple[Response, ...], conventions: Conventions) -> Judged | None:
    """The assessment that confirms: the first as good as wanted, long enough after an earlier one as good."""
    good = [each for each in judged if each.response in wanted]
    late = [each for each in good if each.day - good[0].day >= conventions.confirmation_days]
    return late[0] if late else None


def _confirmed_best(judged: tuple[Judged, ...], conventions: Conventions) -> Response:
    """The best response that was confirmed; a response never confirmed is stable disease if it came late enough."""
    if _confirmation(judged, (Response.CR,), conventions):
        return Response.CR
    if _confirmation(judged, RESPONDED, conventions):
        return Response.PR
    weaker = (
        Response.SD if each.response in RESPONDED else each.response
        for each in judged
        if each.response not in RESPONDED or each.day >= conventions.minimum_stable_days
        if _counts(each, conventions)
    )
    return _best_of(weaker)
