"""Lesions, what was seen of them at an assessment, and what a baseline must satisfy.

Source: RECIST 1.1 (Eisenhauer 2009), sections 3 and 4.2 to 4.4.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from clinical.recist.scan_date import ScanDate
from clinical.recist.settings import Settings


class Kind(StrEnum):
    """What a lesion was chosen as when it was first identified; it never changes."""

    TARGET = "TARGET"
    NON_TARGET = "NON-TARGET"
    NEW = "NEW"


class State(StrEnum):
    """What one assessment says about one lesion."""

    MEASURED = "measured"
    PRESENT = "present"
    ABSENT = "absent"
    NORMAL = "normal"
    """A node that is no longer pathological; any other lesion that is normal is absent."""
    TOO_SMALL = "too small to measure"
    MERGED = "merged into another lesion"
    EQUIVOCAL = "equivocal"
    INCREASED = "increased"
    """Larger than at the last assessment, not by enough to be unequivocal; it confirms an iUPD."""
    PROGRESSED = "unequivocal progression"
    PROGRESSED_FURTHER = "unequivocal progression, larger than at the last assessment"
    NOT_EVALUABLE = "not evaluable"
    NOT_DONE = "not done"

    @property
    def was_evaluated(self) -> bool:
        return self not in (State.NOT_EVALUABLE, State.NOT_DONE)


@dataclass(frozen=True, slots=True)
class Lesion:
    """One lesion that an evaluator follows. A lesion that broke off a target names it as its `parent`."""

    name: str
    kind: Kind
    site: str = ""
    is_node: bool = False
    parent: str = ""
    is_on_x_ray: bool = False
    slice_mm: Decimal | None = None

    @property
    def organ(self) -> str:
        """The organ for counting targets: left and right make one organ."""
        words = self.site.upper().replace(",", " ").split()
        return " ".join(word for word in words if word not in ("LEFT", "RIGHT", "BILATERAL"))


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was seen of one lesion: its state, the diameter that counts where it was measured, the reason where not.

    The diameter is the longest one, and the short axis for a lymph node.
    """

    lesion: str
    state: State
    mm: Decimal | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if (self.mm is None) == (self.state is State.MEASURED):
            raise ValueError(f"{self.lesion}: a diameter goes with a measured lesion and with no other")
        if self.mm is not None and not self.mm >= 0:
            raise ValueError(f"{self.lesion}: a diameter of {self.mm} mm cannot be")

    @property
    def is_gone(self) -> bool:
        return self.state in (State.ABSENT, State.NORMAL) or (self.mm is not None and not self.mm)


@dataclass(frozen=True)
class Assessment:
    """One tumor assessment by one evaluator: everything said about the lesions at one visit."""

    visit: str
    date: ScanDate
    measurements: tuple[Measurement, ...]

    @cached_property
    def by_lesion(self) -> Mapping[str, Measurement]:
        found = {seen.lesion: seen for seen in self.measurements}
        if len(found) < len(self.measurements):
            twice = sorted(name for name, times in Counter(m.lesion for m in self.measurements).items() if times > 1)
            raise ValueError(f"{self.visit}: {', '.join(twice)} assessed twice")
        return found


def counted_mm(measurement: Measurement | None, settings: Settings) -> Decimal | None:
    """What a target adds to the sum of diameters, in mm; none where that is unknown.

    A lesion too small to measure is not gone and counts 5 mm; a smaller value really measured counts as measured.
    A node that has become normal keeps its short axis in the sum (RECIST 1.1, 4.3.2), so a sum above zero can be
    a complete response; of a normal node that nobody measured the sum is unknown. A lesion merged into another adds
    nothing: the other one's diameter holds both.

    >>> counted_mm(Measurement("T01", State.TOO_SMALL), Settings())
    Decimal('5')
    """
    if measurement is None:
        return None
    if measurement.state is State.MEASURED:
        return measurement.mm
    if measurement.state is State.ABSENT or measurement.state is State.MERGED:
        return Decimal(0)
    if measurement.state is State.TOO_SMALL:
        return settings.too_small_mm
    return None


def is_measurable(lesion: Lesion, mm: Decimal, settings: Settings) -> bool:
    """Whether a lesion is large enough for a target (RECIST 1.1, 3.1).

    10 mm by CT, 20 mm by chest X-ray, two slices where slices are thick; 15 mm short axis for a node. A node of
    10 to below 15 mm is disease, but non-target:

    >>> is_measurable(Lesion("T01", Kind.TARGET, is_node=True), Decimal("14.9"), Settings())
    False
    """
    return mm >= measurable_from_mm(lesion, settings)


def measurable_from_mm(lesion: Lesion, settings: Settings) -> Decimal:
    """The diameter from which a lesion is measurable, in mm."""
    if lesion.is_node:
        least = settings.measurable_node_mm
    elif lesion.is_on_x_ray:
        least = settings.measurable_on_x_ray_mm
    else:
        least = settings.measurable_mm
    return least if lesion.slice_mm is None else max(least, settings.slices_within_measurable * lesion.slice_mm)


def baseline_findings(lesions: Iterable[Lesion], baseline: Assessment, settings: Settings) -> tuple[str, ...]:
    """What RECIST 1.1 (3.1, 3.2) would object to in a choice of baseline lesions, in words. Nothing is refused.

    Counts targets in all and per organ, sizes against measurability, and lesions that nothing was said about. All
    lymph nodes count as one organ unless the trial says otherwise, whatever their regions.
    """
    findings: list[str] = []
    baseline_lesions = sorted(
        (lesion for lesion in lesions if lesion.kind is not Kind.NEW and not lesion.parent), key=lambda one: one.name
    )
    targets = [lesion for lesion in baseline_lesions if lesion.kind is Kind.TARGET]
    if len(targets) > settings.max_targets:
        findings.append(f"{len(targets)} target lesions are chosen; at most {settings.max_targets} are allowed.")
    organs: dict[str, list[str]] = {}
    for lesion in targets:
        organ = "LYMPH NODES" if lesion.is_node and settings.nodes_are_one_organ else lesion.organ
        if organ:
            organs.setdefault(organ, []).append(lesion.name)
    for organ, names in organs.items():
        if len(names) > settings.max_targets_per_organ:
            findings.append(
                f"{len(names)} target lesions are in {organ} ({', '.join(names)}); "
                f"at most {settings.max_targets_per_organ} per organ are allowed."
            )
    for lesion in baseline_lesions:
        seen = baseline.by_lesion.get(lesion.name)
        if lesion.kind is Kind.TARGET:
            findings += _objections_to_target(lesion, seen, settings)
        elif seen is None or not seen.state.was_evaluated:
            findings.append(f"Non-target lesion {lesion.name} was not assessed at baseline.")
        elif lesion.is_node and seen.mm is not None and seen.mm < settings.pathological_node_mm:
            findings.append(
                f"Node {lesion.name} has a short axis of {seen.mm} mm; "
                f"below {settings.pathological_node_mm} mm it is normal and not a lesion."
            )
    return tuple(findings)


def _objections_to_target(lesion: Lesion, seen: Measurement | None, settings: Settings) -> list[str]:
    if seen is not None and seen.is_gone:
        return [f"Target lesion {lesion.name} is not there at baseline; it is left out of every sum."]
    if seen is None or seen.mm is None:
        return [f"Target lesion {lesion.name} has no diameter at baseline; it is left out of every sum."]
    least = measurable_from_mm(lesion, settings)
    if seen.mm >= least:
        return []
    if lesion.is_node and seen.mm >= settings.pathological_node_mm:
        limits = f"from {settings.pathological_node_mm} to below {least} mm"
        return [f"Node {lesion.name} has a short axis of {seen.mm} mm; {limits} a node is a non-target lesion."]
    return [f"Target lesion {lesion.name} measures {seen.mm} mm; it is measurable from {least} mm on."]
