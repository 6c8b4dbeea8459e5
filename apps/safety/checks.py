"""Edit checks of the adverse-event page: what cannot be right blocks completion, what is unusual is asked."""

from collections.abc import Iterator
from itertools import pairwise

from apps.safety import asked
from apps.safety.models import AdverseEvent, Attribution, GradePeriod, Outcome, Scale
from apps.visits.models import EntryState, FormRecord
from apps.visits.pages import Finding, Weight
from clinical.partial_date import Order, PartialDate
from clinical.protocol.definition import Definition

FATAL_GRADE = 5
LIFE_THREATENING_GRADE = 4
CRITERIA = (
    "results_in_death",
    "is_life_threatening",
    "needs_hospital",
    "disables",
    "is_congenital",
    "is_other_important",
)
OVER = frozenset({Outcome.RECOVERED, Outcome.RECOVERED_WITH_SEQUELAE})


def of_event(record: FormRecord) -> list[Finding]:
    """Everything that the values of one adverse event contradict or leave open."""
    event = AdverseEvent.objects.get(record=record)
    periods = list(GradePeriod.objects.filter(record=record, is_removed=False).order_by("pk"))
    definition = record.protocol_version.definition
    found = [*_times(event), *_ending(event), *_seriousness(event, definition), *_part_of(event, record)]
    if not asked.grades_by_words(definition):
        found += [*_grades(event, periods, definition), *_order(event, periods, definition)]
    return found + list(_actions(record, definition))


def _times(event: AdverseEvent) -> Iterator[Finding]:
    if _is_before(event.ended, event.onset):
        yield _blocks("ended", f"It ended {event.ended}, before it began {event.onset}. Correct one of the two dates.")
    if _is_before(event.site_aware_at, event.onset):
        yield _asks(
            "site_aware_at",
            f"The site knew of it {event.site_aware_at}, before it began {event.onset}. "
            "Correct a date, or say why it is right.",
            "aware before onset",
        )


def _ending(event: AdverseEvent) -> Iterator[Finding]:
    if event.is_ongoing and event.ended is not None:
        yield _blocks("is_ongoing", f"It is ongoing and ended {event.ended}. Only one of the two can be.")
    if event.is_ongoing and event.outcome in OVER:
        yield _blocks("outcome", "It is ongoing, so it is not recovered or resolved yet. Correct one of the two.")
    if event.is_ongoing and event.outcome == Outcome.FATAL:
        yield _blocks("is_ongoing", "A fatal event ends with the death. Enter its date as the end.")
    if event.ended is not None and event.outcome == Outcome.NOT_RECOVERED:
        yield _asks(
            "outcome",
            f"It ended {event.ended} and is not recovered or resolved. Say why both are right.",
            "ended, not over",
        )


def _seriousness(event: AdverseEvent, definition: Definition) -> Iterator[Finding]:
    met = [name for name in CRITERIA if getattr(event, name)]
    if event.is_serious:
        if event.site_aware_at is None and asked.is_collected(definition, "site_aware_at"):
            yield _blocks(
                "site_aware_at",
                "Enter the day and time when the site became aware that it is serious: the report is due from then.",
            )
        if not met:
            yield _blocks(
                "is_serious", "It is serious, and no criterion is answered with yes. Say what makes it serious."
            )
    elif event.is_serious is False and met:
        words = " and ".join(str(AdverseEvent._meta.get_field(name).verbose_name) for name in met)  # type: ignore[union-attr]  # columns
        yield _blocks("is_serious", f"It is not serious, but: {words}. Correct one of the two.")
    if event.outcome == Outcome.FATAL:
        if event.is_serious is False:
            yield _blocks("is_serious", "A fatal event is serious.")
        if event.results_in_death is False:
            yield _blocks("results_in_death", "The outcome is fatal, so it results in death. Correct one of the two.")
    elif event.results_in_death:
        yield _blocks("outcome", "It results in death, so the outcome is fatal. Correct one of the two.")


def _grades(event: AdverseEvent, periods: list[GradePeriod], definition: Definition) -> Iterator[Finding]:
    graded = [period for period in periods if period.grade is not None]
    for period in periods:
        if period.grade is None:
            yield _blocks(_path(period, "grade"), "Enter the grade, or remove the line.")
            continue
        scale = scale_of(period, event, definition)
        fault = asked.grade_fault(definition, term=event.ctcae_term, scale=scale, grade=period.grade)
        if fault is not None:
            yield _blocks(_path(period, "grade"), fault)
    if not periods:
        yield _blocks("ctcae_term", "Enter at least one grade.")
    highest = max((period.grade or 0 for period in graded), default=0)
    if event.outcome == Outcome.FATAL and graded and highest < FATAL_GRADE:
        yield _blocks("outcome", f"The outcome is fatal and the highest grade is {highest}. A fatal event has grade 5.")
    if highest == FATAL_GRADE and event.outcome is not None and event.outcome != Outcome.FATAL:
        yield _blocks("outcome", "Grade 5 is death, so the outcome is fatal. Correct one of the two.")
    if event.is_life_threatening and graded and highest < LIFE_THREATENING_GRADE:
        yield _asks(
            "is_life_threatening",
            f"It is life threatening and its highest grade is {highest}. Correct one, or say why both are right.",
            "life threatening below grade 4",
        )


def _order(event: AdverseEvent, periods: list[GradePeriod], definition: Definition) -> Iterator[Finding]:
    """Periods of one scale follow each other: none begins before the one above it, none overlaps the next."""
    for scale in Scale.values:
        of_scale = [period for period in periods if scale_of(period, event, definition) == scale]
        for place, period in enumerate(of_scale):
            began = period.began
            if began is None and place > 0:
                yield _blocks(_path(period, "began"), "Enter when this grade began.")
            if _is_before(period.ended, began):
                yield _blocks(_path(period, "ended"), f"This grade ended {period.ended}, before it began {began}.")
            if _is_before(began, event.onset):
                yield _blocks(
                    _path(period, "began"), f"This grade began {began}, before the event began {event.onset}."
                )
            if _is_before(event.ended, began):
                yield _blocks(_path(period, "began"), f"This grade began {began}, after the event ended {event.ended}.")
            if _is_before(event.ended, period.ended):
                yield _blocks(
                    _path(period, "ended"), f"This grade ended {period.ended}, after the event ended {event.ended}."
                )
        for earlier, later in pairwise(of_scale):
            start = earlier.began or event.onset
            if _is_before(later.began, start):
                yield _blocks(
                    _path(later, "began"), f"This grade began {later.began}, before the one above it began {start}."
                )
            elif _is_before(later.began, earlier.ended):
                yield _blocks(
                    _path(earlier, "ended"),
                    f"Grade {earlier.grade} lasted until {earlier.ended}, and the next grade began {later.began}. "
                    "One event has one grade at a time.",
                )


def _part_of(event: AdverseEvent, record: FormRecord) -> Iterator[Finding]:
    if event.part_of is None:
        return
    others = FormRecord.objects.filter(subject=record.subject_id, form=record.form, repeat=event.part_of)
    if event.part_of == record.repeat or not others.exclude(state=EntryState.REMOVED).exists():
        yield _blocks("part_of", f"This subject has no other adverse event no. {event.part_of}.")


def _actions(record: FormRecord, definition: Definition) -> Iterator[Finding]:
    if not asked.is_collected(definition, "action_taken"):
        return
    study = asked.study_products(definition)
    for line in Attribution.objects.filter(record=record, is_removed=False, action=None, key__in=study).order_by("pk"):
        name = definition.product(line.key).name
        yield _asks(_path(line, "action"), f"Say what was done with {name} because of this event.", "action missing")


def scale_of(period: GradePeriod, event: AdverseEvent, definition: Definition) -> str:
    """The scale of a period: its own, or the usual one of the event's term."""
    return period.scale or asked.usual_scale(definition, event.ctcae_term).value


def _is_before(first: PartialDate | None, second: PartialDate | None) -> bool:
    """Certainly before: what could still be right is not blocked."""
    return first is not None and second is not None and first.compare(second) is Order.BEFORE


def _path(line: GradePeriod | Attribution, name: str) -> str:
    return f"{line.kind}/{line.key}/{name}"


def _blocks(path: str, sentence: str) -> Finding:
    return Finding(path, sentence, Weight.BLOCKS, "contradiction")


def _asks(path: str, sentence: str, check: str) -> Finding:
    return Finding(path, sentence, Weight.CONFIRM, check)
