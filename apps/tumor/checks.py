"""What a lesion and an assessment are asked at completion.

RECIST's limits on the choice of lesions are confirmed with a reason and become queries, never a stop: the subject was
assessed the way the subject was assessed.
"""

from collections.abc import Iterator
from decimal import Decimal

from apps.tumor.models import Kind, Lesion, LesionMeasurement, LesionState
from apps.tumor.series import Seen, Series, as_engine_lesions, measurement_of, series, settings_of
from apps.tumor.series import diameter_of as diameter
from apps.visits.models import EntryState, FormRecord
from apps.visits.pages import Finding, Weight
from clinical.recist.lesions import Kind as EngineKind
from clinical.recist.lesions import State, is_measurable, measurable_from_mm
from clinical.recist.settings import Settings

UNUSUAL_MM = Decimal(300)
NEEDS_REASON = (LesionState.NOT_EVALUABLE, LesionState.NOT_DONE)


def of_lesion(record: FormRecord) -> list[Finding]:
    """More targets than the trial follows, in all or in one organ: asked on the page of the lesion that is too many."""
    lesion = Lesion.objects.get(record=record)
    recist = record.protocol_version.definition.recist
    if recist is None or lesion.kind != Kind.TARGET or lesion.lesion_id is None or lesion.parent_id is not None:
        return []
    settings = settings_of(recist)
    targets = (
        Lesion.objects.filter(subject=lesion.subject_id, evaluator=lesion.evaluator, kind=Kind.TARGET, parent=None)
        .filter(lesion_id__isnull=False, record_id__lte=record.pk)
        .exclude(record__state=EntryState.REMOVED)
        .order_by("record_id")
    )
    engine = as_engine_lesions(targets)
    found = []
    if len(engine) > settings.max_targets:
        found.append(
            Finding(
                "kind",
                f"{lesion.lesion_id} is target lesion number {len(engine)}; at most {settings.max_targets} are "
                "followed. Make it a non-target lesion, or say why it is right.",
                check="number of targets",
            )
        )
    mine = engine[-1]
    organ = [each for each in engine if _organ(each, settings) == _organ(mine, settings)]
    if _organ(mine, settings) and len(organ) > settings.max_targets_per_organ:
        found.append(
            Finding(
                "location",
                f"{len(organ)} target lesions are in {_organ(mine, settings).lower()}; at most "
                f"{settings.max_targets_per_organ} of one organ are followed. Correct it, or say why it is right.",
                check="targets in one organ",
            )
        )
    return found


def _organ(lesion: object, settings: Settings) -> str:
    if getattr(lesion, "is_node", False) and settings.nodes_are_one_organ:
        return "LYMPH NODES"
    return str(getattr(lesion, "organ", ""))


def of_assessment(record: FormRecord) -> list[Finding]:
    """Every lesion accounted for, nothing contradictory, and the evaluator's responses beside the system's."""
    head = record.tumorassessment
    derived = series(record.subject, head.evaluator) if head.evaluator else None
    lines = list(LesionMeasurement.objects.filter(record=record, is_removed=False).order_by("pk"))
    found = [finding for line in lines for finding in _about_line(record, line)]
    if derived is None:
        return found
    mine = next((seen for seen in derived.in_order if seen.record.pk == record.pk), None)
    if mine is not None and mine in derived.baseline:
        found += _about_baseline(derived, mine)
    elif mine is not None:
        found += _about_responses(derived, mine)
    return found


def _about_line(record: FormRecord, line: LesionMeasurement) -> Iterator[Finding]:
    name, mm = line.key, diameter(line)
    path = entry_path(line)
    blank = any(each.startswith(f"lesions/{name}/") for each in record.blank_reasons)
    if measurement_of(name, line) is None and not blank:
        yield Finding(
            path, f"{name}: enter what was seen of this lesion, or say why nothing is known.", Weight.BLOCKS, "missing"
        )
        return
    if mm and line.state == LesionState.ABSENT:
        yield Finding(
            path,
            f"{name} is absent and measures {mm:f} mm. Keep the one that is right.",
            Weight.BLOCKS,
            "absent and measured",
        )
    if line.state in NEEDS_REASON and not line.reason:
        yield Finding(f"lesions/{name}/reason", f"{name} was not evaluated: say why.", check="why not evaluated")
    if mm is not None and line.state == LesionState.TOO_SMALL:
        yield Finding(
            path,
            f"{name} is too small to measure and measures {mm:f} mm; the measured value counts. Correct it, or say why "
            "it is right.",
            check="too small and measured",
        )
    if mm is not None and mm > UNUSUAL_MM:
        yield Finding(
            path,
            f"{name} measures {mm:f} mm. Was it typed in millimetres? Correct it, or say why it is right.",
            check="very large",
        )
    if line.short_axis_mm is not None and line.longest_mm is not None and line.short_axis_mm > line.longest_mm:
        yield Finding(
            f"lesions/{name}/short_axis_mm",
            f"The short axis of {name} is longer than its longest diameter. Correct it, or say why it is right.",
            check="short axis",
        )


def entry_path(line: LesionMeasurement) -> str:
    """The field in which a lesion of this kind is usually answered."""
    if line.lesion_kind != Kind.TARGET:
        return f"lesions/{line.key}/state"
    return f"lesions/{line.key}/{'short_axis_mm' if line.lesion_is_node else 'longest_mm'}"


def _about_baseline(derived: Series, mine: Seen) -> Iterator[Finding]:
    """Sizes against measurability (RECIST 1.1, 3.1), and a scan too long before the first dose."""
    for lesion in derived.engine_lesions():
        line = mine.lines.get(lesion.name)
        if lesion.kind is not EngineKind.TARGET or lesion.parent or line is None:
            continue
        seen = mine.scan.assessment.by_lesion.get(lesion.name)
        if seen is None or seen.state is State.NOT_DONE:
            continue
        if seen.mm is None:
            yield Finding(
                entry_path(line),
                f"Target {lesion.name} has no diameter at baseline, so it is left out of every sum. "
                "Enter it, or say why.",
                check="no diameter at baseline",
            )
        elif not is_measurable(lesion, seen.mm, derived.settings):
            least = measurable_from_mm(lesion, derived.settings)
            yield Finding(
                entry_path(line),
                f"Target {lesion.name} measures {seen.mm:f} mm; a {'node' if lesion.is_node else 'lesion'} is "
                f"measurable from {least:f} mm on. Correct it, or say why it is right.",
                check="not measurable",
            )
    limit = derived.recist.baseline_days
    if derived.reference is not None and derived.reference.is_at_least(limit + 1, after=mine.scan.assessment.date):
        yield Finding(
            "scanned",
            f"The baseline scan is more than {limit} days before {derived.reference}. Correct it, "
            "or say why it is right.",
            check="baseline too early",
        )


def _about_responses(derived: Series, mine: Seen) -> Iterator[Finding]:
    head = mine.head
    evaluation = derived.evaluations[derived.follow_ups.index(mine)]
    asked = [("overall_response", "overall response", head.overall_response, evaluation.overall.value)]
    if evaluation.target.value != "NONE":
        asked.append(
            ("target_response", "response of the target lesions", head.target_response, evaluation.target.value)
        )
    if evaluation.non_target.value != "NONE":
        asked.append(
            (
                "non_target_response",
                "response of the non-target lesions",
                head.non_target_response,
                evaluation.non_target.value,
            )
        )
    for path, words, stated, _ in asked:
        if stated is None and path not in mine.record.blank_reasons:
            yield Finding(path, f"State the {words}.", Weight.BLOCKS, "missing")
    different = [(path, words, stated, system) for path, words, stated, system in asked if stated not in (None, system)]
    if head.new_lesions is not None and head.new_lesions != evaluation.new_lesion.value:
        different.append(("new_lesions", "answer on new lesions", head.new_lesions, evaluation.new_lesion.value))
    if different and not head.why_different:
        path, words, stated, system = different[0]
        yield Finding(
            path,
            f"The {words} is {stated}, and the system derives {system} ({evaluation.rule}). Say why they differ.",
            check=f"differs from {system}",
        )
